//! What happens to a message that does not fit the queue of a slow peer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatewire::{
    CloseCode, DisconnectReason, DropReason, EmitError, OutboxLimits, Overflow, RequestError,
    Server,
};

use super::reader::{FRAME, Found, MAX_BYTES, SlowReader, block, bounds};
use crate::rig::{
    Record, build, connect, dial, fence, fence_all, limits, record, record_ends, serve_with, within,
};

#[tokio::test]
async fn a_peer_that_does_not_read_is_disconnected_at_the_bound() {
    let (server, mut reader) = SlowReader::serve(Overflow::Disconnect).await;
    let mut ends = record_ends(&server);
    let mut emitted = 0;
    let error = loop {
        match reader.socket.emit("block", block(emitted)) {
            Ok(()) => emitted += 1,
            Err(error) => break error,
        }
        let queued = reader.socket.queued_bytes();
        assert!(queued <= MAX_BYTES + FRAME, "{queued}");
        tokio::task::yield_now().await;
    };
    assert_eq!(error, EmitError::SlowConsumer);
    tokio::task::yield_now().await;
    assert_eq!(reader.socket.emit("block", block(emitted)), Err(EmitError::Closed));
    // It reads at last: all that was queued before, and why there is no more.
    let numbers = reader.find_up_to(emitted - 1).await;
    assert!(numbers.into_iter().eq(0..emitted));
    assert_eq!(reader.find().await, Found::Close(CloseCode::SlowConsumer));
    assert_eq!(reader.find().await, Found::End);
    let id = reader.socket.id();
    drop(reader);
    assert_eq!(ends.next().await, (id, DisconnectReason::SlowConsumer));
    let outbound = server.counters().outbound;
    assert_eq!(outbound.dropped(DropReason::QueueFull), 1);
    assert!(outbound.is_balanced(), "{outbound:?}");
}

/// A room of three quick members around a slow one.
struct Room {
    server: Server,
    reader: SlowReader,
    heard: Record<()>,
    published: u32,
}

const QUICK: u32 = 3;

impl Room {
    async fn with(overflow: Overflow) -> Self {
        let (server, reader) = SlowReader::serve(overflow).await;
        reader.socket.join("room").expect("joined");
        let (note, heard) = record();
        for _ in 0..QUICK {
            let client = build(&server, |builder| builder);
            let (note, next) = (note.clone(), Arc::new(AtomicUsize::new(0)));
            client.on("block", move |block: Vec<u8>| {
                let expected = u32::try_from(next.fetch_add(1, Ordering::Relaxed)).expect("few");
                assert_eq!(block[..4], expected.to_le_bytes(), "each, in order");
                note.note(());
            });
            connect(&client).await;
            within(client.join("room")).await.expect("joined");
        }
        Self { server, reader, heard, published: 0 }
    }

    /// Sends blocks to the room, at the speed of the quick ones, until `enough`.
    async fn publish_until(&mut self, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            self.server.to("room").emit("block", block(self.published)).expect("sent");
            self.published += 1;
            self.heard.next_many(QUICK as usize).await;
            let queued = self.reader.socket.queued_bytes();
            assert!(queued <= MAX_BYTES + FRAME, "{queued}");
        }
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.server.counters().outbound.dropped(reason)
    }
}

#[tokio::test]
async fn the_others_in_the_room_receive_everything_while_one_is_disconnected() {
    let mut room = Room::with(Overflow::Disconnect).await;
    let mut ends = record_ends(&room.server);
    room.publish_until(|room| !room.reader.socket.is_connected()).await;
    let id = room.reader.socket.id();
    assert_eq!(ends.next().await, (id, DisconnectReason::SlowConsumer));
    assert_eq!(room.server.members("room").len(), QUICK as usize);
    let goal = room.published + 50;
    room.publish_until(|room| room.published == goal).await;
}

