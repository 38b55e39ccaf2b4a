//! When all places for handshakes are taken, the source that has the most gives one up.

use gatewire_core::admission::{Failure, PendingId};

use super::*;

/// Takes places, one for each number.
fn fill(admission: &mut Admission, numbers: &[u32]) -> Vec<Pending> {
    numbers
        .iter()
        .map(|number| arrive(admission, address(*number), Time::ZERO).expect("a place"))
        .collect()
}

fn come(admission: &mut Admission, number: u32) -> Result<Option<PendingId>, Refused> {
    admission.arrive(address(number), Time::ZERO).map(|arrival| arrival.evicted)
}

#[test]
fn a_newcomer_takes_the_oldest_place_of_the_source_that_has_the_most() {
    let mut admission = admission(|limits| limits.pending = 6);
    let places = fill(&mut admission, &[1, 2, 3, 2, 3, 3]);
    assert_eq!(come(&mut admission, 4), Ok(Some(places[2].id())));
    // Now 2 and 3 have two each, of which that of 2 is older.
    assert_eq!(come(&mut admission, 5), Ok(Some(places[1].id())));
    assert_eq!(come(&mut admission, 6), Ok(Some(places[4].id())));
    // All have one.
    assert_eq!(come(&mut admission, 7), Ok(Some(places[0].id())));
    assert_eq!(admission.pending(), 6);
    assert_eq!((admission.counters().evicted, admission.counters().arrived), (4, 10));
}

#[test]
fn whoever_has_the_most_takes_no_place_of_others() {
    let mut admission = admission(|limits| limits.pending = 4);
    let places = fill(&mut admission, &[1, 1, 2, 3]);
    assert_eq!(come(&mut admission, 1), Err(Refused::Pending));
    assert_eq!(come(&mut admission, 2), Ok(Some(places[0].id())));
    assert_eq!(come(&mut admission, 2), Err(Refused::Pending));
    assert_eq!(come(&mut admission, 1), Ok(Some(places[2].id())));
    assert_eq!(admission.counters().refused(Refused::Pending), 2);
}

#[test]
fn a_place_that_was_taken_away_is_given_back_to_nobody() {
    let mut admission = admission(|limits| limits.pending = 2);
    let mut places = fill(&mut admission, &[1, 1]);
    let newcomer = admission.arrive(address(2), Time::ZERO).expect("a place");
    assert_eq!(newcomer.evicted, Some(places[0].id()));
    admission.release(places.remove(0));
    assert_eq!(admission.pending(), 2);
    assert_eq!(come(&mut admission, 2), Err(Refused::Pending));
    admission.release(newcomer.pending);
    assert_eq!(admission.pending(), 1);
}

/// It was done in the same moment.
#[test]
fn who_is_through_when_the_place_is_taken_away_stays() {
    let mut admission = admission(|limits| limits.pending = 1);
    let mut places = fill(&mut admission, &[1]);
    assert_eq!(come(&mut admission, 2), Ok(Some(places[0].id())));
    let through = places.remove(0);
    let connection = admission.establish(through, &session(Role::Client, "", None));
    assert!(connection.is_ok());
    assert_eq!((admission.pending(), admission.connections()), (1, 1));
    // And is counted once.
    let counters = admission.counters();
    assert_eq!((counters.arrived, counters.evicted, counters.established), (2, 0, 1));
}

#[test]
fn who_fails_when_the_place_is_taken_away_is_counted_once() {
    let mut admission = admission(|limits| limits.pending = 1);
    let mut places = fill(&mut admission, &[1]);
    assert_eq!(come(&mut admission, 2), Ok(Some(places[0].id())));
    admission.fail(&places[0], Failure::Malformed, Time::ZERO);
    assert_eq!(admission.turn_away(&places[0]), Refused::Connections);
    admission.release(places.remove(0));
    assert_eq!((admission.counters().evicted, admission.counters().turned_away()), (1, 1));
}

#[test]
fn a_server_without_places_for_handshakes_lets_nobody_in() {
    let mut admission = admission(|limits| limits.pending = 0);
    assert_eq!(come(&mut admission, 1), Err(Refused::Pending));
}

/// However many addresses a flood has, somebody who comes gets a place, and keeps it while as many others
/// come as there are places.
#[test]
fn an_honest_handshake_outlives_a_flood_for_as_many_arrivals_as_there_are_places() {
    for sources in [1, 40, 313, 10_000] {
        let mut admission = admission(|_| ());
        for number in 0..3_000 {
            let _refused_or_not = come(&mut admission, number % sources);
        }
        let honest = admission.arrive(address(1 << 20), Time::ZERO).expect("a place").pending;
        for number in 0..1000 {
            let evicted = come(&mut admission, number % sources);
            assert_ne!(evicted, Ok(Some(honest.id())), "{sources} sources, arrival {number}");
        }
    }
}
