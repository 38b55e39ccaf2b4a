//! A peer that does not keep to the rules, and frames that come late.

use std::sync::Arc;

use bytes::Bytes;
use gatewire_codec::{StreamCode, v3};
use gatewire_core::session::{
    Chunk, CreditPool, Flow, FlowError, Inbound, Incoming, Outbound, OutboxLimits, ProtocolError,
    Read, ReadFailure, ReceiveStream, StreamLimits,
};

use super::{KIB, MIB};

fn stream() -> (ReceiveStream, Arc<CreditPool>) {
    let pool = CreditPool::new(MIB as u64);
    (ReceiveStream::new(Flow::Credit, &StreamLimits::default(), Arc::clone(&pool)), pool)
}

fn feed(stream: &mut ReceiveStream, length: usize) -> Result<bool, FlowError> {
    stream.handle_data(Chunk::Owned(&Bytes::from(vec![7; length])))
}

#[test]
fn more_bytes_than_credit_are_a_fault_and_not_kept() {
    let (mut stream, _pool) = stream();
    for _ in 0..3 {
        feed(&mut stream, 64 * KIB).expect("within the credit");
    }
    feed(&mut stream, 64 * KIB - 1).expect("within the credit");
    assert_eq!(feed(&mut stream, 2), Err(FlowError::BeyondCredit));
    assert_eq!(stream.received(), v3::INITIAL_CREDIT - 1);
    feed(&mut stream, 1).expect("the last one");
    assert_eq!(feed(&mut stream, 1), Err(FlowError::BeyondCredit));
    // Reading alone allows nothing: it has to be told.
    assert!(matches!(stream.read(200 * KIB), Read::Chunk(_)));
    assert_eq!(feed(&mut stream, 1), Err(FlowError::BeyondCredit));
}

#[test]
fn a_length_that_is_not_what_came_is_a_fault() {
    for wrong in [0, 99, 101, u64::MAX] {
        let (mut stream, _pool) = stream();
        feed(&mut stream, 100).expect("within the credit");
        assert_eq!(stream.handle_finish(Some(wrong)), Err(FlowError::WrongLength));
        assert!(!stream.is_finished());
        assert!(matches!(stream.read(100), Read::Chunk(_)));
        assert_eq!(stream.read(1), Read::Pending, "a wrong end is none");
    }
}

#[test]
fn nothing_comes_after_the_end() {
    let (mut stream, _pool) = stream();
    feed(&mut stream, 100).expect("within the credit");
    stream.handle_finish(Some(100)).expect("as many as came");
    assert_eq!(feed(&mut stream, 1), Err(FlowError::AfterEnd));
    assert_eq!(stream.handle_finish(Some(100)), Err(FlowError::AfterEnd));
    stream.fail(ReadFailure::Disconnected);
    assert!(matches!(stream.read(200), Read::Chunk(bytes) if bytes.len() == 100));
    assert_eq!(stream.read(1), Read::End, "a loss after the end is none");
    assert_eq!(stream.read(1), Read::End);
}

#[test]
fn the_first_failure_stays() {
    let (mut stream, _pool) = stream();
    let reset = ReadFailure::Reset { code: StreamCode::Cancelled, text: "first".into() };
    stream.fail(reset.clone());
    stream.fail(ReadFailure::Disconnected);
    assert_eq!(stream.read(1), Read::Failed(reset.clone()));
    assert_eq!(feed(&mut stream, 1), Err(FlowError::AfterEnd));
    assert_eq!(stream.handle_finish(Some(0)), Err(FlowError::AfterEnd));
    assert_eq!(stream.read(1), Read::Failed(reset), "as often as it is asked");
    assert!(stream.is_done() && !stream.is_finished());
}

