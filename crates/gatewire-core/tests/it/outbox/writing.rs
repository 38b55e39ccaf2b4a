//! From the queue to the kernel.

use gatewire_codec::{EncodeError, Field};

use super::*;

#[test]
fn small_frames_leave_as_one_piece() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    let frames: Vec<Bytes> = (0..100).map(|_| event("e", 100)).collect();
    push_all(&mut outbox, &frames);
    let batch = outbox.take().expect("something waits");
    assert_eq!(batch.single(), Some(&frames.concat()[..]));
}

#[test]
fn a_shared_frame_of_more_than_1024_bytes_is_not_copied() {
    for (length, copied) in [(1024, true), (1025, false)] {
        let mut outbox = Outbox::new(OutboxLimits::default());
        let frame = event("e", length);
        push_all(&mut outbox, std::slice::from_ref(&frame));
        let batch = outbox.take().expect("something waits");
        let written = batch.single().expect("one frame is one piece");
        assert_eq!(written, frame);
        assert_eq!(written.as_ptr() != frame.as_ptr(), copied);
    }
}

#[test]
fn one_piece_that_is_left_is_told_as_one_piece() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    push_all(&mut outbox, &[event("small", 100), event("large", 5000)]);
    let batch = outbox.take().expect("something waits");
    assert_eq!(batch.single(), None, "there are two");
    outbox.give_back(batch);
    write(&mut outbox, 100);
    let batch = outbox.take().expect("something waits");
    assert_eq!(batch.single().map(<[u8]>::len), Some(5000));
    outbox.give_back(batch);
    // What is left of a written batch is a piece too, whatever it was before.
    write(&mut outbox, 4999);
    let batch = outbox.take().expect("something waits");
    assert_eq!(batch.single(), Some(&b"\xbb"[..]));
}

#[test]
fn frames_keep_their_order_across_the_threshold() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    let lengths = [50, 5000, 60, 70, 1024, 1025, 9000, 9001, 80];
    let frames: Vec<Bytes> = lengths.iter().map(|length| event("e", *length)).collect();
    push_all(&mut outbox, &frames);
    assert_eq!(drain(&mut outbox), frames.concat());
}

#[test]
fn frames_that_come_while_a_batch_is_written_follow_it() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    let frames: Vec<Bytes> = (0..6).map(|number| event("e", 3000 + 1000 * number)).collect();
    push_all(&mut outbox, &frames[..3]);
    let mut batch = outbox.take().expect("something waits");
    assert!(outbox.take().is_none(), "one batch at a time");
    push_all(&mut outbox, &frames[3..]);
    let mut wire = peek(&batch, 3500);
    batch.advance(3500);
    outbox.give_back(batch);
    wire.extend(drain(&mut outbox));
    assert!(wire == frames.concat());
}

#[test]
fn what_is_written_counts_against_the_bound_until_the_batch_is_back() {
    let mut outbox = outbox(1000, 10, Overflow::DropNewest);
    push_all(&mut outbox, &[event("e", 600), event("e", 400)]);
    let mut batch = outbox.take().expect("something waits");
    batch.advance(1000);
    assert!(batch.is_empty());
    assert_eq!((outbox.queued_bytes(), outbox.queued_frames()), (1000, 2));
    let full = push(&mut outbox, Class::Normal, &event("e", 100), true);
    assert_eq!(full, Err(SendError::QueueFull));
    outbox.give_back(batch);
    assert_eq!((outbox.queued_bytes(), outbox.queued_frames()), (0, 0));
    check_ledger(&outbox, 3, 2, &[(DropReason::QueueFull, 1)]);
}

#[test]
fn a_frame_is_done_with_its_last_byte() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    push_all(&mut outbox, &[event("a", 100), event("b", 5000), event("c", 100)]);
    for (length, done) in [(99, 0), (1, 1), (4999, 1), (2, 2), (98, 2), (1, 3)] {
        write(&mut outbox, length);
        assert_eq!(outbox.ledger().done, done);
        assert_eq!(outbox.is_blocked(), done < 3);
    }
    assert_eq!(outbox.written_bytes(), 5200);
}

#[test]
fn a_batch_can_be_written_byte_by_byte() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    let frames = [event("a", 30), event("b", 4097), event("c", 20), event("d", 4098)];
    push_all(&mut outbox, &frames);
    let mut batch = outbox.take().expect("something waits");
    let mut wire = Vec::new();
    while !batch.is_empty() {
        wire.extend(peek(&batch, 1));
        batch.advance(1);
    }
    outbox.give_back(batch);
    assert!(wire == frames.concat());
    check_ledger(&outbox, 4, 4, &[]);
}

#[test]
fn an_unwritten_batch_comes_back_whole() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    let frames = [event("a", 100), event("b", 5000)];
    push_all(&mut outbox, &frames);
    let batch = outbox.take().expect("something waits");
    outbox.give_back(batch);
    assert!(outbox.is_blocked(), "the kernel took nothing");
    assert_eq!(drain(&mut outbox), frames.concat());
}

#[test]
fn a_frame_longer_than_the_peer_reads_is_refused_where_it_is_made() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    let frame = event("e", 104);
    push_all(&mut outbox, std::slice::from_ref(&frame));
    let encode = |out: &mut BytesMut| {
        out.extend_from_slice(&frame);
        Ok(())
    };
    let error = SendError::TooLarge { length: 100, limit: 99 };
    assert_eq!(outbox.push_with(Class::Normal, 99, encode), Err(error.clone()));
    check_ledger(&outbox, 1, 0, &[]);
    assert_eq!(outbox.push_with(Class::Normal, 100, encode), Ok(()));
    // A shared frame is for many: the one that cannot have it is counted.
    assert_eq!(outbox.push_frames(Class::Normal, 99, &Frames::one(&frame)), Err(error));
    check_ledger(&outbox, 3, 0, &[(DropReason::TooLarge, 1)]);
    assert_eq!(drain(&mut outbox), [&frame[..], &frame].concat());
}

#[test]
fn an_encoder_that_fails_half_way_leaves_no_bytes() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    let frames = [event("a", 100), event("b", 100)];
    push_all(&mut outbox, &frames[..1]);
    let error = EncodeError::TooLong { field: Field::Event, length: 9, limit: 8 };
    let result = outbox.push_with(Class::Normal, MAX_FRAME, |out| {
        out.extend_from_slice(b"half of a fra");
        Err(error)
    });
    assert_eq!(result, Err(SendError::from(error)));
    check_ledger(&outbox, 1, 0, &[]);
    push_all(&mut outbox, &frames[1..]);
    assert_eq!(drain(&mut outbox), frames.concat());
}

#[test]
fn released_memory_takes_nothing_that_waits_with_it() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    outbox.release_memory();
    let frames = [event("a", 100), event("b", 5000)];
    push_all(&mut outbox, &frames);
    outbox.release_memory();
    let batch = outbox.take().expect("something waits");
    outbox.release_memory();
    outbox.give_back(batch);
    outbox.release_memory();
    assert_eq!(drain(&mut outbox), frames.concat());
    outbox.release_memory();
    assert!(outbox.take().is_none());
}
