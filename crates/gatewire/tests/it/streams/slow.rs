//! Rooms in which one receiver of a stream takes nothing.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gatewire::{
    Client, Limits, Receipt, Server, SlowReceivers, SocketId, StreamCode, StreamError, Value,
};
use gatewire_codec::{Message, v3};

use super::kit::{Gate, bytes, close_and_balance, expect_balance, failed, gated_reader};
use crate::raw::Raw;
use crate::rig::{Record, dial, eventually, limits, serve_with, within};

/// How long a receiver may stand still: long enough for those that do read, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1);

fn cut_after(patience: Duration) -> Limits {
    limits(|limits| limits.slow_receivers = SlowReceivers::CutAfter(patience))
}

fn slow() -> StreamError {
    StreamError::Stopped { code: StreamCode::SlowReceiver, text: String::new() }
}

/// A room of readers, and one that waits at a gate.
struct Room {
    server: Server,
    readers: Vec<Client>,
    read: Record<Result<u64, StreamError>>,
}

impl Room {
    async fn of(count: usize, limits: Limits) -> Self {
        let server = serve_with(|builder| builder.limits(limits)).await;
        let mut readers = Vec::new();
        let (noted, read) = crate::rig::record();
        for _ in 0..count {
            let client = dial(&server).await;
            let noted = noted.clone();
            client.on("file", move |stream| {
                let noted = noted.clone();
                async move {
                    let all = super::kit::check_all(stream).await;
                    noted.note(all.clone());
                    all.map_err(gatewire::Rejection::from)
                }
            });
            within(client.join("all")).await.expect("joined");
            readers.push(client);
        }
        Self { server, readers, read }
    }

    async fn join_stalled(&self) -> Stalled {
        let client = dial(&self.server).await;
        let (handler, read, gate) = gated_reader();
        client.on("file", handler);
        within(client.join("all")).await.expect("joined");
        Stalled { id: client.id().expect("up"), client, read, gate }
    }

    /// All readers have all, and the stalled one was cut.
    async fn expect(&mut self, receipts: &[Receipt], stalled: SocketId, length: usize) {
        assert_eq!(receipts.len(), self.readers.len() + 1);
        for Receipt { socket, outcome, .. } in receipts {
            let expected = if socket.session() == stalled {
                Err(slow())
            } else {
                Ok(Value::Integer(length as i64))
            };
            assert_eq!(*outcome, expected);
        }
        for read in self.read.next_many(self.readers.len()).await {
            assert_eq!(read, Ok(length as u64));
        }
    }
}

struct Stalled {
    id: SocketId,
    client: Client,
    read: Record<Result<u64, StreamError>>,
    gate: Gate,
}

impl Stalled {
    /// Its connection has nothing to do with its stream.
    async fn talk(&self, server: &Server) {
        within(self.client.request::<(), _>("fence", ())).await.expect("an answer");
        let socket = server.socket(&self.id).expect("connected");
        within(socket.request::<(), _>("fence", ())).await.expect("an answer");
    }
}

#[tokio::test]
async fn of_a_hundred_one_that_does_not_read_is_cut_and_the_others_get_everything() {
    const LENGTH: usize = 1 << 20;

    let mut room = Room::of(99, cut_after(PATIENCE)).await;
    let mut stalled = room.join_stalled().await;
    let mut stream = room.server.to("all").stream("file", ()).await.expect("opened");
    within(stream.send(bytes(LENGTH))).await.expect("sent");
    // The others have it, before anybody is cut.
    let finished = tokio::spawn(stream.finish());
    for read in room.read.next_many(99).await {
        assert_eq!(read, Ok(LENGTH as u64));
    }
    for _ in 0..10 {
        stalled.talk(&room.server).await;
    }
    let report = within(finished).await.expect("no panic").expect("a report");
    let unread = failed(&report);
    assert_eq!(unread, [(stalled.id, &slow())]);
    assert_eq!(report.complete().count(), 99);
    stalled.talk(&room.server).await;
    // What came in time can be read, and then why there is no more.
    stalled.gate.open();
    let code = StreamCode::SlowReceiver;
    assert_eq!(stalled.read.next().await, Err(StreamError::Reset { code, text: String::new() }));
    let mut clients: Vec<&Client> = room.readers.iter().collect();
    clients.push(&stalled.client);
    close_and_balance(&room.server, &clients).await;
}

