//! Who stands still is cut after `patience`.

use super::*;

#[test]
fn nothing_is_due_while_there_is_nothing_to_take() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 2);
    assert_eq!(fanout.poll_timeout(), Time::NEVER);
    fanout.push(100, at(0));
    for receiver in receivers {
        take_all(&mut fanout, receiver, at(1));
    }
    assert_eq!(expire(&mut fanout, at(5000)), []);
    assert_eq!(fanout.poll_timeout(), Time::NEVER);
}

#[test]
fn a_receiver_that_takes_nothing_is_cut_after_patience() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 2);
    fanout.push(100, at(1000));
    take_all(&mut fanout, receivers[0], at(1001));
    assert_eq!(fanout.poll_timeout(), at(6000));
    assert_eq!(expire(&mut fanout, at(5999)), []);
    assert_eq!(expire(&mut fanout, at(6000)), [(receivers[1], Overdue::Slow)]);
    assert!(!fanout.is_alive(receivers[1]));
}

#[test]
fn patience_begins_when_there_is_something_to_take() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fanout.push(100, at(0));
    take_all(&mut fanout, receivers[0], at(1));
    fanout.push(100, at(60_000));
    assert_eq!(expire(&mut fanout, at(64_999)), []);
    assert_eq!(expire(&mut fanout, at(65_000)), [(receivers[0], Overdue::Slow)]);
}

#[test]
fn sixty_four_kib_in_each_patience_are_enough() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fill(&mut fanout, at(0));
    for step in 1..=16 {
        assert_eq!(expire(&mut fanout, at(step * 4999)), []);
        fanout.progress(receivers[0], step * 64 * KIB, at(step * 4999));
    }
    assert_eq!(fanout.taken(receivers[0]), MIB);
}

#[test]
fn a_byte_less_than_sixty_four_kib_is_not_enough() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fill(&mut fanout, at(0));
    fanout.progress(receivers[0], 64 * KIB - 1, at(4999));
    assert_eq!(expire(&mut fanout, at(5000)), [(receivers[0], Overdue::Slow)]);
}

#[test]
fn a_receiver_is_not_blamed_for_a_slow_source() {
    // 1 KiB a second, which the receiver always takes a second and a half later.
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fanout.push(KIB, at(0));
    for second in 1..100 {
        fanout.push(KIB, at(second * 1000));
        assert_eq!(expire(&mut fanout, at(second * 1000 + 500)), []);
        fanout.progress(receivers[0], second * KIB, at(second * 1000 + 500));
    }
}

#[test]
fn who_lags_when_the_source_has_finished_is_cut_by_the_same_rule() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fill(&mut fanout, at(0));
    fanout.finish(at(100));
    fanout.progress(receivers[0], 64 * KIB, at(4000));
    assert_eq!(expire(&mut fanout, at(8999)), []);
    assert_eq!(expire(&mut fanout, at(9000)), [(receivers[0], Overdue::Slow)]);
    assert!(fanout.is_over());
}

#[test]
fn who_waits_for_all_cuts_nobody() {
    let (mut fanout, receivers) = fanout(waiting_for_all(), 2);
    fill(&mut fanout, at(0));
    take_all(&mut fanout, receivers[0], at(0));
    fanout.source_waits(at(0));
    assert_eq!(fanout.poll_timeout(), Time::NEVER);
    assert_eq!(expire(&mut fanout, at(1_000_000)), []);
}

#[test]
fn an_overdue_receiver_is_found_until_it_is_ended() {
    let (mut fanout, receivers) = fanout(FanoutConfig::default(), 1);
    fanout.push(1, at(0));
    assert_eq!(fanout.handle_timeout(at(5000)), [(receivers[0], Overdue::Slow)]);
    assert!(fanout.is_alive(receivers[0]));
    assert_eq!(fanout.handle_timeout(at(5000)), [(receivers[0], Overdue::Slow)]);
    fanout.end(receivers[0], Fate::Left, at(5000));
    assert_eq!(fanout.handle_timeout(at(5000)), []);
    assert_eq!(fanout.poll_timeout(), Time::NEVER);
}
