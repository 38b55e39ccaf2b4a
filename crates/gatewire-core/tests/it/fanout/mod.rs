//! A stream to many, by example and at random. [`simulation`] runs whole streams between receivers of
//! different speed; [`model`] compares each step with a naive machine.

mod bound;
mod end;
mod model;
mod pace;
mod simulation;
mod slow;

use std::time::Duration;

use gatewire_core::Time;
use gatewire_core::fanout::{Fanout, FanoutConfig, Overdue, Receiver, SlowReceivers};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

const PATIENCE: Duration = Duration::from_secs(5);

/// What becomes of a receiver in these tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    Left,
    Overdue(Overdue),
}

/// The point `millis` ms after the start.
fn at(millis: u64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

fn waiting_for_all() -> FanoutConfig {
    FanoutConfig { slow: SlowReceivers::WaitForAll, ..FanoutConfig::default() }
}

/// A stream that began at 0, with its receivers.
fn fanout(config: FanoutConfig, receivers: usize) -> (Fanout<Fate>, Vec<Receiver>) {
    let mut fanout = Fanout::new(config, Time::ZERO);
    let receivers = (0..receivers).map(|_| fanout.add()).collect();
    (fanout, receivers)
}

/// Pushes up to the limit.
fn fill(fanout: &mut Fanout<Fate>, now: Time) {
    fanout.push(fanout.limit() - fanout.head(), now);
}

/// The receiver takes all there is. Whether the limit has risen.
fn take_all(fanout: &mut Fanout<Fate>, receiver: Receiver, now: Time) -> bool {
    fanout.progress(receiver, fanout.head(), now)
}

/// Lets the time come, and ends who is overdue.
fn expire(fanout: &mut Fanout<Fate>, now: Time) -> Vec<(Receiver, Overdue)> {
    let overdue = fanout.handle_timeout(now);
    for (receiver, reason) in &overdue {
        assert!(fanout.end(*receiver, Fate::Overdue(*reason), now), "only the living are overdue");
    }
    overdue
}