#[tokio::test]
async fn the_newest_are_dropped_for_the_slow_one_only() {
    let mut room = Room::with(Overflow::DropNewest).await;
    room.publish_until(|room| room.dropped(DropReason::QueueFull) == 10).await;
    let dropped = u32::try_from(room.dropped(DropReason::QueueFull)).expect("few");
    let received = room.published - dropped;
    // What was queued is received in order, and what comes when there is room again.
    assert!(room.reader.find_up_to(received - 1).await.into_iter().eq(0..received));
    room.server.to("room").emit("block", block(room.published)).expect("sent");
    assert_eq!(room.reader.find().await, Found::Block("block".to_owned(), room.published));
}

#[tokio::test]
async fn the_oldest_are_dropped_for_the_slow_one_only() {
    let mut room = Room::with(Overflow::DropOldest).await;
    room.publish_until(|room| room.dropped(DropReason::Displaced) >= 20).await;
    let last = room.published - 1;
    let numbers = room.reader.find_up_to(last).await;
    assert!(numbers.is_sorted(), "{numbers:?}");
    let dropped = room.dropped(DropReason::Displaced);
    assert_eq!(numbers.len() as u64 + dropped, u64::from(room.published));
    // The newest are all there.
    let newest = numbers.len().saturating_sub(5);
    assert!(numbers[newest..].iter().copied().eq(room.published - 5..room.published));
}

#[tokio::test]
async fn of_one_event_only_the_latest_waits() {
    let (server, mut reader) = SlowReader::serve(Overflow::Latest).await;
    let superseded = || server.counters().outbound.dropped(DropReason::Superseded);
    reader.fill("other", MAX_BYTES / 2).await;
    let mut position = 0;
    while superseded() < 50 {
        reader.socket.emit("position", block(position)).expect("it takes the place of the last");
        position += 1;
        tokio::task::yield_now().await;
        let queued = reader.socket.queued_bytes();
        assert!(queued <= MAX_BYTES + FRAME, "{queued}");
    }
    let mut positions = Vec::new();
    while positions.last() != Some(&(position - 1)) {
        if let Found::Block(event, number) = reader.find().await
            && event == "position"
        {
            positions.push(number);
        }
    }
    assert!(positions.is_sorted(), "{positions:?}");
    assert_eq!(positions.len() as u64 + superseded(), u64::from(position));
}

#[tokio::test]
async fn volatile_events_are_dropped_and_counted_while_the_peer_is_behind() {
    let (server, mut reader) = SlowReader::serve(Overflow::Disconnect).await;
    let volatile = || server.counters().outbound.dropped(DropReason::Volatile);
    reader.socket.emit_volatile("block", block(0)).expect("it keeps up");
    assert_eq!(reader.find().await, Found::Block("block".to_owned(), 0));
    assert_eq!(volatile(), 0);

    let filled = reader.fill("block", FRAME * 2).await;
    for _ in 0..100 {
        reader.socket.emit_volatile("volatile", block(0)).expect("a drop is no error");
        server.broadcast().emit_volatile("volatile", block(0)).expect("a drop is no error");
    }
    assert_eq!(volatile(), 200);
    reader.find_up_to(filled - 1).await;
    crate::rig::eventually(|| reader.socket.queued_bytes() == 0).await;
    reader.socket.emit_volatile("volatile", block(7)).expect("it keeps up");
    assert_eq!(reader.find().await, Found::Block("volatile".to_owned(), 7));
    assert_eq!(volatile(), 200);
}

