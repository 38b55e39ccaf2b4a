//! How streams end: for the writer and for the reader.

use bytes::Bytes;
use gatewire_codec::{CloseCode, NackCode, StreamCode, Value, ValueRef};
use gatewire_core::session::{Read, ReadFailure};

use super::end::Seen;
use super::net::Net;
use super::{KIB, MILLI, SECOND, pattern};

/// A reader that has read nothing yet, of a stream with 100 KiB on the way.
fn half_way() -> (Net, u32) {
    let mut net = Net::new();
    net.server.reads = false;
    let id = net.client.open();
    let bytes = Bytes::from_static(pattern::slice(id, 0, 100 * KIB));
    assert!(net.client.session.outbound.write_stream(id, bytes));
    net.settle();
    assert_eq!(net.server.received(), 100 * KIB as u64);
    (net, id)
}

#[test]
fn a_stream_ends_when_all_is_read_and_its_request_with_the_answer() {
    let (mut net, id) = half_way();
    assert!(net.client.session.outbound.streams_mut().finish(id));
    assert_eq!(net.client.session.outbound.stream_waiting(id), None, "it takes no more");
    assert!(!net.client.session.outbound.write_stream(id, Bytes::from_static(b"more")));
    net.settle();
    assert_eq!(net.client.session.outbound.open_streams(), 1, "its answer is awaited");
    let stream = &net.server.incoming[&id].stream;
    assert!(stream.is_finished() && !stream.is_done());
    net.server.read(id, 100 * KIB);
    assert_eq!(net.server.incoming[&id].end, None, "the end has a read of its own");
    assert!(net.server.incoming[&id].stream.is_done());
    net.server.read(id, 1);
    assert!(net.server.has_all(id, 100 * KIB));

    net.server.session.outbound.ack(id, ValueRef::Integer(7)).expect("queued");
    net.settle();
    let answer = Seen::Answer { id, waiter: Some(101), result: Ok(Value::Integer(7)) };
    assert_eq!(net.client.seen, [answer]);
    assert_eq!(net.client.session.outbound.open_streams(), 0);
}

#[test]
fn an_empty_stream_needs_no_credit_and_no_write() {
    let mut net = Net::new();
    let id = net.client.open();
    assert!(net.client.session.outbound.streams_mut().finish(id));
    net.settle();
    assert!(net.server.has_all(id, 0));
}

#[test]
fn what_came_before_a_reset_can_be_read_and_then_it_is_an_error() {
    let (mut net, id) = half_way();
    let waits = Bytes::from(vec![0; 500 * KIB]);
    assert!(net.client.session.outbound.write_stream(id, waits));
    let reset = net.client.session.outbound.reset_stream(id, StreamCode::Cancelled, "enough of it");
    assert_eq!(reset, Ok(Some(101)));
    assert_eq!(net.client.session.outbound.open_streams(), 0);
    net.settle();
    assert_eq!(net.server.received(), 100 * KIB as u64, "what waited is dropped");
    net.server.read(id, usize::MAX);
    let one = &net.server.incoming[&id];
    let (code, text) = (StreamCode::Cancelled, "enough of it".into());
    assert_eq!(one.end, Some(Read::Failed(ReadFailure::Reset { code, text })));
    assert_eq!(one.read.len(), 100 * KIB);
    let again = net.client.session.outbound.reset_stream(id, StreamCode::Cancelled, "again");
    assert_eq!(again, Ok(None));
    assert!(!net.client.session.outbound.has_output(), "it is told once");
}

#[test]
fn a_reset_after_the_end_is_no_error_for_the_reader() {
    let (mut net, id) = half_way();
    assert!(net.client.session.outbound.streams_mut().finish(id));
    net.settle();
    let reset = net.client.session.outbound.reset_stream(id, StreamCode::Cancelled, "too late");
    assert_eq!(reset, Ok(Some(101)), "who waited for the answer does not any more");
    net.settle();
    net.server.read(id, usize::MAX);
    assert!(net.server.has_all(id, 100 * KIB));
}

