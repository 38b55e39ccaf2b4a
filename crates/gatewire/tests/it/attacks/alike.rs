//! What somebody who does not know a key sees of it: nothing.

use gatewire::RejectCode;
use gatewire::admission::Failure;
use gatewire_codec::v3::handshake::Role;
use gatewire_core::handshake::DiallerConfig;

use super::kit::{Over, Stranger, Target, dialler, reject};
use crate::tls::kit::Between;

/// Where the nonce of a server stands in the bytes that it sends: behind prefix, version and kind, chosen version and
/// suite, and instance. It is the one thing that may differ.
const NONCE: std::ops::Range<usize> = 4 + 2 + 2 + 16..4 + 2 + 2 + 16 + 32;

/// All that a stranger sees of a refusal.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// All bytes that the server says, but for its nonce.
    said: Vec<u8>,
    /// How many bytes pass the wire in both directions, encryption and its end included.
    on_the_wire: usize,
}

async fn look(target: &mut Target, over: Over, config: DiallerConfig) -> Seen {
    let tap = Between::tap(target.server.local_addr(), usize::MAX).await;
    let mut stranger = Stranger::connect(over, tap.address).await;
    let (proof, _) = stranger.greet(config).await;
    stranger.say(&proof).await;
    stranger.expect_last(&reject(RejectCode::Auth)).await;
    target.expect_failure().await;
    let mut said = stranger.heard;
    said[NONCE].fill(0);
    Seen { said, on_the_wire: tap.seen() }
}

/// The same frames with the same bytes, the same end, the same figures. (When REJECT comes, chance decides: that is
/// tested where the delay is.)
#[tokio::test]
async fn an_unknown_id_a_wrong_key_and_one_out_of_its_time_look_the_same() {
    async fn check(over: Over) {
        let mut target = Target::new(over).await;
        let wrong_key = look(&mut target, over, dialler("one", 2)).await;
        let faults = [
            ("two", Failure::UnknownKey),
            ("old", Failure::KeyExpired),
            ("new", Failure::KeyNotYetValid),
        ];
        for (id, failure) in faults {
            // Whether the secret is the one of the key makes no difference.
            for byte in [1, 2] {
                let seen = look(&mut target, over, dialler(id, byte)).await;
                assert_eq!(seen, wrong_key, "{id} over {over:?}");
            }
            // Who runs the server is told.
            assert_eq!(target.server.admission().failed(failure), 2);
        }
        assert_eq!(target.server.admission().failed(Failure::Proof), 1);
        target.expect_alive().await;
    }
    tokio::join!(check(Over::Plain), check(Over::Tls));
}

/// That a key is not for this role, or for a router of this name, is told to who knows the key, and to nobody else.
#[tokio::test]
async fn a_wrong_role_or_name_is_told_only_behind_a_right_proof() {
    async fn check(over: Over) {
        let (mut target, mut told) = (Target::new(over).await, Vec::new());
        for (id, role, failure) in [
            ("one", Role::Router, Failure::Role),
            ("hub", Role::Client, Failure::Role),
            ("hub", Role::Router, Failure::NodeName),
        ] {
            let with = |byte| DiallerConfig { role, ..dialler(id, byte) };
            let mut stranger = target.stranger().await;
            let (proof, _) = stranger.greet(with(1)).await;
            stranger.say(&proof).await;
            stranger.expect_last(&reject(RejectCode::NotAllowed)).await;
            target.expect_failure().await;
            told.push(failure);
            let count = told.iter().filter(|told| **told == failure).count();
            assert_eq!(target.server.admission().failed(failure), count as u64);
            look(&mut target, over, with(2)).await;
        }
        target.expect_alive().await;
    }
    tokio::join!(check(Over::Plain), check(Over::Tls));
}
