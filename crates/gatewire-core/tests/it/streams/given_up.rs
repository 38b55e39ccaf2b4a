//! Streams whose writers are gone, or are about to be.

use bytes::Bytes;
use gatewire_codec::{CloseCode, Message, StreamCode, ValueRef, v3};
use gatewire_core::Time;
use gatewire_core::session::{Outbound, OutboxLimits};

use super::{KIB, SECOND};

type Writer = Outbound<u32, &'static str>;

/// An end that writes a stream of so many bytes, and has sent what its credit allows.
fn sent(length: usize) -> (Writer, u32) {
    let mut outbound = Writer::new(1 << 20, OutboxLimits::default());
    let opened = outbound.open_stream(None, "file", ValueRef::Empty, 7, "file");
    let id = opened.expect("queued");
    assert!(outbound.write_stream(id, Bytes::from(vec![0; length])));
    assert!(outbound.streams_mut().finish(id));
    write(&mut outbound);
    (outbound, id)
}

/// What the kernel takes.
fn write(outbound: &mut Writer) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(mut batch) = outbound.take() {
        while !batch.is_empty() {
            let mut slices = [std::io::IoSlice::new(&[]); 1];
            batch.slices(&mut slices);
            all.extend_from_slice(&slices[0]);
            let length = slices[0].len();
            batch.advance(length);
        }
        outbound.outbox_mut().give_back(batch);
    }
    all
}

#[test]
fn a_finished_stream_that_its_reader_does_not_take_is_given_up_with_the_time_for_its_answer() {
    let now = Time::ZERO;
    let (mut outbound, id) = sent(400 * KIB);
    outbound.await_answer(id, now + SECOND);
    assert!(outbound.expire(now).is_empty());
    assert_eq!(outbound.open_streams(), 1);
    assert_eq!(outbound.expire(now + SECOND), [7]);
    assert_eq!(outbound.open_streams(), 0, "what waited is dropped");
    let told = Message::StreamReset { id, code: StreamCode::Dropped, text: "" };
    assert_eq!(v3::decode(&write(&mut outbound)[4..]), Ok(told));
}

#[test]
fn a_stream_that_is_sent_whole_is_only_not_waited_for() {
    let now = Time::ZERO;
    let (mut outbound, id) = sent(4 * KIB);
    outbound.await_answer(id, now + SECOND);
    assert_eq!(outbound.expire(now + SECOND), [7]);
    assert_eq!(outbound.open_streams(), 0);
    assert!(write(&mut outbound).is_empty(), "the reader is not told anything");
}

#[test]
fn behind_a_close_only_what_was_sent_whole_can_be_stopped() {
    for (length, whole) in [(4 * KIB, true), (400 * KIB, false)] {
        let (mut outbound, id) = sent(length);
        let handles = outbound.streams().expect("one").handles().collect::<Vec<_>>();
        assert_eq!(handles, [("file", whole)]);
        outbound.close(CloseCode::Normal, "");
        assert_eq!(outbound.end_stream(id), whole.then_some("file"));
        assert_eq!(outbound.pending_requests(), 1, "the answer may still come");
    }
}

#[test]
fn the_end_of_a_stream_is_told_when_it_has_left() {
    let (mut outbound, id) = sent(400 * KIB);
    let told = outbound.drain_sent().map(|sent| (sent.total, sent.whole)).collect::<Vec<_>>();
    assert_eq!(told, [(256 << 10, false)]);
    outbound.streams_mut().handle_credit(id, 1 << 20);
    write(&mut outbound);
    let told = outbound.drain_sent().map(|sent| (sent.total, sent.whole)).collect::<Vec<_>>();
    assert_eq!(told, [(400 << 10, true)]);
}
