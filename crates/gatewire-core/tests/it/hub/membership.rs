//! Who is in, and who is in which room.

use gatewire_core::hub::{Hub, JoinError, RoomLimits};

use super::*;

#[test]
fn joining_twice_is_joining_once() {
    let (mut hub, keys) = hub_of(1);
    assert_eq!(hub.join(keys[0], "news"), Ok(true));
    assert_eq!(hub.join(keys[0], "news"), Ok(false));
    assert_eq!((hub.room_len("news"), hub.room_count()), (1, 1));
    assert!(hub.leave(keys[0], "news"));
    assert!(!hub.leave(keys[0], "news"));
}

#[test]
fn whether_a_join_would_succeed_is_told_without_joining() {
    let mut hub = Hub::new(RoomLimits { max_rooms: 1, max_name: 4 });
    let key = hub.insert(id(1), 1).expect("a new id");
    assert_eq!(hub.may_join(key, "news"), Ok(true));
    assert_eq!((hub.room_count(), hub.is_member(key, "news")), (0, false));
    assert_eq!(hub.may_join(key, "sports"), Err(JoinError::BadName { max_name: 4 }));
    assert_eq!(hub.join(key, "news"), Ok(true));
    assert_eq!(hub.may_join(key, "news"), Ok(false));
    assert_eq!(hub.may_join(key, "tea"), Err(JoinError::TooManyRooms { max_rooms: 1 }));
    hub.remove(key);
    assert_eq!(hub.may_join(key, "news"), Err(JoinError::NoSuchSocket));
}

#[test]
fn only_members_leave() {
    let (mut hub, keys) = hub_of(2);
    assert_eq!(hub.join(keys[0], "news"), Ok(true));
    assert!(!hub.leave(keys[1], "news"));
    assert!(!hub.leave(keys[0], "sports"));
    assert_eq!(hub.room_len("news"), 1);
}

#[test]
fn an_empty_room_vanishes() {
    let (mut hub, keys) = hub_of(2);
    for key in &keys {
        assert_eq!(hub.join(*key, "news"), Ok(true));
    }
    assert!(hub.leave(keys[0], "news"));
    assert_eq!((hub.room_len("news"), hub.room_count()), (1, 1));
    assert_eq!(hub.remove(keys[1]), Some(1));
    assert_eq!((hub.room_len("news"), hub.room_count()), (0, 0));
    assert_eq!(hub.members("news").count(), 0);
}

#[test]
fn a_room_name_has_1_to_255_bytes() {
    let (mut hub, keys) = hub_of(1);
    let refused = Err(JoinError::BadName { max_name: 255 });
    assert_eq!(hub.join(keys[0], ""), refused);
    assert_eq!(hub.join(keys[0], &"a".repeat(256)), refused);
    assert_eq!(hub.join(keys[0], &"ä".repeat(128)), refused, "bytes count, not letters");
    assert_eq!(hub.room_count(), 0);
    assert_eq!(hub.join(keys[0], &"a".repeat(255)), Ok(true));
    assert_eq!(hub.join(keys[0], "a"), Ok(true));
    assert_eq!(JoinError::BadName { max_name: 255 }.to_string(), "a room name has 1 to 255 bytes");
}

#[test]
fn a_socket_is_in_128_rooms_at_most() {
    let (mut hub, keys) = hub_of(2);
    for room in 0..128 {
        assert_eq!(hub.join(keys[0], &format!("room {room}")), Ok(true));
    }
    let refused = Err(JoinError::TooManyRooms { max_rooms: 128 });
    assert_eq!(hub.join(keys[0], "one more"), refused);
    assert_eq!(hub.room_count(), 128, "a refused join founds no room");
    assert_eq!(hub.join(keys[0], "room 5"), Ok(false), "it is in that one already");
    assert_eq!(hub.join(keys[1], "one more"), Ok(true), "the bound is each socket's own");
    assert!(hub.leave(keys[0], "room 5"));
    assert_eq!(hub.join(keys[0], "one more"), Ok(true));
}

#[test]
fn a_hub_that_allows_no_room_refuses_all() {
    let mut hub = Hub::new(RoomLimits { max_rooms: 0, max_name: 1 });
    let key = hub.insert(id(1), ()).expect("a new id");
    assert_eq!(hub.join(key, "a"), Err(JoinError::TooManyRooms { max_rooms: 0 }));
}

