//! Keys with a time, a role and a name: what is refused, what is told of it, and what a session gets.

use std::num::NonZeroU32;

use gatewire_codec::v3::handshake::{extension, put_extension};
use gatewire_core::handshake::{
    ChannelBinding, ExpectHello, Grant, KeyEntry, KeyFault, KeyRing, Refusal, Roles,
};
use gatewire_core::permissions::{Action, Patterns, Permissions, Profile};

use super::*;

const BEFORE: UnixTime = UnixTime::from_secs(NOW.as_secs() - 1);
const AFTER: UnixTime = UnixTime::from_secs(NOW.as_secs() + 1);

fn alpha() -> KeyEntry {
    KeyEntry::new("alpha", psk(7))
}

/// What a listener with this key says to a dialler that knows it.
fn meet(entry: KeyEntry, role: Role, node_name: Option<&[u8]>) -> Result<Established, Refusal> {
    let config = listener(KeyRing::new().with_entry(entry));
    let mut dialler = dialler(Some(("alpha", psk(7))));
    dialler.role = role;
    attempt(dialler, &config, node_name).1
}

/// CHALLENGE, and the outcome at the listener.
fn attempt(
    dialler: DiallerConfig,
    config: &ListenerConfig,
    node_name: Option<&[u8]>,
) -> (Bytes, Result<Established, Refusal>) {
    let none = Extensions::NONE;
    let mut list = BytesMut::new();
    if let Some(name) = node_name {
        put_extension(&mut list, extension::NODE_NAME, name).expect("short");
    }
    let extensions = Extensions::new(&list).expect("well-formed");
    let (hello, next) =
        dialler.start(CLIENT_NONCE, ChannelBinding::None, extensions).expect("a short HELLO");
    let (challenge, expect_proof) = ExpectHello::new(config, NOW)
        .handle(&body(&hello), SERVER_NONCE, ChannelBinding::None, none)
        .expect("HELLO is taken");
    let (proof, _) = next.handle(&body(&challenge), none).expect("CHALLENGE is taken");
    let outcome = expect_proof.handle(&body(&proof), SESSION_ID, none);
    (challenge, outcome.map(|(_, established)| established))
}

#[track_caller]
fn check_refused(outcome: Result<Established, Refusal>, error: HandshakeError, code: RejectCode) {
    let reject = encode_body(&Message::Reject { code, retry_after_s: 0 });
    let refusal = outcome.expect_err("refused");
    assert_eq!((refusal.error, refusal.reject.as_ref().map(body)), (error, Some(reject)));
}

#[test]
fn a_bad_id_a_bad_time_and_a_bad_proof_look_the_same() {
    let keys = KeyRing::new()
        .with_entry(alpha())
        .with_entry(KeyEntry::new("old", psk(7)).not_after(BEFORE))
        .with_entry(KeyEntry::new("new", psk(7)).not_before(AFTER));
    let config = listener(keys);
    let watch = |id, byte| attempt(dialler(Some((id, psk(byte)))), &config, None);

    let (challenge, refused) = watch("alpha", 8);
    let wrong_key = refused.expect_err("a wrong key");
    assert_eq!(wrong_key.error, HandshakeError::Proof);
    assert_eq!(wrong_key.reject, Some(Bytes::from_static(b"\x05\0\0\0\x03\x05\x01\0\0")));
    for (id, fault) in [
        ("alphe", KeyFault::Unknown),
        ("", KeyFault::Unknown),
        ("old", KeyFault::Expired),
        ("new", KeyFault::NotYetValid),
    ] {
        // Whether the secret is the right one makes no difference.
        for byte in [7, 8] {
            let (same_challenge, refused) = watch(id, byte);
            let refusal = refused.expect_err("no valid key");
            assert_eq!((same_challenge, &refusal.reject), (challenge.clone(), &wrong_key.reject));
            assert_eq!(refusal.error, HandshakeError::Key(fault), "{id}");
        }
    }
}

