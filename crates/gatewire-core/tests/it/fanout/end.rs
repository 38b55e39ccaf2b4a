//! When a stream is over, and what became of each receiver.

use super::*;

#[test]
fn a_stream_is_over_when_it_has_finished_and_all_have_an_outcome() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 2);
    fanout.push(100, at(0));
    fanout.finish(at(0));
    for receiver in &receivers {
        assert!(!fanout.is_over());
        take_all(&mut fanout, *receiver, at(1));
        assert!(fanout.end(*receiver, Fate::Answered, at(2)));
    }
    assert!(fanout.is_over());
    assert_eq!((fanout.alive(), fanout.receivers()), (0, 2));
}

#[test]
fn a_stream_whose_receivers_are_gone_is_over_when_it_has_finished() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fanout.end(receivers[0], Fate::Left, at(0));
    assert!(!fanout.is_over());
    fanout.finish(at(1));
    assert!(fanout.is_over());
}

#[test]
fn only_the_first_outcome_counts() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 2);
    assert!(fanout.end(receivers[1], Fate::Left, at(0)));
    assert!(!fanout.end(receivers[1], Fate::Answered, at(0)));
    let outcomes: Vec<_> = fanout.outcomes().collect();
    assert_eq!(outcomes, [(receivers[1], &Fate::Left)]);
    assert_eq!(fanout.alive(), 1);
}

#[test]
fn a_receiver_that_has_ended_changes_nothing_any_more() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 2);
    fill(&mut fanout, at(0));
    take_all(&mut fanout, receivers[0], at(0));
    fanout.end(receivers[0], Fate::Answered, at(0));
    assert!(!take_all(&mut fanout, receivers[0], at(1)));
    assert!(fanout.progress(receivers[1], 256 * KIB, at(1)));
    assert_eq!(fanout.limit(), MIB + 256 * KIB);
}

#[test]
fn who_took_everything_has_a_minute_to_answer() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 2);
    fanout.push(100, at(0));
    take_all(&mut fanout, receivers[0], at(1));
    fanout.finish(at(2));
    take_all(&mut fanout, receivers[1], at(1000));
    assert_eq!(expire(&mut fanout, at(60_001)), []);
    assert_eq!(expire(&mut fanout, at(60_002)), [(receivers[0], Overdue::Unanswered)]);
    assert!(fanout.poll_timeout() <= at(61_000));
    assert_eq!(expire(&mut fanout, at(60_999)), []);
    assert_eq!(expire(&mut fanout, at(61_000)), [(receivers[1], Overdue::Unanswered)]);
    assert!(fanout.is_over());
}

#[test]
fn an_empty_stream_is_answered_too() {
    let (mut fanout, receivers) = fanout(waiting_for_all(), 1);
    fanout.finish(at(0));
    fanout.finish(at(30_000));
    assert_eq!(fanout.poll_timeout(), at(60_000));
    assert_eq!(expire(&mut fanout, at(60_000)), [(receivers[0], Overdue::Unanswered)]);
}

#[test]
fn an_answer_before_everything_was_taken_is_an_answer() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fill(&mut fanout, at(0));
    fanout.finish(at(0));
    assert!(fanout.end(receivers[0], Fate::Answered, at(1)));
    assert!(fanout.is_over());
    assert_eq!(expire(&mut fanout, at(100_000)), []);
}

#[test]
fn the_limit_does_not_rise_after_the_end() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fill(&mut fanout, at(0));
    fanout.finish(at(0));
    assert!(!take_all(&mut fanout, receivers[0], at(1)));
}
