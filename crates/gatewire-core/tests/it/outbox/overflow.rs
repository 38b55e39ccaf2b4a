//! What happens at the bounds, policy by policy.

use super::*;

const ALL_POLICIES: [Overflow; 4] =
    [Overflow::Disconnect, Overflow::DropNewest, Overflow::DropOldest, Overflow::Latest];

#[test]
fn a_queue_takes_frames_up_to_its_bound_in_bytes() {
    for (overflow, shared) in every_way() {
        let mut outbox = outbox(1000, 100, overflow);
        for _ in 0..10 {
            assert_eq!(push(&mut outbox, Class::Normal, &event("e", 100), shared), Ok(()));
        }
        assert_eq!((outbox.queued_bytes(), outbox.queued_frames()), (1000, 10));
        check_ledger(&outbox, 10, 0, &[]);
    }
}

#[test]
fn a_queue_takes_frames_up_to_its_bound_in_frames() {
    for (overflow, shared) in every_way() {
        let mut outbox = outbox(1 << 20, 4, overflow);
        for _ in 0..4 {
            assert_eq!(push(&mut outbox, Class::Normal, &event("e", 20), shared), Ok(()));
        }
        assert_eq!(outbox.queued_frames(), 4);
        check_ledger(&outbox, 4, 0, &[]);
    }
}

#[test]
fn disconnect_refuses_the_newest_and_says_that_the_peer_is_slow() {
    for (limits, shared) in every_bound(Overflow::Disconnect) {
        let mut outbox = Outbox::new(limits);
        let frames = fill(&mut outbox);
        let refused = push(&mut outbox, Class::Normal, &event("new", 100), shared);
        assert_eq!(refused, Err(SendError::SlowConsumer));
        check_ledger(&outbox, 11, 0, &[(DropReason::QueueFull, 1)]);
        assert_eq!(drain(&mut outbox), frames);
    }
}

#[test]
fn drop_newest_refuses_the_newest() {
    for (limits, shared) in every_bound(Overflow::DropNewest) {
        let mut outbox = Outbox::new(limits);
        let frames = fill(&mut outbox);
        let refused = push(&mut outbox, Class::Normal, &event("new", 100), shared);
        assert_eq!(refused, Err(SendError::QueueFull));
        check_ledger(&outbox, 11, 0, &[(DropReason::QueueFull, 1)]);
        assert_eq!(drain(&mut outbox), frames);
    }
}

#[test]
fn drop_oldest_makes_room_down_to_the_soft_mark() {
    // 10 frames of 100 bytes and a new one, at most 7.5 of which may stay.
    for (limits, shared) in every_bound(Overflow::DropOldest) {
        let mut outbox = Outbox::new(limits);
        let frames = fill(&mut outbox);
        let new = event("new", 100);
        assert_eq!(push(&mut outbox, Class::Normal, &new, shared), Ok(()));
        check_ledger(&outbox, 11, 0, &[(DropReason::Displaced, 4)]);
        assert!(!outbox.is_above_soft_mark());
        assert_eq!(drain(&mut outbox), [&frames[400..], &new].concat());
    }
}

#[test]
fn drop_oldest_drops_events_only() {
    let mut outbox = outbox(1 << 20, 4, Overflow::DropOldest);
    let frames = [request(1), event("a", 20), request(2), event("b", 20)];
    push_all(&mut outbox, &frames);
    let new = event("c", 20);
    assert_eq!(push(&mut outbox, Class::Normal, &new, true), Ok(()));
    check_ledger(&outbox, 5, 0, &[(DropReason::Displaced, 2)]);
    assert_eq!(drain(&mut outbox), [&frames[0][..], &frames[2], &new].concat());
}

#[test]
fn drop_oldest_without_events_to_drop_refuses_the_newest() {
    let mut outbox = outbox(1 << 20, 3, Overflow::DropOldest);
    let frames = [request(1), request(2), request(3)];
    push_all(&mut outbox, &frames);
    let refused = push(&mut outbox, Class::Normal, &event("new", 20), true);
    assert_eq!(refused, Err(SendError::QueueFull));
    check_ledger(&outbox, 4, 0, &[(DropReason::QueueFull, 1)]);
    assert_eq!(drain(&mut outbox), frames.concat());
}