#[test]
fn names_that_mean_something_elsewhere_are_ordinary_here() {
    let names = [
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "*",
        ">",
        "a,b",
        "a|b",
        " ",
        "\0",
        "\u{feff}",
        "../..",
        "room\nroom",
    ];
    let (mut hub, keys) = hub_of(2);
    for name in names {
        assert_eq!(receivers(&hub, &to_rooms(&[name]), None), NOBODY, "{name:?} before the join");
        assert_eq!(hub.join(keys[0], name), Ok(true), "{name:?}");
        assert_eq!(receivers(&hub, &to_rooms(&[name]), None), [0], "{name:?}");
    }
    assert_eq!(hub.room_count(), names.len());
    let mut found: Vec<_> = hub.rooms_of(keys[0]).collect();
    let mut expected = names.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn names_that_look_alike_are_different_rooms() {
    let (mut hub, keys) = hub_of(4);
    // The letter with its accent, and the letter followed by a combining accent.
    for (key, name) in keys.iter().zip(["News", "news", "caf\u{e9}", "cafe\u{301}"]) {
        assert_eq!(hub.join(*key, name), Ok(true));
    }
    assert_eq!(hub.room_count(), 4);
}

#[test]
fn leaving_all_leaves_all_and_nobody_else() {
    let (mut hub, keys) = hub_of(2);
    for name in ["a", "b", "c"] {
        for key in &keys {
            assert_eq!(hub.join(*key, name), Ok(true));
        }
    }
    hub.leave_all(keys[0]);
    assert_eq!(hub.rooms_of(keys[0]).count(), 0);
    assert_eq!(hub.rooms_of(keys[1]).count(), 3);
    assert_eq!(receivers(&hub, &to_rooms(&["a", "b", "c"]), None), [1]);
    hub.leave_all(keys[0]);
    assert_eq!(hub.len(), 2, "it is still connected");
}

#[test]
fn departures_in_any_order_leave_the_others_in_place() {
    // A departure moves the last entry of a list into the gap, on both sides of a membership.
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for rooms_left in orders {
        for sockets_left in orders {
            let (mut hub, keys) = hub_of(3);
            let rooms = ["a", "b", "c"];
            for room in rooms {
                for key in &keys {
                    assert_eq!(hub.join(*key, room), Ok(true));
                }
            }
            let mut there = 9;
            for room in rooms_left.map(|room| rooms[room]) {
                for socket in sockets_left {
                    assert!(hub.leave(keys[socket], room));
                    there -= 1;
                    let found: usize = keys.iter().map(|key| hub.rooms_of(*key).count()).sum();
                    let members: usize = rooms.iter().map(|room| hub.room_len(room)).sum();
                    assert_eq!((found, members), (there, there));
                    assert!(hub.members(room).all(|(key, _)| key != keys[socket]));
                }
            }
            assert_eq!(hub.room_count(), 0);
        }
    }
}

#[test]
fn an_id_is_registered_once() {
    let (mut hub, keys) = hub_of(1);
    assert_eq!(hub.insert(id(0), 77), None);
    assert_eq!(hub.find(id(0)), Some((keys[0], &0)), "the first one stays");
    assert_eq!(hub.remove(keys[0]), Some(0));
    assert_eq!(hub.find(id(0)), None);
    assert!(hub.insert(id(0), 77).is_some(), "the id is free again");
}

#[test]
fn a_removed_socket_is_gone_everywhere() {
    let (mut hub, keys) = hub_of(2);
    assert_eq!(hub.join(keys[0], "news"), Ok(true));
    assert_eq!(hub.remove(keys[0]), Some(0));
    assert_eq!(hub.remove(keys[0]), None);
    assert_eq!(hub.handle(keys[0]), None);
    assert_eq!(hub.join(keys[0], "news"), Err(JoinError::NoSuchSocket));
    assert!(!hub.leave(keys[0], "news"));
    assert_eq!(hub.rooms_of(keys[0]).count(), 0);
    assert_eq!(receivers(&hub, &EVERYONE, None), [1]);
    assert_eq!(hub.iter().map(|(key, _)| key).collect::<Vec<_>>(), [keys[1]]);
    assert_eq!((hub.len(), hub.is_empty()), (1, false));
}

#[test]
fn a_key_of_a_removed_socket_does_not_reach_its_successor() {
    // A handler may outlive its connection: what it still does must not hit whoever has come since.
    let (mut hub, keys) = hub_of(2);
    for round in 10..20 {
        let old = hub.insert(id(round), round).expect("a new id");
        assert_eq!(hub.remove(old), Some(round));
        let new = hub.insert(id(round + 100), round + 100).expect("a new id");
        assert_eq!(hub.join(new, "news"), Ok(true));

        assert_eq!(hub.join(old, "secret"), Err(JoinError::NoSuchSocket));
        assert!(!hub.leave(old, "news"));
        hub.leave_all(old);
        assert_eq!(hub.rooms_of(new).collect::<Vec<_>>(), ["news"]);
        assert_eq!(hub.handle(old), None);
        assert_eq!(hub.remove(old), None);
        // As a sender it is nobody either, on each of the ways through a delivery.
        assert_eq!(receivers(&hub, &EVERYONE, Some(old)), [0, 1, round + 100]);
        assert_eq!(receivers(&hub, &to_rooms(&["news"]), Some(old)), [round + 100]);
        assert_eq!(receivers(&hub, &to_rooms(&["news", "news"]), Some(old)), [round + 100]);
        assert_eq!(hub.remove(new), Some(round + 100));
    }
    // The same after the hub was empty and gave its memory back.
    for key in &keys {
        assert!(hub.remove(*key).is_some());
    }
    assert!(hub.is_empty());
    let new = hub.insert(id(0), 9).expect("a new id");
    assert_eq!((hub.handle(keys[0]), hub.handle(keys[1])), (None, None));
    assert_eq!(hub.handle(new), Some(&9));
}
