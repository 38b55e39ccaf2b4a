//! Peers that do with streams what they may not do: each fault has its outcome, and nobody else is hurt.

use gatewire::{CloseCode, DisconnectReason, ProtocolError, StreamCode, StreamReader};
use gatewire_codec::{Message, NackCode, Names, Target, ValueRef, v3};
use gatewire_core::session::FlowError;

use super::frames::{
    ack, credit, data, finish, open, open_for, open_unanswered, outcome, reset, stop,
};
use super::kit::{CREDIT, Pump, bytes};
use super::script::{expect, expect_alive, leave, push, scene};
use crate::raw::{Raw, frame};
use crate::rig::within;

/// Whom the streams of a check are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Server,
    Socket,
    Room,
}

/// These messages, of which each is sent to the server and to others behind it, end the connection for this
/// reason.
async fn check(messages: impl Fn(&mut Vec<u8>, &dyn Fn(u32) -> Vec<u8>), error: ProtocolError) {
    for to in [For::Server, For::Socket, For::Room] {
        let (mut scene, gate) = scene().await;
        let mut member = Raw::dial(scene.server.local_addr()).await;
        let member_id = member.id().to_string();
        let ids = [member_id.as_str()];
        let room = ["readers"];
        let socket = scene.server.socket(&member.id()).expect("connected");
        socket.join("readers").expect("joined");
        let target = match to {
            For::Server => None,
            For::Socket => Some(Target { sockets: Names::from_slice(&ids), ..Target::default() }),
            For::Room => Some(Target { rooms: Names::from_slice(&room), ..Target::default() }),
        };
        let open = |id| {
            let (event, info) = ("file", ValueRef::Empty);
            frame(&Message::StreamOpen { id, target, event, info, ack: true }).to_vec()
        };
        let mut raw = scene.intruder().await;
        let mut all = Vec::new();
        messages(&mut all, &open);
        raw.try_write(&all).await;
        let reason = DisconnectReason::Protocol(error);
        let text = loop {
            let last = raw.read().await.expect("a close is due");
            match v3::decode(&last).expect("a message") {
                Message::StreamCredit { .. } | Message::Ping { .. } => {}
                Message::Close { code: CloseCode::Protocol, text } => break text.to_owned(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(text, reason.to_string());
        raw.expect_end().await;
        let id = raw.id();
        drop((raw, gate));
        scene.expect_next_end(id, reason).await;
        member.finish().await;
        scene.expect_end(member.id(), DisconnectReason::Lost).await;
    }
}

#[tokio::test]
async fn more_bytes_than_credit_end_the_connection() {
    // As far as a server lets a client be ahead of others, and what these take without giving credit: beyond
    // it there is none from anybody.
    let most = bytes((1 << 20) + (256 << 10));
    let messages = |all: &mut Vec<u8>, open: &dyn Fn(u32) -> Vec<u8>| {
        all.extend(open(1));
        for chunk in most.chunks(v3::MAX_CHUNK) {
            push(all, &data(1, chunk));
        }
        push(all, &data(1, &[7]));
    };
    check(messages, ProtocolError::Stream(FlowError::BeyondCredit)).await;
}

#[tokio::test]
async fn a_length_that_is_not_what_came_ends_the_connection() {
    for length in [0, 999, 1001, u64::MAX] {
        let messages = |all: &mut Vec<u8>, open: &dyn Fn(u32) -> Vec<u8>| {
            all.extend(open(1));
            push(all, &data(1, &bytes(1000)));
            push(all, &finish(1, length));
        };
        check(messages, ProtocolError::Stream(FlowError::WrongLength)).await;
    }
}

#[tokio::test]
async fn an_id_that_is_in_use_ends_the_connection() {
    let messages = |all: &mut Vec<u8>, open: &dyn Fn(u32) -> Vec<u8>| {
        all.extend(open(1));
        all.extend(open(2));
        all.extend(open(1));
    };
    check(messages, ProtocolError::StreamIdInUse(1)).await;
}

/// Its reader has not read it yet, so the stream is known.
#[tokio::test]
async fn what_follows_the_end_of_an_unread_stream_ends_the_connection() {
    for last in [finish(1, 1000), data(1, &[7])] {
        let messages = |all: &mut Vec<u8>, open: &dyn Fn(u32) -> Vec<u8>| {
            all.extend(open(1));
            push(all, &data(1, &bytes(1000)));
            push(all, &finish(1, 1000));
            push(all, &last);
        };
        check(messages, ProtocolError::Stream(FlowError::AfterEnd)).await;
    }
}

#[tokio::test]
async fn what_follows_the_end_of_a_stream_that_is_read_is_skipped() {
    let (scene, gate) = scene().await;
    gate.open();
    let mut raw = scene.intruder().await;
    raw.send(&open(1, "file")).await;
    raw.send(&data(1, &bytes(1000))).await;
    raw.send(&finish(1, 1000)).await;
    expect(&mut raw, &ack(1, ValueRef::Integer(1000))).await;
    for last in [finish(1, 1000), data(1, &[7]), reset(1), finish(1, 5)] {
        raw.send(&last).await;
    }
    // The id is free.
    raw.send(&open(1, "file")).await;
    raw.send(&finish(1, 0)).await;
    expect(&mut raw, &ack(1, ValueRef::Integer(0))).await;
    leave(scene, raw).await;
}

#[tokio::test]
async fn frames_of_streams_that_are_not_open_are_skipped() {
    let (scene, _gate) = scene().await;
    let mut raw = scene.intruder().await;
    for id in [1, 77, u32::MAX] {
        for message in [
            data(id, &[7]),
            finish(id, 1),
            reset(id),
            stop(id),
            credit(id, u64::MAX),
            outcome(id, &[7]),
            ack(id, ValueRef::Empty),
            Message::Nack { id, code: NackCode::Busy, value: ValueRef::Empty },
            Message::Pong { token: (1 << 63) | u64::from(id) },
        ] {
            raw.send(&message).await;
        }
    }
    raw.send(&Message::Request { id: 9, event: "add", value: ValueRef::Integer(1) }).await;
    raw.expect(&ack(9, ValueRef::Integer(2))).await;
    leave(scene, raw).await;
}

#[tokio::test]
async fn credit_that_shrinks_or_is_endless_is_credit() {
    let (scene, _gate) = scene().await;
    let mut raw = scene.intruder().await;
    let socket = scene.server.socket(&raw.id()).expect("connected");
    const LENGTH: usize = 3 << 20;
    let pump = Pump::start(socket.stream("file", ()).await.expect("opened"), LENGTH);
    raw.send(&credit(1, 0)).await;
    raw.send(&credit(1, 10)).await;
    let mut taken = 0;
    loop {
        let found = raw.read().await.expect("a frame");
        match v3::decode(&found).expect("a message") {
            Message::StreamOpen { id: 1, .. } => {}
            Message::StreamChunk { id: 1, bytes: chunk, .. } => {
                assert!(chunk == bytes(taken + chunk.len()).slice(taken..));
                taken += chunk.len();
                if taken == CREDIT {
                    expect_alive(&mut raw).await;
                    raw.send(&credit(1, u64::MAX)).await;
                    raw.send(&credit(1, 0)).await;
                }
            }
            Message::StreamFinish { id: 1, length: Some(length), .. } => {
                assert_eq!((length, taken), (LENGTH as u64, LENGTH));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    raw.send(&ack(1, ValueRef::Integer(1))).await;
    assert_eq!(pump.end().await, Ok(1));
    leave(scene, raw).await;
}

/// Only streams to many have readers of whom the server tells.
#[tokio::test]
async fn outcomes_of_a_stream_to_one_are_skipped_and_not_kept() {
    let (scene, _gate) = scene().await;
    let mut raw = scene.intruder().await;
    let socket = scene.server.socket(&raw.id()).expect("connected");
    let stream = socket.stream("file", ()).await.expect("opened");
    raw.expect(&open(1, "file")).await;
    for _ in 0..100 {
        raw.send(&outcome(1, &bytes(100_000))).await;
    }
    raw.send(&ack(1, ValueRef::Integer(1))).await;
    assert_eq!(within(stream.finish::<i64>()).await, Ok(1));
    expect_alive(&mut raw).await;
    leave(scene, raw).await;
}

#[tokio::test]
async fn a_target_of_too_many_names_is_refused() {
    let (scene, _gate) = scene().await;
    let mut raw = scene.intruder().await;
    let names: Vec<String> = (0..1025).map(|number| number.to_string()).collect();
    let names = Names::from_strings(&names);
    let targets = [
        Target { rooms: names, ..Target::default() },
        Target { sockets: names, ..Target::default() },
        Target { everyone: true, except_rooms: names, ..Target::default() },
        Target { everyone: true, except_sockets: names, ..Target::default() },
    ];
    let text = "a stream may name 1024 rooms or sockets at most";
    for (id, target) in (1..).zip(targets) {
        raw.send(&open_for(id, target, "file")).await;
        raw.send(&data(id, &[7])).await;
        let (code, value) = (NackCode::Denied, ValueRef::String(text));
        raw.expect(&Message::Nack { id, code, value }).await;
        let (event, info) = ("file", ValueRef::Empty);
        let unanswered = Message::StreamOpen { id, target: Some(target), event, info, ack: false };
        raw.send(&unanswered).await;
        let code = StreamCode::NotTaken;
        raw.expect(&Message::StreamStop { id, code, text: "" }).await;
    }
    leave(scene, raw).await;
}

#[tokio::test]
async fn who_wants_no_answer_gets_none() {
    let (scene, gate) = scene().await;
    gate.open();
    scene.server.on("typed", |_: i64, _: StreamReader| ());
    scene.server.on("drops", |_: StreamReader| 5);
    let mut raw = scene.intruder().await;
    let stopped = |id, code| Message::StreamStop { id, code, text: "" };
    raw.send(&open_unanswered(1, "file")).await;
    raw.send(&data(1, &bytes(10))).await;
    raw.send(&finish(1, 10)).await;
    raw.send(&open_unanswered(2, "nowhere")).await;
    expect(&mut raw, &stopped(2, StreamCode::NotTaken)).await;
    raw.send(&open_unanswered(3, "typed")).await;
    expect(&mut raw, &stopped(3, StreamCode::NotTaken)).await;
    raw.send(&open_unanswered(4, "drops")).await;
    expect(&mut raw, &stopped(4, StreamCode::Dropped)).await;
    let missing = ["no id"];
    let target = Target { sockets: Names::from_slice(&missing), ..Target::default() };
    let (event, info) = ("file", ValueRef::Empty);
    let to_nobody = Message::StreamOpen { id: 5, target: Some(target), event, info, ack: false };
    raw.send(&to_nobody).await;
    expect(&mut raw, &stopped(5, StreamCode::NotTaken)).await;
    // Whom it reaches reads it, and nothing comes back.
    let everyone = Target { everyone: true, ..Target::default() };
    let to_all = Message::StreamOpen { id: 6, target: Some(everyone), event, info, ack: false };
    raw.send(&to_all).await;
    raw.send(&finish(6, 0)).await;
    raw.send(&Message::Request { id: 9, event: "add", value: ValueRef::Integer(1) }).await;
    expect(&mut raw, &ack(9, ValueRef::Integer(2))).await;
    leave(scene, raw).await;
}
