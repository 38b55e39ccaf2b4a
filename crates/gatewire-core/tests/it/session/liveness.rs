//! Whether the peer is still there.

use gatewire_core::session::SessionConfig;

use super::*;

#[test]
fn a_silent_peer_is_pinged_after_10_s_and_dead_after_two_missed_pings() {
    let mut pair = Pair::new();
    pair.up.silent = true;
    pair.down.silent = true;
    pair.advance(10 * SECOND - Duration::from_nanos(1));
    assert_eq!(pair.up.kinds(), [""; 0]);
    pair.advance(Duration::from_nanos(1));
    assert_eq!(pair.up.kinds(), ["ping"]);
    pair.advance(10 * SECOND);
    assert_eq!(pair.up.kinds(), ["ping", "ping"]);
    assert_eq!(pair.client.dead, None);
    pair.advance(10 * SECOND);
    assert_eq!(pair.client.dead, Some(at(30 * SECOND)));
    assert_eq!(pair.server.dead, Some(at(30 * SECOND)));
    assert_eq!(pair.up.kinds(), ["ping", "ping"]);
}

#[test]
fn an_idle_connection_lives_on_pings() {
    let mut pair = Pair::new();
    pair.up.delay = Duration::from_millis(40);
    pair.down.delay = Duration::from_millis(40);
    pair.advance(3600 * SECOND);
    assert_eq!((pair.client.dead, pair.server.dead), (None, None));
    assert_eq!((pair.client_saw(), pair.server_saw()), (vec![], vec![]), "nobody is told");
    // About one ping and one pong each way in 10 s, not more.
    let frames = pair.up.kinds().len();
    assert!((300..=760).contains(&frames), "{frames} frames in an hour");
}

#[test]
fn an_answered_ping_starts_the_count_again() {
    let mut pair = Pair::new();
    pair.up.silent = true;
    for _ in 0..20 {
        // Two pings are missed, then the link is back for a moment.
        pair.advance(25 * SECOND);
        assert_eq!(pair.client.dead, None);
        emit(&mut pair.server, "still here", 1).expect("queued");
        pair.server.session.heard(pair.now);
        pair.settle();
    }
}

#[test]
fn any_traffic_counts_as_a_sign_of_life() {
    // The server never answers, but it talks.
    let mut pair = Pair::new();
    pair.up.silent = true;
    for number in 0..100 {
        pair.advance(9 * SECOND);
        pair.server.session.heard(pair.now);
        emit(&mut pair.server, "tick", number).expect("queued");
        pair.settle();
    }
    assert_eq!(pair.client.dead, None);
    assert_eq!(pair.up.kinds(), [""; 0], "not one ping");
    assert_eq!(pair.client_saw().len(), 100);
}

#[test]
fn a_busy_connection_pays_no_ping() {
    let mut pair = Pair::new();
    pair.up.delay = SECOND;
    pair.down.delay = SECOND;
    for number in 0..200 {
        emit(&mut pair.client, "tick", number).expect("queued");
        emit(&mut pair.server, "tock", number).expect("queued");
        pair.advance(5 * SECOND);
    }
    assert!(pair.up.kinds().iter().all(|kind| *kind == "event"));
    assert!(pair.down.kinds().iter().all(|kind| *kind == "event"));
    assert_eq!((pair.client.dead, pair.server.dead), (None, None));
}

#[test]
fn a_busy_connection_that_falls_silent_is_found_in_the_same_time() {
    let mut pair = Pair::new();
    for number in 0..10 {
        pair.advance(SECOND);
        emit(&mut pair.server, "tick", number).expect("queued");
        pair.settle();
    }
    pair.down.silent = true;
    let last = pair.now;
    pair.advance(100 * SECOND);
    assert_eq!(pair.client.dead, Some(last + 30 * SECOND));
}

#[test]
fn a_long_frame_on_a_slow_link_is_a_sign_of_life() {
    let mut pair = Pair::new();
    let bytes = vec![1; 100_000];
    let outbound = &mut pair.server.session.outbound;
    outbound.emit(Class::Normal, "file", ValueRef::Binary(&bytes)).expect("queued");
    pair.down.window = 0;
    pair.up.silent = true;
    // 1,000 bytes each 5 s: the frame takes more than eight minutes, in which no frame ends.
    for _ in 0..101 {
        pair.down.window = 1000;
        pair.server.session.heard(pair.now);
        pair.advance(5 * SECOND);
    }
    assert_eq!(pair.client.dead, None);
    assert_eq!(pair.client_saw().len(), 1);
}

#[test]
fn a_ping_is_answered_with_its_token_and_a_pong_that_nobody_asked_for_is_ignored() {
    let mut pair = Pair::new();
    pair.up.send(Time::ZERO, b"\x04\0\0\0\x03\x08\xac\x02\x04\0\0\0\x03\x09\xac\x02");
    pair.settle();
    assert_eq!(pair.server_saw(), []);
    assert_eq!(pair.down.log, b"\x04\0\0\0\x03\x09\xac\x02");
}

#[test]
fn a_dead_peer_is_dead_at_each_call() {
    let mut pair = Pair::new();
    pair.up.silent = true;
    pair.down.silent = true;
    pair.advance(31 * SECOND);
    assert!(pair.client.dead.is_some());
    let outcome = pair.client.session.handle_timeout(pair.now + 60 * SECOND);
    assert_eq!(outcome, gatewire_core::session::TimeoutOutcome::PeerDead);
}

#[test]
fn other_intervals_can_be_chosen() {
    let config =
        SessionConfig { ping_interval: SECOND, missed_pings: 3, ..SessionConfig::default() };
    let mut pair = Pair::with_config(&config);
    pair.up.silent = true;
    pair.down.silent = true;
    pair.advance(60 * SECOND);
    assert_eq!(pair.client.dead, Some(at(4 * SECOND)));
    assert_eq!(pair.up.kinds(), ["ping", "ping", "ping"]);
}

#[test]
fn an_interval_of_zero_switches_the_heartbeat_off() {
    // Zero arrives in a CHALLENGE as any other number of seconds does. It must not mean "dead at
    // once".
    let config = SessionConfig { ping_interval: Duration::ZERO, ..SessionConfig::default() };
    let mut pair = Pair::with_config(&config);
    assert_eq!(pair.client.session.poll_timeout(), Time::NEVER);
    pair.advance(3600 * SECOND);
    assert_eq!((pair.client.dead, pair.server.dead), (None, None));
    assert_eq!(pair.up.kinds(), [""; 0]);
}
