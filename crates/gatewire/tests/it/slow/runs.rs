//! Publishes that the server takes together, to a room with a member that does not read: its policy
//! applies to each of them.

use std::time::Duration;

use gatewire::{DisconnectReason, DropReason, Overflow, Server, SocketId};
use gatewire_codec::{CloseCode, Message, Names, Target, ValueRef, v3};

use super::reader::{FRAME, Found, MAX_BYTES, SlowReader};
use crate::raw::{Raw, frame};
use crate::rig::{Record, eventually, limits, record_ends, serve_with};

/// Published in all: several times what a queue takes.
const COUNT: u32 = 4000;

/// In one write.
const RUN: u32 = 100;

/// A number and some bytes: a run of them is shared, a part of a run is not.
const LENGTH: usize = 300;

struct Room {
    server: Server,
    reader: SlowReader,
    /// Blocks that the reader has to read first.
    filled: u32,
    quick: Raw,
    /// Stays, so that its end is not taken for another's.
    _sender: Raw,
    ends: Record<(SocketId, DisconnectReason)>,
}

impl Room {
    /// A room of a slow member, whose kernel takes no more, and a quick one, which has received all
    /// that was published.
    async fn after_publishes(overflow: Overflow) -> Self {
        let (server, reader) = SlowReader::serve(overflow).await;
        let ends = record_ends(&server);
        reader.socket.join("room").expect("joined");
        let filled = reader.fill("block", FRAME * 2).await;
        let mut quick = Raw::dial(server.local_addr()).await;
        server.socket(&quick.id()).expect("a socket").join("room").expect("joined");
        let mut sender = Raw::dial(server.local_addr()).await;
        let target = Target { rooms: Names::from_slice(&["room"]), ..Target::default() };
        for first in (0..COUNT).step_by(RUN as usize) {
            let mut run = Vec::new();
            for number in first..first + RUN {
                let mut bytes = [0; LENGTH];
                bytes[..4].copy_from_slice(&number.to_le_bytes());
                let value = ValueRef::Binary(&bytes);
                let event = if number % 2 == 0 { "even" } else { "odd" };
                let publish = Message::Publish { request: None, target, event, value };
                run.extend_from_slice(&frame(&publish));
            }
            sender.write(&run).await;
            for number in first..first + RUN {
                let received = quick.read().await.expect("a frame");
                let Ok(Message::Event { value: ValueRef::Binary(bytes), .. }) =
                    v3::decode(&received)
                else {
                    panic!("{received:?} is no event");
                };
                assert_eq!(bytes[..4], number.to_le_bytes());
            }
            let queued = reader.socket.queued_bytes();
            assert!(queued <= MAX_BYTES, "{queued}");
        }
        let outbound = server.counters().outbound;
        assert!(outbound.is_balanced(), "{outbound:?}");
        Self { server, reader, filled, quick, _sender: sender, ends }
    }

    fn dropped(&self, reason: DropReason) -> usize {
        usize::try_from(self.server.counters().outbound.dropped(reason)).expect("few")
    }

    /// What the slow member receives of what was published, when it reads at last: all that was not
    /// dropped, in order.
    async fn received(&mut self, reason: DropReason) -> Vec<u32> {
        let dropped = self.dropped(reason);
        assert!(dropped > 0);
        let all = self.filled as usize + COUNT as usize - dropped;
        let mut numbers = Vec::new();
        for _ in 0..all {
            match self.reader.find().await {
                Found::Block(event, _) if event == "block" => {}
                Found::Block(_, number) => numbers.push(number),
                other => panic!("{other:?} after {numbers:?}"),
            }
        }
        assert!(numbers.is_sorted_by(|one, other| one < other), "{numbers:?}");
        // Nothing else was left, and the connection lives.
        self.reader.socket.emit("last", [7, 0, 0, 0].as_slice()).expect("there is room");
        assert_eq!(self.reader.find().await, Found::Block("last".to_owned(), 7));
        let outbound = self.server.counters().outbound;
        assert!(outbound.is_balanced(), "{outbound:?}");
        assert_eq!(outbound.dropped_total(), dropped as u64);
        numbers
    }
}

