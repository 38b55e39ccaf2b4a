//! Dates as seconds since 1970.

use toml::value::{Datetime, Offset};

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// Seconds since 1970 in UTC. `None`: it has no date, no time or no offset, or lies before 1970.
/// Fractions of a second are left out.
///
/// Years are counted from March, so that a leap day is the last day of its year.
pub(super) fn seconds(time: &Datetime) -> Option<u64> {
    let (date, clock, offset) = (time.date?, time.time?, time.offset?);
    let (year, month, day) = (i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let year = if month < 3 { year - 1 } else { year };
    let month = (month + 9) % 12;
    // Months of 31, 30, 31, 30 and 31 days come in fives from March on.
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = 365 * year + leap_days + day_of_year - EPOCH;
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let second = clock.second.map_or(0, i64::from);
    let of_day = 3600 * i64::from(clock.hour) + 60 * (i64::from(clock.minute) - minutes) + second;
    u64::try_from(86_400 * days + of_day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<u64> {
        seconds(&text.parse().expect("a date"))
    }

    #[test]
    fn known_moments() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("1969-12-31T22:30:01-01:30", Some(1)),
            ("1969-12-31T23:59:59Z", None),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2026-12-31T23:59:59.999Z", Some(1_798_761_599)),
            ("2100-03-01T00:00:00Z", Some(4_107_542_400)),
            ("2026-12-31", None),
            ("12:00:00", None),
            ("2026-12-31T23:59:59", None),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut expected = 0;
        for year in 1970_u32..2410 {
            let leap =
                year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
            let february = if leap { 29 } else { 28 };
            for (month, days) in (1..).zip([31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
                for day in 1..=days {
                    let text = format!("{year}-{month:02}-{day:02}T00:00:00Z");
                    assert_eq!(of(&text), Some(expected), "{text}");
                    expected += 86_400;
                }
            }
        }
    }
}
