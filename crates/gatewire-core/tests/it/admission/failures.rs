//! Sources that fail too often are refused for a while, and the table of them is bounded.

use std::collections::BTreeSet;

use gatewire_codec::{DecodeError, RejectCode};
use gatewire_core::admission::{Failure, Refused};
use gatewire_core::handshake::{HandshakeError, KeyFault};

use super::*;

/// One failed handshake.
fn fail(admission: &mut Admission, number: u32, failure: Failure, now: Time) {
    let pending = arrive(admission, address(number), now).expect("a place");
    admission.fail(&pending, failure, now);
    admission.release(pending);
}

#[track_caller]
fn check_refused(admission: &mut Admission, number: u32, now: Time) {
    assert_eq!(admission.arrive(address(number), now).err(), Some(Refused::Failures));
}

#[track_caller]
fn check_welcome(admission: &mut Admission, number: u32, now: Time) {
    let pending = arrive(admission, address(number), now).expect("not refused");
    admission.release(pending);
}

#[test]
fn the_tenth_failure_within_a_minute_shuts_a_source_out_for_a_minute() {
    let mut admission = admission(|_| ());
    for second in 0..9 {
        fail(&mut admission, 1, Failure::Proof, at(second));
    }
    check_welcome(&mut admission, 1, at(9));
    fail(&mut admission, 1, Failure::Proof, at(59));
    check_refused(&mut admission, 1, at(59));
    check_refused(&mut admission, 1, at(118));
    check_welcome(&mut admission, 2, at(60));
    check_welcome(&mut admission, 1, at(119));
    let counters = admission.counters();
    assert_eq!(counters.failed(Failure::Proof), 10);
    assert_eq!((counters.shut_out, counters.refused(Refused::Failures)), (1, 2));
    // And all begins anew.
    for _ in 0..9 {
        fail(&mut admission, 1, Failure::Proof, at(119));
    }
    check_welcome(&mut admission, 1, at(119));
}

#[test]
fn failures_are_forgotten_a_minute_after_the_first() {
    let mut admission = admission(|_| ());
    for round in 0..5 {
        for _ in 0..9 {
            fail(&mut admission, 1, Failure::UnknownKey, at(60 * round));
        }
    }
    check_welcome(&mut admission, 1, at(299));
    assert_eq!(admission.counters().shut_out, 0);
}

#[test]
fn handshakes_under_way_do_not_prolong_what_they_began() {
    let mut admission = admission(|_| ());
    let places: Vec<_> =
        (0..20).map(|_| arrive(&mut admission, address(1), at(0)).expect("a place")).collect();
    for place in &places {
        admission.fail(place, Failure::Proof, at(0));
    }
    // It holds from the failure on, not only when the peer has been answered.
    check_refused(&mut admission, 1, at(1));
    for place in places {
        admission.fail(&place, Failure::Proof, at(30));
        admission.release(place);
    }
    check_welcome(&mut admission, 1, at(60));
    assert_eq!(admission.counters().shut_out, 1);
}

#[test]
fn only_guesses_count_against_a_source() {
    let counting =
        [Failure::UnknownKey, Failure::KeyNotYetValid, Failure::KeyExpired, Failure::Proof];
    for failure in Failure::ALL {
        let mut admission = admission(|_| ());
        for _ in 0..10 {
            fail(&mut admission, 1, failure, at(0));
        }
        assert_eq!(failure.counts(), counting.contains(&failure), "{failure:?}");
        assert_eq!(
            arrive(&mut admission, address(1), at(0)).is_err(),
            failure.counts(),
            "{failure:?}"
        );
        assert_eq!(admission.counters().failed(failure), 10);
        assert_eq!(admission.failing_sources(), usize::from(failure.counts()));
    }
}

#[test]
fn beyond_its_bound_the_table_forgets_who_would_be_forgotten_next() {
    let mut admission = admission(|limits| limits.failing_sources = 3);
    for _ in 0..10 {
        fail(&mut admission, 1, Failure::Proof, at(1));
    }
    for number in 2..=3 {
        fail(&mut admission, number, Failure::Proof, at(u64::from(number)));
    }
    assert_eq!((admission.failing_sources(), admission.counters().forgotten), (3, 0));
    fail(&mut admission, 4, Failure::Proof, at(4));
    assert_eq!((admission.failing_sources(), admission.counters().forgotten), (3, 1));
    // The first to come goes first, though it was shut out: memory is bounded in any case.
    check_welcome(&mut admission, 1, at(4));
    for _ in 0..9 {
        fail(&mut admission, 3, Failure::Proof, at(5));
    }
    check_refused(&mut admission, 3, at(5));
    // Who was shut out last stays longest.
    fail(&mut admission, 5, Failure::Proof, at(6));
    fail(&mut admission, 6, Failure::Proof, at(6));
    check_refused(&mut admission, 3, at(6));
    assert_eq!((admission.failing_sources(), admission.counters().forgotten), (3, 3));
}

#[test]
fn the_table_empties_itself_as_time_passes() {
    let mut admission = admission(|_| ());
    for number in 0..8192 {
        fail(&mut admission, number, Failure::Proof, at(0));
    }
    assert_eq!(admission.failing_sources(), 8192);
    fail(&mut admission, 9000, Failure::Proof, at(60));
    assert_eq!((admission.failing_sources(), admission.counters().forgotten), (1, 0));
}

#[test]
fn each_error_of_a_handshake_has_its_counter() {
    let busy = HandshakeError::Rejected { code: RejectCode::NameTaken, retry_after_s: 0 };
    let unexpected = HandshakeError::Unexpected { found: "proof", expected: "hello" };
    for (error, failure) in [
        (HandshakeError::Key(KeyFault::Unknown), Failure::UnknownKey),
        (HandshakeError::Key(KeyFault::NotYetValid), Failure::KeyNotYetValid),
        (HandshakeError::Key(KeyFault::Expired), Failure::KeyExpired),
        (HandshakeError::Proof, Failure::Proof),
        (HandshakeError::Role, Failure::Role),
        (HandshakeError::NodeName, Failure::NodeName),
        (HandshakeError::Version, Failure::Incompatible),
        (HandshakeError::Suite, Failure::Incompatible),
        (HandshakeError::SelfConnection, Failure::Incompatible),
        (HandshakeError::Malformed(DecodeError::UnknownKind { kind: 9 }), Failure::Malformed),
        (unexpected, Failure::Malformed),
        (busy, Failure::Declined),
    ] {
        assert_eq!(Failure::from(&error), failure, "{error:?}");
    }
}

#[test]
fn each_cause_has_a_name_of_its_own() {
    let refused = Refused::ALL.map(Refused::name);
    let failed = Failure::ALL.map(Failure::name);
    assert_eq!(refused.iter().collect::<BTreeSet<_>>().len(), refused.len());
    assert_eq!(failed.iter().collect::<BTreeSet<_>>().len(), failed.len());
}
