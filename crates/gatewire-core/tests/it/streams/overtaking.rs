//! Messages and streams on one connection: messages first, and no stream stands still.

use gatewire_codec::ValueRef;
use gatewire_core::Time;
use gatewire_core::session::{OutboxLimits, Overflow, SEND_BUFFER, StreamLimits};

use super::end::Seen;
use super::net::Net;
use super::{KIB, MIB, MILLI, SECOND};

/// 10 MB/s, 10 ms: 100 KB are on the way, and the kernel holds 64 KiB.
fn path() -> Net {
    let mut net = Net::with_path(10 * MILLI, 10_000_000);
    net.up.buffer = 64 * KIB;
    net
}

/// Bytes of a stream that have left its buffer.
fn sent(net: &Net, id: u32) -> u64 {
    let written = net.client.outgoing.iter().find(|stream| stream.id == id);
    let waiting = net.client.session.outbound.stream_waiting(id).unwrap_or_default();
    written.map_or(0, |stream| (stream.written - waiting) as u64)
}

#[test]
fn events_and_requests_arrive_before_bytes_that_were_in_no_batch() {
    let mut net = path();
    let id = net.client.send(8 * MIB);
    net.advance(100 * MILLI);
    let mut last = Vec::new();
    for number in 0..40_u32 {
        net.advance(5 * MILLI);
        let ahead = sent(&net, id) - net.server.received();
        // A batch, one more chunk, the kernel's buffer, what is on the way, and a chunk of which
        // a part has arrived.
        assert!(ahead <= (SEND_BUFFER + 3 * 64 * KIB + 110_000) as u64, "{ahead}");
        if number % 2 == 0 {
            net.client.emit(&number.to_string());
        } else {
            let outbound = &mut net.client.session.outbound;
            outbound.request("ask", ValueRef::Empty, Time::NEVER, 7).expect("queued");
        }
        last.push(sent(&net, id));
    }
    net.advance(100 * MILLI);
    assert_eq!(net.server.seen.len(), 40);
    for (seen, sent) in net.server.seen.iter().zip(last) {
        let (Seen::Event { behind, .. } | Seen::Request { behind, .. }) = seen else {
            panic!("{seen:?}");
        };
        assert!(*behind <= sent, "{seen:?} came behind {behind} bytes, {sent} were on their way");
    }
    net.advance(2 * SECOND);
    assert!(net.server.has_all(id, 8 * MIB));
}

#[test]
fn a_stream_does_not_stand_still_in_a_flood_of_events() {
    let mut net = path();
    let id = net.client.send(MIB);
    let mut took = 0;
    while !net.server.has_all(id, MIB) {
        while net.client.session.outbound.outbox().queued_bytes() < MIB {
            net.client.emit("flood");
        }
        net.advance(MILLI);
        took += 1;
        assert!(took < 3000, "one chunk for each MiB of events would take 1.9 s");
    }
    let events = net.server.seen.len();
    assert!(events * 110 > 10 * MIB, "events come first: {events}");
}

#[test]
fn streams_share_the_connection_equally() {
    let mut net = path();
    let early = net.client.send(16 * MIB);
    net.advance_until(|net| net.server.received() > MIB as u64);
    let late = net.client.send(16 * MIB);
    // Until the window of the later one has grown.
    net.advance(300 * MILLI);
    let progress = |net: &Net, id| net.server.incoming[&id].stream.received();
    let before = (progress(&net, early), progress(&net, late));
    net.advance(300 * MILLI);
    let (first, second) = (progress(&net, early) - before.0, progress(&net, late) - before.1);
    assert!(first + second > 2_800_000, "the connection is busy: {first} and {second}");
    assert!(first.abs_diff(second) < 200_000, "{first} and {second}");
}

#[test]
fn a_short_stream_among_long_ones_waits_for_one_turn() {
    let mut net = path();
    for _ in 0..10 {
        net.client.send(4 * MIB);
    }
    net.advance(100 * MILLI);
    let short = net.client.send(10);
    let took = net.advance_until(|net| net.server.has_all(short, 10));
    // What was taken before, and one chunk of each stream: 1.1 MB.
    assert!(took < 130 * MILLI, "{took:?}");
}

#[test]
fn streams_leave_room_for_messages_in_a_small_outbox() {
    for max_bytes in [200, 4 * KIB, 64 * KIB, 300 * KIB] {
        let outbox = OutboxLimits { max_bytes, max_frames: 1000, overflow: Overflow::Disconnect };
        let mut net = Net::with(outbox, StreamLimits::default());
        (net.up.rate, net.up.buffer) = (1_000_000, 100);
        let length = 10_000 + 2 * max_bytes;
        let id = net.client.send(length);
        net.settle();
        let mut events = 0;
        while !net.server.has_all(id, length) {
            let queue = net.client.session.outbound.outbox();
            assert!(queue.queued_bytes() <= max_bytes / 2 + 40, "{}", queue.queued_bytes());
            if max_bytes > 400 {
                net.client.emit("all the same");
                events += 1;
            }
            net.advance(MILLI);
        }
        net.advance(SECOND);
        assert_eq!(net.server.seen.len(), events);
    }
}
