//! The task that does what is due.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatewire_core::Time;
use tokio::time::timeout_at;

use super::inner::RouterInner;

/// Longer than anything waits: the state machine renews its record each half hour.
const FAR: Duration = Duration::from_secs(60 * 60);

impl RouterInner {
    /// The time of the state machine.
    pub(super) fn elapsed(&self) -> Duration {
        self.now().elapsed()
    }

    /// The task that keeps time wakes at this time at the latest.
    pub(super) fn wake_by(&self, due: Duration) {
        if nanos(due) < self.armed.load(Ordering::Acquire) {
            self.earlier.notify_one();
        }
    }

    /// Does what is due, until the router is closed.
    pub(super) async fn keep_time(self: Arc<Self>) {
        let mut closing = self.closing.subscribe();
        loop {
            // Whoever has something earlier from here on leaves word, so nothing is missed while this looks.
            self.armed.store(u64::MAX, Ordering::Release);
            let mut due = self.plane().router.poll_timeout().unwrap_or(Duration::MAX);
            due = due.min(self.asks_due().elapsed()).min(self.elapsed() + FAR);
            self.armed.store(nanos(due), Ordering::Release);
            let wait = async {
                match self.clock.instant(Time::from_elapsed(due)) {
                    // Either way what is due is looked at.
                    Some(instant) => drop(timeout_at(instant, self.earlier.notified()).await),
                    None => self.earlier.notified().await,
                }
            };
            tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => return,
                () = wait => {}
            }
            self.control(|plane, now| plane.router.handle_timeout(now));
            self.expire_asks();
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
