//! A long run for a full queue in which newer events take the place of older ones.

use std::time::{Duration, Instant};

use super::*;

/// Far more than it takes in a debug build, and far less than a look through the whole queue for each
/// frame would.
const PATIENCE: Duration = Duration::from_secs(3);

#[test]
fn a_run_does_not_cost_a_full_queue_a_search_for_each_frame() {
    const QUEUED: usize = 16_384;
    const RUN: usize = 6000;

    let mut outbox = outbox(4 << 20, QUEUED, Overflow::Latest);
    for number in 0..QUEUED {
        let name = if number == 0 { "score" } else { "chat" };
        let push = |out: &mut BytesMut| v3::encode_event(name, ValueRef::Empty, out);
        outbox.push_with(Class::Normal, u32::MAX, push).expect("there is room");
    }
    let mut run = FrameBuffer::default();
    for number in 0..RUN {
        // One that takes a place again and again, and some that find none.
        let name = if number % 2 == 0 { "score".to_owned() } else { format!("{number}") };
        run.push(|out| v3::encode_event(&name, ValueRef::Empty, out)).expect("encodes");
    }
    let begun = Instant::now();
    let pushed = run.drain(|run| outbox.push_frames(Class::Normal, u32::MAX, run));
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert_eq!(pushed, Ok(()));
    let ledger = outbox.ledger();
    assert!(ledger.is_balanced());
    assert_eq!((outbox.queued_frames(), ledger.accepted), (QUEUED, (QUEUED + RUN) as u64));
    let half = (RUN / 2) as u64;
    assert_eq!(ledger.dropped(DropReason::Superseded), half);
    assert_eq!(ledger.dropped(DropReason::QueueFull), half);
}