#[test]
fn a_role_that_is_not_allowed_makes_no_difference_to_who_does_not_know_the_key() {
    for role in [Role::Client, Role::Router] {
        let mut dialler = dialler(Some(("alpha", psk(8))));
        dialler.role = role;
        let roles = Roles { client: role != Role::Client, router: role != Role::Router };
        let config = listener(KeyRing::new().with_entry(alpha().roles(roles)));
        let (_, outcome) = attempt(dialler, &config, None);
        check_refused(outcome, HandshakeError::Proof, RejectCode::Auth);
    }
}

#[test]
fn a_key_is_for_clients_unless_it_says_otherwise() {
    assert!(meet(alpha(), Role::Client, None).is_ok());
    let refused = meet(alpha(), Role::Router, None);
    check_refused(refused, HandshakeError::Role, RejectCode::NotAllowed);
}

#[test]
fn a_key_admits_its_roles() {
    for (roles, client, router) in
        [(Roles::CLIENT, true, false), (Roles::ROUTER, false, true), (Roles::BOTH, true, true)]
    {
        for (role, admitted) in [(Role::Client, client), (Role::Router, router)] {
            match meet(alpha().roles(roles), role, None) {
                Ok(established) => assert!(admitted && established.role == role),
                refused if !admitted => {
                    check_refused(refused, HandshakeError::Role, RejectCode::NotAllowed);
                }
                refused => panic!("{roles:?} {role:?}: {refused:?}"),
            }
        }
    }
}

#[test]
fn a_router_has_one_of_the_names_that_its_key_allows() {
    let names = || Patterns::new(["eu.*"]).expect("a pattern");
    let named = || alpha().roles(Roles::BOTH).node_names(names());
    let established = meet(named(), Role::Router, Some(b"eu.one")).expect("an allowed name");
    assert_eq!(established.node_name.as_deref(), Some("eu.one"));
    for name in [None, Some(&b"us.one"[..]), Some(b"eu"), Some(b""), Some(b"eu.\xff")] {
        let refused = meet(named(), Role::Router, name);
        check_refused(refused, HandshakeError::NodeName, RejectCode::NotAllowed);
    }
    // A client has no such name, whatever it says.
    let client = meet(named(), Role::Client, Some(b"us.one")).expect("a client");
    assert_eq!(client.node_name, None);
    // Without patterns a router may have any name, or none.
    let free = || alpha().roles(Roles::ROUTER);
    let unnamed = meet(free(), Role::Router, None).expect("any");
    let odd = meet(free(), Role::Router, Some(b"\xff")).expect("any");
    assert_eq!((unnamed.node_name, odd.node_name), (None, None));
}

#[test]
fn the_first_and_the_last_second_of_a_key_are_valid() {
    let valid = |first, last| {
        meet(alpha().not_before(first).not_after(last), Role::Client, None)
            .map(|_| ())
            .map_err(|refusal| refusal.error)
    };
    assert_eq!(valid(NOW, NOW), Ok(()));
    assert_eq!(valid(BEFORE, AFTER), Ok(()));
    assert_eq!(valid(AFTER, AFTER), Err(HandshakeError::Key(KeyFault::NotYetValid)));
    assert_eq!(valid(BEFORE, BEFORE), Err(HandshakeError::Key(KeyFault::Expired)));
}

#[test]
fn a_listener_whose_only_key_has_expired_is_not_open() {
    let config = listener(KeyRing::new().with_entry(alpha().not_after(BEFORE)));
    let outcome = run(dialler(None), &config, honest);
    assert_eq!(outcome.listener, Some(Err(HandshakeError::Suite)));
}