#[test]
fn a_reset_is_told_even_when_the_answer_was_there_before_the_end() {
    let (mut net, id) = half_way();
    net.server.session.outbound.ack(id, ValueRef::Empty).expect("queued");
    net.settle();
    assert_eq!(net.client.session.outbound.stream_waiting(id), Some(0), "it goes on");
    let reset = net.client.session.outbound.reset_stream(id, StreamCode::Dropped, "");
    assert_eq!(reset, Ok(None), "nobody waits");
    assert_eq!(net.client.session.outbound.open_streams(), 0);
    net.settle();
    net.server.read(id, usize::MAX);
    let end = net.server.incoming[&id].end.clone();
    assert!(matches!(end, Some(Read::Failed(ReadFailure::Reset { .. }))), "{end:?}");
}

#[test]
fn a_stream_that_is_answered_before_its_end_goes_on_to_it() {
    let (mut net, id) = half_way();
    net.server.session.outbound.ack(id, ValueRef::Empty).expect("queued");
    net.settle();
    let rest = Bytes::from_static(pattern::slice(id, 100 * KIB, 50 * KIB));
    assert!(net.client.session.outbound.write_stream(id, rest));
    assert!(net.client.session.outbound.streams_mut().finish(id));
    assert_eq!(net.client.session.outbound.open_streams(), 1);
    net.server.reads = true;
    net.settle();
    assert!(net.server.has_all(id, 150 * KIB));
    assert_eq!(net.client.session.outbound.open_streams(), 0, "nothing is awaited any more");
}

#[test]
fn a_stream_that_is_stopped_sends_no_more_and_waits_for_the_answer() {
    let mut net = Net::with_path(5 * MILLI, 10_000_000);
    net.server.reads = false;
    let id = net.client.send(800 * KIB);
    net.advance(SECOND);
    net.server.session.outbound.stop_stream(id, StreamCode::Enough, "thanks").expect("queued");
    net.server.session.outbound.ack(id, ValueRef::Empty).expect("queued");
    net.advance(SECOND);
    let stop = Seen::Stop { id, open: true, code: StreamCode::Enough, text: "thanks".to_owned() };
    assert_eq!(net.client.seen[0], stop);
    assert_eq!(
        net.client.seen[1],
        Seen::Answer { id, waiter: Some(101), result: Ok(Value::Empty) }
    );
    assert_eq!(net.client.session.outbound.open_streams(), 0);
    assert_eq!(net.server.received(), 256 * KIB as u64);
    assert_eq!(net.server.errors, [], "what was on the way is no fault");
}

#[test]
fn a_stream_that_is_refused_sends_no_more() {
    let mut net = Net::with_path(5 * MILLI, 10_000_000);
    let id = net.client.send(800 * KIB);
    net.advance(6 * MILLI);
    let refused = net.server.session.outbound.nack(id, NackCode::NoHandler, ValueRef::Empty);
    refused.expect("queued");
    net.server.incoming.remove(&id);
    net.advance(SECOND);
    let answer = Seen::Answer { id, waiter: Some(101), result: Err(NackCode::NoHandler) };
    assert_eq!(net.client.seen, [answer]);
    assert_eq!(net.client.session.outbound.open_streams(), 0);
    assert!(!net.client.session.outbound.has_output());
    assert_eq!(net.server.errors, [], "bytes of a stream that is not open are skipped");
}

#[test]
fn streams_end_with_their_connection() {
    let mut net = Net::with_path(5 * MILLI, 10_000_000);
    let (up, down) = (net.client.send(800 * KIB), net.server.send(800 * KIB));
    net.advance(20 * MILLI);
    assert_eq!(net.disconnect(), [101], "who waits for the answer is given back");
    for (end, id) in [(&net.server, up), (&net.client, down)] {
        let one = &end.incoming[&id];
        assert_eq!(one.end, Some(Read::Failed(ReadFailure::Disconnected)));
        assert!(one.read.len() > 10_000 && one.read.len() as u64 == one.stream.received());
    }
    assert!(net.client.session.outbound.outbox().is_empty(), "no byte is left for the next one");
    let id = net.client.open();
    assert!(id > up, "ids go on");
}

#[test]
fn nothing_of_a_stream_follows_a_close() {
    let (mut net, id) = half_way();
    assert!(net.client.session.outbound.write_stream(id, Bytes::from(vec![0; 500 * KIB])));
    net.client.session.outbound.close(CloseCode::Normal, "bye");
    assert!(!net.client.session.outbound.write_stream(id, Bytes::from_static(b"more")));
    net.settle();
    assert_eq!(net.server.seen, [Seen::Closed]);
    assert_eq!(net.server.errors, []);
    assert_eq!(net.server.received(), 100 * KIB as u64);
    assert!(!net.client.session.outbound.has_output());
}
