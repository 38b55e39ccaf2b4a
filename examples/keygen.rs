//! Makes a key, and prints its entry for a key file.
//!
//! ```text
//! umask 077; cargo run -p gatewire-examples --example keygen -- guests-2 90 >> keys.toml
//! ```
//!
//! The first argument is the key's id (by default the day), the second for how many days it is valid (by default
//! for ever).
//!
//! expect: [[key]]
//! expect: id = "key-
//! expect: secret = "
//! expect: before = 20

use std::env;
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use gatewire::keys;

const DAY: u64 = 24 * 60 * 60;

fn main() -> Result<(), Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut arguments = env::args().skip(1);
    let id = arguments.next().unwrap_or_else(|| format!("key-{}", date(now)));
    let days: Option<u64> = arguments.next().map(|days| days.parse()).transpose()?;

    let key = keys::generate();
    let mut entry = format!(
        "[[key]]\nid = \"{id}\"\nsecret = \"{}\"\nnot_before = {}\n",
        keys::to_hex(&key).as_str(),
        time(now)
    );
    if let Some(days) = days {
        entry.push_str(&format!("not_after = {}\n", time(now + days * DAY)));
    }
    // An id that a key file could not have is found out here.
    let ring = keys::from_toml(&entry)?;
    assert!(ring.contains(&id), "what is printed is what was made");
    print!("{entry}");
    eprintln!(
        "Clients are to have the id and the secret, and nobody else. The server's file: chmod 600."
    );
    Ok(())
}

/// A second since 1970 as TOML has it.
fn time(seconds: u64) -> String {
    let of_day = seconds % DAY;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", date(seconds))
}

/// Its day. Years are counted from March, so that a leap day is the last of its year; months of 31, 30, 31, 30 and
/// 31 days come in fives from then on.
fn date(seconds: u64) -> String {
    let days = seconds / DAY + 719_468; // from 0000-03-01
    let (era, of_era) = (days / 146_097, days % 146_097); // 400 years
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", 400 * era + year + next)
}
