//! Frames that are whole but come at the wrong time: out of order, reflected, replayed, cut off.

use gatewire_codec::v3::handshake::Extensions;
use gatewire_codec::{DecodeError, ValueRef};
use gatewire_core::handshake::{ChannelBinding, ExpectAccept, ExpectHello, ExpectProof, Refusal};

use super::*;

#[test]
fn each_state_refuses_all_frames_but_its_own() {
    let event = encode_body(&Message::Event { event: "hello", value: ValueRef::Empty });
    let reject = encode_body(&Message::Reject { code: RejectCode::Busy, retry_after_s: 1 });
    let [hello, challenge, proof, accept] = recorded().map(|(_, frame)| frame);
    let frames = [
        ("hello", hello),
        ("challenge", challenge),
        ("proof", proof),
        ("accept", accept),
        ("reject", reject),
        ("event", event),
    ];
    for (found, frame) in &frames {
        let unexpected = |expected| HandshakeError::Unexpected { found, expected };
        if *found != "hello" {
            let refusal = Refusal { error: unexpected("hello"), reject: None };
            assert_eq!(at_expect_hello(frame), Err(refusal));
        }
        if *found != "proof" {
            let refusal = Refusal { error: unexpected("proof"), reject: None };
            assert_eq!(at_expect_proof(frame), Err(refusal));
        }
        // The dialler takes a REJECT at any time.
        if *found != "challenge" && *found != "reject" {
            assert_eq!(at_expect_challenge(frame), Err(unexpected("challenge")));
        }
        if *found != "accept" && *found != "reject" {
            assert_eq!(at_expect_accept(frame), Err(unexpected("accept")));
        }
    }
}

#[test]
fn each_state_takes_its_own_frame() {
    let [hello, challenge, proof, accept] = recorded().map(|(_, frame)| frame);
    assert_eq!(at_expect_hello(&hello), Ok(()));
    assert_eq!(at_expect_challenge(&challenge), Ok(()));
    assert_eq!(at_expect_proof(&proof), Ok(()));
    assert_eq!(at_expect_accept(&accept), Ok(()));
}

#[test]
fn a_dialler_whose_own_frames_come_back_is_not_fooled() {
    let [hello, _, proof, _] = recorded().map(|(_, frame)| frame);
    let found = |found, expected| Err(HandshakeError::Unexpected { found, expected });
    assert_eq!(at_expect_challenge(&hello), found("hello", "challenge"));
    assert_eq!(at_expect_accept(&proof), found("proof", "accept"));
}

#[test]
fn the_dialler_s_proof_does_not_serve_as_the_listener_s() {
    // The MAC of PROOF inside an ACCEPT: each side has a label of its own.
    let [_, _, proof, _] = recorded().map(|(_, frame)| frame);
    let Ok(Message::Proof(proof)) = v3::decode(&proof) else { panic!("a PROOF") };
    let accept = encode_body(&Message::Accept(v3::handshake::Accept {
        session_id: SESSION_ID.to_bytes(),
        extensions: Extensions::NONE,
        mac: proof.mac,
    }));
    assert_eq!(at_expect_accept(&accept), Err(HandshakeError::Proof));
}

#[test]
fn a_proof_that_is_replayed_to_the_listener_fails() {
    // The whole side of the dialler is played again; the listener's nonce is a new one.
    let [hello, _, proof, _] = recorded().map(|(_, frame)| frame);
    let (_, config) = friends();
    let none = Extensions::NONE;
    let (_, next) = ExpectHello::new(&config, NOW)
        .handle(&hello, [0x99; 32], ChannelBinding::None, none)
        .expect("HELLO is taken");
    let refusal = next.handle(&proof, SESSION_ID, none).map(|_| ()).expect_err("a replay");
    assert_eq!(refusal.error, HandshakeError::Proof);
}

#[test]
fn an_accept_that_is_replayed_to_the_dialler_fails() {
    // The whole side of the listener is played again; the dialler's nonce is a new one.
    let [_, challenge, _, accept] = recorded().map(|(_, frame)| frame);
    let (dialler, _) = friends();
    let (_, next) =
        dialler.start([0x99; 32], ChannelBinding::None, Extensions::NONE).expect("a short HELLO");
    let (_, next) = next.handle(&challenge, Extensions::NONE).expect("CHALLENGE is taken");
    assert_eq!(next.handle(&accept), Err(HandshakeError::Proof));
}

