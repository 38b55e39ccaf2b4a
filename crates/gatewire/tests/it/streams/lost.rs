//! Connections that are lost in the middle of streams: both ends hear of it, and what they hear says so.

use std::time::{Duration, Instant};

use gatewire::{Client, DisconnectReason, Limits, Server, SocketId, StreamError, StreamReader};
use gatewire_codec::{Message, Names, Target, ValueRef, v3};

use super::kit::{
    CREDIT, Ended, Pump, bytes, check_all, count_all, expect_balance, failed, note_ends,
    sender_lost,
};
use crate::raw::{Raw, RawListener, frame_of};
use crate::rig::{Record, connect, dial, limits, record, record_ends, serve, serve_with, within};

/// Long enough that a busy machine answers in time.
const PING: Duration = Duration::from_millis(50);

/// Two pings without an answer, one interval apart, are a dead peer.
const DEAD_AFTER: Duration = Duration::from_millis(150);

/// Whatever else ends a stream that stands still takes 5 s or more.
const BEFORE_OTHERS: Duration = Duration::from_secs(4);

fn short_pings() -> Limits {
    limits(|limits| limits.ping_interval = PING)
}

/// A script that has a stream open to everybody: to the server, to a socket, and to a room.
struct Sender {
    server: Server,
    members: Vec<Client>,
    /// `None`: it has hung up.
    raw: Option<Raw>,
    here: Record<Ended>,
    /// Of the socket, and of the two members of the room.
    there: Record<Ended>,
    ends: Record<(SocketId, DisconnectReason)>,
}

const LENGTH: usize = 100_000;

impl Sender {
    async fn on(server: Server) -> Self {
        let ends = record_ends(&server);
        let (handler, here) = note_ends();
        server.on("file", handler);
        let (noted, there) = record();
        let mut members = Vec::new();
        for _ in 0..3 {
            let member = dial(&server).await;
            let noted = noted.clone();
            member.on("file", move |stream: StreamReader| {
                let noted = noted.clone();
                async move { noted.note(count_all(stream).await) }
            });
            members.push(member);
        }
        for member in &members[1..] {
            within(member.join("all")).await.expect("joined");
        }
        let mut raw = Raw::dial(server.local_addr()).await;
        let id = members[0].id().expect("up").to_string();
        let (ids, rooms) = ([id.as_str()], ["all"]);
        let socket = Target { sockets: Names::from_slice(&ids), ..Target::default() };
        let room = Target { rooms: Names::from_slice(&rooms), ..Target::default() };
        for (id, target) in (1..).zip([None, Some(socket), Some(room)]) {
            let (event, info) = ("file", ValueRef::Empty);
            raw.send(&Message::StreamOpen { id, target, event, info, ack: true }).await;
            for chunk in bytes(LENGTH).chunks(v3::MAX_CHUNK) {
                raw.send(&Message::StreamChunk { id, event: "", bytes: chunk }).await;
            }
        }
        Self { server, members, raw: Some(raw), here, there, ends }
    }

    fn raw(&mut self) -> &mut Raw {
        self.raw.as_mut().expect("connected")
    }

    /// All readers have all that was sent, and wait for more.
    async fn settle(&mut self) {
        self.raw().send(&Message::Request { id: 9, event: "fence", value: ValueRef::Empty }).await;
        loop {
            let frame = self.raw().read().await.expect("a frame");
            if matches!(v3::decode(&frame), Ok(Message::Ack { id: 9, .. })) {
                break;
            }
        }
        for member in &self.members {
            let socket = self.server.socket(&member.id().expect("up")).expect("connected");
            within(socket.request::<(), _>("fence", ())).await.expect("an answer");
        }
    }

    /// Each reader got what was sent, then an error that says what happened.
    async fn expect_errors(&mut self) {
        assert_eq!(self.here.next().await, (LENGTH, Some(StreamError::Disconnected)));
        for end in self.there.next_many(3).await {
            assert_eq!(end, (LENGTH, sender_lost()));
        }
    }

    async fn close(self) {
        drop(self.raw);
        for member in &self.members {
            within(member.close()).await;
            expect_balance(&member.counters());
        }
        within(self.server.close()).await;
        expect_balance(&self.server.counters());
    }
}

#[tokio::test]
async fn a_sender_that_is_cut_off_is_an_error_for_each_reader_at_once() {
    for reset in [false, true] {
        let mut sender = Sender::on(serve().await).await;
        sender.settle().await;
        let start = Instant::now();
        if reset {
            sender.raw.take().expect("connected").break_off();
        } else {
            sender.raw().finish().await;
        }
        sender.expect_errors().await;
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        sender.close().await;
    }
}

#[tokio::test]
async fn a_sender_that_falls_silent_is_an_error_within_the_bound_of_the_heartbeat() {
    let server = serve_with(|builder| builder.limits(short_pings())).await;
    let start = Instant::now();
    let mut sender = Sender::on(server).await;
    let id = sender.raw().id();
    sender.expect_errors().await;
    let took = start.elapsed();
    assert!(took >= DEAD_AFTER && took < BEFORE_OTHERS, "{took:?}");
    assert_eq!(sender.ends.next().await, (id, DisconnectReason::HeartbeatTimeout));
    sender.close().await;
}

