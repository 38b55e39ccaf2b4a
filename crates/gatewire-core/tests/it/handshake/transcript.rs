//! The frames of a true handshake, damaged and in any order: no session may come of it.

use proptest::prelude::*;
use proptest::sample::Index;

use super::tampering::recorded_with_nonces;
use super::*;
use crate::property;
use gatewire_core::handshake::{ExpectAccept, ExpectProof};

/// Something that happens to a frame on its way.
#[derive(Debug, Clone)]
enum Damage {
    Cut(Index),
    Flip(Index, u8),
    /// Some of its bytes once more behind them.
    Repeat(Index, Index),
    /// Two parts in the other order.
    Swap(Index),
    Insert(Index, u8),
    /// A frame of an earlier handshake in its place.
    Instead(Index),
}

impl Damage {
    fn apply(&self, frame: &mut Vec<u8>, recorded: &[(Step, Bytes); 4]) {
        let length = frame.len().max(1);
        match self {
            Self::Cut(at) => frame.truncate(at.index(length)),
            Self::Flip(at, bit) => {
                if let Some(byte) = frame.get_mut(at.index(length)) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Repeat(from, count) => {
                let from = from.index(length).min(frame.len());
                let part: Vec<u8> = frame[from..].iter().copied().take(count.index(64)).collect();
                frame.splice(from..from, part);
            }
            Self::Swap(at) => {
                let cut = at.index(length).min(frame.len());
                frame.rotate_left(cut);
            }
            Self::Insert(at, byte) => frame.insert(at.index(length).min(frame.len()), *byte),
            Self::Instead(which) => *frame = which.get(recorded).1.to_vec(),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Damage::Cut),
        (index(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (index(), index()).prop_map(|(from, count)| Damage::Repeat(from, count)),
        index().prop_map(Damage::Swap),
        (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        index().prop_map(Damage::Instead),
    ]
}

#[test]
fn a_damaged_transcript_opens_no_session() {
    let steps = prop::sample::select(vec![Step::Hello, Step::Challenge, Step::Proof, Step::Accept]);
    let some = prop::collection::vec((steps, damage()), 1..6);
    // Its nonces are others, as those of each handshake are.
    let recorded = recorded_with_nonces([0x77; 32], [0x88; 32]);
    property::check(2000, &some, |all| {
        let (dialler, listener) = friends();
        let mut damaged = Vec::new();
        let outcome = run(dialler, &listener, |step, frame| {
            let mut bytes = frame.to_vec();
            for (_, damage) in all.iter().filter(|(of, _)| *of == step) {
                damage.apply(&mut bytes, &recorded);
            }
            if bytes != frame {
                damaged.push(step);
            }
            bytes.into()
        });
        let Some(first) = damaged.first() else { return };
        assert!(!matches!(outcome.dialler, Some(Ok(_))), "{first:?}: {outcome:?}");
        // Of what happens to ACCEPT the listener cannot know.
        if *first != Step::Accept {
            assert!(!matches!(outcome.listener, Some(Ok(_))), "{first:?}: {outcome:?}");
        }
    });
}

/// A listener as the network sees it: it takes two frames, then nothing.
enum Listening<'c> {
    Hello(ExpectHello<'c>),
    Proof(Box<ExpectProof>),
    Over,
}

enum Dialling {
    Challenge(ExpectChallenge<'static>),
    Accept(ExpectAccept),
    Over,
}

/// Whole frames of a true handshake, again, left out, in any order: to a listener and a dialler that know the
/// key, and whose nonces are new.
#[test]
fn a_transcript_played_again_in_any_order_opens_no_session() {
    let recorded = recorded();
    let some = prop::collection::vec((any::<bool>(), any::<Index>()), 1..8);
    property::check(2000, &some, |deliveries| {
        let (dialler, config) = friends();
        let none = Extensions::NONE;
        let mut listening = Listening::Hello(ExpectHello::new(&config, NOW));
        let (_, expect) =
            dialler.start([0x98; 32], ChannelBinding::None, none).expect("a short HELLO");
        let mut dialling = Dialling::Challenge(expect);
        for (to_listener, which) in deliveries {
            let (_, frame) = which.get(&recorded);
            if to_listener {
                listening = match listening {
                    Listening::Hello(state) => state
                        .handle(frame, [0x99; 32], ChannelBinding::None, none)
                        .map_or(Listening::Over, |(_, next)| Listening::Proof(Box::new(next))),
                    Listening::Proof(state) => {
                        let outcome = state.handle(frame, SESSION_ID, none);
                        assert!(outcome.is_err(), "{outcome:?}");
                        Listening::Over
                    }
                    Listening::Over => Listening::Over,
                };
            } else {
                dialling = match dialling {
                    Dialling::Challenge(state) => state
                        .handle(frame, none)
                        .map_or(Dialling::Over, |(_, next)| Dialling::Accept(next)),
                    Dialling::Accept(state) => {
                        let outcome = state.handle(frame);
                        assert!(outcome.is_err(), "{outcome:?}");
                        Dialling::Over
                    }
                    Dialling::Over => Dialling::Over,
                };
            }
        }
    });
}
