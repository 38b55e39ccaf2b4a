//! What a run came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::clock::Time;

/// Messages and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many.
    pub messages: u64,
    /// The sum of their sizes.
    pub bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.messages += 1;
        self.bytes += bytes;
    }

    fn since(self, earlier: Self) -> Self {
        Self { messages: self.messages - earlier.messages, bytes: self.bytes - earlier.bytes }
    }
}

/// The accounts of a run, or of a part of one. Two runs that do the same have equal reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The seed of the run.
    pub seed: u64,
    /// How much time was simulated.
    pub simulated: Duration,
    /// How often a node was called, and faults that took effect.
    pub events: u64,
    /// What was sent over a connection, by kind. At the end of a run all of it was delivered, lost,
    /// or is under way.
    pub sent: BTreeMap<&'static str, Tally>,
    /// Messages that arrived.
    pub delivered: u64,
    /// Messages that were sent over a connection and never arrive.
    pub lost: u64,
    /// Messages that found no connection, or a full queue.
    pub refused: u64,
    /// Faults that took effect, repairs not counted.
    pub faults: u64,
    /// How often an invariant was checked.
    pub checks: u64,
    /// When the last message arrived: after a change, the time by which all had heard of it.
    pub last_delivery: Time,
    /// A digest of all events and their order. Equal runs have equal ones, whatever the process or
    /// the machine; another version of this crate may have others.
    pub fingerprint: u64,
}

impl Report {
    /// All that was sent.
    #[must_use]
    pub fn total(&self) -> Tally {
        self.sent.values().fold(Tally::default(), |sum, tally| Tally {
            messages: sum.messages + tally.messages,
            bytes: sum.bytes + tally.bytes,
        })
    }

    /// What was sent of one kind.
    #[must_use]
    pub fn of(&self, kind: &str) -> Tally {
        self.sent.get(kind).copied().unwrap_or_default()
    }

    /// What was added after `earlier`, a report of the same run. `last_delivery` and `fingerprint`
    /// are those of this report.
    ///
    /// # Panics
    ///
    /// May panic when `earlier` is not a report of the same run, or is later.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            seed: self.seed,
            simulated: self.simulated - earlier.simulated,
            events: self.events - earlier.events,
            sent: self
                .sent
                .iter()
                .map(|(kind, tally)| (*kind, tally.since(earlier.of(kind))))
                .filter(|(_, tally)| tally.messages > 0)
                .collect(),
            delivered: self.delivered - earlier.delivered,
            lost: self.lost - earlier.lost,
            refused: self.refused - earlier.refused,
            faults: self.faults - earlier.faults,
            checks: self.checks - earlier.checks,
            last_delivery: self.last_delivery,
            fingerprint: self.fingerprint,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        writeln!(
            f,
            "seed {}: {:.3} s simulated, {} events, {} faults, {} checks, fingerprint {:016x}",
            self.seed,
            self.simulated.as_secs_f64(),
            self.events,
            self.faults,
            self.checks,
            self.fingerprint
        )?;
        write!(
            f,
            "{} messages with {} bytes sent, {} delivered, {} lost, {} refused",
            total.messages, total.bytes, self.delivered, self.lost, self.refused
        )?;
        for (kind, tally) in &self.sent {
            write!(f, "\n  {kind}: {} messages, {} bytes", tally.messages, tally.bytes)?;
        }
        Ok(())
    }
}