#[test]
fn a_session_is_told_what_its_key_gives() {
    let permissions = Permissions::from(Profile::Restricted);
    let entry = alpha()
        .not_after(AFTER)
        .permissions(permissions.clone())
        .max_sessions(NonZeroU32::new(3).expect("not zero"));
    let session = meet(entry, Role::Client, None).expect("a valid key");
    assert_eq!((&*session.key_id, session.role), ("alpha", Role::Client));
    assert_eq!(session.grant.permissions, permissions);
    assert_eq!(
        (session.grant.not_after, session.grant.max_sessions),
        (Some(AFTER), NonZeroU32::new(3))
    );
    assert!(!session.grant.has_expired(NOW) && !session.grant.has_expired(AFTER));
    assert!(session.grant.has_expired(UnixTime::from_secs(AFTER.as_secs() + 1)));
}

#[test]
fn a_key_gives_everything_unless_it_says_otherwise() {
    let session = meet(alpha(), Role::Client, None).expect("a valid key");
    assert_eq!(*session.grant, Grant::default());
    assert!(!session.grant.has_expired(UnixTime::from_secs(u64::MAX)));
    assert_eq!(session.grant.permissions.check(&Action::Broadcast { event: "say" }), Ok(()));
}

#[test]
fn keys_are_replaced_under_sessions_and_handshakes() {
    let none = Extensions::NONE;
    let restricted = alpha().permissions(Profile::Restricted.into());
    let mut config = listener(KeyRing::new().with_entry(restricted));
    let (_, live) = attempt(dialler(Some(("alpha", psk(7)))), &config, None);
    let live = live.expect("a valid key");
    let (hello, next) = start(friends().0);
    let (challenge, under_way) = ExpectHello::new(&config, NOW)
        .handle(&hello, SERVER_NONCE, ChannelBinding::None, none)
        .expect("HELLO is taken");

    config.keys = KeyRing::new().with("beta", psk(9));
    // The session keeps what it was given.
    assert!(live.grant.permissions.check(&Action::Broadcast { event: "say" }).is_err());
    // The handshake ends under the key with which it began.
    let (proof, _) = next.handle(&body(&challenge), none).expect("CHALLENGE is taken");
    let (_, late) = under_way.handle(&body(&proof), SESSION_ID, none).expect("PROOF is taken");
    assert_eq!(late.grant, live.grant);
    // The next one finds the new keys.
    let (_, gone) = attempt(dialler(Some(("alpha", psk(7)))), &config, None);
    check_refused(gone, HandshakeError::Key(KeyFault::Unknown), RejectCode::Auth);
    let (_, known) = attempt(dialler(Some(("beta", psk(9)))), &config, None);
    assert_eq!(known.expect("a valid key").key_id, "beta");
    // And who keeps the sessions can ask what has become of their keys.
    assert_eq!(config.keys.grant(&live.key_id, NOW), Err(KeyFault::Unknown));
    assert_eq!(config.keys.grant("beta", NOW).map(|grant| (**grant).clone()), Ok(Grant::default()));
}

#[test]
fn adding_a_key_leaves_clones_of_the_ring_alone() {
    let first = KeyRing::new().with("alpha", psk(1));
    let second = first.clone().with("beta", psk(2)).with("alpha", psk(3));
    assert_eq!((first.len(), second.len()), (1, 2));
    assert!(first.grant("beta", NOW).is_err() && !first.is_empty() && KeyRing::new().is_empty());
    let (_, unchanged) = attempt(dialler(Some(("alpha", psk(1)))), &listener(first), None);
    assert!(unchanged.is_ok());
}

#[test]
fn each_refusal_has_a_sentence() {
    for (error, text) in [
        (HandshakeError::Key(KeyFault::Unknown), "no key has this id"),
        (HandshakeError::Key(KeyFault::NotYetValid), "the key is not valid yet"),
        (HandshakeError::Key(KeyFault::Expired), "the key has expired"),
        (HandshakeError::Role, "this role is not allowed"),
        (HandshakeError::NodeName, "the key does not allow this node name"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
