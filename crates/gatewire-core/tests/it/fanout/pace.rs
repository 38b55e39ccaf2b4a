//! How far the source may go.

use super::*;

#[test]
fn a_stream_begins_with_one_window() {
    let (fanout, _) = fanout(FanoutConfig::default(), 3);
    assert_eq!((fanout.head(), fanout.limit()), (0, MIB));
}

#[test]
fn one_receiver_is_followed_a_window_ahead() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fill(&mut fanout, at(0));
    assert!(fanout.progress(receivers[0], 300 * KIB, at(1)));
    assert_eq!(fanout.limit(), MIB + 300 * KIB);
}

#[test]
fn the_limit_rises_in_steps_of_a_quarter_window() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fill(&mut fanout, at(0));
    assert!(!fanout.progress(receivers[0], 256 * KIB - 1, at(1)));
    assert_eq!(fanout.limit(), MIB);
    assert!(fanout.progress(receivers[0], 256 * KIB, at(1)));
    assert_eq!(fanout.limit(), MIB + 256 * KIB);
}

#[test]
fn of_two_receivers_the_slower_is_waited_for() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 2);
    fill(&mut fanout, at(0));
    assert!(!take_all(&mut fanout, receivers[0], at(1)));
    assert!(fanout.progress(receivers[1], 512 * KIB, at(1)));
    assert_eq!(fanout.limit(), MIB + 512 * KIB);
}

#[test]
fn of_three_receivers_the_middle_one_sets_the_pace() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 3);
    fill(&mut fanout, at(0));
    assert!(!take_all(&mut fanout, receivers[2], at(1)));
    assert!(fanout.progress(receivers[0], 512 * KIB, at(1)));
    assert_eq!(fanout.limit(), MIB + 512 * KIB);
    assert_eq!(fanout.taken(receivers[1]), 0);
}

#[test]
fn half_of_the_receivers_is_no_majority() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 4);
    fill(&mut fanout, at(0));
    assert!(!take_all(&mut fanout, receivers[0], at(1)));
    assert!(!take_all(&mut fanout, receivers[1], at(1)));
    assert!(fanout.progress(receivers[2], 300 * KIB, at(1)));
    assert_eq!(fanout.limit(), MIB + 300 * KIB);
}

#[test]
fn the_source_stays_within_max_lag_of_the_slowest() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 3);
    for millis in 0..200 {
        fill(&mut fanout, at(millis));
        take_all(&mut fanout, receivers[0], at(millis));
        take_all(&mut fanout, receivers[1], at(millis));
        if fanout.head() == fanout.limit() {
            break;
        }
    }
    assert_eq!(fanout.limit(), 64 * MIB);
    assert!(!fanout.progress(receivers[2], 256 * KIB - 1, at(300)));
    assert!(fanout.progress(receivers[2], MIB, at(300)));
    assert_eq!(fanout.limit(), 65 * MIB);
}

#[test]
fn who_waits_for_all_follows_the_slowest() {
    let (mut fanout, receivers) = fanout(waiting_for_all(), 3);
    fill(&mut fanout, at(0));
    assert!(!take_all(&mut fanout, receivers[0], at(1)));
    assert!(!take_all(&mut fanout, receivers[1], at(1)));
    assert!(fanout.progress(receivers[2], 256 * KIB, at(1)));
    assert_eq!(fanout.limit(), MIB + 256 * KIB);
}

#[test]
fn the_limit_rises_when_the_receiver_that_set_the_pace_leaves() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 2);
    fill(&mut fanout, at(0));
    take_all(&mut fanout, receivers[0], at(1));
    assert!(fanout.end(receivers[1], Fate::Left, at(2)));
    assert_eq!(fanout.limit(), 2 * MIB);
}

#[test]
fn the_limit_stays_when_the_fast_ones_leave() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 3);
    fill(&mut fanout, at(0));
    take_all(&mut fanout, receivers[0], at(1));
    take_all(&mut fanout, receivers[1], at(1));
    assert_eq!(fanout.limit(), 2 * MIB);
    fanout.end(receivers[0], Fate::Left, at(2));
    fanout.end(receivers[1], Fate::Left, at(2));
    assert_eq!(fanout.limit(), 2 * MIB);
    assert!(!fanout.progress(receivers[2], MIB, at(3)));
    fill(&mut fanout, at(3));
    assert!(take_all(&mut fanout, receivers[2], at(4)));
    assert_eq!(fanout.limit(), 3 * MIB);
}

#[test]
fn a_stream_to_nobody_has_no_limit() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fanout.end(receivers[0], Fate::Left, at(0));
    assert_eq!(fanout.limit(), u64::MAX);
    fanout.push(100 * MIB, at(0));
    fanout.finish(at(1));
    assert!(fanout.is_over());
}

#[test]
fn a_window_of_nothing_is_one_byte_and_a_bound_below_it_is_the_window() {
    let tiny = FanoutConfig { window: 0, max_lag: 0, ..FanoutConfig::default() };
    let (mut fanout, receivers) = fanout(tiny, 2);
    for total in 1..10 {
        assert_eq!(fanout.limit(), total);
        fill(&mut fanout, at(0));
        fanout.source_waits(at(0));
        take_all(&mut fanout, receivers[0], at(0));
        assert!(take_all(&mut fanout, receivers[1], at(0)));
    }
    assert_eq!(fanout.poll_timeout(), at(0) + PATIENCE);
    assert_eq!(expire(&mut fanout, at(100_000)), []);
}

#[test]
fn a_window_without_end_never_stops_the_source() {
    let endless = FanoutConfig { window: u64::MAX, max_lag: u64::MAX, ..FanoutConfig::default() };
    let (mut fanout, receivers) = fanout(endless, 1);
    fanout.push(1 << 40, at(0));
    assert!(!take_all(&mut fanout, receivers[0], at(0)));
    assert_eq!(fanout.limit(), u64::MAX);
}

#[test]
fn a_chunk_that_begins_below_the_limit_may_be_pushed_as_a_whole() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fanout.push(MIB - 1, at(0));
    fanout.push(64 * KIB, at(0));
    assert_eq!(fanout.head(), MIB - 1 + 64 * KIB);
    assert!(take_all(&mut fanout, receivers[0], at(0)));
    assert_eq!(fanout.limit(), fanout.head() + MIB);
}

#[test]
fn what_a_receiver_took_never_becomes_less() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fanout.push(1000, at(0));
    fanout.progress(receivers[0], 600, at(1));
    assert!(!fanout.progress(receivers[0], 500, at(1)));
    assert_eq!(fanout.taken(receivers[0]), 600);
}
