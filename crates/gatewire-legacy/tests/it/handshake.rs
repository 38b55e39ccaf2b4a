//! Who says what in a handshake, and what comes of anything else.

use bytes::BytesMut;
use gatewire_codec::legacy::{self, Kind, Packet};
use gatewire_codec::{DecodeError, LENGTH_PREFIX, Message, Names, ValueRef, Version, split_frame};
use gatewire_legacy::handshake::{
    Admitted, Dialler, ExpectProof, HandshakeError, Progress, Role, Seed, Step, V2Secret,
};

const SEED: &str = "0123456789abcdefghijklmnopqrstuv";

fn secret() -> V2Secret {
    V2Secret::new(*b"This is a test key")
}

/// A frame without its length prefix.
fn frame(version: Version, message: &Message<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    legacy::encode(message, version, 2, &mut out).expect("a short frame");
    out[LENGTH_PREFIX..].to_vec()
}

fn seed() -> Vec<u8> {
    frame(Version::V2, &Message::AuthSeed { seed: SEED })
}

fn register(version: Version) -> Vec<u8> {
    frame(version, &Message::Register { socket_id: "aB3x9" })
}

/// The frames of what is sent, without their length prefixes.
fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((frame, rest)) = split_frame(bytes, 512).expect("short frames") {
        frames.push(frame.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty());
    frames
}

fn host() -> Role {
    Role::Router { host: "hostD".to_owned() }
}

fn dialler(version: Version, secret: Option<V2Secret>, role: Role) -> (Vec<Vec<u8>>, Step) {
    let (first, step) = Dialler { version, secret, role }.start();
    (frames(&first), step)
}

fn waits(progress: Progress) -> (Vec<Vec<u8>>, Step) {
    match progress {
        Progress::Waits(answer, step) => (frames(&answer), step),
        Progress::Done(registered) => panic!("registered already: {registered:?}"),
    }
}

fn unexpected(found: &'static str, expected: &'static str) -> HandshakeError {
    HandshakeError::Unexpected { found, expected }
}

/// Frames that have no place in the listener's side of a handshake, and what each is called.
fn strange() -> Vec<(&'static str, Vec<u8>)> {
    let value = ValueRef::Empty;
    let messages = [
        Message::Error { id: 0, code: gatewire_codec::ErrorCode::Other(0), text: "x" },
        Message::AuthSeed { seed: SEED },
        Message::Register { socket_id: "x" },
        Message::Event { event: "e", value },
        Message::Request { id: 2, event: "e", value },
        Message::Ack { id: 2, value },
        Message::Join { id: 0, rooms: Names::from_slice(&["r"]) },
        Message::LeaveAll { id: 0 },
        Message::StreamChunk { id: 2, event: "e", bytes: b"x" },
    ];
    messages.iter().map(|message| (message.kind(), frame(Version::V2, message))).collect()
}

fn expect_proof() -> ExpectProof {
    ExpectProof::start(Seed::recorded(SEED)).1
}

/// What a dialler with this key answers to the seed.
fn answer(secret: V2Secret, role: Role) -> Vec<Vec<u8>> {
    let (first, step) = dialler(Version::V2, Some(secret), role);
    assert!(first.is_empty(), "who has a key waits for the seed");
    waits(step.handle(&seed()).expect("a seed")).0
}

#[test]
fn both_sides_come_to_an_end_together() {
    for role in [Role::Client, host()] {
        let keys = [V2Secret::new(*b"another"), secret()];
        let (first, listener) = ExpectProof::start(Seed::recorded(SEED));
        let (_, step) = dialler(Version::V2, Some(secret()), role.clone());
        let (said, mut step) = waits(step.handle(&frames(&first)[0]).unwrap());
        let listener = listener.handle(&said[0], &keys).unwrap().unwrap();
        let admitted = listener.handle(&said[1]).unwrap();
        assert_eq!(admitted, Admitted { key: Some(1), role: role.clone() });
        let (answer, next_id) = admitted.accept("hostA/down/6r/ZmAl9Xur", "hostA");
        let mut answer = frames(&answer);
        let register = answer.pop().unwrap();
        for uplink in &answer {
            step = waits(step.handle(uplink).unwrap()).1;
        }
        let Progress::Done(registered) = step.handle(&register).unwrap() else { panic!("waits") };
        assert_eq!(registered.id, "hostA/down/6r/ZmAl9Xur");
        let is_router = role != Role::Client;
        assert_eq!(registered.host.as_deref(), is_router.then_some("hostA"));
        assert_eq!((next_id, registered.next_id), (if is_router { 5 } else { 4 }, 4));
    }
}

