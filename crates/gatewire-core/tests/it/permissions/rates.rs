//! How much a session may send, in virtual time.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use gatewire_core::Time;
use gatewire_core::permissions::{Denied, Meter, Permissions, Profile, Rates};
use proptest::prelude::*;

use crate::property;

const TOO_MANY: Result<(), Denied> = Err(Denied { permission: "messages_per_s" });
const TOO_MUCH: Result<(), Denied> = Err(Denied { permission: "bytes_per_s" });

fn rates(messages: u32, bytes: u64) -> Rates {
    Rates { messages_per_s: NonZeroU32::new(messages), bytes_per_s: NonZeroU64::new(bytes) }
}

fn meter(messages: u32, bytes: u64) -> Meter {
    Meter::new(rates(messages, bytes), Time::ZERO).expect("something to count")
}

fn at(millis: u64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

#[test]
fn a_second_s_worth_comes_at_once_and_then_the_rate_holds() {
    let mut meter = meter(10, 0);
    for _ in 0..10 {
        assert_eq!(meter.take(1 << 30, at(0)), Ok(()));
    }
    assert_eq!(meter.take(0, at(99)), TOO_MANY);
    assert_eq!(meter.take(0, at(100)), Ok(()));
    assert_eq!(meter.take(0, at(199)), TOO_MANY);
}

#[test]
fn bytes_are_counted_apart_from_messages() {
    let mut meter = meter(3, 1000);
    assert_eq!(meter.take(900, at(0)), Ok(()));
    assert_eq!(meter.take(101, at(0)), TOO_MUCH);
    assert_eq!(meter.take(100, at(0)), Ok(()), "what was denied cost nothing");
    assert_eq!(meter.take(0, at(0)), Ok(()));
    assert_eq!(meter.take(0, at(0)), TOO_MANY);
}

#[test]
fn no_message_is_too_large_for_ever() {
    let mut meter = meter(0, 1000);
    assert_eq!(meter.take(5000, at(0)), Ok(()), "the bucket is full");
    assert_eq!(meter.take(1, at(4000)), TOO_MUCH, "5,000 bytes were taken of 1,000");
    assert_eq!(meter.take(1, at(4001)), Ok(()));
    assert_eq!(meter.take(5000, at(5000)), TOO_MUCH, "not full again");
    assert_eq!(meter.take(usize::MAX, at(5001)), Ok(()));
}

#[test]
fn what_is_saved_up_is_one_second_s_worth() {
    let mut meter = meter(2, 0);
    let later = at(1_000_000_000);
    assert_eq!([(); 3].map(|()| meter.take(0, later)), [Ok(()), Ok(()), TOO_MANY]);
    assert_eq!(meter.take(0, at(0)), TOO_MANY, "a clock that goes back earns nothing");
}

#[test]
fn without_rates_there_is_nothing_to_count() {
    assert!(Meter::new(Rates::default(), Time::ZERO).is_none());
    assert_eq!(Permissions::open().rates(), Rates::default());
    let limited = Permissions::from(Profile::Restricted).limit_rates(rates(5, 0));
    assert_eq!(limited.rates(), rates(5, 0));
}

#[test]
fn no_more_passes_than_the_rate_and_one_burst() {
    let steps = prop::collection::vec((0_u64..400_000_000, 0_usize..2000), 1..200);
    property::check(300, &(1_u64..5000, steps), |(rate, steps)| {
        let mut meter = meter(0, rate);
        let (mut now, mut passed, mut largest) = (0_u64, 0, 0);
        for (pause, bytes) in steps {
            now += pause;
            if meter.take(bytes, Time::ZERO + Duration::from_nanos(now)).is_ok() {
                passed += bytes as u128;
                largest = largest.max(bytes as u128);
            }
        }
        let (now, rate) = (u128::from(now), u128::from(rate));
        let earned = (now * rate).div_ceil(1_000_000_000);
        assert!(passed <= earned + rate.max(largest), "{passed} bytes in {now} ns");
    });
}