#[test]
fn drop_oldest_leaves_what_is_on_its_way_alone() {
    let mut outbox = outbox(1 << 20, 4, Overflow::DropOldest);
    let first = [event("a", 20), event("a", 30)];
    push_all(&mut outbox, &first);
    let batch = outbox.take().expect("two frames");
    push_all(&mut outbox, &[event("b", 40), event("b", 50)]);
    let new = event("c", 60);
    assert_eq!(push(&mut outbox, Class::Normal, &new, true), Ok(()));
    check_ledger(&outbox, 5, 0, &[(DropReason::Displaced, 2)]);
    outbox.give_back(batch);
    assert_eq!(drain(&mut outbox), [&first[0][..], &first[1], &new].concat());
}

#[test]
fn drop_oldest_leaves_a_frame_that_is_partly_written_alone() {
    let mut outbox = outbox(1 << 20, 3, Overflow::DropOldest);
    let frames = [event("a", 20), event("a", 30), event("a", 40)];
    push_all(&mut outbox, &frames);
    let mut wire = write(&mut outbox, 7);
    let new = event("b", 50);
    assert_eq!(push(&mut outbox, Class::Normal, &new, true), Ok(()));
    check_ledger(&outbox, 4, 0, &[(DropReason::Displaced, 2)]);
    wire.extend(drain(&mut outbox));
    assert_eq!(wire, [&frames[0][..], &new].concat());
}

#[test]
fn latest_replaces_the_events_of_the_same_name() {
    let mut outbox = outbox(1 << 20, 5, Overflow::Latest);
    let frames = [event("x", 20), event("y", 20), event("x", 30), request(1), event("xx", 20)];
    push_all(&mut outbox, &frames);
    let new = event("x", 40);
    assert_eq!(push(&mut outbox, Class::Normal, &new, false), Ok(()));
    check_ledger(&outbox, 6, 0, &[(DropReason::Superseded, 2)]);
    assert_eq!(drain(&mut outbox), [&frames[1][..], &frames[3], &frames[4], &new].concat());
}

#[test]
fn latest_without_an_event_of_the_same_name_refuses_the_newest() {
    for (limits, shared) in every_bound(Overflow::Latest) {
        let mut outbox = Outbox::new(limits);
        let frames = fill(&mut outbox);
        let refused = push(&mut outbox, Class::Normal, &event("new", 100), shared);
        assert_eq!(refused, Err(SendError::QueueFull));
        let refused = push(&mut outbox, Class::Normal, &request(1), shared);
        assert_eq!(refused, Err(SendError::QueueFull), "a request replaces nothing");
        check_ledger(&outbox, 12, 0, &[(DropReason::QueueFull, 2)]);
        assert_eq!(drain(&mut outbox), frames);
    }
}

#[test]
fn latest_tells_the_receivers_of_a_published_event_apart() {
    use gatewire_codec::{Names, Target};
    let publish = |room: &str, value: i64| {
        let rooms = [room];
        let target = Target { rooms: Names::from_slice(&rooms), ..Target::default() };
        let value = ValueRef::Integer(value);
        frame_of(&Message::Publish { request: None, target, event: "position", value })
    };
    let mut outbox = outbox(1 << 20, 3, Overflow::Latest);
    let own = frame_of(&Message::Event { event: "position", value: ValueRef::Integer(1) });
    push_all(&mut outbox, &[publish("red", 1), publish("blue", 1), own.clone()]);
    assert_eq!(push(&mut outbox, Class::Normal, &publish("red", 2), true), Ok(()));
    check_ledger(&outbox, 4, 0, &[(DropReason::Superseded, 1)]);
    let expected = [&publish("blue", 1)[..], &own, &publish("red", 2)].concat();
    assert_eq!(drain(&mut outbox), expected);
}