/// Its connection lingers for a while, and the readers do not wait for that.
#[tokio::test]
async fn a_sender_that_breaks_the_rules_is_an_error_for_each_reader_at_once() {
    let mut sender = Sender::on(serve().await).await;
    sender.settle().await;
    sender.raw().write(&frame_of(&[3, 7])).await;
    sender.expect_errors().await;
    // It has not hung up yet.
    sender.ends.expect_nothing();
    sender.close().await;
}

#[tokio::test]
async fn a_server_that_is_lost_ends_the_streams_of_both_directions() {
    for silent in [false, true] {
        let listener = RawListener::bind().await;
        let limits = if silent { short_pings() } else { Limits::default() };
        let client = Client::builder().limits(limits).no_reconnect().build(listener.address());
        let (handler, mut ends) = note_ends();
        client.on("file", handler);
        let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
        let pump = Pump::start(client.stream("up", ()).await.expect("opened"), 1 << 20);
        let finished = client.stream("up", ()).await.expect("opened");
        let finished = tokio::spawn(finished.finish::<()>());
        let (event, info) = ("file", ValueRef::Empty);
        raw.send(&Message::StreamOpen { id: 1, target: None, event, info, ack: true }).await;
        raw.send(&Message::StreamChunk { id: 1, event: "", bytes: &bytes(1000) }).await;
        pump.wait_until_stopped().await;
        let raw = if silent {
            Some(raw)
        } else {
            raw.break_off();
            None
        };
        assert_eq!(ends.next().await, (1000, Some(StreamError::Disconnected)));
        assert_eq!(pump.end().await, Err(StreamError::Disconnected));
        assert_eq!(within(finished).await.expect("no panic"), Err(StreamError::Disconnected));
        drop(raw);
        within(client.close()).await;
        expect_balance(&client.counters());
    }
}

/// A stream in the middle, and one that only waits for its answer.
#[tokio::test]
async fn a_writer_hears_that_its_receiver_is_lost() {
    let server = serve().await;
    let sender = dial(&server).await;
    for (relayed, reset) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut raw = Raw::dial(server.local_addr()).await;
        let id = raw.id();
        let socket = server.socket(&id).expect("connected");
        let open = async || {
            let stream = if relayed {
                sender.to_socket(id).stream("file", ()).await
            } else {
                socket.stream("file", ()).await
            };
            stream.expect("opened")
        };
        let pump = Pump::start(open().await, 8 << 20);
        let finished = tokio::spawn(open().await.finish::<()>());
        // Both have begun.
        let mut taken = 0;
        let mut ended = false;
        while taken < CREDIT || !ended {
            let frame = raw.read().await.expect("a frame");
            match v3::decode(&frame).expect("a message") {
                Message::StreamChunk { bytes, .. } => taken += bytes.len(),
                Message::StreamFinish { length: Some(0), .. } => ended = true,
                Message::StreamOpen { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        if reset {
            raw.break_off();
        } else {
            drop(raw);
        }
        assert_eq!(pump.end().await, Err(StreamError::Disconnected));
        assert_eq!(within(finished).await.expect("no panic"), Err(StreamError::Disconnected));
    }
    within(sender.close()).await;
    within(server.close()).await;
    expect_balance(&server.counters());
    expect_balance(&sender.counters());
}

/// A receiver that is gone without a word in the middle of a room: the others go on, and the report
/// tells.
#[tokio::test]
async fn a_member_that_falls_silent_is_lost_within_the_bound_of_the_heartbeat() {
    let server = serve_with(|builder| builder.limits(short_pings())).await;
    let silent = Raw::dial(server.local_addr()).await;
    server.socket(&silent.id()).expect("connected").join("all").expect("joined");
    let start = Instant::now();
    let mut readers = Vec::new();
    let (noted, mut read) = record();
    for _ in 0..3 {
        let client = dial(&server).await;
        let noted = noted.clone();
        client.on("file", move |stream: StreamReader| {
            let noted = noted.clone();
            async move { noted.note(check_all(stream).await) }
        });
        within(client.join("all")).await.expect("joined");
        readers.push(client);
    }
    let mut stream = server.to("all").stream("file", ()).await.expect("opened");
    within(stream.send(bytes(2 << 20))).await.expect("sent");
    let report = within(stream.finish()).await.expect("a report");
    assert!(start.elapsed() < BEFORE_OTHERS, "{:?}", start.elapsed());
    let unread = failed(&report);
    assert_eq!(unread, [(silent.id(), &StreamError::Disconnected)]);
    for end in read.next_many(3).await {
        assert_eq!(end, Ok(2 << 20));
    }
    drop(silent);
    for client in &readers {
        within(client.close()).await;
    }
    within(server.close()).await;
    expect_balance(&server.counters());
}
