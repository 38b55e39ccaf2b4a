//! A room seen from a driver: many members that read, check and count, and one who publishes.
//!
//! Members are light: a task each on the driver's only thread, one read for all frames that came, no
//! client behind it. So the driver's core is as little in the server's way as it can be.

mod drive;
mod member;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gatewire_harness::{Failure, Latencies};
use tokio::sync::Notify;
use tokio::time::timeout;

pub(crate) use drive::drive;
pub(crate) use member::Wire;

/// How long the slowest member may hear nothing of what was published before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the members of a room have heard. All of them run on one thread.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// How many publishes each member has heard.
    heard: Vec<AtomicU64>,
    /// What the publisher waits for: that each has heard so many.
    goal: AtomicU64,
    /// How many have not.
    missing: AtomicUsize,
    changed: Notify,
    /// Whether a probe has come to a member.
    reached: AtomicBool,
    /// What a member found wrong, the first of it.
    failure: Mutex<Option<Failure>>,
    /// When each publish was sent, if times are wanted.
    times: Option<Mutex<Times>>,
}

#[derive(Debug, Default)]
struct Times {
    /// The first publish that is timed.
    first: u64,
    sent_at: Vec<Instant>,
    latencies: Latencies,
}

impl Crowd {
    /// A crowd of so many members.
    fn new(members: usize, timed: bool) -> Self {
        Self {
            heard: (0..members).map(|_| AtomicU64::new(0)).collect(),
            goal: AtomicU64::new(0),
            missing: AtomicUsize::new(0),
            changed: Notify::new(),
            reached: AtomicBool::new(false),
            failure: Mutex::new(None),
            times: timed.then(Mutex::default),
        }
    }

    /// Waits until each member has heard `goal` publishes.
    ///
    /// # Errors
    ///
    /// A member found something wrong, or one hears nothing more.
    async fn until(&self, goal: u64) -> Result<(), Failure> {
        self.goal.store(goal, Ordering::Relaxed);
        let behind = self.heard.iter().filter(|heard| heard.load(Ordering::Relaxed) < goal).count();
        self.missing.store(behind, Ordering::Relaxed);
        loop {
            if let Some(failure) = self.lock_failure().take() {
                return Err(failure);
            }
            if self.missing.load(Ordering::Relaxed) == 0 {
                return Ok(());
            }
            let slowest = self.slowest();
            let changed = timeout(PATIENCE, self.changed.notified()).await;
            if changed.is_err() && self.slowest() == slowest {
                return Err(Failure::new(format!(
                    "a member has heard {slowest} of {goal} publishes, and no more comes"
                )));
            }
        }
    }

    fn slowest(&self) -> u64 {
        let heard = self.heard.iter().map(|heard| heard.load(Ordering::Relaxed));
        heard.min().unwrap_or_default()
    }

    /// Whether a probe has come to a member, or comes within this time.
    ///
    /// # Errors
    ///
    /// A member found something wrong.
    async fn is_reached(&self, within: Duration) -> Result<bool, Failure> {
        let reached = async {
            while !self.reached.load(Ordering::Relaxed) && self.lock_failure().is_none() {
                self.changed.notified().await;
            }
        };
        let in_time = timeout(within, reached).await.is_ok();
        match self.lock_failure().take() {
            Some(failure) => Err(failure),
            None => Ok(in_time),
        }
    }

    /// A publish goes out now. Those before the first that is told are not timed.
    fn sent(&self, sequence: u64) {
        if let Some(times) = &self.times {
            let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
            if times.sent_at.is_empty() {
                times.first = sequence;
            }
            times.sent_at.push(Instant::now());
        }
    }

    /// A member has heard up to `heard` publishes.
    fn heard(&self, member: usize, heard: u64) {
        let before = self.heard[member].swap(heard, Ordering::Relaxed);
        let goal = self.goal.load(Ordering::Relaxed);
        if before < goal && heard >= goal && self.missing.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.changed.notify_one();
        }
        if let Some(times) = &self.times {
            times.lock().unwrap_or_else(PoisonError::into_inner).record(before..heard);
        }
    }

    /// A probe has come to a member.
    fn reach(&self) {
        self.reached.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// A member found something wrong.
    fn fail(&self, failure: Failure) {
        self.lock_failure().get_or_insert(failure);
        self.changed.notify_one();
    }

    fn lock_failure(&self) -> MutexGuard<'_, Option<Failure>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The times from publish to delivery, if they were wanted.
    fn latencies(&self) -> Option<Latencies> {
        let times = self.times.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(times.latencies.clone())
    }
}

impl Times {
    /// These publishes have arrived somewhere now.
    fn record(&mut self, heard: std::ops::Range<u64>) {
        if self.sent_at.is_empty() {
            return;
        }
        let now = Instant::now();
        for sequence in heard {
            let index =
                sequence.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
            if let Some(sent_at) = index.and_then(|index| self.sent_at.get(index)) {
                self.latencies.record(now - *sent_at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_publisher_waits_for_the_slowest() {
        let crowd = Crowd::new(2, true);
        crowd.sent(0);
        crowd.sent(1);
        crowd.heard(0, 2);
        let wait = crowd.until(2);
        let hear = async {
            crowd.heard(1, 1);
            crowd.heard(1, 2);
        };
        let (waited, ()) = tokio::join!(wait, hear);
        waited.expect("all have heard both");
        assert_eq!(crowd.latencies().map(|latencies| latencies.len()), Some(4));
    }

    #[test]
    fn what_was_sent_before_the_first_that_is_timed_is_not() {
        let crowd = Crowd::new(1, true);
        crowd.heard(0, 5);
        crowd.sent(5);
        crowd.heard(0, 6);
        assert_eq!(crowd.latencies().map(|latencies| latencies.len()), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_does_not_come_is_sent_again() {
        let crowd = Crowd::new(1, true);
        let wait = Duration::from_secs(1);
        assert!(!crowd.is_reached(wait).await.expect("nothing is wrong"));
        crowd.reach();
        assert!(crowd.is_reached(wait).await.expect("nothing is wrong"));
        crowd.fail(Failure::new("a gap"));
        assert!(crowd.is_reached(wait).await.is_err());
    }

    #[tokio::test]
    async fn what_a_member_finds_ends_the_wait() {
        let crowd = Crowd::new(1, false);
        crowd.fail(Failure::new("a gap"));
        let failure = crowd.until(1).await.expect_err("a member has failed");
        assert_eq!(failure.to_string(), "a gap");
    }

    #[tokio::test(start_paused = true)]
    async fn a_delivery_that_does_not_come_is_a_failure() {
        let crowd = Crowd::new(2, false);
        crowd.heard(0, 5);
        crowd.heard(1, 4);
        let failure = crowd.until(5).await.expect_err("one has heard four");
        assert!(failure.to_string().contains("4 of 5"), "{failure}");
    }
}
