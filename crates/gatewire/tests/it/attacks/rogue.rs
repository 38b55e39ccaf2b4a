//! A client that knows a key, and servers that do not; or that do, and whose frames are damaged on the way.

use std::convert::Infallible;

use bytes::Bytes;
use gatewire::{ConnectError, HandshakeError, KeyRing, SocketId};
use gatewire_codec::v3::handshake::{Accept, Challenge, Extensions, Proof};
use gatewire_codec::{Message, v3};
use gatewire_core::UnixTime;
use gatewire_core::handshake::{Decoys, ExpectHello, ListenerConfig};
use tokio::task::JoinSet;

use super::kit::{BOTH, Over, Rogue, Stranger, channel, client_of, early, key};
use crate::raw::{frame, frame_of};
use crate::rig::within;

/// The frame of the server that a script replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Challenge,
    Accept,
}

/// Answers a client as a server that knows its key; `change` is given each frame, and says what is sent in its place. After
/// that of `last` nothing more is sent.
async fn answer(stranger: &mut Stranger, last: Place, change: &impl Fn(Place, Bytes) -> Vec<u8>) {
    let config = ListenerConfig {
        keys: KeyRing::new().with("one", key(1)),
        decoys: Decoys::new([3; 32]),
        instance: [2; 16],
        max_frame: 1 << 20,
        max_router_frame: 1 << 20,
        auth_timeout_s: 5,
        ping_s: 10,
    };
    let (binding, none) = (stranger.binding(), Extensions::NONE);
    let hello = stranger.read().await.expect("a hello");
    let (challenge, expect) = ExpectHello::new(&config, UnixTime::default())
        .handle(&hello, [4; 32], channel(binding.as_ref()), none)
        .expect("a hello");
    stranger.say(&change(Place::Challenge, challenge)).await;
    if last == Place::Challenge {
        return;
    }
    let proof = stranger.read().await.expect("a proof");
    let (accept, _) =
        expect.handle(&proof, SocketId::from_bytes([5; 16]), none).expect("the key is right");
    stranger.say(&change(Place::Accept, accept)).await;
}

/// Such a server, for as many connections as come.
async fn serve(
    rogue: &Rogue,
    last: Place,
    hang_up: bool,
    change: impl Fn(Place, Bytes) -> Vec<u8>,
) -> Infallible {
    loop {
        let mut stranger = rogue.accept().await;
        answer(&mut stranger, last, &change).await;
        if hang_up {
            stranger.finish().await;
        }
        while stranger.read().await.is_some() {}
    }
}

/// What a client says to such a server. No handler of it has heard anything.
async fn outcome(
    over: Over,
    last: Place,
    hang_up: bool,
    change: impl Fn(Place, Bytes) -> Vec<u8>,
) -> Result<(), ConnectError> {
    let rogue = Rogue::bind(over).await;
    let (client, mut heard) = client_of(rogue.address(), over);
    let connected = tokio::select! {
        connected = within(client.connect()) => connected,
        never = serve(&rogue, last, hang_up, change) => match never {},
    };
    assert!(!client.is_connected());
    heard.expect_nothing();
    connected
}

/// That the tests below fail for what they change, and for nothing else.
#[tokio::test]
async fn a_server_that_knows_the_key_is_taken() {
    for over in BOTH {
        let rogue = Rogue::bind(over).await;
        let (client, mut heard) = client_of(rogue.address(), over);
        let script = async {
            let mut stranger = rogue.accept().await;
            answer(&mut stranger, Place::Accept, &|_, frame| frame.to_vec()).await;
            stranger.say(&early()).await;
            stranger
        };
        let (connected, _open) = within(async { tokio::join!(client.connect(), script) }).await;
        connected.expect("the key is right");
        assert_eq!(heard.next().await, 1);
    }
}

