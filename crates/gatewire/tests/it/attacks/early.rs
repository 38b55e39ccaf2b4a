//! Messages from somebody who has not proven anything yet.

use gatewire::RejectCode;
use gatewire_codec::v3::handshake::{Extensions, Proof};
use gatewire_codec::{Message, ValueRef};

use super::kit::{BOTH, Target, begin, dialler, early, reject};
use crate::raw::frame;

fn made_up_proof() -> bytes::Bytes {
    frame(&Message::Proof(Proof { extensions: Extensions::NONE, mac: [7; 32] }))
}

/// In the place of a frame of the handshake they end it.
#[tokio::test]
async fn a_message_is_no_frame_of_a_handshake() {
    let request = frame(&Message::Request { id: 1, event: "early", value: ValueRef::Integer(1) });
    for over in BOTH {
        let mut target = Target::new(over).await;
        for message in [early(), request.clone(), frame(&Message::Ping { token: 1 })] {
            for in_proof in [false, true] {
                let mut stranger = target.stranger().await;
                if in_proof {
                    stranger.greet(dialler("one", 1)).await;
                }
                stranger.say(&message).await;
                stranger.expect_end().await;
                target.expect_failure().await;
            }
        }
        target.expect_alive().await;
    }
}

/// A server takes two frames. What comes behind them waits for ACCEPT, and without one nobody ever sees it.
#[tokio::test]
async fn a_third_frame_behind_a_wrong_proof_reaches_nobody() {
    for over in BOTH {
        let mut target = Target::new(over).await;
        for (id, byte) in [("one", 2), ("two", 1), ("old", 1)] {
            let mut stranger = target.stranger().await;
            let (proof, _) = stranger.greet(dialler(id, byte)).await;
            stranger.say(&[&proof[..], &early(), &early()].concat()).await;
            stranger.expect_last(&reject(RejectCode::Auth)).await;
            target.expect_failure().await;
        }
        let mut stranger = target.stranger().await;
        stranger.greet(dialler("one", 1)).await;
        stranger.say(&[&made_up_proof()[..], &early()].concat()).await;
        stranger.expect_last(&reject(RejectCode::Auth)).await;
        target.expect_failure().await;
        target.expect_alive().await;
    }
}

/// All in one piece, without waiting for the server: what is behind HELLO is taken for PROOF.
#[tokio::test]
async fn a_message_behind_hello_ends_the_handshake() {
    for over in BOTH {
        let mut target = Target::new(over).await;
        let mut stranger = target.stranger().await;
        let binding = stranger.binding();
        let (hello, _) = begin(dialler("one", 1), binding.as_ref());
        stranger.say(&[&hello[..], &early(), &early()].concat()).await;
        stranger.read().await.expect("a challenge");
        stranger.expect_end().await;
        target.expect_failure().await;
        target.expect_alive().await;
    }
}
