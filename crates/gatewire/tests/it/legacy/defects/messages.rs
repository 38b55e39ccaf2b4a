//! Messages that are no sense where they come.

use gatewire::{Object, RequestError, StreamError, Wire};
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{EncodeError, Field, FormatId, ValueRef};
use serde_json::json;

use crate::legacy::raw::{OLD, Peer};
use crate::legacy::rig::{Everything, WIRES};
use crate::rig::{eventually, fence, record, within};

fn object(text: &str) -> ValueRef<'_> {
    ValueRef::Object { format: FormatId::UNSPECIFIED, bytes: text.as_bytes() }
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_is_ignored() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        for id in [0, 1, 77, u32::MAX] {
            peer.send(peer.packet(Kind::Ack, id)).await;
        }
        peer.fence().await;
    }
}

#[tokio::test]
async fn a_second_answer_to_a_request_is_ignored() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        let socket = all.server.socket(&peer.id.parse().expect("an id")).expect("a socket");
        let asked = tokio::spawn(async move { socket.request::<i64, _>("ask", ()).await });
        let id = peer.next(|packet| packet.id).await;
        for answer in [1, 2] {
            peer.send(Packet { value: ValueRef::Integer(answer), ..peer.packet(Kind::Ack, id) })
                .await;
        }
        assert_eq!(within(asked).await.expect("no panic"), Ok(1));
        peer.fence().await;
    }
}

#[tokio::test]
async fn a_join_of_something_that_is_no_text_is_refused() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        for kind in [Kind::JoinRoom, Kind::LeaveRoom] {
            peer.send(Packet { value: ValueRef::Integer(5), ..peer.packet(kind, 9) }).await;
            assert!(peer.next_error().await.starts_with("ignored: "));
        }
        peer.fence().await;
        assert_eq!(
            all.server.socket(&peer.id.parse().expect("an id")).expect("a socket").rooms().len(),
            0
        );
    }
}

#[tokio::test]
async fn names_that_javascript_knows_are_names_like_others() {
    let all = Everything::new().await;
    for wire in OLD {
        let (mut sender, mut member) =
            (Peer::connect(&all, wire).await, Peer::connect(&all, wire).await);
        for name in ["__proto__", "constructor", "toString"] {
            member
                .send(Packet { value: ValueRef::String(name), ..member.packet(Kind::JoinRoom, 9) })
                .await;
            member.fence().await;
            let event = format!("{name}|hello");
            sender.send(Packet { event: &event, ..sender.packet(Kind::DataToRoom, 9) }).await;
            member
                .next(|packet| assert_eq!((packet.kind, packet.event), (Kind::Data, "hello")))
                .await;
            sender.send(Packet { event: &event, ..sender.packet(Kind::DataToSocket, 9) }).await;
            sender.fence().await;
            member.fence().await;
        }
    }
}

/// A server may be Node, whose process they would end.
#[tokio::test]
async fn names_that_javascript_knows_are_refused_to_who_addresses_an_old_server() {
    let all = Everything::new().await;
    for wire in OLD {
        let client = all.client(wire).await;
        let bad = gatewire::EmitError::from(EncodeError::Prototype);
        for name in ["__proto__", "constructor", "toString"] {
            let refused = RequestError::NotSent(bad.clone());
            assert_eq!(within(client.join(name)).await, Err(refused.clone()), "{name}");
            assert_eq!(within(client.join_rooms(["room1", name])).await, Err(refused.clone()));
            assert_eq!(within(client.leave(name)).await, Err(refused.clone()), "{name}");
            assert_eq!(client.to(name).emit("e", 1), Err(bad.clone()), "{name}");
            assert_eq!(client.to_id(name).emit("e", 1), Err(bad.clone()), "{name}");
            let stream = client.to(name).stream("e", ()).await;
            assert_eq!(stream.err(), Some(StreamError::Refused(refused)), "{name}");
        }
        assert_eq!(client.rooms(), [""; 0]);
    }
}

/// What an application calls its events has nothing to do with what happens to a connection.
#[tokio::test]
async fn events_named_close_and_error_are_events_like_others() {
    let all = Everything::new().await;
    let (seen, mut names) = record();
    let ended = crate::rig::record_ends(&all.server);
    all.server.on_any(move |_, name, _| seen.note(name.to_owned()));
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        let connected = all.server.len();
        for event in ["close", "error", "end", "connection"] {
            let value = ValueRef::String("boom");
            peer.send(Packet { event, value, ..peer.packet(Kind::Data, 9) }).await;
            assert_eq!(names.next().await, event);
        }
        peer.fence().await;
        assert_eq!(names.next().await, "fence");
        assert_eq!(all.server.len(), connected);
    }
    drop(ended);
    let client = all.client(Wire::V1).await;
    let (seen, mut errors) = record();
    client.on("error", move |text: String| seen.note(text));
    let socket = all.server.socket(&client.id().expect("connected")).expect("a socket");
    socket.emit("error", "boom").expect("queued");
    assert_eq!(errors.next().await, "boom");
    assert!(client.is_connected());
}

#[tokio::test]
async fn a_message_for_others_without_a_separator_is_refused() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        let room = ValueRef::String("room1");
        peer.send(Packet { value: room, ..peer.packet(Kind::JoinRoom, 9) }).await;
        let id = peer.id.clone();
        for (kind, event) in [(Kind::DataToRoom, "room1"), (Kind::DataToSocket, &*id)] {
            peer.send(Packet { event, ..peer.packet(kind, 9) }).await;
            assert!(peer.next_error().await.starts_with("ignored: "));
        }
        peer.fence().await;
    }
}