/// Frames of another kind, those of the client itself as well; of another version; and what is no frame.
#[tokio::test]
async fn a_client_takes_nothing_but_the_frame_that_is_due() {
    let mac = [7; 32];
    let none = Extensions::NONE;
    let made_up = [
        frame(&Message::Hello(crate::raw::hello())),
        frame(&Message::Proof(Proof { extensions: none, mac })),
        early(),
        frame(&Message::Ping { token: 1 }),
        frame_of(&[3, 200]),
        frame_of(&[]),
        frame_of(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Bytes::copy_from_slice(&513_u32.to_le_bytes()),
        Bytes::copy_from_slice(&u32::MAX.to_le_bytes()),
    ];
    for over in BOTH {
        for place in [Place::Challenge, Place::Accept] {
            for wrong in &made_up {
                let connected = outcome(over, place, false, |at, frame| {
                    if at == place { wrong.to_vec() } else { frame.to_vec() }
                });
                check_refused(&connected.await);
            }
            // The right frame with a byte more, a byte less, and of another version.
            let damage: [fn(&Bytes) -> Vec<u8>; 3] = [
                |frame| frame_of(&[&frame[4..], b"\0"].concat()).to_vec(),
                |frame| frame_of(&frame[4..frame.len() - 1]).to_vec(),
                |frame| [&frame[..4], &[2], &frame[5..]].concat(),
            ];
            for damage in damage {
                let connected = outcome(over, place, false, |at, frame| {
                    if at == place { damage(&frame) } else { frame.to_vec() }
                });
                check_refused(&connected.await);
            }
        }
        // CHALLENGE once more is no ACCEPT, and ACCEPT no CHALLENGE.
        let twice = outcome(over, Place::Challenge, true, |_, frame| [&frame[..], &frame].concat());
        check_refused(&twice.await);
        let accept = Accept { session_id: [5; 16], extensions: none, mac };
        let accept_first =
            outcome(over, Place::Challenge, false, |_, _| frame(&Message::Accept(accept)).to_vec());
        check_refused(&accept_first.await);
    }
}

#[track_caller]
fn check_refused(connected: &Result<(), ConnectError>) {
    let found = matches!(
        connected,
        Err(ConnectError::Frame(_)
            | ConnectError::Handshake(
                HandshakeError::Malformed(_) | HandshakeError::Unexpected { .. }
            ))
    );
    assert!(found, "{connected:?}");
}

/// However little is missing. (A client that is hung up on tries again, for a while; so all of them do at once.)
#[tokio::test]
async fn a_handshake_that_the_server_cuts_anywhere_is_none() {
    /// CHALLENGE has 66 bytes with its prefix, ACCEPT has 56.
    const LONGEST: usize = 66;

    let mut tries = JoinSet::new();
    for over in BOTH {
        for place in [Place::Challenge, Place::Accept] {
            for cut in [0, 1, 3, 4, 5, 6, 20, 40, LONGEST] {
                tries.spawn(outcome(over, place, true, move |at, frame| {
                    let end = if at == place { cut.min(frame.len() - 1) } else { frame.len() };
                    frame[..end].to_vec()
                }));
            }
        }
    }
    while let Some(connected) = tries.join_next().await {
        let connected = connected.expect("no panic");
        assert!(matches!(connected, Err(ConnectError::Io(_))), "{connected:?}");
    }
}

/// Each bit of ACCEPT, as the whole of it, is the server's word.
#[tokio::test]
async fn an_accept_that_was_changed_is_none() {
    // In the session's id, in the proof, and in its last bit.
    for over in BOTH {
        for position in [6, 21, 24, 55] {
            let connected = outcome(over, Place::Accept, false, |at, frame| {
                let mut bytes = frame.to_vec();
                if at == Place::Accept {
                    bytes[position] ^= 1;
                }
                bytes
            });
            let connected = connected.await;
            let found = matches!(connected, Err(ConnectError::Handshake(HandshakeError::Proof)));
            assert!(found, "{position}: {connected:?}");
        }
    }
}

/// Messages right behind an ACCEPT, by a server that lets everybody in and does not know the key. The best that
/// it has is the client's own proof.
#[tokio::test]
async fn words_behind_an_accept_without_the_key_reach_nobody() {
    for over in BOTH {
        for reflect in [false, true] {
            let rogue = Rogue::bind(over).await;
            let (client, mut heard) = client_of(rogue.address(), over);
            let script = async {
                let mut stranger = rogue.accept().await;
                stranger.read().await.expect("a hello");
                stranger.say(&challenge(3, 1)).await;
                let proof = stranger.read().await.expect("a proof");
                let Ok(Message::Proof(proof)) = v3::decode(&proof) else { panic!("{proof:?}") };
                let mac = if reflect { proof.mac } else { [7; 32] };
                let accept = Accept { session_id: [5; 16], extensions: Extensions::NONE, mac };
                let accept = frame(&Message::Accept(accept));
                stranger.say(&[&accept[..], &early(), &early()].concat()).await;
                stranger.expect_end().await;
            };
            let (connected, ()) = within(async { tokio::join!(client.connect(), script) }).await;
            let found = matches!(connected, Err(ConnectError::Handshake(HandshakeError::Proof)));
            assert!(found, "{connected:?}");
            heard.expect_nothing();
        }
    }
}

/// What the client sends comes back to it.
#[tokio::test]
async fn a_client_whose_own_frames_come_back_is_not_fooled() {
    for over in BOTH {
        for at_accept in [false, true] {
            let rogue = Rogue::bind(over).await;
            let (client, mut heard) = client_of(rogue.address(), over);
            let script = async {
                let mut stranger = rogue.accept().await;
                let mut own = stranger.read().await.expect("a hello");
                if at_accept {
                    stranger.say(&challenge(3, 1)).await;
                    own = stranger.read().await.expect("a proof");
                }
                stranger.say(&frame_of(&own)).await;
                stranger.expect_end().await;
            };
            let (connected, ()) = within(async { tokio::join!(client.connect(), script) }).await;
            check_refused(&connected);
            heard.expect_nothing();
        }
    }
}

/// A challenge by who does not know the key; `suite` and `version` are chosen freely.
pub(super) fn challenge(version: u8, suite: u8) -> Bytes {
    frame(&Message::Challenge(Challenge {
        version,
        suite,
        instance: [2; 16],
        nonce: [3; 32],
        max_frame: 1 << 20,
        auth_timeout_s: 5,
        ping_s: 10,
        extensions: Extensions::NONE,
    }))
}