#[tokio::test]
async fn the_newest_of_a_run_are_dropped() {
    let mut room = Room::after_publishes(Overflow::DropNewest).await;
    let numbers = room.received(DropReason::QueueFull).await;
    // Up to the bound, which lies within a run, there is no gap.
    let gap = numbers.iter().zip(0..).position(|(found, expected)| *found != expected);
    let length = gap.unwrap_or(numbers.len());
    assert!(length * LENGTH > MAX_BYTES / 2, "{length} of {}", numbers.len());
}

#[tokio::test]
async fn the_oldest_are_dropped_for_a_run() {
    let mut room = Room::after_publishes(Overflow::DropOldest).await;
    let numbers = room.received(DropReason::Displaced).await;
    // The newest are all there.
    let kept = MAX_BYTES / 2 / (LENGTH + 20);
    let newest = &numbers[numbers.len() - kept..];
    assert!(newest.iter().copied().eq(COUNT - u32::try_from(kept).expect("few")..COUNT));
}

#[tokio::test]
async fn of_each_event_in_a_run_the_latest_waits() {
    let mut room = Room::after_publishes(Overflow::Latest).await;
    let numbers = room.received(DropReason::Superseded).await;
    assert_eq!(numbers[numbers.len() - 2..], [COUNT - 2, COUNT - 1]);
}

#[tokio::test]
async fn a_run_beyond_the_bound_disconnects_the_slow_one_alone() {
    let mut room = Room::after_publishes(Overflow::Disconnect).await;
    let mut next = 0;
    let end = loop {
        match room.reader.find().await {
            Found::Block(event, _) if event == "block" => {}
            Found::Block(_, number) => {
                assert_eq!(number, next, "all that was queued before, without a gap");
                next += 1;
            }
            other => break other,
        }
    };
    assert_eq!(end, Found::Close(CloseCode::SlowConsumer));
    assert!(next as usize * LENGTH > MAX_BYTES / 2 && next < COUNT, "{next}");
    let id = room.reader.socket.id();
    drop(room.reader);
    assert_eq!(room.ends.next().await, (id, DisconnectReason::SlowConsumer));
    // The quick one is still there, and heard each.
    assert_eq!(room.server.members("room").len(), 1);
    room.server.to("room").emit("after", 1).expect("sent");
    let value = ValueRef::Integer(1);
    room.quick.expect(&Message::Event { event: "after", value }).await;
}

/// A run that is longer than a whole queue: what fits of it is written, although nothing else comes.
#[tokio::test]
async fn what_fits_of_a_run_beyond_the_bound_is_written() {
    const MOST: usize = 10;

    let limits = limits(|limits| {
        limits.outbox.max_frames = MOST;
        limits.outbox.overflow = Overflow::DropNewest;
        // A ping would take with it what nobody writes.
        limits.ping_interval = Duration::from_secs(3600);
    });
    let server = serve_with(|builder| builder.limits(limits)).await;
    let mut member = Raw::dial(server.local_addr()).await;
    server.socket(&member.id()).expect("a socket").join("room").expect("joined");
    let mut sender = Raw::dial(server.local_addr()).await;
    let rooms = Names::from_slice(&["room"]);
    let target = Target { rooms, ..Target::default() };
    const FENCE: Message<'_> = Message::Request { id: 7, event: "fence", value: ValueRef::Empty };
    let ack = frame(&Message::Ack { id: 7, value: ValueRef::Empty });
    // Once with the end of the read behind the run, once with a question.
    for ask in [false, true] {
        let mut write = Vec::new();
        for number in 0..100 {
            let (event, value) = ("news", ValueRef::Integer(number));
            write.extend(frame(&Message::Publish { request: None, target, event, value }));
        }
        if ask {
            let value = ValueRef::Empty;
            write.extend(frame(&Message::Request { id: 1, event: "fence", value }));
        }
        sender.write(&write).await;
        for number in 0..MOST {
            let value = ValueRef::Integer(i64::try_from(number).expect("few"));
            member.expect(&Message::Event { event: "news", value }).await;
        }
        eventually(|| server.counters().outbound.queued == 0).await;
        // What the kernel may have cut off the write was a run of its own.
        member.send(&FENCE).await;
        while v3::decode(&member.read().await.expect("a frame")) != v3::decode(&ack[4..]) {}
        let outbound = server.counters().outbound;
        assert!(outbound.is_balanced() && outbound.dropped_total() > 0, "{outbound:?}");
    }
}
