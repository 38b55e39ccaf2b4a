//! Handshakes that succeed, and what both sides then know.

use gatewire_codec::v3::handshake::{Extensions, Role, extension, put_extension};
use gatewire_codec::{Message, v3};
use gatewire_core::handshake::{ChannelBinding, ExpectHello, KeyEntry, KeyRing, Psk, Roles};

use super::*;

#[test]
fn two_sides_with_the_same_key_agree() {
    let (dialler, listener) = friends();
    check_agreement(dialler, &listener, "alpha");
}

#[test]
fn two_sides_without_a_key_agree() {
    check_agreement(dialler(None), &listener(KeyRing::new()), "");
}

#[test]
fn a_listener_with_several_keys_takes_the_one_that_is_named() {
    let keys = KeyRing::new().with("alpha", psk(1)).with("beta", psk(2)).with("gamma", psk(3));
    check_agreement(dialler(Some(("beta", psk(2)))), &listener(keys), "beta");
}

#[test]
fn a_key_added_under_a_known_id_replaces_the_old_one() {
    let keys = KeyRing::new().with("alpha", psk(1)).with("alpha", psk(2));
    check_agreement(dialler(Some(("alpha", psk(2)))), &listener(keys), "alpha");
}

#[test]
fn a_key_of_sixteen_bytes_and_one_of_a_thousand_are_accepted() {
    for length in [16, 1000] {
        let key = Psk::new(vec![9; length]).expect("long enough");
        let keys = KeyRing::new().with("alpha", key.clone());
        check_agreement(dialler(Some(("alpha", key))), &listener(keys), "alpha");
    }
}

#[test]
fn the_longest_key_id_is_accepted() {
    let id = "k".repeat(255);
    let keys = KeyRing::new().with(&*id, psk(4));
    check_agreement(dialler(Some((&id, psk(4)))), &listener(keys), &id);
}

#[test]
fn a_router_tells_its_role() {
    let mut dialler = dialler(Some(("alpha", psk(7))));
    dialler.role = Role::Router;
    let router = KeyEntry::new("alpha", psk(7)).roles(Roles::ROUTER);
    check_agreement(dialler, &listener(KeyRing::new().with_entry(router)), "alpha");
}

#[test]
fn another_session_has_other_secrets() {
    let (dialler, listener) = friends();
    let secret = |nonce: [u8; 32]| {
        let none = Extensions::NONE;
        let (hello, next) =
            dialler.clone().start(nonce, ChannelBinding::None, none).expect("a short HELLO");
        let (challenge, expect_proof) = ExpectHello::new(&listener, NOW)
            .handle(&body(&hello), SERVER_NONCE, ChannelBinding::None, none)
            .expect("HELLO is taken");
        let (proof, _) = next.handle(&body(&challenge), none).expect("CHALLENGE is taken");
        let (_, established) =
            expect_proof.handle(&body(&proof), SESSION_ID, none).expect("PROOF is taken");
        established.resume_secret
    };
    assert_eq!(secret([1; 32]), secret([1; 32]));
    assert_ne!(secret([1; 32]), secret([2; 32]));
}

