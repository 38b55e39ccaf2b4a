//! Frames that are worth sending only now.

use super::*;

#[test]
fn a_volatile_frame_passes_while_the_peer_keeps_up() {
    for shared in [false, true] {
        let mut outbox = outbox(1000, 100, Overflow::Disconnect);
        let frames = [event("a", 100), event("b", 100)];
        for frame in &frames {
            assert_eq!(push(&mut outbox, Class::Volatile, frame, shared), Ok(()));
        }
        check_ledger(&outbox, 2, 0, &[]);
        assert_eq!(drain(&mut outbox), frames.concat());
        check_ledger(&outbox, 2, 2, &[]);
    }
}

#[test]
fn a_volatile_frame_is_dropped_above_the_soft_mark_in_bytes() {
    // At 75 % it still passes; the frame after it finds more than that.
    check_soft_mark(limits(1000, 100, Overflow::Disconnect), 750, 75);
}

#[test]
fn a_volatile_frame_is_dropped_above_the_soft_mark_in_frames() {
    check_soft_mark(limits(1 << 20, 100, Overflow::Disconnect), 750, 10);
}

#[test]
fn a_volatile_frame_is_dropped_while_the_kernel_takes_no_more() {
    for shared in [false, true] {
        let mut outbox = Outbox::new(OutboxLimits::default());
        push_all(&mut outbox, &[event("a", 100)]);
        assert_eq!(write(&mut outbox, 99).len(), 99);
        assert!(outbox.is_blocked());
        assert_eq!(push(&mut outbox, Class::Volatile, &event("b", 100), shared), Ok(()));
        check_ledger(&outbox, 2, 0, &[(DropReason::Volatile, 1)]);
        assert_eq!(drain(&mut outbox).len(), 1);
        assert_eq!(push(&mut outbox, Class::Volatile, &event("b", 100), shared), Ok(()));
        check_ledger(&outbox, 3, 1, &[(DropReason::Volatile, 1)]);
        assert_eq!(outbox.queued_frames(), 1);
    }
}

#[test]
fn a_volatile_frame_that_is_dropped_is_not_encoded() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    push_all(&mut outbox, &[event("a", 100)]);
    write(&mut outbox, 1);
    let result =
        outbox.push_with(Class::Volatile, MAX_FRAME, |_| unreachable!("nobody will read it"));
    assert_eq!(result, Ok(()));
}

#[test]
fn a_volatile_frame_that_does_not_fit_is_dropped_under_each_policy() {
    // Below the soft mark, but too long for what is left: not worth the connection, nor other
    // messages.
    for overflow in
        [Overflow::Disconnect, Overflow::DropNewest, Overflow::DropOldest, Overflow::Latest]
    {
        for shared in [false, true] {
            let mut outbox = outbox(1000, 100, overflow);
            let frame = event("position", 700);
            push_all(&mut outbox, std::slice::from_ref(&frame));
            assert!(!outbox.is_above_soft_mark());
            assert_eq!(push(&mut outbox, Class::Volatile, &event("position", 301), shared), Ok(()));
            check_ledger(&outbox, 2, 0, &[(DropReason::Volatile, 1)]);
            assert_eq!(drain(&mut outbox), frame);
        }
    }
}

#[test]
fn volatile_frames_pass_again_when_all_that_blocked_was_dropped() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    push_all(&mut outbox, &[event("a", 100), event("b", 100)]);
    write(&mut outbox, 100);
    assert!(outbox.is_blocked());
    outbox.retain(DropReason::Displaced, |_| false);
    check_ledger(&outbox, 2, 1, &[(DropReason::Displaced, 1)]);
    assert!(outbox.is_empty() && !outbox.is_blocked());
    assert_eq!(push(&mut outbox, Class::Volatile, &event("c", 100), false), Ok(()));
    assert_eq!(outbox.queued_frames(), 1);
}

#[test]
fn volatile_frames_are_dropped_while_there_is_no_connection() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    outbox.set_blocked(true);
    assert!(outbox.is_blocked());
    assert_eq!(push(&mut outbox, Class::Volatile, &event("a", 100), false), Ok(()));
    check_ledger(&outbox, 1, 0, &[(DropReason::Volatile, 1)]);
    // Also when what waited for the connection is gone.
    push_all(&mut outbox, &[event("b", 100)]);
    outbox.retain(DropReason::Displaced, |_| false);
    assert_eq!(push(&mut outbox, Class::Volatile, &event("c", 100), false), Ok(()));
    check_ledger(&outbox, 3, 0, &[(DropReason::Volatile, 2), (DropReason::Displaced, 1)]);

    outbox.set_blocked(false);
    assert_eq!(push(&mut outbox, Class::Volatile, &event("d", 100), false), Ok(()));
    assert_eq!(drain(&mut outbox), event("d", 100));
}

#[test]
fn a_volatile_frame_that_the_peer_never_reads_is_refused() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    let frame = event("a", 104);
    let error = SendError::TooLarge { length: 100, limit: 99 };
    assert_eq!(outbox.push_frames(Class::Volatile, 99, &Frames::one(&frame)), Err(error));
    check_ledger(&outbox, 1, 0, &[(DropReason::TooLarge, 1)]);
    assert_eq!(outbox.push_frames(Class::Volatile, 100, &Frames::one(&frame)), Ok(()));
}

/// `count` frames of `total` bytes in all reach the soft mark; one byte, or one frame, is above.
#[track_caller]
fn check_soft_mark(limits: OutboxLimits, total: usize, length: usize) {
    for shared in [false, true] {
        let mut outbox = Outbox::new(limits);
        let count = total / length;
        for _ in 0..count {
            assert_eq!(push(&mut outbox, Class::Volatile, &event("a", length), shared), Ok(()));
        }
        assert!(!outbox.is_above_soft_mark());
        assert_eq!(outbox.queued_frames(), count);
        let last = event("a", length);
        assert_eq!(push(&mut outbox, Class::Volatile, &last, shared), Ok(()));
        assert_eq!(outbox.queued_frames(), count + 1, "at the mark it passes");
        assert!(outbox.is_above_soft_mark());
        assert_eq!(push(&mut outbox, Class::Volatile, &last, shared), Ok(()));
        assert_eq!(outbox.queued_frames(), count + 1, "above it, it is dropped");
        let accepted = count as u64 + 2;
        check_ledger(&outbox, accepted, 0, &[(DropReason::Volatile, 1)]);
    }
}
