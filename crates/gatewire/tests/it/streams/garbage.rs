//! Scripts that break the rules of streams against a client, and frames of streams in any order against both.

use gatewire::{Client, CloseCode, DisconnectReason, ProtocolError, StreamReader};
use gatewire_codec::{Message, Names, Target, ValueRef, v3};
use gatewire_core::session::FlowError;

use super::frames::{
    ack, credit, data, finish, open, open_for, open_unanswered, outcome, reset, stop,
};
use super::kit::{CREDIT, bytes, expect_balance, gated_reader};
use crate::faults::bystander::Scene;
use crate::raw::{Raw, RawListener, frame};
use crate::rig::{connect, record, within};

#[tokio::test]
async fn a_server_that_breaks_the_rules_of_streams_is_left() {
    let everyone = Target { everyone: true, ..Target::default() };
    let rooms = ["room"];
    let room = Target { rooms: Names::from_slice(&rooms), ..Target::default() };
    let filled: Vec<u8> = bytes(CREDIT)
        .chunks(v3::MAX_CHUNK)
        .flat_map(|chunk| frame(&data(1, chunk)).to_vec())
        .collect();
    let after_open = |rest: &[&[u8]]| [&frame(&open(1, "file"))[..], &rest.concat()].concat();
    let short = frame(&data(1, &[7]));
    let faults = [
        (frame(&open_for(1, everyone, "file")).to_vec(), ProtocolError::Unexpected("stream-open")),
        (frame(&open_for(1, room, "file")).to_vec(), ProtocolError::Unexpected("stream-open")),
        (after_open(&[&frame(&open(1, "file"))]), ProtocolError::StreamIdInUse(1)),
        (after_open(&[&filled, &short]), ProtocolError::Stream(FlowError::BeyondCredit)),
        (
            after_open(&[&short, &frame(&finish(1, 2))]),
            ProtocolError::Stream(FlowError::WrongLength),
        ),
        (
            after_open(&[&short, &frame(&finish(1, 1)), &short]),
            ProtocolError::Stream(FlowError::AfterEnd),
        ),
    ];
    for (bytes, error) in faults {
        let listener = RawListener::bind().await;
        let client = Client::builder().no_reconnect().build(listener.address());
        let (handler, _, _gate) = gated_reader();
        client.on("file", handler);
        let (ended, mut ends) = record();
        client.on_disconnect(move |reason| ended.note(reason.clone()));
        let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
        raw.write(&bytes).await;
        let reason = DisconnectReason::Protocol(error);
        let text = loop {
            let last = raw.read().await.expect("a close is due");
            match v3::decode(&last).expect("a message") {
                Message::Ping { .. } => {}
                Message::Close { code: CloseCode::Protocol, text } => break text.to_owned(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(text, reason.to_string());
        raw.expect_end().await;
        drop(raw);
        assert_eq!(ends.next().await, reason);
        within(client.closed()).await;
        expect_balance(&client.counters());
    }
}

/// A generator of numbers that look random.
struct Seed(u64);

impl Seed {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

const EVENTS: [&str; 5] = ["read", "hold", "drop", "early", "nowhere"];

/// A frame of a stream, with an id of a few so that they meet.
fn any_frame(seed: &mut Seed, targets: &[Target<'_>], out: &mut Vec<u8>) {
    let id = 1 + u32::try_from(seed.below(6)).expect("few");
    let event = EVENTS[usize::try_from(seed.below(5)).expect("few")];
    let length = usize::try_from(seed.below(2000)).expect("few") + 1;
    let bytes = bytes(length);
    let place = usize::try_from(seed.below(4)).expect("few");
    let target = targets.get(place.min(targets.len().saturating_sub(1)));
    let message = match seed.below(32) {
        0..=4 => open(id, event),
        5..=6 => open_unanswered(id, event),
        7..=20 => match target {
            Some(target) if length % 4 == 0 => open_for(id, *target, event),
            _ => data(id, &bytes),
        },
        21..=23 => finish(id, seed.below(3) * length as u64),
        24 => reset(id),
        25 => stop(id),
        26 => credit(id, seed.below(1 << 20)),
        27 => outcome(id, &bytes),
        28 => ack(id, ValueRef::Integer(1)),
        29 => {
            Message::Nack { id, code: gatewire_codec::NackCode::Rejected, value: ValueRef::Empty }
        }
        30 => Message::Ping { token: (1 << 63) | u64::from(id) },
        _ => Message::Pong { token: (1 << 63) | u64::from(id) },
    };
    out.extend_from_slice(&frame(&message));
}

/// Reads until the peer has handled all, or has closed for a reason that it says.
async fn expect_answer_or_close(raw: &mut Raw, seed: u64) {
    raw.try_write(&frame(&Message::Ping { token: 4711 })).await;
    while let Some(last) = raw.read().await {
        match v3::decode(&last).expect("a message") {
            Message::Pong { token: 4711 } => return,
            Message::Close { code, .. } => {
                assert_eq!(code, CloseCode::Protocol, "seed {seed}");
                return;
            }
            _ => {}
        }
    }
    // What was unread at its end can cost the close.
}

async fn drop_reader(stream: StreamReader) {
    tokio::task::yield_now().await;
    drop(stream);
}

async fn read_on(mut stream: StreamReader) -> u64 {
    let mut length = 0;
    while let Ok(Some(chunk)) = stream.chunk().await {
        length += chunk.len() as u64;
    }
    length
}

fn read_beside(stream: StreamReader) -> i64 {
    drop(tokio::spawn(read_on(stream)));
    3
}

#[tokio::test]
async fn any_frames_of_streams_leave_a_server_and_its_others_unharmed() {
    let scene = Scene::new().await;
    let server = &scene.server;
    server.on("read", read_on);
    server.on("drop", drop_reader);
    server.on("early", read_beside);
    let (handler, _, gate) = gated_reader();
    server.on("hold", move |stream: StreamReader| {
        let held = handler(stream);
        async move { held.await.map(|_| ()) }
    });
    // Others who take what is passed on.
    let mut members = Vec::new();
    for _ in 0..2 {
        let member = crate::rig::dial(server).await;
        member.on("read", read_on);
        member.on("drop", drop_reader);
        member.on("early", read_beside);
        within(member.join("all")).await.expect("joined");
        members.push(member);
    }
    let ids: Vec<_> = members.iter().map(|member| member.id().expect("up").to_string()).collect();
    let (first, all, rooms) = ([ids[0].as_str()], Names::from_strings(&ids), ["all"]);
    let targets = [
        Target { sockets: Names::from_slice(&first), ..Target::default() },
        Target { sockets: all, ..Target::default() },
        Target { rooms: Names::from_slice(&rooms), ..Target::default() },
        Target { everyone: true, include_self: true, ..Target::default() },
    ];
    for number in 1..=150_u64 {
        let mut seed = Seed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut raw = Raw::dial(server.local_addr()).await;
        let socket = server.socket(&raw.id()).expect("connected");
        // A stream from there, of which the frames may speak too.
        let stream = socket.stream("read", ()).await;
        let mut frames = Vec::new();
        for _ in 0..60 {
            any_frame(&mut seed, &targets, &mut frames);
        }
        raw.try_write(&frames).await;
        expect_answer_or_close(&mut raw, number).await;
        drop((stream, raw));
    }
    gate.open();
    for member in &members {
        crate::rig::fence(member).await;
        assert_eq!(within(members[0].request::<i64, _>("add", 1)).await, Ok(2));
    }
    // A stream goes through as ever.
    let stream = members[0].to("all").stream("read", ()).await.expect("opened");
    let report = within(stream.finish()).await.expect("a report");
    assert!(report.is_complete(), "{report:?}");
    for member in &members {
        within(member.close()).await;
        expect_balance(&member.counters());
    }
    crate::rig::eventually(|| server.len() == 1).await;
    scene.expect_undisturbed().await;
    expect_balance(&server.counters());
}

#[tokio::test]
async fn any_frames_of_streams_leave_a_client_unharmed() {
    for number in 1..=100_u64 {
        let mut seed = Seed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let listener = RawListener::bind().await;
        let client = Client::builder().no_reconnect().build(listener.address());
        client.on("read", read_on);
        client.on("drop", drop_reader);
        client.on("early", read_beside);
        let (handler, _, _gate) = gated_reader();
        client.on("hold", handler);
        let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
        let streams = [client.stream("up", ()).await, client.stream("up", ()).await];
        let many = client.to("all").stream("up", ()).await;
        let everyone = [Target { everyone: true, ..Target::default() }];
        let mut frames = Vec::new();
        for count in 0..60 {
            // Most scripts do not stumble over the one that no client takes.
            let targets = if count == 59 { &everyone[..] } else { &[] };
            any_frame(&mut seed, targets, &mut frames);
        }
        raw.try_write(&frames).await;
        expect_answer_or_close(&mut raw, number).await;
        drop((streams, many, raw));
        within(client.close()).await;
        expect_balance(&client.counters());
    }
}