#[test]
fn an_id_without_a_key_is_not_believed() {
    // An open listener checks no key, so a dialler could claim any id.
    let hello = encode_body(&Message::Hello(v3::handshake::Hello {
        min_version: 3,
        max_version: 3,
        role: Role::Client,
        key_id: "administrator",
        instance: CLIENT_INSTANCE,
        nonce: CLIENT_NONCE,
        suites: &[0],
        extensions: Extensions::NONE,
    }));
    // The rest of the handshake goes on as if this HELLO had come from an ordinary dialler, so the
    // proof does not fit; the state that waits for it must not carry the claim either.
    let config = listener(KeyRing::new());
    let none = Extensions::NONE;
    let (_, expect_proof) = ExpectHello::new(&config, NOW)
        .handle(&hello, SERVER_NONCE, ChannelBinding::None, none)
        .expect("HELLO is taken");
    assert_eq!(format!("{expect_proof:?}"), r#"ExpectProof { key_id: "", .. }"#);
}

#[test]
fn a_dialler_that_also_speaks_newer_versions_and_other_suites_is_served() {
    for (min_version, max_version, suites) in
        [(3, 3, &[1][..]), (1, 3, &[1]), (3, 255, &[1]), (0, 255, &[9, 1, 0])]
    {
        let hello = encode_body(&Message::Hello(v3::handshake::Hello {
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
        let (challenge, _) = ExpectHello::new(&config, NOW)
            .handle(&hello, SERVER_NONCE, ChannelBinding::None, Extensions::NONE)
            .expect("HELLO is taken");
        match v3::decode(&body(&challenge)) {
            Ok(Message::Challenge(challenge)) => {
                assert_eq!((challenge.version, challenge.suite), (3, 1));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn unknown_extensions_are_carried_and_ignored() {
    let mut list = BytesMut::new();
    put_extension(&mut list, extension::NODE_NAME, b"eu-1").expect("short");
    put_extension(&mut list, 250, b"from the future").expect("short");
    let extensions = Extensions::new(&list).expect("well-formed");
    let (dialler, listener) = friends();

    let (hello, next) =
        dialler.start(CLIENT_NONCE, ChannelBinding::None, extensions).expect("a short HELLO");
    let (challenge, expect_proof) = ExpectHello::new(&listener, NOW)
        .handle(&body(&hello), SERVER_NONCE, ChannelBinding::None, extensions)
        .expect("HELLO is taken");
    let (proof, expect_accept) =
        next.handle(&body(&challenge), extensions).expect("CHALLENGE is taken");
    let (accept, there) =
        expect_proof.handle(&body(&proof), SESSION_ID, extensions).expect("PROOF is taken");
    let here = expect_accept.handle(&body(&accept)).expect("ACCEPT is taken");
    assert_eq!(here, there);
    for frame in [hello, challenge, proof, accept] {
        let found = frame.windows(list.len()).any(|window| window == list);
        assert!(found, "each frame carries the list");
    }
}

#[test]
fn both_sides_of_a_tls_channel_bind_the_proof_to_it() {
    let exporter = [0xee; 32];
    let (here, there) = check_bindings(
        ChannelBinding::TlsExporter(&exporter),
        ChannelBinding::TlsExporter(&exporter),
    )
    .expect("the same channel");
    assert_eq!(here, there);
}

#[test]
fn a_proof_relayed_from_one_tls_channel_to_another_fails() {
    let (near, far) = ([1; 32], [2; 32]);
    let (near, far) = (ChannelBinding::TlsExporter(&near), ChannelBinding::TlsExporter(&far));
    for (here, there) in [(near, far), (near, ChannelBinding::None), (ChannelBinding::None, far)] {
        assert_eq!(check_bindings(here, there), Err(HandshakeError::Proof));
    }
}

/// An honest handshake whose two ends sit on channels with these bindings.
fn check_bindings(
    here: ChannelBinding<'_>,
    there: ChannelBinding<'_>,
) -> Result<(Established, Established), HandshakeError> {
    let none = Extensions::NONE;
    let (dialler, listener) = friends();
    let (hello, next) = dialler.start(CLIENT_NONCE, here, none).expect("a short HELLO");
    let (challenge, expect_proof) = ExpectHello::new(&listener, NOW)
        .handle(&body(&hello), SERVER_NONCE, there, none)
        .map_err(|refusal| refusal.error)?;
    let (proof, expect_accept) = next.handle(&body(&challenge), none)?;
    let (accept, accepted) =
        expect_proof.handle(&body(&proof), SESSION_ID, none).map_err(|refusal| refusal.error)?;
    Ok((expect_accept.handle(&body(&accept))?, accepted))
}

#[track_caller]
fn check_agreement(dialler: DiallerConfig, listener: &ListenerConfig, key_id: &str) {
    let role = dialler.role;
    let outcome = run(dialler, listener, honest);
    let here = outcome.dialler.expect("not left waiting").expect("the dialler is content");
    let there = outcome.listener.expect("not left waiting").expect("the listener is content");
    assert_eq!(here, there);
    assert_eq!((here.session_id, here.role), (SESSION_ID, role));
    assert_eq!((here.max_frame, here.ping_s), (1 << 20, 10));
    assert_eq!(here.key_id, key_id);
    assert_eq!(outcome.reject, None);
}
