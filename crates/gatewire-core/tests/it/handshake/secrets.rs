//! What a log line may show.

use std::fmt::Debug;

use gatewire_core::handshake::{ChannelBinding, ExpectHello, KeyEntry, ResumeSecret};

use super::*;

const SECRET: &[u8; 32] = b"correct horse battery staple 123";

#[test]
fn no_state_shows_a_key_when_it_is_printed() {
    let key = Psk::new(SECRET.to_vec()).expect("32 bytes");
    let keys = KeyRing::new().with("alpha", key.clone());
    let (dialler, listener) = (dialler(Some(("alpha", key.clone()))), listener(keys.clone()));
    check_silent(&key);
    check_silent(&keys);
    check_silent(&KeyEntry::new("alpha", key.clone()));
    check_silent(&Decoys::new(*SECRET));
    check_silent(&ResumeSecret::from_bytes(*SECRET));
    check_silent(&dialler);
    check_silent(&listener);

    let none = Extensions::NONE;
    let (hello, expect_challenge) =
        dialler.start(CLIENT_NONCE, ChannelBinding::None, none).expect("a short HELLO");
    check_silent(&expect_challenge);
    let expect_hello = ExpectHello::new(&listener, NOW);
    check_silent(&expect_hello);
    let (challenge, expect_proof) = expect_hello
        .handle(&body(&hello), SERVER_NONCE, ChannelBinding::None, none)
        .expect("HELLO is taken");
    assert_eq!(format!("{expect_proof:?}"), r#"ExpectProof { key_id: "alpha", .. }"#);
    let (proof, expect_accept) =
        expect_challenge.handle(&body(&challenge), none).expect("CHALLENGE is taken");
    assert_eq!(format!("{expect_accept:?}"), r#"ExpectAccept { key_id: "alpha", .. }"#);
    let (_, established) =
        expect_proof.handle(&body(&proof), SESSION_ID, none).expect("PROOF is taken");
    assert_eq!(
        format!("{established:?}"),
        "Established { session_id: SocketId(53535353535353535353535353535353), role: Client, \
         key_id: \"alpha\", .. }"
    );
}

#[test]
fn secrets_are_equal_when_all_their_bytes_are() {
    for other in [&SECRET[..31], b"correct horse battery staple 124", b"", &[0; 16]] {
        if let Ok(other) = Psk::new(other) {
            assert_ne!(Psk::new(*SECRET), Ok(other));
        }
    }
    assert_eq!(Psk::new(*SECRET), Psk::new(*SECRET));
    let resume = ResumeSecret::from_bytes;
    assert_eq!(resume(*SECRET), resume(*SECRET));
    assert_ne!(resume(*SECRET), resume([0; 32]));
    assert_eq!(resume(*SECRET).as_bytes(), SECRET);
}

#[test]
fn a_key_ring_shows_the_ids_of_its_keys() {
    let keys = KeyRing::new().with("alpha", psk(1));
    assert_eq!(format!("{keys:?}"), r#"KeyRing(["alpha"])"#);
}

#[test]
fn no_error_shows_a_key() {
    let key = Psk::new(SECRET.to_vec()).expect("32 bytes");
    let outcome =
        run(dialler(Some(("alpha", key))), &listener(KeyRing::new().with("alpha", psk(1))), honest);
    check_silent(&outcome);
    let error = outcome.listener.expect("not left waiting").expect_err("a wrong key");
    assert_eq!(error.to_string(), "the peer does not know the key");
    let weak = Psk::new(SECRET[..15].to_vec()).expect_err("15 bytes");
    assert_eq!(format!("{weak:?}"), "WeakKey { length: 15 }");
    assert_eq!(weak.to_string(), "a key of 15 bytes is too weak, it takes at least 16");
}

/// Neither as text nor as a list of numbers nor in hexadecimal digits.
#[track_caller]
fn check_silent(value: &impl Debug) {
    let part = &SECRET[..4];
    let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = String::from_utf8_lossy(part).into_owned();
    let decimal = format!("{part:?}").trim_matches(['[', ']']).to_owned();
    for shown in [format!("{value:?}"), format!("{value:#?}")] {
        let one_line = shown.replace(['\n', ' '], "");
        for form in [&hex, &text, &decimal.replace(' ', "")] {
            assert!(!one_line.contains(form), "{shown}");
        }
    }
}
