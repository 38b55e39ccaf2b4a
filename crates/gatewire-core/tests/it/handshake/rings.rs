//! Key rings that are replaced by others, and rings without any key.

use std::num::NonZeroU32;

use gatewire_core::handshake::{Bearer, Grant, KeyChanges, KeyEntry, KeyRing, Roles};
use gatewire_core::permissions::{Patterns, Profile};

use super::*;

const LATER: UnixTime = UnixTime::from_secs(NOW.as_secs() + 1);

fn alpha(byte: u8) -> KeyEntry {
    KeyEntry::new("alpha", psk(byte))
}

fn ring(entry: KeyEntry) -> KeyRing {
    KeyRing::new().with_entry(entry)
}

fn given(keys: &KeyRing) -> Grant {
    (**keys.grant("alpha", NOW).expect("valid")).clone()
}

/// Whether a session that began under a key may go on under others.
fn goes_on(begun: KeyEntry, now: &KeyRing) -> bool {
    goes_on_as(client("alpha"), begun, now)
}

fn goes_on_as(bearer: Bearer<'_>, begun: KeyEntry, now: &KeyRing) -> bool {
    now.upholds(&bearer, &given(&ring(begun)), NOW)
}

fn client(key_id: &str) -> Bearer<'_> {
    Bearer { key_id, role: Role::Client, node_name: None }
}

fn router<'a>(key_id: &'a str, node_name: &'a str) -> Bearer<'a> {
    Bearer { key_id, role: Role::Router, node_name: Some(node_name) }
}

fn open_dialler(role: Role) -> DiallerConfig {
    DiallerConfig { role, ..dialler(None) }
}

#[test]
fn a_session_goes_on_while_its_key_says_what_it_said() {
    assert!(goes_on(alpha(1), &ring(alpha(1))));
    assert!(goes_on(alpha(1), &ring(alpha(1)).with("beta", psk(2))));
    // What is no part of a session may change under it.
    let sessions = NonZeroU32::new(3).expect("not zero");
    let other = alpha(1).not_before(NOW).roles(Roles::BOTH).max_sessions(sessions);
    assert!(goes_on(alpha(1), &ring(other)));
}

#[test]
fn a_session_does_not_outlive_its_key() {
    assert!(!goes_on(alpha(1), &KeyRing::new().with("beta", psk(1))));
    assert!(!goes_on(alpha(1), &ring(alpha(1).not_before(LATER))));
    let before = UnixTime::from_secs(NOW.as_secs() - 1);
    assert!(!goes_on(alpha(1), &ring(alpha(1).not_after(before))));
}

/// Whoever replaces a secret that has leaked does not want to wait for the sessions of the thief.
#[test]
fn another_secret_under_the_same_id_is_another_key() {
    assert!(!goes_on(alpha(1), &ring(alpha(2))));
}

#[test]
fn a_session_does_not_keep_more_than_its_key_gives() {
    assert!(!goes_on(alpha(1), &ring(alpha(1).permissions(Profile::Restricted.into()))));
    assert!(!goes_on(alpha(1), &ring(alpha(1).not_after(LATER))));
    let long = || alpha(1).not_after(UnixTime::from_secs(NOW.as_secs() + 2));
    assert!(!goes_on(long(), &ring(alpha(1).not_after(LATER))));
    assert!(goes_on(alpha(1).not_after(LATER), &ring(long())));
    assert!(goes_on(long(), &ring(alpha(1))));
}

#[test]
fn without_keys_those_go_on_that_began_without() {
    let open = KeyRing::new();
    let none = Grant::default();
    assert!(open.upholds(&client(""), &none, NOW));
    assert!(!ring(alpha(1)).upholds(&client(""), &none, NOW));
    assert!(!ring(KeyEntry::new("", psk(1))).upholds(&client(""), &none, NOW));
    assert!(!goes_on(alpha(1), &open));
    // And as long as the ring is open to what they are.
    assert!(!open.upholds(&router("", "one"), &none, NOW));
    assert!(KeyRing::open_to(Roles::ROUTER).upholds(&router("", "one"), &none, NOW));
    assert!(!KeyRing::open_to(Roles::ROUTER).upholds(&client(""), &none, NOW));
}

