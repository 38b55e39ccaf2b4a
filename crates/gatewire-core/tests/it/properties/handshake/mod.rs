//! Two diallers, two listeners, and an attacker who is the network.
//!
//! The attacker has heard an honest handshake between the same two. It delivers what it likes to whom it likes:
//! any frame that it has seen, from this handshake or another, as it was or damaged, with other fields,
//! or made up. What it cannot do is compute a proof.

mod attacker;
mod party;
mod scene;

use bytes::Bytes;

use super::Commands;
use attacker::Attacker;
use party::{Dialler, Listener};
use scene::Scene;

/// `input` says who holds which key, and what the attacker does.
///
/// Who is established is so with exactly one other side, and nobody else is with that one: the two hold the
/// same key, sit on the same channel, have seen the same frames, and know the same of the session. Each
/// frame is answered by one frame at most, of bounded length; each side takes two at most. A refusal tells
/// no more than it may. And what the attacker leaves alone ends as it must.
pub fn handshake(input: &[u8]) {
    let _sessions = play(input);
}

/// How many diallers and how many listeners are established in the end.
fn play(input: &[u8]) -> [usize; 2] {
    let mut commands = Commands { rest: input };
    let scene = Scene::read(&mut commands);
    let mut attacker = Attacker::default();
    // Numbers are the nonces: no two sides have the same.
    scene.check_honest(0, [1, 2], |frame| attacker.hear(frame));
    scene.check_honest(1, [3, 4], |_| ());

    let mut diallers = [scene.dialler(0, 5), scene.dialler(1, 6)];
    let mut listeners = [scene.listener(0, 7), scene.listener(1, 8)];
    for dialler in &diallers {
        attacker.hear(&dialler.sent[0]);
    }
    while let Some(command) = commands.next() {
        let frame = attacker.frame(&mut commands);
        let side = usize::from(command & 1);
        let answer = if command & 2 == 0 {
            listeners[side].handle(&frame)
        } else {
            diallers[side].handle(&frame)
        };
        if let Some(answer) = answer {
            attacker.hear(&answer);
        }
    }
    check_agreement(&scene, &diallers, &listeners);
    let dialled = diallers.iter().filter(|dialler| dialler.established().is_some()).count();
    let accepted = listeners.iter().filter(|listener| listener.established().is_some()).count();
    [dialled, accepted]
}

fn check_agreement(scene: &Scene, diallers: &[Dialler; 2], listeners: &[Listener<'_>; 2]) {
    for (at, listener) in listeners.iter().enumerate() {
        let Some(there) = listener.established() else { continue };
        let peers: Vec<_> = (0..2).filter(|&of| met(&diallers[of], listener)).collect();
        let [peer] = peers[..] else { panic!("established with {peers:?}") };
        assert_eq!(scene.expected(peer, at), Ok(()), "{there:?}");
        assert_eq!(there.key_id, scene.key_id(peer));
    }
    for (of, dialler) in diallers.iter().enumerate() {
        let Some(here) = dialler.established() else { continue };
        let whole = |listener: &&Listener<'_>| {
            met(dialler, listener) && listener.sent.get(1) == dialler.received.get(1)
        };
        let peers: Vec<_> = listeners.iter().filter(whole).collect();
        let [peer] = peers[..] else { panic!("dialler {of} is established with {}", peers.len()) };
        let there = peer.established().expect("ACCEPT is sent by who is established");
        scene::check_same(here, there);
    }
}

/// Whether all frames before ACCEPT went from the one to the other as they were.
fn met(dialler: &Dialler, listener: &Listener<'_>) -> bool {
    dialler.sent.len() == 2
        && dialler.sent == listener.received
        && dialler.received.first() == listener.sent.first()
}

/// A frame without its length prefix, as a framer gives it. No frame of a handshake is longer than 512 bytes.
fn body(frame: &Bytes) -> Bytes {
    assert!(frame.len() <= 4 + 512, "a frame of {} bytes", frame.len());
    let length: [u8; 4] = *frame.first_chunk().expect("a length prefix");
    assert_eq!(u32::from_le_bytes(length) as usize, frame.len() - 4);
    frame.slice(4..)
}

/// That the property is not true for want of sessions.
#[cfg(test)]
mod tests {
    use super::play;

    /// All hold the right key, on plain channels.
    const FRIENDS: [u8; 5] = [0; 5];
    /// To whom, which frame (counted back from the one heard last), and no change.
    const HELLO: [u8; 3] = [0, 1, 0];
    const CHALLENGE: [u8; 3] = [2, 0, 0];
    const PROOF: [u8; 3] = [0, 0, 0];
    const ACCEPT: [u8; 3] = [2, 0, 0];

    fn played(frames: &[[u8; 3]]) -> [usize; 2] {
        play(&[&FRIENDS[..], &frames.concat()].concat())
    }

    #[test]
    fn an_attacker_who_only_delivers_lets_them_meet() {
        assert_eq!(played(&[HELLO, CHALLENGE, PROOF, ACCEPT]), [1, 1]);
        // And crosswise: the second dialler with the first listener, the first with the second.
        let second = [[0, 0, 0], [3, 0, 0], [0, 0, 0], [3, 0, 0]];
        let first = [[1, 4, 0], [2, 0, 0], [1, 0, 0], [2, 0, 0]];
        assert_eq!(played(&[second, first].concat()), [2, 2]);
    }

    #[test]
    fn an_accept_that_is_kept_back_leaves_the_dialler_waiting() {
        assert_eq!(played(&[HELLO, CHALLENGE, PROOF]), [0, 1]);
        assert_eq!(played(&[HELLO, CHALLENGE]), [0, 0]);
    }
}
