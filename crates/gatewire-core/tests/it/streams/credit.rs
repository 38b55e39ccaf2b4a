//! Credit: a writer keeps to it, a reader gives it as it reads.

use bytes::Bytes;
use gatewire_codec::v3;
use gatewire_core::session::SEND_BUFFER;

use super::net::Net;
use super::{KIB, MIB, MILLI, SECOND, pattern};

const FIRST: u64 = v3::INITIAL_CREDIT;

#[test]
fn an_unread_stream_stops_at_its_credit_and_goes_on_when_it_is_read() {
    let mut net = Net::new();
    net.server.reads = false;
    let id = net.client.send(MIB);
    net.advance(SECOND);
    assert_eq!(net.server.received(), FIRST);
    let waiting = net.client.session.outbound.stream_waiting(id).expect("it is open");
    assert!((SEND_BUFFER..SEND_BUFFER + 64 * KIB).contains(&waiting), "{waiting}");
    assert!(!net.client.session.outbound.has_output(), "there is nothing to do");

    net.server.read(id, 128 * KIB - 1);
    net.settle();
    assert_eq!(net.server.received(), FIRST, "less than half a window is not worth a frame");
    net.server.read(id, 1);
    net.settle();
    assert_eq!(net.server.received(), FIRST + 128 * KIB as u64);
    net.server.reads = true;
    net.settle();
    assert!(net.server.has_all(id, MIB));
}

#[test]
fn messages_and_other_streams_pass_by_one_that_nobody_reads() {
    let mut net = Net::new();
    net.server.reads = false;
    let unread = net.client.send(MIB);
    net.settle();
    net.client.emit("still here");
    let other = net.client.send(MIB);
    while !net.server.has_all(other, MIB) {
        net.settle();
        net.server.read(other, usize::MAX);
    }
    assert_eq!(net.server.seen.len(), 1);
    assert_eq!(net.server.incoming[&unread].stream.buffered(), FIRST);
}

#[test]
fn a_writer_sends_to_its_limit_and_not_a_byte_further() {
    let mut net = Net::new();
    net.server.reads = false;
    let id = net.client.open();
    let outbound = &mut net.client.session.outbound;
    assert!(outbound.write_stream(id, Bytes::from_static(pattern::slice(id, 0, 900_000))));
    net.settle();
    assert_eq!(net.server.received(), FIRST);
    let mut most = FIRST;
    for (limit, allowed) in
        [(0, 0), (FIRST, 0), (FIRST + 1, 1), (300_000, 0), (262_144, 0), (400_001, 100_001)]
    {
        let limit: u64 = limit;
        let before = net.client.session.outbound.stream_waiting(id).expect("it is open");
        net.client.session.outbound.streams_mut().handle_credit(id, limit);
        let _batch = net.client.session.outbound.take().map(|mut batch| {
            let length = net.client.session.outbound.outbox().queued_bytes();
            batch.advance(length);
            net.client.session.outbound.outbox_mut().give_back(batch);
        });
        most = most.max(limit);
        let after = net.client.session.outbound.stream_waiting(id).expect("it is open");
        assert_eq!(900_000 - after as u64, most, "after a limit of {limit}, {allowed}");
        assert!(before >= after);
    }
    // Any limit can be told.
    net.client.session.outbound.streams_mut().handle_credit(id, u64::MAX);
    while net.client.session.outbound.stream_waiting(id) != Some(0) {
        let mut batch = net.client.session.outbound.take().expect("there is credit");
        let length = net.client.session.outbound.outbox().queued_bytes();
        batch.advance(length);
        net.client.session.outbound.outbox_mut().give_back(batch);
    }
}

#[test]
fn credit_is_given_rarely() {
    let mut net = Net::with_path(MILLI, 100_000_000);
    let id = net.client.send(16 * MIB);
    net.advance(SECOND);
    assert!(net.server.has_all(id, 16 * MIB));
    let (credits, pings) = (net.client.frames(28), net.client.frames(8));
    assert!(credits <= 8 * 16, "half of the smallest window each: {credits} in 16 MiB");
    assert!(pings <= 8 * 16, "{pings}");
}

#[test]
fn no_credit_is_given_when_the_end_is_known() {
    let mut net = Net::new();
    net.server.reads = false;
    let id = net.client.send(200 * KIB);
    net.settle();
    net.server.reads = true;
    net.settle();
    assert!(net.server.has_all(id, 200 * KIB));
    assert_eq!(net.client.frames(28), 0);
}
