//! Who receives a published message.

use gatewire_codec::{Message, ValueRef, v3};

use super::*;

#[test]
fn everyone_is_everyone_but_the_sender() {
    let (hub, keys) = hub_of(4);
    assert_eq!(receivers(&hub, &EVERYONE, Some(keys[2])), [0, 1, 3]);
    assert_eq!(receivers(&hub, &EVERYONE, None), [0, 1, 2, 3], "the server itself is no socket");
    let with_self = Target { include_self: true, ..EVERYONE };
    assert_eq!(receivers(&hub, &with_self, Some(keys[2])), [0, 1, 2, 3]);
}

#[test]
fn an_empty_target_is_nobody() {
    let (hub, keys) = hub_of(4);
    assert_eq!(receivers(&hub, &Target::default(), Some(keys[0])), NOBODY);
    let with_self = Target { include_self: true, ..Target::default() };
    assert_eq!(receivers(&hub, &with_self, Some(keys[0])), NOBODY, "only if among the receivers");
    assert_eq!(receivers(&Hub::new(RoomLimits::default()), &EVERYONE, None), NOBODY);
}

#[test]
fn a_room_is_its_members_but_the_sender() {
    let (mut hub, keys) = hub_of(4);
    join(&mut hub, "news", &keys[..3]);
    assert_eq!(receivers(&hub, &to_rooms(&["news"]), Some(keys[0])), [1, 2]);
    assert_eq!(receivers(&hub, &to_rooms(&["news"]), Some(keys[3])), [0, 1, 2]);
    let with_self = Target { include_self: true, ..to_rooms(&["news"]) };
    assert_eq!(receivers(&hub, &with_self, Some(keys[0])), [0, 1, 2]);
    assert_eq!(receivers(&hub, &with_self, Some(keys[3])), [0, 1, 2], "it is no member");
}

#[test]
fn a_member_of_two_addressed_rooms_receives_once() {
    let (mut hub, keys) = hub_of(4);
    join(&mut hub, "a", &keys[..3]);
    join(&mut hub, "b", &keys[1..]);
    assert_eq!(receivers(&hub, &to_rooms(&["a", "b"]), Some(keys[1])), [0, 2, 3]);
    assert_eq!(receivers(&hub, &to_rooms(&["a", "a"]), Some(keys[0])), [1, 2]);
    let all_ways = Target { rooms: Names::from_slice(&["a", "b"]), ..EVERYONE };
    assert_eq!(receivers(&hub, &all_ways, None), [0, 1, 2, 3]);
}

#[test]
fn a_socket_named_by_its_id_receives_once() {
    let (mut hub, keys) = hub_of(3);
    join(&mut hub, "news", &keys);
    let one = id(1).to_string();
    let one = [&*one];
    assert_eq!(receivers(&hub, &to_sockets(&[one[0], one[0]]), Some(keys[0])), [1]);
    let member = Target { sockets: Names::from_slice(&one), ..to_rooms(&["news"]) };
    assert_eq!(receivers(&hub, &member, Some(keys[0])), [1, 2]);
}

#[test]
fn a_sender_that_names_its_own_id_receives() {
    let (mut hub, keys) = hub_of(3);
    join(&mut hub, "news", &keys);
    let own = id(0).to_string();
    let own = [&*own];
    assert_eq!(receivers(&hub, &to_sockets(&own), Some(keys[0])), [0]);
    let and_room = Target { sockets: Names::from_slice(&own), ..to_rooms(&["news"]) };
    assert_eq!(receivers(&hub, &and_room, Some(keys[0])), [0, 1, 2]);
    let but_not = Target { except_sockets: Names::from_slice(&own), ..and_room };
    assert_eq!(receivers(&hub, &but_not, Some(keys[0])), [1, 2], "an exception beats all");
}

#[test]
fn unknown_names_and_texts_that_are_no_ids_address_nobody() {
    let (mut hub, keys) = hub_of(2);
    join(&mut hub, "news", &keys);
    let upper = SocketId::from_bytes([0xab; 16]).to_string().to_uppercase();
    assert!(hub.insert(SocketId::from_bytes([0xab; 16]), 9).is_some());
    let unknown = id(200).to_string();
    let short = "00";
    let signed = format!("+{}", &id(1).to_string()[1..]);
    let padded = format!(" {}", id(1));
    for text in ["", short, &upper, &unknown, &signed, &padded, "news", "*"] {
        let names = [text];
        assert_eq!(receivers(&hub, &to_sockets(&names), None), NOBODY, "{text:?}");
        let except = Target { except_sockets: Names::from_slice(&names), ..EVERYONE };
        assert_eq!(receivers(&hub, &except, None), [0, 1, 9], "{text:?}");
    }
    for room in ["", "New", "news ", "NEWS", "*"] {
        let names = [room];
        assert_eq!(receivers(&hub, &to_rooms(&names), None), NOBODY, "{room:?}");
        let except = Target { except_rooms: Names::from_slice(&names), ..EVERYONE };
        assert_eq!(receivers(&hub, &except, None), [0, 1, 9], "{room:?}");
    }
}

