//! Who holds the others up is cut when the stream's allowance is used up.

use super::*;

/// Receivers 0 and 1 take everything at once, the last one nothing: at `now` the source is at the bound.
fn held_up_at(now: Time) -> (Fanout<Fate>, Vec<Receiver>) {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 3);
    go_to_the_limit(&mut fanout, &receivers[..2], now);
    assert_eq!(fanout.head(), 64 * MIB);
    (fanout, receivers)
}

/// The fast ones take everything, until the source waits at the limit.
fn go_to_the_limit(fanout: &mut Fanout<Fate>, fast: &[Receiver], now: Time) {
    reach_the_limit(fanout, fast, now);
    fanout.source_waits(now);
}

fn reach_the_limit(fanout: &mut Fanout<Fate>, fast: &[Receiver], now: Time) {
    loop {
        fill(fanout, now);
        for receiver in fast {
            take_all(fanout, *receiver, now);
        }
        if fanout.head() == fanout.limit() {
            break;
        }
    }
}

#[test]
fn a_stream_just_begun_bears_a_pause_of_fifty_milliseconds() {
    let (mut fanout, receivers) = held_up_at(at(10));
    assert_eq!(fanout.poll_timeout(), at(60));
    assert_eq!(expire(&mut fanout, at(59)), []);
    assert_eq!(expire(&mut fanout, at(60)), [(receivers[2], Overdue::Slow)]);
    assert!(fanout.limit() > 64 * MIB);
}

#[test]
fn the_allowance_is_a_twentieth_of_the_time_before() {
    let (mut fanout, receivers) = held_up_at(at(4000));
    assert_eq!(fanout.poll_timeout(), at(4200));
    assert_eq!(expire(&mut fanout, at(4200)), [(receivers[2], Overdue::Slow)]);
}

#[test]
fn no_more_than_patience_is_saved_up() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 3);
    let hour = 3_600_000;
    go_to_the_limit(&mut fanout, &receivers[..2], at(hour));
    // It takes enough not to stand still, and not enough for a step.
    fanout.progress(receivers[2], 64 * KIB, at(hour + 2000));
    assert_eq!(fanout.poll_timeout(), at(hour + 5000));
    assert_eq!(expire(&mut fanout, at(hour + 5000)), [(receivers[2], Overdue::Slow)]);
}

#[test]
fn who_goes_on_in_time_is_not_cut_and_what_was_spent_is_gone() {
    let (mut fanout, receivers) = held_up_at(at(4000));
    assert!(fanout.progress(receivers[2], MIB, at(4150)));
    assert_eq!(expire(&mut fanout, at(4200)), []);
    // 50 ms are left, and 10 ms were earned meanwhile.
    go_to_the_limit(&mut fanout, &receivers[..2], at(4350));
    assert_eq!(fanout.poll_timeout(), at(4410));
    assert_eq!(expire(&mut fanout, at(4410)), [(receivers[2], Overdue::Slow)]);
}

#[test]
fn all_who_are_at_the_bound_are_cut_together() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 7);
    fanout.push(MIB, at(0));
    fanout.progress(receivers[5], 100 * KIB, at(0));
    fanout.progress(receivers[4], MIB, at(0));
    go_to_the_limit(&mut fanout, &receivers[..4], at(0));
    assert_eq!(fanout.head(), 64 * MIB);
    let cut = [(receivers[5], Overdue::Slow), (receivers[6], Overdue::Slow)];
    assert_eq!(expire(&mut fanout, at(50)), cut);
    assert_eq!(fanout.limit(), 65 * MIB);
}

#[test]
fn the_next_one_at_the_bound_is_cut_at_once_when_nothing_is_left() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 5);
    fanout.push(MIB, at(0));
    fanout.progress(receivers[3], MIB, at(0));
    go_to_the_limit(&mut fanout, &receivers[..3], at(0));
    assert_eq!(expire(&mut fanout, at(50)), [(receivers[4], Overdue::Slow)]);
    go_to_the_limit(&mut fanout, &receivers[..3], at(50));
    assert_eq!(fanout.poll_timeout(), at(50));
    assert_eq!(expire(&mut fanout, at(50)), [(receivers[3], Overdue::Slow)]);
}

#[test]
fn a_source_that_has_nothing_is_not_held_up() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 3);
    reach_the_limit(&mut fanout, &receivers[..2], at(0));
    assert_eq!(fanout.poll_timeout(), at(5000));
}

#[test]
fn who_waits_for_the_middle_one_is_not_held_up() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 3);
    fill(&mut fanout, at(0));
    take_all(&mut fanout, receivers[0], at(0));
    fanout.source_waits(at(0));
    assert_eq!(fanout.poll_timeout(), at(5000));
}

#[test]
fn a_source_below_the_limit_does_not_wait() {
    let (mut fanout, receivers) = held_up_at(at(0));
    fanout.progress(receivers[2], MIB, at(1));
    fanout.source_waits(at(1));
    assert_eq!(fanout.poll_timeout(), at(5000));
}

#[test]
fn of_two_receivers_none_holds_the_other_up() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 2);
    for millis in 0..100_000 {
        fill(&mut fanout, at(millis));
        fanout.source_waits(at(millis));
        take_all(&mut fanout, receivers[0], at(millis));
        let slower = fanout.taken(receivers[1]) + KIB;
        fanout.progress(receivers[1], slower, at(millis));
        assert_eq!(expire(&mut fanout, at(millis)), []);
    }
}

#[test]
fn nobody_is_held_up_when_the_source_has_finished() {
    let (mut fanout, _) = held_up_at(at(0));
    fanout.finish(at(10));
    fanout.source_waits(at(11));
    assert_eq!(fanout.poll_timeout(), at(5000));
}
