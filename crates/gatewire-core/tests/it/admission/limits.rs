//! How many may be there at once.

use gatewire_core::admission::Connection;

use super::*;

fn arrive(admission: &mut Admission, number: u32) -> Result<Pending, Refused> {
    super::arrive(admission, address(number), Time::ZERO)
}

fn join(admission: &mut Admission, established: &Established) -> Result<Connection, Refused> {
    let pending = arrive(admission, 0).expect("a place");
    admission.establish(pending, established)
}

#[test]
fn the_defaults_are_those_of_the_design() {
    let limits = AdmissionLimits::default();
    assert_eq!((limits.pending, limits.pending_per_source), (1024, 32));
    assert_eq!((limits.failures, limits.failure_window), (10, Duration::from_secs(60)));
    assert_eq!((limits.connections, limits.kept_for_routers), (65_536, 64));
}

#[test]
fn one_source_has_a_share_of_the_handshakes() {
    let mut admission = admission(|limits| limits.pending_per_source = 3);
    let mut places: Vec<Pending> =
        (0..3).map(|_| arrive(&mut admission, 1).expect("a place")).collect();
    assert_eq!(arrive(&mut admission, 1).err(), Some(Refused::PendingOfSource));
    let other = arrive(&mut admission, 2).expect("another source");
    admission.release(places.pop().expect("three"));
    places.push(arrive(&mut admission, 1).expect("a place again"));
    assert_eq!(admission.pending(), 4);
    for place in places.into_iter().chain([other]) {
        admission.release(place);
    }
    assert_eq!(admission.pending(), 0);
    assert_eq!(admission.counters().refused(Refused::PendingOfSource), 1);
    assert_eq!(admission.counters().arrived, 5);
}

#[test]
fn hosts_of_one_network_share_its_places() {
    let mut admission = admission(|limits| limits.pending_per_source = 1);
    let mut arrive = |address: &str| {
        admission.arrive(address.parse().expect("an address"), Time::ZERO).map(drop)
    };
    assert_eq!(arrive("2001:db8::1"), Ok(()));
    assert_eq!(arrive("2001:db8::2"), Err(Refused::PendingOfSource));
    assert_eq!(arrive("2001:db8:0:1::1"), Ok(()));
    assert_eq!(arrive("192.0.2.1"), Ok(()));
    assert_eq!(arrive("::ffff:192.0.2.1"), Err(Refused::PendingOfSource));
}

#[test]
fn clients_leave_some_connections_to_routers() {
    let mut admission = admission(|limits| {
        limits.connections = 32;
        limits.kept_for_routers = 2;
    });
    let (client, router) = (session(Role::Client, "", None), session(Role::Router, "", None));
    let mut clients: Vec<Connection> =
        (0..30).map(|_| join(&mut admission, &client).expect("a place")).collect();
    assert_eq!(join(&mut admission, &client).err(), Some(Refused::Connections));
    let routers = [(); 2].map(|()| join(&mut admission, &router).expect("a place that was kept"));
    // Now nobody is even asked who he is.
    assert!(admission.is_full());
    let pending = arrive(&mut admission, 1).expect("a place for the refusal");
    assert_eq!(admission.turn_away(&pending), Refused::Connections);
    admission.release(pending);
    assert_eq!(join(&mut admission, &router).err(), Some(Refused::Connections));
    assert_eq!(admission.counters().refused(Refused::Connections), 3);
    assert_eq!((admission.connections(), admission.pending()), (32, 0));

    // Routers may have more than what is kept for them.
    admission.leave(clients.pop().expect("thirty"));
    assert!(!admission.is_full());
    let third = join(&mut admission, &router).expect("a place");
    assert!(admission.is_full());
    for connection in clients.into_iter().chain(routers).chain([third]) {
        admission.leave(connection);
    }
    assert_eq!((admission.connections(), admission.pending()), (0, 0));
}

#[test]
fn a_small_server_keeps_little_for_routers() {
    let mut admission = admission(|limits| limits.connections = 2);
    let client = session(Role::Client, "", None);
    let _first = join(&mut admission, &client).expect("a place");
    assert!(!admission.is_full());
    let _second = join(&mut admission, &client).expect("a place");
    assert_eq!(join(&mut admission, &client).err(), Some(Refused::Connections));
}

#[test]
fn a_key_has_as_many_sessions_as_it_may() {
    let mut admission = admission(|_| ());
    let guest = session(Role::Client, "guest", Some(2));
    let first = join(&mut admission, &guest).expect("the first");
    let second = join(&mut admission, &guest).expect("the second");
    assert_eq!(join(&mut admission, &guest).err(), Some(Refused::SessionsOfKey));
    assert_eq!(admission.pending(), 0, "the handshake is over all the same");
    let other = join(&mut admission, &session(Role::Client, "other", Some(1))).expect("another");
    assert_eq!((admission.sessions_of("guest"), admission.sessions_of("other")), (2, 1));
    assert!(first.key().is_some_and(|key| &**key == "guest" && Arc::strong_count(key) == 3));
    admission.leave(first);
    // A key that was replaced by one with a wider limit: those that are there count.
    let wider = session(Role::Client, "guest", Some(3));
    let third = join(&mut admission, &wider).expect("a place");
    let fourth = join(&mut admission, &wider).expect("a place");
    assert_eq!(join(&mut admission, &wider).err(), Some(Refused::SessionsOfKey));
    for connection in [second, third, fourth, other] {
        admission.leave(connection);
    }
    assert_eq!((admission.sessions_of("guest"), admission.connections()), (0, 0));
    assert_eq!(admission.counters().refused(Refused::SessionsOfKey), 2);
}

#[test]
fn the_delay_of_a_reject_is_between_its_bounds() {
    let limits = AdmissionLimits::default();
    assert_eq!(limits.reject_delay(0), Duration::from_millis(250));
    assert_eq!(limits.reject_delay(255), Duration::from_millis(500));
    let all: Vec<Duration> = (0..=255).map(|byte| limits.reject_delay(byte)).collect();
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    let fixed = AdmissionLimits { min_delay: Duration::ZERO, max_delay: Duration::ZERO, ..limits };
    assert_eq!(fixed.reject_delay(200), Duration::ZERO);
    let crossed = AdmissionLimits { max_delay: Duration::ZERO, ..limits };
    assert_eq!(crossed.reject_delay(200), Duration::from_millis(250));
}
