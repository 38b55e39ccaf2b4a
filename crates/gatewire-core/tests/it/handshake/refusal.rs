//! Handshakes that must fail: who is told what.

use gatewire_codec::v3::handshake::{Accept, Challenge, Extensions, Hello, Role};
use gatewire_codec::{EncodeError, Field, Message, RejectCode};
use gatewire_core::handshake::{
    ChannelBinding, ExpectHello, HandshakeError, KeyRing, Refusal, WeakKey,
};

use super::*;

#[test]
fn a_wrong_key_is_refused() {
    let config = listener(KeyRing::new().with("alpha", psk(7)));
    let outcome = run(dialler(Some(("alpha", psk(8)))), &config, honest);
    assert_eq!(outcome.listener, Some(Err(HandshakeError::Proof)));
    assert_eq!(outcome.dialler, Some(Err(rejected(RejectCode::Auth))));
    assert_eq!(outcome.reject, Some(Bytes::from_static(b"\x05\0\0\0\x03\x05\x01\0\0")));
}

#[test]
fn a_key_on_one_side_only_is_refused() {
    let keys = KeyRing::new().with("alpha", psk(7));
    for (dialler, listener) in [
        (dialler(Some(("alpha", psk(7)))), listener(KeyRing::new())),
        (dialler(None), listener(keys)),
    ] {
        let outcome = run(dialler, &listener, honest);
        assert_eq!(outcome.listener, Some(Err(HandshakeError::Suite)));
        assert_eq!(outcome.dialler, Some(Err(rejected(RejectCode::Suite))));
    }
}

#[test]
fn a_dialler_without_our_version_is_refused() {
    for versions in [(0, 0), (1, 2), (4, 4), (4, 255), (5, 1)] {
        check_hello_refusal(versions, &[1], HandshakeError::Version, RejectCode::Version);
    }
}

#[test]
fn a_dialler_without_our_suite_is_refused() {
    for suites in [&[][..], &[0], &[2, 3, 4]] {
        check_hello_refusal((3, 3), suites, HandshakeError::Suite, RejectCode::Suite);
    }
}

#[test]
fn a_version_that_was_not_offered_is_refused() {
    for version in [0, 1, 2, 4, 255] {
        check_challenge(|challenge| challenge.version = version, HandshakeError::Version);
    }
}

#[test]
fn a_suite_that_was_not_offered_is_refused() {
    // Above all suite 0: a listener without the key must not talk the dialler out of its own.
    for suite in [0, 2, 255] {
        check_challenge(|challenge| challenge.suite = suite, HandshakeError::Suite);
    }
}

#[test]
fn both_sides_refuse_to_be_connected_to_themselves() {
    let (dialler, mut listener) = friends();
    listener.instance = CLIENT_INSTANCE;
    let outcome = run(dialler, &listener, honest);
    assert_eq!(outcome.listener, Some(Err(HandshakeError::SelfConnection)));
    assert_eq!(outcome.dialler, Some(Err(rejected(RejectCode::Self_))));
    check_challenge(
        |challenge| challenge.instance = CLIENT_INSTANCE,
        HandshakeError::SelfConnection,
    );
}

#[test]
fn a_listener_without_the_key_cannot_make_an_accept() {
    let (dialler, _) = friends();
    let (_, next) = start(dialler);
    let challenge = encode_body(&Message::Challenge(challenge()));
    let (_, next) = next.handle(&challenge, Extensions::NONE).expect("CHALLENGE is taken");
    let accept = encode_body(&Message::Accept(Accept {
        session_id: SESSION_ID.to_bytes(),
        extensions: Extensions::NONE,
        mac: [0; 32],
    }));
    assert_eq!(next.handle(&accept), Err(HandshakeError::Proof));
}

#[test]
fn each_reject_code_reaches_the_dialler_at_each_step() {
    for byte in 0..=u8::MAX {
        let (code, retry_after_s) = (RejectCode::from_u8(byte), u16::from(byte) * 257);
        let reject = encode_body(&Message::Reject { code, retry_after_s });
        let expected = HandshakeError::Rejected { code, retry_after_s };

        let (_, next) = start(friends().0);
        assert_eq!(next.handle(&reject, Extensions::NONE).map(|_| ()), Err(expected));

        let (_, next) = start(friends().0);
        let challenge = encode_body(&Message::Challenge(challenge()));
        let (_, next) = next.handle(&challenge, Extensions::NONE).expect("CHALLENGE is taken");
        assert_eq!(next.handle(&reject), Err(expected));
    }
}