#[tokio::test]
async fn the_number_of_frames_is_bounded_too() {
    const MOST: usize = 100;

    let limits = limits(|limits| {
        limits.outbox =
            OutboxLimits { max_bytes: 100 << 20, max_frames: MOST, overflow: Overflow::DropNewest };
    });
    let server = serve_with(|builder| builder.limits(limits)).await;
    let reader = SlowReader::of(&server).await;
    let mut waiting = 0;
    loop {
        match reader.socket.emit("block", block(0)) {
            Ok(()) => waiting = server.counters().outbound.queued,
            Err(error) => {
                assert_eq!(error, EmitError::QueueFull);
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(waiting, MOST as u64);
}

/// Who asks somebody who does not read is told that the question was not sent, or in time that no
/// answer came.
#[tokio::test]
async fn a_question_to_a_full_queue_is_refused() {
    let (server, reader) = SlowReader::serve(Overflow::DropNewest).await;
    let asker = dial(&server).await;
    while reader.socket.emit("block", block(0)).is_ok() {
        tokio::task::yield_now().await;
    }
    let asked = within(reader.socket.request::<(), _>("ask", block(0))).await;
    assert_eq!(asked, Err(RequestError::NotSent(EmitError::QueueFull)));
    let to_reader = asker.to_socket(reader.socket.id());
    let asked = within(to_reader.request::<(), _>("ask", block(0))).await;
    assert_eq!(asked, Err(RequestError::Busy));
    fence(&asker).await;
}

/// The client's side of the same: it is told, and not disconnected.
#[tokio::test]
async fn a_client_that_emits_too_fast_is_told() {
    let listener = crate::raw::RawListener::bind().await;
    let client =
        gatewire::Client::builder().limits(bounds(Overflow::Disconnect)).build(listener.address());
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
    let mut emitted = 0_u64;
    while client.emit("block", block(0)).is_ok() {
        emitted += 1;
        assert!(client.queued_bytes() <= MAX_BYTES + FRAME);
        tokio::task::yield_now().await;
    }
    assert_eq!(client.emit("block", block(0)), Err(EmitError::QueueFull));
    assert_eq!(client.counters().outbound.dropped(DropReason::QueueFull), 2);
    assert!(client.is_connected());
    for _ in 0..emitted {
        raw.read().await.expect("all that was queued");
    }
    within(client.flush()).await.expect("written");
    client.emit("block", block(0)).expect("there is room again");
    raw.read().await.expect("the next");
    drop(raw);
    client.close().await;
}

/// Nobody waits: a slow reader costs the one that publishes no time at all.
#[tokio::test]
async fn who_publishes_does_not_wait_for_the_slow() {
    let (server, reader) = SlowReader::serve(Overflow::DropNewest).await;
    let (one, two) = (dial(&server).await, dial(&server).await);
    let (seen, mut blocks) = record();
    two.on("block", move |block: Vec<u8>| seen.note(block.len()));
    for _ in 0..300 {
        one.broadcast().emit("block", block(0)).expect("queued");
        blocks.next().await;
    }
    fence(&one).await;
    assert!(server.counters().outbound.dropped(DropReason::QueueFull) > 0);
    drop(reader);
    crate::rig::eventually(|| server.len() == 2).await;
    fence_all(&server).await;
}

/// Too long for everybody, or only on its way to one: it is an error where somebody is told, and counted
/// where not.
#[tokio::test]
async fn what_is_too_long_is_refused_or_counted() {
    let limits = limits(|limits| limits.max_frame = 1000);
    let server = serve_with(|builder| builder.limits(limits)).await;
    let (one, two) = (dial(&server).await, dial(&server).await);
    let socket = server.socket(&two.id().expect("connected")).expect("a socket");
    let text = "x".repeat(1000);
    // Version, kind, the name with its length, and the type of the value.
    let error = EmitError::TooLarge { length: 1009, limit: 1000 };
    assert_eq!(socket.emit("event", &text), Err(error.clone()));
    assert_eq!(one.emit("event", &text), Err(error));
    assert_eq!(server.emit("event", &text), Ok(()));
    assert_eq!(server.counters().outbound.dropped(DropReason::TooLarge), 2);
    fence(&one).await;
    fence(&two).await;
    let outbound = server.counters().outbound;
    assert!(outbound.is_balanced(), "{outbound:?}");
}
