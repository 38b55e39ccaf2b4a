//! Somebody on the wire changes bytes: no session may come of it.

use proptest::prelude::*;

use super::*;
use crate::property;

#[test]
fn a_changed_bit_anywhere_with_a_key_ends_the_handshake() {
    check_each_bit(friends);
}

#[test]
fn a_changed_bit_anywhere_without_a_key_ends_the_handshake() {
    // Suite 0 stops nobody who makes the proofs anew, but noise on the wire it does stop.
    check_each_bit(|| (dialler(None), listener(KeyRing::new())));
}

#[test]
fn changed_runs_of_bytes_end_the_handshake() {
    let steps = prop::sample::select(vec![Step::Hello, Step::Challenge, Step::Proof, Step::Accept]);
    let run_of_bytes = prop::collection::vec(any::<u8>(), 1..40);
    property::check(300, &(steps, any::<u16>(), run_of_bytes), |(target, position, noise)| {
        let (dialler, listener) = friends();
        let mut changed = false;
        let outcome = run(dialler, &listener, |step, frame| {
            if step != target {
                return frame;
            }
            let mut bytes = frame.to_vec();
            let start = usize::from(position) % bytes.len();
            for (byte, new) in bytes[start..].iter_mut().zip(&noise) {
                changed |= byte != new;
                *byte = *new;
            }
            bytes.into()
        });
        if changed {
            check_no_session(&outcome);
        }
    });
}

#[test]
fn frames_exchanged_between_two_handshakes_end_both() {
    // The attacker runs two handshakes with the same key at the same time and swaps their frames.
    let (dialler, listener) = friends();
    let other = recorded_with_nonces([0x77; 32], [0x88; 32]);
    for (target, foreign) in other {
        let swap = |step, frame| if step == target { foreign.clone() } else { frame };
        let outcome = run(dialler.clone(), &listener, swap);
        check_no_session(&outcome);
    }
}

/// Flips each bit of each frame in turn.
#[track_caller]
fn check_each_bit(sides: impl Fn() -> (DiallerConfig, ListenerConfig)) {
    for target in [Step::Hello, Step::Challenge, Step::Proof, Step::Accept] {
        let mut position = 0;
        let mut length = usize::MAX;
        while position < length {
            for bit in 0..8 {
                let (dialler, listener) = sides();
                let outcome = run(dialler, &listener, |step, frame| {
                    if step != target {
                        return frame;
                    }
                    length = frame.len();
                    let mut bytes = frame.to_vec();
                    bytes[position] ^= 1 << bit;
                    bytes.into()
                });
                check_no_session(&outcome);
            }
            position += 1;
        }
    }
}

/// The dialler, which speaks first in a session, is never content. (A listener may be, when only
/// ACCEPT is lost or changed: it learns of that when the connection closes.)
#[track_caller]
fn check_no_session(outcome: &Outcome) {
    assert!(!matches!(outcome.dialler, Some(Ok(_))), "{outcome:?}");
}

/// The frames of another handshake between the same two, which differs in its nonces.
pub(super) fn recorded_with_nonces(client: [u8; 32], server: [u8; 32]) -> [(Step, Bytes); 4] {
    let (dialler, listener) = friends();
    let none = Extensions::NONE;
    let (hello, next) = dialler.start(client, ChannelBinding::None, none).expect("a short HELLO");
    let (challenge, expect_proof) = ExpectHello::new(&listener, NOW)
        .handle(&body(&hello), server, ChannelBinding::None, none)
        .expect("HELLO is taken");
    let (proof, _) = next.handle(&body(&challenge), none).expect("CHALLENGE is taken");
    let (accept, _) = expect_proof.handle(&body(&proof), SESSION_ID, none).expect("PROOF is taken");
    [
        (Step::Hello, body(&hello)),
        (Step::Challenge, body(&challenge)),
        (Step::Proof, body(&proof)),
        (Step::Accept, body(&accept)),
    ]
}
