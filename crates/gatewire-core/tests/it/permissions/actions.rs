//! Each action against each permission.

use gatewire_core::permissions::{Action, Denied, EmitSocket, Patterns, Permissions, Profile};

/// One action of each kind.
const ACTIONS: [Action<'_>; 6] = [
    Action::Join { room: "lobby", joined: 0 },
    Action::Emit { event: "say" },
    Action::EmitRoom { room: "lobby", event: "say" },
    Action::EmitSocket { shares_room: false, event: "say" },
    Action::Broadcast { event: "say" },
    Action::Stream,
];

#[test]
fn the_open_profile_allows_everything() {
    for permissions in [Permissions::default(), Permissions::open(), Profile::Open.into()] {
        check_denied(&permissions, []);
        let crowded = Action::Join { room: "", joined: usize::MAX };
        assert_eq!(permissions.check(&crowded), Ok(()), "the server's own bound holds");
    }
}

#[test]
fn the_restricted_profile_denies_broadcast_and_sockets_elsewhere() {
    let restricted = Permissions::from(Profile::Restricted);
    check_denied(&restricted, ["emit_socket", "broadcast"]);
    let near = Action::EmitSocket { shares_room: true, event: "say" };
    assert_eq!(restricted.check(&near), Ok(()));
}

#[test]
fn what_is_taken_away_from_the_open_profile_is_all_that_is_denied() {
    let none = Patterns::none;
    let open = Permissions::open;
    check_denied(&open().allow_join(none()), ["join"]);
    check_denied(&open().allow_emit_room(none()), ["emit_room"]);
    check_denied(&open().allow_emit_socket(EmitSocket::No), ["emit_socket"]);
    check_denied(&open().allow_broadcast(false), ["broadcast"]);
    check_denied(&open().allow_stream(false), ["stream"]);
    check_denied(&open().allow_events(none()), ["events"; 4]);
    check_denied(&open().limit_rooms(0), ["max_rooms"]);
}

#[test]
fn what_is_given_back_is_allowed_again() {
    let permissions = Permissions::from(Profile::Restricted)
        .allow_emit_socket(EmitSocket::Any)
        .allow_broadcast(true);
    check_denied(&permissions, []);
}

#[test]
fn the_last_room_within_the_limit_can_be_joined() {
    let check = |permissions: &Permissions, joined| {
        permissions.check(&Action::Join { room: "lobby", joined })
    };
    let full = Err(Denied { permission: "max_rooms" });
    let two = Permissions::open().limit_rooms(2);
    assert_eq!((check(&two, 1), check(&two, 2)), (Ok(()), full));
    let usual = Permissions::from(Profile::Restricted);
    assert_eq!((check(&usual, 127), check(&usual, 128)), (Ok(()), full));
}

#[test]
fn rooms_and_events_are_allowed_by_pattern() {
    let only = |pattern| Patterns::new([pattern]).expect("a pattern");
    let permissions = Permissions::open()
        .allow_join(only("lobby.*"))
        .allow_emit_room(only("lobby.eu"))
        .allow_events(only("chat.>"));
    let denied = |permission| Err(Denied { permission });
    for (action, answer) in [
        (Action::Join { room: "lobby.us", joined: 0 }, Ok(())),
        (Action::Join { room: "lobby", joined: 0 }, denied("join")),
        (Action::EmitRoom { room: "lobby.eu", event: "chat.say" }, Ok(())),
        (Action::EmitRoom { room: "lobby.us", event: "chat.say" }, denied("emit_room")),
        (Action::EmitRoom { room: "lobby.eu", event: "kick" }, denied("events")),
        (Action::EmitSocket { shares_room: false, event: "kick" }, denied("events")),
        (Action::Broadcast { event: "chat.say.loud" }, Ok(())),
        (Action::Emit { event: "chat" }, denied("events")),
    ] {
        assert_eq!(permissions.check(&action), answer, "{action:?}");
    }
}

#[test]
fn the_reach_towards_sockets_has_three_steps() {
    for (sockets, near, far, asks) in [
        (EmitSocket::No, false, false, false),
        (EmitSocket::SameRoom, true, false, true),
        (EmitSocket::Any, true, true, false),
    ] {
        let permissions = Permissions::open().allow_emit_socket(sockets);
        let allowed = |shares_room| {
            permissions.check(&Action::EmitSocket { shares_room, event: "say" }).is_ok()
        };
        let found = (allowed(true), allowed(false), permissions.asks_for_shared_room());
        assert_eq!(found, (near, far, asks), "{sockets:?}");
    }
    assert!(!Permissions::open().asks_for_shared_room());
}

#[test]
fn a_denial_names_what_is_missing() {
    let text = |permission| Denied { permission }.to_string();
    assert_eq!(text("broadcast"), "the key lacks the permission `broadcast`");
    assert_eq!(text("max_rooms"), "the limit `max_rooms` of the key is reached");
}

/// Exactly these permissions are missed by [`ACTIONS`], in their order.
#[track_caller]
fn check_denied<const N: usize>(permissions: &Permissions, expected: [&str; N]) {
    let missed = |action| permissions.check(action).err().map(|denied| denied.permission);
    let found: Vec<&str> = ACTIONS.iter().filter_map(missed).collect();
    assert_eq!(found, expected);
}
