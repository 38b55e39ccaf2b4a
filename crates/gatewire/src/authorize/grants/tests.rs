use std::time::Duration;

use gatewire_core::SocketId;

use super::*;

fn at(seconds: u64) -> Time {
    Time::from_elapsed(Duration::from_secs(seconds))
}

#[test]
fn an_action_is_allowed_until_its_time_is_over() {
    let mut grants = Grants::default();
    let action = Action::Join { room: "tea" };
    assert!(!grants.hold(&action, at(0)));
    grants.grant(&action, at(10));
    assert!(grants.hold(&action, at(9)));
    assert!(!grants.hold(&action, at(10)));
    assert!(grants.until.is_empty());
    assert_eq!(grants.names, 0);
}

#[test]
fn an_action_is_allowed_and_no_other_that_looks_like_it() {
    let id = SocketId::from_bytes(*b"0123456789abcdef");
    let actions = [
        Action::Join { room: "a" },
        Action::Join { room: "ab" },
        Action::Emit { event: "a" },
        Action::EmitRoom { room: "a", event: "b" },
        Action::EmitRoom { room: "ab", event: "" },
        Action::EmitRoom { room: "0123456789abcdef", event: "a" },
        Action::EmitSocket { socket: id, event: "a" },
        Action::Broadcast { event: "a" },
        Action::Stream { event: "a" },
    ];
    for granted in &actions {
        let mut grants = Grants::default();
        grants.grant(granted, at(1));
        for action in &actions {
            assert_eq!(grants.hold(action, at(0)), action == granted, "{granted:?} {action:?}");
        }
    }
}

#[test]
fn at_the_bound_those_that_end_first_are_forgotten() {
    let mut grants = Grants::default();
    let rooms: Vec<String> = (0..1000).map(|number| format!("room {number}")).collect();
    for (room, end) in rooms.iter().zip(1..) {
        grants.grant(&Action::Join { room }, at(end));
    }
    assert_eq!(grants.until.len(), MAX_GRANTS);
    for (number, room) in rooms.iter().enumerate() {
        assert_eq!(grants.hold(&Action::Join { room }, at(0)), number >= 1000 - MAX_GRANTS);
    }
}

#[test]
fn long_names_take_no_more_memory_than_short_ones() {
    let mut grants = Grants::default();
    let long = "x".repeat(MAX_NAME + 1);
    grants.grant(&Action::Join { room: &long }, at(1));
    grants.grant(&Action::EmitRoom { room: &long[..600], event: &long[..600] }, at(1));
    assert!(grants.until.is_empty());
    for number in 0..100 {
        let room = format!("{number:01000}");
        grants.grant(&Action::Join { room: &room }, at(number + 1));
        assert!(grants.names <= MAX_NAMES);
        assert!(grants.hold(&Action::Join { room: &room }, at(0)));
    }
    // The same again takes no place.
    let (before, last) = (grants.until.len(), format!("{:01000}", 99));
    grants.grant(&Action::Join { room: &last }, at(500));
    assert_eq!(grants.until.len(), before);
    grants.release_memory(at(200));
    assert_eq!((grants.until.len(), grants.names), (1, 1003));
    grants.release_memory(at(500));
    assert_eq!((grants.until.capacity(), grants.names), (0, 0));
}
