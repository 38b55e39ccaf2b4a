//! Arithmetic on the virtual clock.

use std::time::Duration;

use gatewire_core::Time;
use proptest::prelude::*;

use crate::property;

#[test]
fn the_start_is_before_and_never_is_after_everything() {
    assert_eq!(Time::default(), Time::ZERO);
    assert_eq!(Time::ZERO.elapsed(), Duration::ZERO);
    property::check(200, &any::<u64>(), |nanos| {
        let time = Time::from_elapsed(Duration::from_nanos(nanos));
        assert!(Time::ZERO <= time && time <= Time::NEVER);
        assert_eq!(time.elapsed(), Duration::from_nanos(nanos));
    });
}

#[test]
fn adding_a_duration_and_taking_the_difference_agree() {
    property::check(500, &(any::<u32>(), any::<u32>()), |(start, more)| {
        let (start, more) =
            (Duration::from_millis(start.into()), Duration::from_nanos(more.into()));
        let time = Time::from_elapsed(start);
        assert_eq!((time + more) - time, more);
        assert_eq!(time + more, Time::from_elapsed(start + more));
        assert_eq!(time - (time + more), Duration::ZERO, "a difference is never negative");
    });
}

#[test]
fn time_stands_still_at_its_end() {
    let late = Time::from_elapsed(Duration::from_nanos(u64::MAX - 5));
    assert_eq!(late + Duration::from_nanos(5), Time::NEVER);
    assert_eq!(late + Duration::from_secs(1), Time::NEVER);
    assert_eq!(late + Duration::MAX, Time::NEVER);
    assert_eq!(Time::NEVER + Duration::from_nanos(1), Time::NEVER);
    assert_eq!(Time::from_elapsed(Duration::MAX), Time::NEVER);
    assert_eq!(Time::ZERO - Time::NEVER, Duration::ZERO);
    assert_eq!(Time::NEVER - Time::ZERO, Duration::from_nanos(u64::MAX));
}