#[test]
fn a_listener_takes_nothing_else_for_a_proof() {
    let keys = [secret()];
    for (kind, frame) in strange() {
        let error = expect_proof().handle(&frame, &keys).unwrap_err();
        assert_eq!(error, unexpected(kind, "auth-hmac"));
    }
    for role in [Role::Client, host()] {
        let introduction = answer(secret(), role.clone()).pop().unwrap();
        let kind = if role == Role::Client { "downlink" } else { "uplink" };
        let error = expect_proof().handle(&introduction, &keys).unwrap_err();
        assert_eq!(error, unexpected(kind, "auth-hmac"));
    }
}

#[test]
fn a_listener_refuses_a_wrong_proof() {
    let right = answer(secret(), Role::Client).remove(0);
    let other = answer(V2Secret::new(*b"another"), Role::Client).remove(0);
    let proof = |hmac: &str| frame(Version::V2, &Message::AuthHmac { hmac });
    let Ok(Message::AuthHmac { hmac }) = Packet::decode(&right).unwrap().to_message() else {
        panic!("no proof")
    };
    let upper = hmac.to_uppercase();
    for wrong in [other, proof(""), proof(&upper), proof(&hmac[1..])] {
        assert_eq!(expect_proof().handle(&wrong, &[secret()]).unwrap_err(), HandshakeError::Proof);
    }
    // Of another seed.
    let fresh = ExpectProof::start(Seed::new([7; 32])).1;
    assert_eq!(fresh.handle(&right, &[secret()]).unwrap_err(), HandshakeError::Proof);
}

#[test]
fn a_listener_without_keys_takes_any_proof_or_none() {
    let [proof, downlink] = &answer(secret(), Role::Client)[..] else { panic!("two frames") };
    let expect = expect_proof().handle(proof, &[]).unwrap().unwrap();
    let client = Admitted { key: None, role: Role::Client };
    assert_eq!(expect.handle(downlink).unwrap(), client);
    assert_eq!(expect_proof().handle(downlink, &[]).unwrap().unwrap_err(), client);
    for (kind, frame) in strange() {
        let error = expect_proof().handle(&frame, &[]).unwrap_err();
        assert_eq!(error, unexpected(kind, "downlink or uplink"));
    }
}

#[test]
fn a_listener_takes_nothing_else_for_a_role() {
    let [proof, _] = &answer(secret(), Role::Client)[..] else { panic!("two frames") };
    let expect = || expect_proof().handle(proof, &[secret()]).unwrap().unwrap();
    for (kind, frame) in strange() {
        let error = expect().handle(&frame).unwrap_err();
        assert_eq!(error, unexpected(kind, "downlink or uplink"));
    }
    let again = unexpected("auth-hmac", "downlink or uplink");
    assert_eq!(expect().handle(proof).unwrap_err(), again);
    for name in ["", "a|b", "a/b", "a,b", &"x".repeat(256)] {
        let uplink = frame(Version::V2, &Message::Uplink { host: name });
        assert_eq!(expect().handle(&uplink).unwrap_err(), HandshakeError::HostName);
    }
}

#[test]
fn a_frame_of_another_version_or_none_is_told_apart() {
    let old = register(Version::V1);
    let error = HandshakeError::Version { found: 1 };
    assert_eq!(expect_proof().handle(&old, &[secret()]).unwrap_err(), error);
    let (_, step) = dialler(Version::V2, Some(secret()), Role::Client);
    assert_eq!(step.handle(&old).unwrap_err(), error);
    let (_, step) = dialler(Version::V1, None, Role::Client);
    let error = HandshakeError::Version { found: 2 };
    assert_eq!(step.handle(&seed()).unwrap_err(), error);
    let (_, step) = dialler(Version::V1, None, Role::Client);
    assert_eq!(step.handle(&[9, 1]).unwrap_err(), HandshakeError::Version { found: 9 });
    let (_, step) = dialler(Version::V2, Some(secret()), Role::Client);
    let error = step.handle(&seed()[..9]).unwrap_err();
    assert!(matches!(error, HandshakeError::Malformed(DecodeError::Truncated { .. })), "{error:?}");
}

