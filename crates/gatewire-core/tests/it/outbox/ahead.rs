//! Frames that go before others.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[test]
fn a_frame_ahead_goes_before_all_that_is_not_begun() {
    let mut outbox = outbox(1 << 20, 100, Overflow::Disconnect);
    let [one, two] = [event("one", 40), event("two", 50)];
    push_all(&mut outbox, &[one.clone(), two.clone()]);
    // Ten bytes of the first are with the kernel.
    let mut written = write(&mut outbox, 10);
    let [first, second] = [ping(1), ping(2)];
    assert_eq!(outbox.push_ahead(&first), Ok(()));
    push_all(&mut outbox, std::slice::from_ref(&one));
    assert_eq!(outbox.push_ahead(&second), Ok(()));
    written.extend(drain(&mut outbox));
    assert_eq!(written, [&one[..], &first, &second, &two, &one].concat());
    check_ledger(&outbox, 5, 5, &[]);
}

#[test]
fn a_frame_that_lies_in_several_pieces_is_finished_first() {
    let mut outbox = outbox(1 << 20, 100, Overflow::Disconnect);
    let [short, long] = [event("short", 40), event("long", 5000)];
    push_all(&mut outbox, &[short.clone(), long.clone(), short.clone()]);
    let mut written = write(&mut outbox, 3000);
    assert_eq!(outbox.push_ahead(&ping(1)), Ok(()));
    written.extend(drain(&mut outbox));
    assert_eq!(written, [&short[..], &long, &ping(1), &short].concat());
}

#[test]
fn what_waits_ahead_is_bounded_and_its_overflow_ends_the_connection() {
    let mut outbox = outbox(1 << 20, 10, Overflow::DropNewest);
    let frame = event("news", 1 << 20);
    for _ in 0..16 {
        assert_eq!(outbox.push_ahead(&frame), Ok(()));
    }
    assert_eq!(outbox.push_ahead(&ping(1)), Err(SendError::SlowConsumer));
    outbox.disconnect(|_| true);
    assert_eq!(outbox.queued_frames(), 16);
}

proptest! {
    #[test]
    fn whatever_is_written_when_the_frames_stay_whole_and_those_ahead_in_order(
        steps in vec((any::<bool>(), 20..2_000_usize, 0..3_000_usize), 1..40),
    ) {
        let mut outbox = outbox(1 << 30, 1000, Overflow::Disconnect);
        let mut written = Vec::new();
        let (mut ahead, mut behind) = (Vec::new(), Vec::new());
        for (number, (urgent, length, write_length)) in (0_u64..).zip(steps) {
            if urgent {
                ahead.push(ping(number));
                prop_assert_eq!(outbox.push_ahead(&ping(number)), Ok(()));
            } else {
                behind.push(event("event", length));
                push_all(&mut outbox, &behind[behind.len() - 1..]);
            }
            let length = write_length.min(outbox.queued_bytes());
            if length > 0 {
                written.extend(write(&mut outbox, length));
            }
        }
        if !outbox.is_empty() {
            written.extend(drain(&mut outbox));
        }
        let (mut found_ahead, mut found_behind) = (Vec::new(), Vec::new());
        let mut rest = &written[..];
        while let Some((frame, next)) = gatewire_codec::split_frame(rest, MAX_FRAME).expect("whole") {
            let whole = Bytes::copy_from_slice(&rest[..rest.len() - next.len()]);
            let is_ping = matches!(v3::decode(frame), Ok(Message::Ping { .. }));
            (if is_ping { &mut found_ahead } else { &mut found_behind }).push(whole);
            rest = next;
        }
        prop_assert!(rest.is_empty());
        prop_assert_eq!(found_ahead, ahead);
        prop_assert_eq!(found_behind, behind);
    }
}
