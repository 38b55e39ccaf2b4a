//! Frames that were heard on another connection.

use gatewire::{Client, ConnectError, HandshakeError, RejectCode};

use super::kit::{BOTH, Over, Rogue, Stranger, Target, client_of, dialler, key, reject, ring};
use crate::raw::frame_of;
use crate::rig::{connect, eventually, fence, serve_with, within};
use crate::tls::kit::Between;

/// The side of a client that was let in, played again, word for word.
#[tokio::test]
async fn a_handshake_that_is_played_again_to_the_server_is_refused() {
    for over in BOTH {
        let mut target = Target::new(over).await;
        let mut honest = target.stranger().await;
        let (proof, expect) = honest.greet(dialler("one", 1)).await;
        honest.say(&proof).await;
        expect.handle(&honest.read().await.expect("an accept")).expect("the key is right");
        let heard = honest.said.clone();
        drop(honest);
        eventually(|| target.server.is_empty()).await;

        let mut stranger = target.stranger().await;
        stranger.say(&heard[0]).await;
        stranger.read().await.expect("a challenge");
        stranger.say(&heard[1]).await;
        stranger.expect_last(&reject(RejectCode::Auth)).await;
        target.expect_failure().await;
        // Without waiting for the server's words it is the same.
        let mut stranger = target.stranger().await;
        stranger.say(&heard.concat()).await;
        stranger.read().await.expect("a challenge");
        stranger.expect_last(&reject(RejectCode::Auth)).await;
        target.expect_failure().await;
        target.expect_alive().await;
    }
}

/// Two handshakes of one client at the same time: the proof of the one is none for the other.
#[tokio::test]
async fn a_proof_for_one_connection_is_none_for_another() {
    for over in BOTH {
        let mut target = Target::new(over).await;
        let (mut one, mut other) = (target.stranger().await, target.stranger().await);
        let (proof_of_one, _) = one.greet(dialler("one", 1)).await;
        let (proof_of_other, _) = other.greet(dialler("one", 1)).await;
        one.say(&proof_of_other).await;
        one.expect_last(&reject(RejectCode::Auth)).await;
        target.expect_failure().await;
        other.say(&proof_of_one).await;
        other.expect_last(&reject(RejectCode::Auth)).await;
        target.expect_failure().await;
        target.expect_alive().await;
    }
}

/// The side of a server that knows the key, played again to a client.
#[tokio::test]
async fn a_handshake_that_is_played_again_to_the_client_is_refused() {
    for over in BOTH {
        let target = Target::new(over).await;
        let mut honest = target.stranger().await;
        let (proof, expect) = honest.greet(dialler("one", 1)).await;
        let challenge = honest.heard.clone();
        honest.say(&proof).await;
        expect.handle(&honest.read().await.expect("an accept")).expect("the key is right");
        let accept = honest.heard[challenge.len()..].to_vec();

        let rogue = Rogue::bind(over).await;
        let (client, mut heard) = client_of(rogue.address(), over);
        let script = async {
            let mut stranger = rogue.accept().await;
            stranger.read().await.expect("a hello");
            stranger.say(&challenge).await;
            stranger.read().await.expect("a proof");
            stranger.say(&accept).await;
            stranger.expect_end().await;
        };
        let (connected, ()) = within(async { tokio::join!(client.connect(), script) }).await;
        let found = matches!(connected, Err(ConnectError::Handshake(HandshakeError::Proof)));
        assert!(found, "{connected:?}");
        heard.expect_nothing();
    }
}

/// A rogue server that passes the challenge of a real one on, to have the client make a proof for it: over TLS the
/// proof is for the connection to the rogue.
#[tokio::test]
async fn a_challenge_that_is_passed_on_gets_a_proof_for_nobody_else() {
    let mut target = Target::new(Over::Tls).await;
    let rogue = Rogue::bind(Over::Tls).await;
    let (client, _) = client_of(rogue.address(), Over::Tls);
    let script = async {
        let (mut victim, mut to_server) = (rogue.accept().await, target.stranger().await);
        assert_ne!(victim.binding(), to_server.binding());
        let hello = victim.read().await.expect("a hello");
        to_server.say(&frame_of(&hello)).await;
        let challenge = to_server.read().await.expect("a challenge");
        victim.say(&frame_of(&challenge)).await;
        let proof = victim.read().await.expect("a proof");
        to_server.say(&frame_of(&proof)).await;
        to_server.expect_last(&reject(RejectCode::Auth)).await;
    };
    tokio::select! {
        connected = client.connect() => panic!("{connected:?} while the rogue waits"),
        () = script => {}
    }
    target.expect_failure().await;
    target.expect_alive().await;
}

/// One leg plain, the other TLS, in either order: a server that speaks both takes neither for the other.
#[tokio::test]
async fn a_relay_from_plain_to_tls_or_back_is_refused() {
    for (near, far) in [(Over::Plain, Over::Tls), (Over::Tls, Over::Plain)] {
        let server = serve_with(|builder| builder.psk(ring()).tls_or_plain()).await;
        let rogue = Rogue::bind(near).await;
        let (client, _) = client_of(rogue.address(), near);
        let script = async {
            let mut victim = rogue.accept().await;
            let mut to_server = Stranger::connect(far, server.local_addr()).await;
            for _ in 0..2 {
                let frame = victim.read().await.expect("a frame of the client");
                to_server.say(&frame_of(&frame)).await;
                let answer = to_server.read().await.expect("an answer of the server");
                victim.say(&frame_of(&answer)).await;
            }
        };
        let (connected, ()) = within(async { tokio::join!(client.connect(), script) }).await;
        let code = RejectCode::Auth;
        let expected = HandshakeError::Rejected { code, retry_after_s: 0 };
        let refused =
            matches!(&connected, Err(ConnectError::Handshake(found)) if *found == expected);
        assert!(refused, "{near:?} to {far:?}: {connected:?}");
        assert!(server.is_empty());
    }
}

/// As the documentation says: on plain nothing stops who passes all frames on, and reads along.
#[tokio::test]
async fn a_relay_on_plain_is_not_seen() {
    let server = serve_with(|builder| builder.psk(ring()).plain()).await;
    let tap = Between::tap(server.local_addr(), usize::MAX).await;
    let client = Client::builder().psk("one", key(1)).plain().build(tap.address);
    connect(&client).await;
    fence(&client).await;
    assert!(tap.saw(b"fence"));
    // Over TLS he sees nothing.
    let server = serve_with(|builder| builder.psk(ring())).await;
    let tap = Between::tap(server.local_addr(), usize::MAX).await;
    let client = Client::builder().psk("one", key(1)).build(tap.address);
    connect(&client).await;
    fence(&client).await;
    assert!(!tap.saw(b"fence") && !tap.saw(b"GW3\0"));
}