/// Whoever takes a role from a key means those too that have it already.
#[test]
fn a_session_does_not_keep_a_role_that_its_key_no_longer_has() {
    let entry = |roles| alpha(1).roles(roles);
    for (bearer, own, other) in [
        (client("alpha"), Roles::CLIENT, Roles::ROUTER),
        (router("alpha", "one"), Roles::ROUTER, Roles::CLIENT),
    ] {
        assert!(goes_on_as(bearer, entry(Roles::BOTH), &ring(entry(Roles::BOTH))));
        assert!(goes_on_as(bearer, entry(Roles::BOTH), &ring(entry(own))));
        assert!(!goes_on_as(bearer, entry(Roles::BOTH), &ring(entry(other))));
    }
}

#[test]
fn a_router_does_not_keep_a_name_that_its_key_no_longer_allows() {
    let entry = || alpha(1).roles(Roles::BOTH);
    let named = |name| entry().node_names(Patterns::new([name]).expect("a good pattern"));
    let one = router("alpha", "eu.one");
    assert!(goes_on_as(one, named("eu.one"), &ring(named("eu.*"))));
    assert!(goes_on_as(one, named("eu.one"), &ring(entry())));
    assert!(goes_on_as(one, entry(), &ring(named("eu.one"))));
    assert!(!goes_on_as(one, entry(), &ring(named("eu.two"))));
    assert!(!goes_on_as(one, named("eu.*"), &ring(named("us.*"))));
    // Names bind routers alone.
    assert!(goes_on_as(client("alpha"), entry(), &ring(named("eu.two"))));
}

#[test]
fn the_changes_between_two_rings_are_told() {
    let before = KeyRing::new()
        .with("stays", psk(1))
        .with("other secret", psk(2))
        .with("goes", psk(3))
        .with("other terms", psk(4));
    let after = KeyRing::new()
        .with("stays", psk(1))
        .with("other secret", psk(9))
        .with_entry(KeyEntry::new("other terms", psk(4)).roles(Roles::BOTH))
        .with("comes", psk(5));
    let mut expected = KeyChanges::default();
    expected.added.push("comes".to_owned());
    expected.changed.extend(["other secret".to_owned(), "other terms".to_owned()]);
    expected.removed.push("goes".to_owned());
    assert_eq!(after.changes_since(&before), expected);
    assert!(after.changes_since(&after.clone()).is_empty());
}

#[test]
fn a_listener_without_keys_is_open_to_clients_alone() {
    let open = listener(KeyRing::new());
    assert!(matches!(run(open_dialler(Role::Client), &open, honest).listener, Some(Ok(_))));
    let refused = run(open_dialler(Role::Router), &open, honest);
    assert_eq!(refused.listener, Some(Err(HandshakeError::Role)));
    assert_eq!(refused.dialler, Some(Err(rejected(RejectCode::NotAllowed))));
}

#[test]
fn a_listener_without_keys_is_open_to_routers_when_told_to_be() {
    let open = listener(KeyRing::open_to(Roles::BOTH));
    for role in [Role::Client, Role::Router] {
        assert!(matches!(run(open_dialler(role), &open, honest).listener, Some(Ok(_))));
    }
    // The first key ends that.
    let closed = listener(KeyRing::open_to(Roles::BOTH).with("alpha", psk(1)));
    let refused = run(open_dialler(Role::Router), &closed, honest);
    assert_eq!(refused.listener, Some(Err(HandshakeError::Suite)));
}

#[test]
fn what_tells_keys_apart_is_not_shown() {
    let shown = format!("{:?}", given(&ring(alpha(1))));
    assert!(shown.contains("KeyTag(..)"), "{shown}");
}
