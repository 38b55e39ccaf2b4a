//! When to reconnect.

use std::time::Duration;

use gatewire_core::Backoff;
use proptest::prelude::*;

use crate::property;

/// The longest delay that fits [`Time`](gatewire_core::Time): 584 years.
const MOST: Duration = Duration::from_nanos(u64::MAX);

#[test]
fn full_jitter_stays_below_its_ceiling_for_all_inputs() {
    let durations = (duration(), duration());
    let attempts = prop_oneof![0_u32..70, any::<u32>()];
    property::check(2000, &(durations, attempts, any::<u64>()), |(bounds, attempt, random)| {
        let (first, longest) = bounds;
        let delay = Backoff::FullJitter { first, longest }.delay(attempt, random);
        let ceiling = ceiling(first, longest, attempt);
        assert!(delay < ceiling || ceiling.is_zero() && delay.is_zero(), "{delay:?} {ceiling:?}");
    });
}

#[test]
fn full_jitter_reaches_from_zero_to_its_ceiling() {
    let durations = (duration(), duration());
    let attempts = prop_oneof![0_u32..70, any::<u32>()];
    property::check(2000, &(durations, attempts), |((first, longest), attempt)| {
        let backoff = Backoff::FullJitter { first, longest };
        let ceiling = ceiling(first, longest, attempt);
        assert_eq!(backoff.delay(attempt, 0), Duration::ZERO);
        let largest = backoff.delay(attempt, u64::MAX);
        assert_eq!(largest, ceiling.saturating_sub(Duration::from_nanos(1)));
        let middle = backoff.delay(attempt, 1 << 63);
        assert_eq!(middle.as_nanos(), ceiling.as_nanos() / 2);
    });
}

#[test]
fn the_ceiling_doubles_until_the_longest_delay() {
    let backoff = Backoff::default();
    let ceilings: Vec<u128> = (0..11)
        .map(|attempt| (backoff.delay(attempt, u64::MAX) + Duration::from_nanos(1)).as_millis())
        .collect();
    assert_eq!(ceilings, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
}

#[test]
fn a_tiny_first_delay_reaches_the_longest_one_too() {
    let backoff =
        Backoff::FullJitter { first: Duration::from_nanos(1), longest: Duration::from_secs(30) };
    for attempt in [35, 64, 127, 128, 1000, u32::MAX] {
        assert_eq!(backoff.delay(attempt, 1 << 63), Duration::from_secs(15), "attempt {attempt}");
    }
}

#[test]
fn no_attempt_overflows() {
    for attempt in [0, 31, 32, 63, 64, 127, 128, u32::MAX] {
        for duration in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let backoff = Backoff::FullJitter { first: duration, longest: Duration::MAX };
            assert!(backoff.delay(attempt, u64::MAX) <= MOST);
            let backoff = Backoff::FullJitter { first: Duration::MAX, longest: duration };
            assert!(backoff.delay(attempt, u64::MAX) <= duration);
        }
    }
}

#[test]
fn a_fixed_delay_is_always_the_same() {
    property::check(200, &(duration(), any::<u32>(), any::<u64>()), |(delay, attempt, random)| {
        assert_eq!(Backoff::Fixed(delay).delay(attempt, random), delay);
    });
}

#[test]
fn clients_that_lost_the_same_server_come_back_spread_over_the_whole_time() {
    // Random numbers in even steps land in each tenth of the window equally often.
    let backoff = Backoff::default();
    let mut tenths = [0; 10];
    for step in 0..1000_u64 {
        let delay = backoff.delay(9, step * (u64::MAX / 1000));
        tenths[usize::try_from(delay.as_millis() / 3000).expect("below 10")] += 1;
    }
    assert!(tenths.iter().all(|count| (99..=101).contains(count)), "{tenths:?}");
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        (0_u64..100_000).prop_map(Duration::from_millis),
        any::<u64>().prop_map(Duration::from_nanos),
        (any::<u64>(), 0_u32..1_000_000_000).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
    ]
}

/// `min(longest, first * 2^attempt)`, by doubling.
fn ceiling(first: Duration, longest: Duration, attempt: u32) -> Duration {
    let mut ceiling = first;
    for _ in 0..attempt.min(100) {
        ceiling = ceiling.saturating_mul(2);
    }
    ceiling.min(longest).min(MOST)
}
