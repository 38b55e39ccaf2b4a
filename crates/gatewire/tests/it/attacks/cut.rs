//! Frames of a true handshake that are cut off, too long, or in another order.

use gatewire_codec::v3::MAX_HANDSHAKE_FRAME;

use super::kit::{BOTH, FAILURES, Over, Stranger, Target, begin, dialler};
use crate::raw::frame_of;

/// The stranger is not answered, and hung up on.
async fn expect_silence(target: &mut Target, mut stranger: Stranger) {
    stranger.expect_end().await;
    target.expect_failure().await;
}

/// At each byte of HELLO and of PROOF, each from somebody who knows the key and whose next byte would have been
/// right.
#[tokio::test]
async fn a_handshake_that_is_cut_at_any_byte_is_none() {
    /// Prefix, version and kind, no extensions, MAC.
    const PROOF: usize = 4 + 2 + 2 + 32;

    let hello = begin(dialler("one", 1), None).0.len();
    for over in BOTH {
        let mut target = Target::new(over).await;
        let cuts = (0..hello).map(|cut| (false, cut)).chain((0..PROOF).map(|cut| (true, cut)));
        for (tries, (in_proof, cut)) in (1..).zip(cuts) {
            let mut stranger = target.stranger().await;
            let whole = if in_proof {
                stranger.greet(dialler("one", 1)).await.0
            } else {
                let binding = stranger.binding();
                begin(dialler("one", 1), binding.as_ref()).0
            };
            assert_eq!(whole.len(), if in_proof { PROOF } else { hello });
            stranger.say(&whole[..cut]).await;
            stranger.finish().await;
            expect_silence(&mut target, stranger).await;
            if tries % FAILURES == 0 {
                target = Target::new(over).await;
            }
        }
    }
}

/// Frames whose length says less than what they need, or more than what they have.
#[tokio::test]
async fn a_frame_that_is_shorter_or_longer_than_its_message_is_refused() {
    for over in BOTH {
        let mut target = Target::new(over).await;
        for shorten in [true, false] {
            for in_proof in [false, true] {
                let mut stranger = target.stranger().await;
                let binding = stranger.binding();
                let whole = if in_proof {
                    stranger.greet(dialler("one", 1)).await.0
                } else {
                    begin(dialler("one", 1), binding.as_ref()).0
                };
                let mut body = whole[4..].to_vec();
                if shorten {
                    body.pop();
                } else {
                    body.push(0);
                }
                stranger.say(&frame_of(&body)).await;
                expect_silence(&mut target, stranger).await;
            }
        }
        target.expect_alive().await;
    }
}

/// Known from its four length bytes: nobody waits for the rest.
#[tokio::test]
async fn a_frame_of_more_than_512_bytes_is_refused_in_the_place_of_any() {
    for over in BOTH {
        let mut target = Target::new(over).await;
        for length in [MAX_HANDSHAKE_FRAME + 1, 1 << 20, u32::MAX] {
            for in_proof in [false, true] {
                let mut stranger = target.stranger().await;
                if in_proof {
                    stranger.greet(dialler("one", 1)).await;
                }
                stranger.say(&length.to_le_bytes()).await;
                expect_silence(&mut target, stranger).await;
            }
        }
        target.expect_alive().await;
    }
}

/// Frames of a true handshake, each where it does not belong: those of the server, sent back to it, as well.
#[tokio::test]
async fn frames_in_another_order_are_refused() {
    for over in BOTH {
        for in_proof in [false, true] {
            let mut target = Target::new(over).await;
            for frame in ["challenge", "accept", if in_proof { "hello" } else { "proof" }] {
                let mut stranger = target.stranger().await;
                let frames = true_frames(over).await;
                if in_proof {
                    stranger.greet(dialler("one", 1)).await;
                }
                let (_, bytes) = frames.iter().find(|(name, _)| *name == frame).expect("a name");
                stranger.say(bytes).await;
                expect_silence(&mut target, stranger).await;
            }
            target.expect_alive().await;
        }
    }
}

/// The frames of a handshake that went well, at another server with the same keys.
async fn true_frames(over: Over) -> [(&'static str, Vec<u8>); 4] {
    let target = Target::new(over).await;
    let mut stranger = target.stranger().await;
    let (proof, expect) = stranger.greet(dialler("one", 1)).await;
    let challenge = stranger.heard.clone();
    stranger.say(&proof).await;
    let accept = stranger.read().await.expect("an accept");
    expect.handle(&accept).expect("the key is right");
    let accept = frame_of(&accept).to_vec();
    let hello = stranger.said[0].to_vec();
    [("hello", hello), ("challenge", challenge), ("proof", proof.to_vec()), ("accept", accept)]
}