#[test]
fn a_frame_that_is_cut_off_anywhere_is_malformed() {
    for (step, frame) in recorded() {
        for length in 0..frame.len() {
            let error = deliver(step, &frame[..length]).expect_err("a part of a frame");
            let truncated =
                matches!(error, HandshakeError::Malformed(DecodeError::Truncated { .. }));
            assert!(truncated, "{step:?} cut to {length} bytes: {error:?}");
        }
    }
}

#[test]
fn bytes_behind_a_frame_are_malformed() {
    for (step, frame) in recorded() {
        let longer = [&frame[..], b"\0"].concat();
        let error = HandshakeError::Malformed(DecodeError::TrailingBytes { count: 1 });
        assert_eq!(deliver(step, &longer), Err(error), "{step:?}");
    }
}

#[test]
fn a_frame_of_another_wire_version_is_malformed() {
    for (step, frame) in recorded() {
        let mut other = frame.to_vec();
        other[0] = 2;
        let wrong = DecodeError::WrongVersion { found: 2, expected: 3 };
        assert_eq!(deliver(step, &other), Err(HandshakeError::Malformed(wrong)), "{step:?}");
    }
}

#[test]
fn no_frame_is_skipped_before_the_session_begins() {
    for step in recorded().map(|(step, _)| step) {
        let unknown = DecodeError::UnknownKind { kind: 200 };
        assert_eq!(deliver(step, b"\x03\xc8"), Err(HandshakeError::Malformed(unknown)), "{step:?}");
    }
}

#[test]
fn garbage_is_answered_with_silence() {
    for frame in [&b""[..], b"\x03", b"GET / HTTP/1.1\r\n\r\n", &[0xff; 512]] {
        let (_, config) = friends();
        let refusal = ExpectHello::new(&config, NOW)
            .handle(frame, SERVER_NONCE, ChannelBinding::None, Extensions::NONE)
            .map(|_| ())
            .expect_err("garbage");
        assert_eq!(refusal.reject, None);
        let malformed = matches!(refusal.error, HandshakeError::Malformed(_));
        assert!(malformed, "{:?}", refusal.error);
    }
}

/// Gives a frame to the state that waits at `step` of the recorded handshake.
fn deliver(step: Step, frame: &[u8]) -> Result<(), HandshakeError> {
    match step {
        Step::Hello => at_expect_hello(frame).map_err(|refusal| refusal.error),
        Step::Challenge => at_expect_challenge(frame),
        Step::Proof => at_expect_proof(frame).map_err(|refusal| refusal.error),
        Step::Accept => at_expect_accept(frame),
    }
}

fn at_expect_hello(frame: &[u8]) -> Result<(), Refusal> {
    let (_, config) = friends();
    ExpectHello::new(&config, NOW)
        .handle(frame, SERVER_NONCE, ChannelBinding::None, Extensions::NONE)
        .map(|_| ())
}

fn at_expect_challenge(frame: &[u8]) -> Result<(), HandshakeError> {
    let (_, next) = start(friends().0);
    next.handle(frame, Extensions::NONE).map(|_| ())
}

fn at_expect_proof(frame: &[u8]) -> Result<(), Refusal> {
    let (_, config) = friends();
    let (hello, _) = start(friends().0);
    let (_, next): (_, ExpectProof) = ExpectHello::new(&config, NOW)
        .handle(&hello, SERVER_NONCE, ChannelBinding::None, Extensions::NONE)
        .expect("HELLO is taken");
    next.handle(frame, SESSION_ID, Extensions::NONE).map(|_| ())
}

fn at_expect_accept(frame: &[u8]) -> Result<(), HandshakeError> {
    let [_, challenge, _, _] = recorded().map(|(_, frame)| frame);
    let (_, next) = start(friends().0);
    let (_, next): (_, ExpectAccept) =
        next.handle(&challenge, Extensions::NONE).expect("CHALLENGE is taken");
    next.handle(frame).map(|_| ())
}
