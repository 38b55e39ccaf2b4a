//! What a client says of its rooms to a server, which may be a Node router: such a one counts all that it is told.

use gatewire_codec::legacy::Packet;
use gatewire_codec::{LENGTH_PREFIX, Message, NackCode, Names, ValueRef, Version, split_frame};
use gatewire_legacy::downlink::{Side, Translator};

use super::bounds::{near, say, translator};

/// What the peer gets, as `join a,b`.
fn said(translator: &mut Translator) -> Vec<String> {
    let bytes = translator.peer_output().split();
    let (mut rest, mut said) = (&bytes[..], Vec::new());
    while let Some((frame, behind)) = split_frame(rest, u32::MAX).expect("whole frames") {
        let packet = Packet::decode(frame).expect("a frame");
        said.push(match packet.to_message().expect("a message") {
            Message::Join { rooms, .. } => format!("join {}", list(rooms)),
            Message::Leave { rooms, .. } => format!("leave {}", list(rooms)),
            Message::LeaveAll { .. } => "leave all".to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(rest.len() - behind.len(), frame.len() + LENGTH_PREFIX);
        rest = behind;
    }
    said
}

fn list(rooms: Names<'_>) -> String {
    rooms.iter().collect::<Vec<_>>().join(",")
}

fn join(translator: &mut Translator, id: u32, rooms: &[&str]) {
    say(translator, &Message::Join { id, rooms: Names::from_slice(rooms) });
}

fn leave(translator: &mut Translator, id: u32, rooms: &[&str]) {
    say(translator, &Message::Leave { id, rooms: Names::from_slice(rooms) });
}

#[test]
fn joins_and_leaves_that_change_nothing_are_confirmed_and_not_said() {
    let mut translator = translator(Version::V2, Side::Client);
    let client = &mut translator;
    leave(client, 1, &["a"]);
    join(client, 2, &["a", "a"]);
    join(client, 3, &["a", "b"]);
    join(client, 4, &["b"]);
    leave(client, 5, &["c", "a"]);
    leave(client, 6, &["a"]);
    say(client, &Message::LeaveAll { id: 7 });
    leave(client, 8, &["b"]);
    join(client, 9, &["b"]);
    assert_eq!(said(client), ["join a", "join b", "leave a", "leave all", "join b"]);
    let confirmed = |id| format!("{:?}", Message::Ack { id, value: ValueRef::Empty });
    assert_eq!(near(client), (1..=9).map(confirmed).collect::<Vec<_>>());
}

#[test]
fn joins_that_are_refused_change_nothing() {
    let mut translator = translator(Version::V2, Side::Client);
    let client = &mut translator;
    for rooms in [["a", "x,y"], ["a", "constructor"]] {
        join(client, 1, &rooms);
        leave(client, 2, &rooms);
        let refused = near(client);
        let code = format!("code: {:?}", NackCode::Untranslatable);
        assert!(refused.len() == 2 && refused.iter().all(|nack| nack.contains(&code)));
    }
    join(client, 3, &["a"]);
    assert_eq!(said(client), ["join a"]);
}

/// There are no routers of version 1, and its server may have put a client into a room, or taken it out.
#[test]
fn a_server_of_version_1_is_told_all() {
    let mut translator = translator(Version::V1, Side::Client);
    let client = &mut translator;
    leave(client, 1, &["a"]);
    join(client, 2, &["a"]);
    join(client, 3, &["a"]);
    join(client, 4, &[]);
    assert_eq!(said(client), ["leave a", "join a", "join a"]);
}