#[tokio::test]
async fn names_with_separators_are_refused_where_they_are_given() {
    let all = Everything::new().await;
    let (seen, mut names) = record();
    all.server.on_any(move |_, name, _| seen.note(name.to_owned()));
    for wire in OLD {
        let client = all.client(wire).await;
        let bad = |field| gatewire::EmitError::from(EncodeError::Separator { field });
        for room in ["x,y", "x|y", ""] {
            let refused = RequestError::NotSent(bad(Field::Names));
            assert_eq!(within(client.join(room)).await, Err(refused.clone()), "{room}");
            assert_eq!(within(client.leave(room)).await, Err(refused), "{room}");
            assert_eq!(client.to(room).emit("e", 1), Err(bad(Field::Names)), "{room}");
        }
        assert_eq!(client.to("room").emit("a|b", 1), Err(bad(Field::Event)));
        // To the server itself any name goes, and arrives whole.
        client.emit("a|b,c", 1).expect("queued");
        assert_eq!(names.next().await, "a|b,c");
    }
}

/// It is an error of that message, at whoever reads it, and reaches nobody whom it would hurt.
#[tokio::test]
async fn an_object_that_is_no_json_costs_that_message_only() {
    let all = Everything::new().await;
    let (seen, mut errors) = record();
    all.server.on("object", |Object(_): Object<serde_json::Value>| ());
    all.server.on_error(move |_, error| seen.note(error.to_string()));
    for wire in OLD {
        let (mut sender, mut member) =
            (Peer::connect(&all, wire).await, Peer::connect(&all, wire).await);
        let newer = all.client(Wire::V3).await;
        let (seen, mut broken) = record();
        newer.on_error(move |error| seen.note(error.to_string()));
        newer.on("object", |Object(_): Object<serde_json::Value>| ());
        within(newer.join("room1")).await.expect("joined");
        let room = ValueRef::String("room1");
        member.send(Packet { value: room, ..member.packet(Kind::JoinRoom, 9) }).await;
        member.fence().await;
        let value = object("{\"a\":1");
        sender.send(Packet { event: "object", value, ..sender.packet(Kind::Data, 9) }).await;
        assert!(errors.next().await.contains("object"));
        let event = "room1|object";
        sender.send(Packet { event, value, ..sender.packet(Kind::DataToRoom, 9) }).await;
        assert!(broken.next().await.contains("object"));
        assert!(errors.next().await.contains("no JSON"));
        sender.fence().await;
        member.fence().await;
    }
}

#[tokio::test]
async fn a_request_with_the_id_0_is_answered_with_it() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        peer.send(Packet { event: "fence", ..peer.packet(Kind::DataWithAck, 0) }).await;
        peer.next(|packet| assert_eq!((packet.kind, packet.id), (Kind::Ack, 0))).await;
    }
}

#[tokio::test]
async fn an_empty_list_is_nobody() {
    let all = Everything::new().await;
    let (seen, mut news) = record();
    let mut clients = Vec::new();
    for wire in WIRES {
        let (client, seen) = (all.client(wire).await, seen.clone());
        client.on("news", move |text: String| seen.note(text));
        clients.push(client);
    }
    all.server.to_rooms([]).emit("news", "for nobody").expect("nobody");
    for (wire, client) in WIRES.iter().zip(&clients) {
        let emitted = client.to_rooms([]).emit("news", "for nobody");
        assert_eq!(emitted.is_ok(), *wire == Wire::V3, "{wire}: {emitted:?}");
        fence(client).await;
    }
    crate::rig::fence_all(&all.server).await;
    news.expect_nothing();
}

/// Of an old server there are as many copies as rooms: not of this one.
#[tokio::test]
async fn who_is_in_two_of_the_rooms_gets_one_copy() {
    let all = Everything::new().await;
    for wire in OLD {
        let (mut sender, mut member) =
            (Peer::connect(&all, wire).await, Peer::connect(&all, wire).await);
        let rooms = ValueRef::String("room1,room2");
        member.send(Packet { value: rooms, ..member.packet(Kind::JoinRoom, 9) }).await;
        member.fence().await;
        sender.send(Packet { event: "room1,room2|e", ..sender.packet(Kind::DataToRoom, 9) }).await;
        sender.fence().await;
        member.next(|packet| assert_eq!(packet.event, "e")).await;
        member.fence().await;
    }
}

#[tokio::test]
async fn a_second_join_and_a_leave_leave_nothing_behind() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        let room = ValueRef::String("room1");
        for kind in [Kind::JoinRoom, Kind::JoinRoom, Kind::LeaveRoom] {
            peer.send(Packet { value: room, ..peer.packet(kind, 9) }).await;
        }
        peer.fence().await;
        let rooms = all.server.socket(&peer.id.parse().expect("an id")).expect("a socket").rooms();
        assert_eq!(rooms, Vec::<String>::new());
        peer.raw.shutdown().await;
        eventually(|| all.server.is_empty()).await;
    }
}

/// Objects that JSON has, and those that it has not.
#[tokio::test]
async fn an_object_for_an_older_peer_is_json() {
    let all = Everything::with(|builder| builder.accept_format(gatewire_msgpack::MsgPack)).await;
    let sender =
        all.client_with(Wire::V3, |builder| builder.format(gatewire_msgpack::MsgPack)).await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        let point = Object(json!({"x": 3, "y": [true, null, "z"], "deep": {"n": -1.5}}));
        let id: gatewire::SocketId = peer.id.parse().expect("an id");
        sender.to_socket(id).emit("point", point).expect("queued");
        peer.next(|packet| {
            let ValueRef::Object { bytes, .. } = packet.value else { panic!("{packet:?}") };
            let read: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
            assert_eq!(read, json!({"x": 3, "y": [true, null, "z"], "deep": {"n": -1.5}}));
        })
        .await;
    }
}