#[test]
fn control_frames_pass_a_full_queue() {
    for overflow in ALL_POLICIES {
        for limits in [limits(1000, 100, overflow), limits(1 << 20, 10, overflow)] {
            let mut outbox = Outbox::new(limits);
            let frames = fill(&mut outbox);
            assert_eq!(push(&mut outbox, Class::Control, &ping(1), false), Ok(()));
            check_ledger(&outbox, 11, 0, &[]);
            assert_eq!(drain(&mut outbox), [&frames[..], &ping(1)].concat());
        }
    }
}

#[test]
fn control_frames_end_at_their_reserve_of_64_kib() {
    for overflow in ALL_POLICIES {
        let mut outbox = outbox(1000, 100, overflow);
        fill(&mut outbox);
        let control = event("c", 1024);
        for _ in 0..64 {
            assert_eq!(push(&mut outbox, Class::Control, &control, true), Ok(()));
        }
        assert_eq!(outbox.queued_bytes(), 1000 + (64 << 10));
        let refused = push(&mut outbox, Class::Control, &ping(1), true);
        assert_eq!(refused, Err(SendError::SlowConsumer));
        check_ledger(&outbox, 75, 0, &[(DropReason::QueueFull, 1)]);
    }
}

#[test]
fn a_frame_longer_than_the_whole_bound_passes_alone() {
    for (overflow, shared) in every_way() {
        let mut outbox = Outbox::new(OutboxLimits { overflow, ..OutboxLimits::default() });
        let frame = event("file", 5 << 20);
        assert_eq!(push(&mut outbox, Class::Normal, &frame, shared), Ok(()));
        assert_eq!(outbox.queued_bytes(), 5 << 20);
        assert!(outbox.is_above_soft_mark());
        let refused = push(&mut outbox, Class::Normal, &request(1), shared);
        let expected = if overflow == Overflow::Disconnect {
            Some(SendError::SlowConsumer)
        } else if overflow == Overflow::DropOldest {
            None // The file makes room for the request.
        } else {
            Some(SendError::QueueFull)
        };
        assert_eq!(refused.err(), expected);
        check_balance(&outbox);
        let expected = if overflow == Overflow::DropOldest { request(1) } else { frame };
        assert!(drain(&mut outbox) == expected);
    }
}

#[test]
fn a_changed_bound_leaves_what_waits() {
    let mut outbox = outbox(1000, 100, Overflow::DropNewest);
    let frames = fill(&mut outbox);
    outbox.set_limits(limits(10, 1, Overflow::Disconnect));
    assert_eq!(outbox.queued_frames(), 10);
    let refused = push(&mut outbox, Class::Normal, &event("new", 100), true);
    assert_eq!(refused, Err(SendError::SlowConsumer));
    assert_eq!(drain(&mut outbox), frames);
}

#[test]
fn the_default_bounds_are_those_that_are_promised() {
    let limits = OutboxLimits::default();
    assert_eq!((limits.max_bytes, limits.max_frames), (4 << 20, 16_384));
    assert_eq!(limits.overflow, Overflow::Disconnect);
}

/// Each policy with each way in.
fn every_way() -> impl Iterator<Item = (Overflow, bool)> {
    ALL_POLICIES.into_iter().flat_map(|overflow| [(overflow, false), (overflow, true)])
}

/// Bounds that [`fill`] reaches, once in bytes and once in frames, with each way in.
fn every_bound(overflow: Overflow) -> impl Iterator<Item = (OutboxLimits, bool)> {
    [limits(1000, 100, overflow), limits(1 << 20, 10, overflow)]
        .into_iter()
        .flat_map(|limits| [(limits, false), (limits, true)])
}

/// Ten events of 100 bytes, of different names.
#[track_caller]
fn fill(outbox: &mut Outbox) -> Vec<u8> {
    let frames: Vec<Bytes> = (0..10).map(|number| event(&format!("old {number}"), 100)).collect();
    push_all(outbox, &frames);
    frames.concat()
}
