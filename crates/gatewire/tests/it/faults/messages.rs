//! Messages that are well-framed and wrong: they cost themselves, and the connection goes on.

use bytes::Bytes;
use gatewire::{
    CloseCode, DisconnectReason, DropReason, Error, ErrorCode, ProtocolError, SocketId,
};
use gatewire_codec::{DecodeError, Field, Message, NackCode, Names, Target, ValueRef, v3};

use super::bystander::Scene;
use crate::raw::{Raw, frame_of};
use crate::rig::record;

/// The connection is as good as ever.
async fn expect_alive(raw: &mut Raw) {
    raw.send(&Message::Request { id: 9, event: "add", value: ValueRef::Integer(1) }).await;
    raw.expect(&Message::Ack { id: 9, value: ValueRef::Integer(2) }).await;
}

async fn leave(mut scene: Scene, raw: Raw) {
    let id = raw.id();
    scene.expect_undisturbed().await;
    drop(raw);
    scene.expect_end(id, DisconnectReason::Lost).await;
}

/// This frame is refused, told to both sides and counted; nothing else happens.
async fn check(body: &[u8], error: DecodeError) {
    let scene = Scene::new().await;
    let (told, mut errors) = record();
    scene.server.on_error(move |socket, error| told.note((socket.id(), error)));
    let mut raw = scene.intruder().await;
    raw.write(&frame_of(body)).await;
    let error = ProtocolError::Malformed(error);
    let text = error.to_string();
    raw.expect(&Message::Error { id: 0, code: ErrorCode::Malformed, text: &text }).await;
    assert_eq!(errors.next().await, (raw.id(), Error::Protocol(error)));
    expect_alive(&mut raw).await;
    let server = scene.server.clone();
    leave(scene, raw).await;
    assert_eq!(server.counters().inbound.dropped(DropReason::Decode), 1);
}

#[tokio::test]
async fn text_that_is_not_utf_8_costs_its_message() {
    let event = |rest: &[u8]| [&[3, 16], rest].concat();
    let name = DecodeError::InvalidUtf8 { field: Field::Event };
    check(&event(&[2, 0xc3, 0x28, 7]), name).await;
    let text = DecodeError::InvalidUtf8 { field: Field::String };
    check(&event(&[1, b'x', 1, 0xff, 0xfe]), text).await;
    let request = DecodeError::InvalidUtf8 { field: Field::String };
    check(&[3, 17, 5, 1, b'x', 1, 0x80], request).await;
    let room = DecodeError::InvalidUtf8 { field: Field::Names };
    check(&[3, 21, 0, 1, 1, 0xff], room).await;
}

#[tokio::test]
async fn a_value_that_is_none_costs_its_message() {
    check(&[3, 16, 1, b'x', 99, 1, 2], DecodeError::UnknownType { tag: 99 }).await;
    check(&[3, 16, 1, b'x', 6, 2], DecodeError::BadValue { field: Field::Bool }).await;
    check(&[3, 20, 0x80, 1, b'x', 7], DecodeError::BadValue { field: Field::Flags }).await;
}