#[test]
fn a_dialler_without_a_key_speaks_by_itself() {
    let (said, step) = dialler(Version::V2, None, Role::Client);
    let packet = Packet::decode(&said[0]).unwrap();
    assert_eq!((said.len(), packet.kind, packet.id), (1, Kind::Downlink, 2));
    // The seed of a server that sends one in any case is not answered.
    let (said, step) = waits(step.handle(&seed()).unwrap());
    assert!(said.is_empty());
    assert!(matches!(step.handle(&register(Version::V2)), Ok(Progress::Done(_))));
    let (said, step) = dialler(Version::V1, None, Role::Client);
    assert!(said.is_empty(), "version 1 has no handshake");
    assert!(matches!(step.handle(&register(Version::V1)), Ok(Progress::Done(_))));
}

#[test]
fn a_dialler_takes_nothing_else_for_a_seed_or_an_id() {
    let seeded = || {
        let (_, step) = dialler(Version::V2, Some(secret()), Role::Client);
        waits(step.handle(&seed()).unwrap()).1
    };
    let value = ValueRef::Empty;
    let strange = [
        Message::AuthHmac { hmac: "x" },
        Message::Downlink,
        Message::Uplink { host: "hostA" },
        Message::Ack { id: 2, value },
        Message::Join { id: 0, rooms: Names::from_slice(&["r"]) },
    ];
    for message in &strange {
        let bytes = frame(Version::V2, message);
        let (_, step) = dialler(Version::V2, Some(secret()), Role::Client);
        assert_eq!(step.handle(&bytes).unwrap_err(), unexpected(message.kind(), "auth-seed"));
        assert_eq!(seeded().handle(&bytes).unwrap_err(), unexpected(message.kind(), "register"));
    }
    let (_, step) = dialler(Version::V2, Some(secret()), Role::Client);
    let error = step.handle(&register(Version::V2)).unwrap_err();
    assert_eq!(error, unexpected("register", "auth-seed"));
    let code = gatewire_codec::ErrorCode::Other(0);
    let error = frame(Version::V2, &Message::Error { id: 0, code, text: "no" });
    assert_eq!(seeded().handle(&error).unwrap_err(), HandshakeError::Refused("no".to_owned()));
}

#[test]
fn a_router_wants_the_name_of_the_other_first() {
    let seeded = || {
        let (_, step) = dialler(Version::V2, Some(secret()), host());
        waits(step.handle(&seed()).unwrap()).1
    };
    let error = seeded().handle(&register(Version::V2)).unwrap_err();
    assert_eq!(error, unexpected("register", "uplink"));
    for name in ["", "a|b", "a/b", "a,b"] {
        let uplink = frame(Version::V2, &Message::Uplink { host: name });
        assert_eq!(seeded().handle(&uplink).unwrap_err(), HandshakeError::HostName);
    }
}

#[test]
fn early_frames_are_kept_up_to_a_bound() {
    let bytes = vec![7; 1000];
    let event = Message::Event { event: "early", value: ValueRef::Binary(&bytes) };
    let event = frame(Version::V2, &event);
    let (_, mut step) = dialler(Version::V2, Some(secret()), Role::Client);
    step = waits(step.handle(&event).unwrap()).1;
    step = waits(step.handle(&seed()).unwrap()).1;
    step = waits(step.handle(&event).unwrap()).1;
    let Progress::Done(registered) = step.handle(&register(Version::V2)).unwrap() else {
        panic!("waits")
    };
    let prefix = u32::try_from(event.len()).unwrap().to_le_bytes();
    let kept = [&prefix[..], &event].concat().repeat(2);
    assert_eq!(registered.early, kept, "with their prefixes, in order");

    let (_, mut step) = dialler(Version::V2, Some(secret()), Role::Client);
    for count in 0..100 {
        step = match step.handle(&event) {
            Ok(progress) => waits(progress).1,
            Err(error) => {
                assert_eq!(error, unexpected("64 KiB of events", "register"));
                assert_eq!(count, (64 << 10) / (event.len() + LENGTH_PREFIX));
                return;
            }
        };
    }
    panic!("there is no bound");
}