#[test]
fn exceptions_are_taken_away_last() {
    let (mut hub, keys) = hub_of(6);
    join(&mut hub, "muted", &keys[2..4]);
    let five = id(5).to_string();
    let five = [&*five];
    let target = Target {
        except_rooms: Names::from_slice(&["muted", "unknown"]),
        except_sockets: Names::from_slice(&five),
        ..EVERYONE
    };
    assert_eq!(receivers(&hub, &target, Some(keys[0])), [1, 4]);
    let named = Target { sockets: Names::from_slice(&five), ..target };
    assert_eq!(receivers(&hub, &named, Some(keys[0])), [1, 4]);
    let with_self = Target { include_self: true, ..target };
    assert_eq!(receivers(&hub, &with_self, Some(keys[0])), [0, 1, 4]);
    assert_eq!(receivers(&hub, &with_self, Some(keys[2])), [0, 1, 4], "it is muted itself");
}

#[test]
fn exceptions_alone_address_nobody() {
    let (mut hub, keys) = hub_of(3);
    join(&mut hub, "muted", &keys[..1]);
    let target = Target { except_rooms: Names::from_slice(&["muted"]), ..Target::default() };
    assert_eq!(receivers(&hub, &target, None), NOBODY);
}

#[test]
fn a_target_read_from_a_frame_addresses_the_same_sockets() {
    let (mut hub, keys) = hub_of(6);
    join(&mut hub, "a", &keys[..4]);
    join(&mut hub, "muted", &keys[1..2]);
    let (three, five) = (id(3).to_string(), id(5).to_string());
    let (three, five) = ([&*three], [&*five]);
    let target = Target {
        rooms: Names::from_slice(&["a"]),
        sockets: Names::from_slice(&five),
        except_rooms: Names::from_slice(&["muted"]),
        except_sockets: Names::from_slice(&three),
        ..Target::default()
    };
    let mut wire = bytes::BytesMut::new();
    let publish = Message::Publish { request: None, target, event: "news", value: ValueRef::Empty };
    v3::encode(&publish, &mut wire).expect("encodes");
    let Ok(Message::Publish { target: read, .. }) = v3::decode(&wire[4..]) else {
        panic!("a PUBLISH")
    };
    assert_eq!(receivers(&hub, &target, Some(keys[0])), [2, 5]);
    assert_eq!(receivers(&hub, &read, Some(keys[0])), [2, 5]);
}

#[test]
fn many_sockets_with_gaps_between_them_are_each_visited_once() {
    // The set of receivers is kept in words of 64 bits: sizes on both sides of a word's end.
    for sockets in [1, 63, 64, 65, 127, 128, 129, 200] {
        let (mut hub, keys) = hub_of(sockets);
        join(&mut hub, "all", &keys);
        for key in keys.iter().skip(1).step_by(3) {
            assert!(hub.remove(*key).is_some());
        }
        let expected: Vec<u8> = (0..sockets).filter(|number| number % 3 != 1).collect();
        let set = Target { rooms: Names::from_slice(&["all"]), ..EVERYONE };
        for target in [EVERYONE, to_rooms(&["all"]), to_rooms(&["all", "all"]), set] {
            assert_eq!(receivers(&hub, &target, None), expected, "{sockets} sockets");
        }
    }
}

#[track_caller]
fn join(hub: &mut Hub<u8>, room: &str, keys: &[SocketKey]) {
    for key in keys {
        assert_eq!(hub.join(*key, room), Ok(true));
    }
}

#[test]
fn a_socket_is_named_behind_its_own_node_too() {
    let (mut hub, keys) = hub_of(3);
    join(&mut hub, "news", &keys);
    let text = |node: &str, number| format!("{node}/{}", id(number));
    let (own, other) = (text("host1", 1), text("host2", 1));
    let (own, other) = ([&*own], [&*other]);
    assert_eq!(receivers(&hub, &to_sockets(&own), None), NOBODY, "it has no name yet");

    hub.set_node("host1");
    assert_eq!(receivers(&hub, &to_sockets(&own), None), [1]);
    assert_eq!(receivers(&hub, &to_sockets(&own), Some(keys[1])), [1], "by its id, so itself too");
    assert_eq!(receivers(&hub, &to_sockets(&other), None), NOBODY);
    let both = id(1).to_string();
    assert_eq!(receivers(&hub, &to_sockets(&[own[0], &both, other[0]]), None), [1]);
    let except = |names| Target { except_sockets: Names::from_slice(names), ..EVERYONE };
    assert_eq!(receivers(&hub, &except(&own), None), [0, 2]);
    assert_eq!(receivers(&hub, &except(&other), None), [0, 1, 2]);
    for text in ["host1/", "host1", "/", &format!("HOST1/{both}"), &format!("host1/{both}/")] {
        assert_eq!(receivers(&hub, &to_sockets(&[text]), None), NOBODY, "{text:?}");
        assert_eq!(hub.find_address(text), None, "{text:?}");
    }
    assert_eq!(hub.find_address(own[0]), Some((keys[1], &1)));
    assert_eq!(hub.find_address(&both), Some((keys[1], &1)));
}