/// The same, from a client, over both connections.
#[tokio::test]
async fn a_client_hears_who_of_a_room_was_cut() {
    const LENGTH: usize = 4 << 20;

    let mut room = Room::of(20, cut_after(PATIENCE)).await;
    let stalled = room.join_stalled().await;
    let sender = dial(&room.server).await;
    let mut stream = sender.to("all").stream("file", ()).await.expect("opened");
    within(stream.send(bytes(LENGTH))).await.expect("sent");
    stalled.talk(&room.server).await;
    let report = within(stream.finish()).await.expect("a report");
    room.expect(report.receipts(), stalled.id, LENGTH).await;
    stalled.talk(&room.server).await;
    let mut clients: Vec<&Client> = room.readers.iter().collect();
    clients.extend([&stalled.client, &sender]);
    close_and_balance(&room.server, &clients).await;
}

/// The kernel takes nothing, although there is credit: neither message nor chunk goes through.
#[tokio::test]
async fn of_a_hundred_one_that_reads_nothing_at_all_is_cut_and_the_others_get_everything() {
    // More than all kernels keep of a connection.
    const LENGTH: usize = 12 << 20;

    let mut room = Room::of(9, cut_after(PATIENCE)).await;
    let mut raw = Raw::dial_narrow(room.server.local_addr()).await;
    let socket = room.server.socket(&raw.id()).expect("connected");
    socket.join("all").expect("joined");
    let mut stream = room.server.to("all").stream("file", ()).await.expect("opened");
    // The first stream that the server opens there.
    raw.send(&Message::StreamCredit { id: 1, limit: u64::MAX }).await;
    within(stream.send(bytes(LENGTH))).await.expect("sent");
    // The memory of its connection is bounded all the while.
    eventually(|| socket.queued_bytes() > 0).await;
    assert!(socket.queued_bytes() <= 512 << 10, "{}", socket.queued_bytes());
    let report = within(stream.finish()).await.expect("a report");
    room.expect(report.receipts(), raw.id(), LENGTH).await;
    // What the kernel has, then the reset: in order, and without a gap.
    let mut taken = 0;
    loop {
        let frame = raw.read().await.expect("a frame");
        match v3::decode(&frame).expect("a message") {
            Message::StreamOpen { id: 1, event: "file", .. } => assert_eq!(taken, 0),
            Message::StreamChunk { id: 1, bytes: chunk, .. } => {
                assert!(chunk == bytes(taken + chunk.len()).slice(taken..));
                taken += chunk.len();
            }
            Message::StreamReset { id: 1, code: StreamCode::SlowReceiver, text: "" } => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(taken < LENGTH);
    for client in &room.readers {
        within(client.close()).await;
    }
    drop(raw);
    within(room.server.close()).await;
    expect_balance(&room.server.counters());
}

#[tokio::test]
async fn a_server_that_waits_for_all_waits() {
    const LENGTH: usize = 4 << 20;

    let limits = limits(|limits| limits.slow_receivers = SlowReceivers::WaitForAll);
    let mut room = Room::of(5, limits).await;
    let stalled = room.join_stalled().await;
    let mut stream = room.server.to("all").stream("file", ()).await.expect("opened");
    let sent = tokio::spawn(async move {
        for start in (0..LENGTH).step_by(64 << 10) {
            let chunk: Bytes = bytes(LENGTH).slice(start..start + (64 << 10));
            stream.send(chunk).await.expect("sent");
        }
        stream.finish().await
    });
    // Far longer than the others take.
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        stalled.talk(&room.server).await;
    }
    assert!(!sent.is_finished());
    room.read.expect_nothing();
    stalled.gate.open();
    let report = within(sent).await.expect("no panic").expect("a report");
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.receipts().len(), 6);
    let mut clients: Vec<&Client> = room.readers.iter().collect();
    clients.push(&stalled.client);
    close_and_balance(&room.server, &clients).await;
}