#[test]
fn a_pong_that_nobody_asked_for_measures_nothing() {
    let (mut stream, pool) = stream();
    for _ in 0..10 {
        stream.handle_pong();
    }
    assert_eq!(feed(&mut stream, 64 * KIB), Ok(true), "the delay is asked for");
    for _ in 0..10 {
        // Too early: only the first is the answer, and nothing is read yet.
        stream.handle_pong();
    }
    assert!(matches!(stream.read(usize::MAX), Read::Chunk(_)));
    stream.handle_pong();
    assert_eq!(pool.left(), MIB as u64);
}

#[test]
fn faults_of_a_stream_end_the_connection() {
    for error in [FlowError::BeyondCredit, FlowError::WrongLength, FlowError::AfterEnd] {
        let error = ProtocolError::from(error);
        assert!(error.is_fatal() && !error.to_string().is_empty());
    }
    assert!(ProtocolError::StreamIdInUse(7).is_fatal());
}

#[test]
fn frames_for_streams_that_are_gone_change_nothing() {
    let mut outbound: Outbound<u32> = Outbound::new(1 << 20, OutboxLimits::default());
    assert!(outbound.streams().is_none(), "an idle connection has none");
    assert_eq!(outbound.end_stream(5), None);
    assert_eq!(outbound.reset_stream(5, StreamCode::Cancelled, ""), Ok(None));
    assert!(!outbound.write_stream(5, Bytes::from_static(b"bytes")));
    outbound.streams_mut().handle_credit(5, u64::MAX);
    assert!(!outbound.streams_mut().finish(5) && !outbound.streams_mut().copy(5, b"bytes"));
    assert_eq!(outbound.stream_waiting(5), None);
    assert!(!outbound.has_output() && outbound.take().is_none());
    outbound.release_memory();
    assert!(outbound.streams().is_none());
}

#[test]
fn frames_for_a_stream_that_is_gone_do_not_meet_the_next_one() {
    let mut outbound: Outbound<u32> = Outbound::new(1 << 20, OutboxLimits::default());
    let open = |outbound: &mut Outbound<u32>| {
        outbound.open_stream(None, "file", gatewire_codec::ValueRef::Empty, 7, ()).expect("queued")
    };
    let first = open(&mut outbound);
    assert_eq!(outbound.end_stream(first), Some(()));
    assert_eq!(outbound.answered(first), Some(7));
    let second = open(&mut outbound);
    assert_ne!(first, second);
    outbound.streams_mut().handle_credit(first, u64::MAX);
    assert!(outbound.write_stream(second, Bytes::from(vec![0; 400 * KIB])));
    let mut batch = outbound.take().expect("bytes wait");
    let queued = outbound.outbox().queued_bytes();
    batch.advance(queued);
    outbound.outbox_mut().give_back(batch);
    assert!(outbound.take().is_none());
    assert_eq!(outbound.stream_waiting(second), Some(144 * KIB));
    assert_eq!(outbound.end_stream(first), None);
    assert_eq!(outbound.open_streams(), 1);
    outbound.streams_mut().handle_credit(second, u64::MAX);
    assert!(outbound.has_output());
    outbound.end_stream(second);
    assert!(!outbound.has_output(), "what waited is dropped");
}

#[test]
fn a_ping_of_a_stream_is_not_taken_for_the_heartbeat() {
    let mut outbound: Outbound<u32> = Outbound::new(1 << 20, OutboxLimits::default());
    outbound.probe_stream(u32::MAX);
    outbound.ping(77);
    let batch = outbound.take().expect("two pings");
    let mut wire = batch.single().expect("they are short").to_vec();
    outbound.outbox_mut().give_back(batch);
    // The peer gives the tokens back.
    let second = 4 + usize::from(wire[0]);
    for kind in [5, second + 5] {
        assert_eq!(std::mem::replace(&mut wire[kind], 9), 8);
    }
    let mut inbound = Inbound::new();
    assert_eq!(inbound.handle(&wire[4..second]), Ok(Incoming::StreamProbed { id: u32::MAX }));
    let heartbeat = inbound.handle(&wire[second + 4..]);
    assert!(matches!(heartbeat, Ok(Incoming::Control(_))), "{heartbeat:?}");
}
