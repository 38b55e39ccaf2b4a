//! The heartbeat alone, against its one rule.

use std::time::Duration;

use gatewire_core::Time;
use gatewire_core::session::{Heartbeat, Liveness, Session, SessionConfig, TimeoutOutcome};
use proptest::prelude::*;

use crate::property;

#[test]
fn a_peer_is_dead_after_its_silence_and_pinged_before() {
    // Driven at its deadlines, whatever was heard before: pings at 1, 2, ... intervals of silence,
    // dead one interval after the last ping.
    let gaps = prop::collection::vec(0_u64..5_000, 0..30);
    property::check(500, &(1_u64..2_000, 0_u32..4, gaps), |(interval, missed, gaps)| {
        let interval = Duration::from_millis(interval);
        let mut heartbeat = Heartbeat::new(interval, missed, Time::ZERO);
        let mut last_heard = Time::ZERO;
        for gap in gaps {
            let next = last_heard + Duration::from_millis(gap);
            let dead_at = last_heard + interval * (missed + 1);
            let (found, _) = drive(&mut heartbeat, next);
            if dead_at <= next {
                assert_eq!(found, Some(dead_at));
                return;
            }
            assert_eq!(found, None);
            heartbeat.heard(next);
            last_heard = next;
            assert_eq!(heartbeat.last_heard(), next);
        }
        let (found, pings) = drive(&mut heartbeat, Time::NEVER);
        assert_eq!(found, Some(last_heard + interval * (missed + 1)));
        let expected: Vec<Time> =
            (1..=missed).map(|number| last_heard + interval * number).collect();
        assert_eq!(pings, expected);
    });
}

#[test]
fn tokens_count_from_1() {
    let mut heartbeat = Heartbeat::new(Duration::from_secs(1), 2, Time::ZERO);
    for token in 1..10 {
        let due = heartbeat.deadline();
        assert_eq!(heartbeat.check(due), Liveness::SendPing { token });
        heartbeat.heard(due);
    }
}

#[test]
fn before_its_deadline_a_check_does_nothing() {
    let mut heartbeat = Heartbeat::new(Duration::from_secs(10), 2, Time::ZERO);
    let before = format!("{heartbeat:?}");
    for millis in [0, 1, 5_000, 9_999] {
        let now = Time::from_elapsed(Duration::from_millis(millis));
        assert_eq!(heartbeat.check(now), Liveness::Alive);
    }
    assert_eq!(format!("{heartbeat:?}"), before);
}

#[test]
fn a_pause_of_this_process_is_not_the_peer_s_death() {
    // Nobody looked for an hour: the peer gets its pings before it is given up.
    let mut heartbeat = Heartbeat::new(Duration::from_secs(10), 2, Time::ZERO);
    let late = Time::from_elapsed(Duration::from_secs(3600));
    assert_eq!(heartbeat.check(late), Liveness::SendPing { token: 1 });
    assert_eq!(heartbeat.deadline(), late + Duration::from_secs(10));
    assert_eq!(heartbeat.check(late), Liveness::Alive);
}

#[test]
fn an_interval_without_end_never_ends() {
    let mut heartbeat = Heartbeat::new(Duration::MAX, 2, Time::ZERO);
    assert_eq!(heartbeat.deadline(), Time::NEVER);
    assert_eq!(heartbeat.check(Time::from_elapsed(Duration::from_secs(1 << 33))), Liveness::Alive);
}

#[test]
fn each_frame_is_a_sign_of_life_be_it_good_or_bad() {
    for frame in [&b"\x03\x10\x01e\x07"[..], b"\x03\x09\x00", b"\x03\xff", b"\x03\x10\x01e\x63"] {
        let mut session: Session<u32> = Session::new(&SessionConfig::default(), Time::ZERO);
        let heard = Time::from_elapsed(Duration::from_secs(9));
        let _good_or_bad = session.handle_frame(frame, heard);
        let due = session.poll_timeout();
        assert_eq!(session.handle_timeout(due), TimeoutOutcome::Nothing);
        assert_eq!(session.poll_timeout(), heard + Duration::from_secs(10));
        assert!(session.outbound.outbox().is_empty(), "no ping is due");
    }
}

#[test]
fn the_default_is_what_is_promised() {
    let config = SessionConfig::default();
    assert_eq!((config.ping_interval, config.missed_pings), (Duration::from_secs(10), 2));
    assert_eq!(config.max_frame, 1 << 20);
}

/// Checks at each deadline up to `end`: when the peer was found dead, and when it was pinged.
fn drive(heartbeat: &mut Heartbeat, end: Time) -> (Option<Time>, Vec<Time>) {
    let mut pings = Vec::new();
    while heartbeat.deadline() <= end {
        let now = heartbeat.deadline();
        match heartbeat.check(now) {
            Liveness::Alive => assert!(heartbeat.deadline() > now, "it would be asked for ever"),
            Liveness::SendPing { .. } => pings.push(now),
            Liveness::Dead => return (Some(now), pings),
        }
    }
    (None, pings)
}