#[tokio::test]
async fn an_object_that_is_broken_is_the_handlers_business() {
    let scene = Scene::new().await;
    scene.server.on("object", |_: gatewire::Object<Vec<u8>>| 1);
    let mut raw = scene.intruder().await;
    for (format, expected) in [
        (gatewire::FormatId::JSON, "json cannot decode: "),
        (gatewire::FormatId::MSGPACK, "the object is in msgpack (2), this endpoint knows json (1)"),
        (gatewire::FormatId(77), "the object is in format 77, this endpoint knows json (1)"),
    ] {
        let value = ValueRef::Object { format, bytes: b"[1,2" };
        raw.send(&Message::Request { id: 3, event: "object", value }).await;
        let frame = raw.read().await.expect("an answer");
        match v3::decode(&frame) {
            Ok(Message::Nack { id: 3, code: NackCode::Decode, value: ValueRef::String(text) }) => {
                assert!(text.starts_with(expected), "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
    expect_alive(&mut raw).await;
    leave(scene, raw).await;
}

#[tokio::test]
async fn answers_that_nobody_waits_for_are_nothing() {
    let scene = Scene::new().await;
    let mut raw = scene.intruder().await;
    for id in [0, 1, 77, u32::MAX] {
        raw.send(&Message::Ack { id, value: ValueRef::Integer(1) }).await;
        let code = NackCode::Rejected;
        raw.send(&Message::Nack { id, code, value: ValueRef::Empty }).await;
        raw.send(&Message::Pong { token: id.into() }).await;
    }
    expect_alive(&mut raw).await;
    leave(scene, raw).await;
}

#[tokio::test]
async fn a_request_of_id_0_is_answered_to_id_0() {
    let scene = Scene::new().await;
    let mut raw = scene.intruder().await;
    for _ in 0..2 {
        raw.send(&Message::Request { id: 0, event: "add", value: ValueRef::Integer(4) }).await;
        raw.expect(&Message::Ack { id: 0, value: ValueRef::Integer(5) }).await;
    }
    leave(scene, raw).await;
}

#[tokio::test]
async fn what_is_published_to_nobody_reaches_nobody() {
    let scene = Scene::new().await;
    let mut raw = scene.intruder().await;
    let unknown = SocketId::from_bytes([9; 16]).to_string();
    let sockets = [unknown.as_str(), "no id", "", "\u{1f980}"];
    let targets = [
        Target::default(),
        Target { rooms: Names::from_slice(&["nowhere", ""]), ..Target::default() },
        Target { sockets: Names::from_slice(&sockets), ..Target::default() },
    ];
    for target in targets {
        raw.send(&Message::Publish { request: None, target, event: "x", value: ValueRef::Empty })
            .await;
    }
    // So is a question: nobody was asked, and that was all.
    for target in targets {
        let value = ValueRef::Empty;
        raw.send(&Message::Publish { request: Some(6), target, event: "x", value }).await;
        raw.expect(&Message::Ack { id: 6, value: ValueRef::Integer(0) }).await;
    }
    // One to exactly one socket is refused.
    let one = Target { sockets: Names::from_slice(&sockets[..1]), ..Target::default() };
    let value = ValueRef::Empty;
    raw.send(&Message::Publish { request: Some(6), target: one, event: "x", value }).await;
    let (code, value) = (NackCode::NoSuchSocket, ValueRef::Empty);
    raw.expect(&Message::Nack { id: 6, code, value }).await;
    expect_alive(&mut raw).await;
    leave(scene, raw).await;
}

#[tokio::test]
async fn a_join_without_an_answer_is_refused_by_an_error() {
    let scene = Scene::new().await;
    let mut raw = scene.intruder().await;
    raw.send(&Message::Join { id: 0, rooms: Names::from_slice(&["good", "", "better"]) }).await;
    let text = "a room name has 1 to 255 bytes";
    raw.expect(&Message::Error { id: 0, code: ErrorCode::BadRoomName, text }).await;
    let names: Vec<String> = (0..130).map(|number| number.to_string()).collect();
    raw.send(&Message::Join { id: 0, rooms: Names::from_strings(&names) }).await;
    let text = "a socket can be in 128 rooms at most";
    raw.expect(&Message::Error { id: 0, code: ErrorCode::TooManyRooms, text }).await;
    let socket = scene.server.socket(&raw.id()).expect("a socket");
    assert_eq!(socket.rooms().len(), 128);
    raw.send(&Message::Leave { id: 0, rooms: Names::from_strings(&names) }).await;
    raw.send(&Message::Leave { id: 4, rooms: Names::EMPTY }).await;
    raw.expect(&Message::Ack { id: 4, value: ValueRef::Empty }).await;
    assert_eq!(socket.rooms().len(), 3);
    leave(scene, raw).await;
}

/// What only a server says is not for a client to say.
#[tokio::test]
async fn a_message_of_the_handshake_has_no_place_in_a_session() {
    for (message, kind) in [
        (Message::Reject { code: gatewire::RejectCode::Busy, retry_after_s: 1 }, "reject"),
        (
            Message::Proof(v3::handshake::Proof {
                extensions: v3::handshake::Extensions::NONE,
                mac: [0; 32],
            }),
            "proof",
        ),
    ] {
        let mut scene = Scene::new().await;
        let mut raw = scene.intruder().await;
        raw.send(&message).await;
        let reason = DisconnectReason::Protocol(ProtocolError::Unexpected(kind));
        assert_eq!(raw.expect_close(CloseCode::Protocol).await, reason.to_string());
        let id = raw.id();
        drop(raw);
        scene.expect_end(id, reason).await;
    }
}

#[tokio::test]
async fn an_error_of_the_peer_is_told_to_the_application() {
    let scene = Scene::new().await;
    let (told, mut errors) = record();
    scene.server.on_error(move |_, error| told.note(error));
    let mut raw = scene.intruder().await;
    raw.send(&Message::Error { id: 1, code: ErrorCode::Denied, text: "not for you" }).await;
    let text = "not for you".to_owned();
    assert_eq!(errors.next().await, Error::Refused { code: ErrorCode::Denied, text });
    expect_alive(&mut raw).await;
    leave(scene, raw).await;
}

/// A flood of bad messages is refused one by one, and ends with the flood.
#[tokio::test]
async fn many_bad_messages_are_refused_one_by_one() {
    let scene = Scene::new().await;
    scene.server.on_error(|_, _| {});
    let mut raw = scene.intruder().await;
    let bad: Bytes = frame_of(&[3, 16, 1, b'x', 99]);
    raw.write(&bad.repeat(2000)).await;
    let error = ProtocolError::Malformed(DecodeError::UnknownType { tag: 99 });
    let text = error.to_string();
    for _ in 0..2000 {
        raw.expect(&Message::Error { id: 0, code: ErrorCode::Malformed, text: &text }).await;
    }
    expect_alive(&mut raw).await;
    leave(scene, raw).await;
}