#[test]
fn a_listener_can_refuse_for_reasons_of_its_own() {
    let refusal = Refusal::with(RejectCode::Busy, 30);
    let error = HandshakeError::Rejected { code: RejectCode::Busy, retry_after_s: 30 };
    assert_eq!(refusal.error, error);
    assert_eq!(refusal.reject, Some(Bytes::from_static(b"\x05\0\0\0\x03\x05\x04\x1e\0")));
    assert_eq!(error.to_string(), "refused: the server is busy; try again after 30 s");
}

#[test]
fn a_key_of_fewer_than_sixteen_bytes_is_weak() {
    for length in [0, 1, 15] {
        assert_eq!(Psk::new(vec![1; length]), Err(WeakKey { length }));
    }
}

#[test]
fn extensions_that_fill_a_frame_are_refused_where_they_are_made() {
    let mut list = BytesMut::new();
    v3::handshake::put_extension(&mut list, 1, &[0; 505]).expect("below 64 KiB");
    let extensions = Extensions::new(&list).expect("well-formed");
    let (dialler, listener) = friends();
    let (hello, next) = start(dialler);
    let too_long = |length| {
        HandshakeError::Encode(EncodeError::TooLong { field: Field::Handshake, length, limit: 512 })
    };

    let accepting = |extensions| {
        ExpectHello::new(&listener, NOW).handle(
            &hello,
            SERVER_NONCE,
            ChannelBinding::None,
            extensions,
        )
    };
    let refusal = accepting(extensions).map(|_| ()).expect_err("570 bytes are too long");
    assert_eq!(refusal, Refusal { error: too_long(570), reject: None });

    let (challenge, expect_proof) = accepting(Extensions::NONE).expect("HELLO is taken");
    let (_, again) = start(friends().0);
    let refused = again.handle(&body(&challenge), extensions).map(|_| ());
    assert_eq!(refused, Err(too_long(544)));

    let (proof, _) = next.handle(&body(&challenge), Extensions::NONE).expect("CHALLENGE is taken");
    let refusal = expect_proof.handle(&body(&proof), SESSION_ID, extensions).map(|_| ());
    assert_eq!(refusal, Err(Refusal { error: too_long(560), reject: None }));
}

#[test]
fn a_key_id_that_no_frame_carries_is_the_callers_fault() {
    let dialler = dialler(Some((&"k".repeat(256), psk(1))));
    let started = dialler.start([1; 32], ChannelBinding::None, Extensions::NONE);
    let too_long = EncodeError::TooLong { field: Field::Handshake, length: 256, limit: 255 };
    assert_eq!(started.err(), Some(HandshakeError::Encode(too_long)));
}

#[track_caller]
fn check_hello_refusal(
    (min_version, max_version): (u8, u8),
    suites: &[u8],
    error: HandshakeError,
    code: RejectCode,
) {
    let hello = encode_body(&Message::Hello(Hello {
        min_version,
        max_version,
        role: Role::Client,
        key_id: "alpha",
        instance: CLIENT_INSTANCE,
        nonce: CLIENT_NONCE,
        suites,
        extensions: Extensions::NONE,
    }));
    let (_, config) = friends();
    let refusal = ExpectHello::new(&config, NOW)
        .handle(&hello, SERVER_NONCE, ChannelBinding::None, Extensions::NONE)
        .map(|_| ())
        .expect_err("nothing in common");
    assert_eq!(refusal.error, error);
    let reject = encode_body(&Message::Reject { code, retry_after_s: 0 });
    assert_eq!(refusal.reject.as_ref().map(body), Some(reject));
}

fn challenge() -> Challenge<'static> {
    Challenge {
        version: 3,
        suite: 1,
        instance: SERVER_INSTANCE,
        nonce: SERVER_NONCE,
        max_frame: 1 << 20,
        auth_timeout_s: 5,
        ping_s: 10,
        extensions: Extensions::NONE,
    }
}

/// A dialler with a key meets a CHALLENGE that is changed in one respect.
#[track_caller]
fn check_challenge(change: impl Fn(&mut Challenge<'static>), expected: HandshakeError) {
    let mut challenge = challenge();
    change(&mut challenge);
    let (_, next) = start(friends().0);
    let result = next.handle(&encode_body(&Message::Challenge(challenge)), Extensions::NONE);
    assert_eq!(result.map(|_| ()), Err(expected));
}
