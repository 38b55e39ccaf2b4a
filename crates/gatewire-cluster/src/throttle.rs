//! When to act on changes that come in crowds (RFC 8405; the classic 50/200/5,000 ms).
//!
//! A change is acted on after 20 ms of quiet, but never later than a bound after the first one. So
//! what belongs together - the links of a router that starts, the records of a healed partition - is one
//! action. Between two actions there are at least 50 ms; when changes keep coming, 200 ms, 400 ms, and
//! so on up to a bound: 5 s for what is told, so a link that flaps costs the cluster two records each 5 s. Who was
//! quiet for twice the present distance begins with 50 ms again.
//!
//! A loss is urgent: until it is told, others send messages where they are lost. It waits for the 50 ms alone. A gain is
//! not: nobody loses anything by it. As only what was told as gained can be lost, losses cost no more actions than
//! gains do.

use std::time::Duration;

use crate::rules::BACKING_OFF;

/// Decides when the next action is due.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// How long changes that follow each other can put off the action.
    longest: Duration,
    /// How far apart actions are at most.
    farthest: Duration,
    /// The first and the last change that wait.
    waiting: Option<(Duration, Duration)>,
    /// One of them is a loss.
    urgent: bool,
    last_action: Option<Duration>,
    distance: Duration,
}

/// How long nothing may change before an action: longer than the frames of one event take to arrive
/// from all neighbours in one data centre, shorter than anybody notices.
const QUIET: Duration = Duration::from_millis(20);
const FIRST_DISTANCE: Duration = Duration::from_millis(50);
const SECOND_DISTANCE: Duration = Duration::from_millis(200);

impl Throttle {
    pub(crate) fn new(longest: Duration, farthest: Duration) -> Self {
        Self {
            longest,
            farthest,
            waiting: None,
            urgent: false,
            last_action: None,
            distance: FIRST_DISTANCE,
        }
    }

    /// Something has changed.
    pub(crate) fn change(&mut self, now: Duration) {
        let (first, _) = self.waiting.unwrap_or((now, now));
        self.waiting = Some((first, now));
    }

    /// Something is gone that others count on.
    pub(crate) fn lose(&mut self, now: Duration) {
        self.change(now);
        self.urgent = true;
    }

    /// When to act, if anything waits.
    pub(crate) fn due(&self) -> Option<Duration> {
        let (first, last) = self.waiting?;
        let quiet = (last + QUIET).min(first + self.longest);
        let distance = if self.urgent { FIRST_DISTANCE } else { self.distance };
        let distant = self.last_action.map_or(Duration::ZERO, |action| action + distance);
        Some(quiet.max(distant))
    }

    /// Whether to act now. If so, nothing waits any more.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        if self.due().is_none_or(|due| due > now) {
            return false;
        }
        let first = self.waiting.take().map_or(now, |(first, _)| first);
        self.urgent = false;
        let soon = self.last_action.is_some_and(|action| first < action + 2 * self.distance);
        self.distance = match self.distance {
            _ if !soon || !BACKING_OFF => FIRST_DISTANCE,
            FIRST_DISTANCE => SECOND_DISTANCE.min(self.farthest),
            distance => (2 * distance).min(self.farthest),
        };
        self.last_action = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_lone_change_waits_for_the_quiet() {
        let mut throttle = Throttle::new(ms(200), ms(5000));
        assert_eq!(throttle.due(), None);
        throttle.change(ms(1000));
        assert!(!throttle.take(ms(1019)));
        assert!(throttle.take(ms(1020)));
        assert_eq!(throttle.due(), None);
    }

    #[test]
    fn changes_put_the_action_off_but_not_for_ever() {
        let mut throttle = Throttle::new(ms(200), ms(5000));
        for at in (0..190).step_by(10) {
            throttle.change(ms(at));
            assert_eq!(throttle.due(), Some(ms(at + 20)));
        }
        throttle.change(ms(190));
        assert_eq!(throttle.due(), Some(ms(200)));
    }

    #[test]
    fn changes_that_keep_coming_are_acted_on_more_and_more_seldom() {
        let mut throttle = Throttle::new(ms(20), ms(5000));
        let mut actions = Vec::new();
        for at in 0..30_000 {
            throttle.change(ms(at));
            if throttle.take(ms(at)) {
                actions.push(at);
            }
        }
        let distances: Vec<u64> = actions.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(distances[..8], [50, 200, 400, 800, 1600, 3200, 5000, 5000]);
        let mut throttle = Throttle::new(ms(20), ms(100));
        let actions = (0..1_000).filter(|at| {
            throttle.change(ms(*at));
            throttle.take(ms(*at))
        });
        assert_eq!(actions.take(4).collect::<Vec<_>>(), [20, 70, 170, 270]);
    }

    #[test]
    fn a_loss_is_acted_on_soon_however_often_something_changed() {
        let mut throttle = Throttle::new(ms(200), ms(5000));
        let mut last = 0;
        for at in 0..10_000 {
            throttle.change(ms(at));
            if throttle.take(ms(at)) {
                last = at;
            }
        }
        throttle.change(ms(last + 1));
        assert_eq!(throttle.due(), Some(ms(last + 5000)));
        throttle.lose(ms(last + 2));
        assert_eq!(throttle.due(), Some(ms(last + 50)));
        assert!(throttle.take(ms(last + 50)));
        // And what comes behind it is not.
        throttle.change(ms(last + 51));
        assert_eq!(throttle.due(), Some(ms(last + 50 + 5000)));
    }

    #[test]
    fn who_was_quiet_is_quick_again() {
        let mut throttle = Throttle::new(ms(20), ms(5000));
        for at in 0..2_000 {
            throttle.change(ms(at));
            throttle.take(ms(at));
        }
        throttle.take(ms(60_000));
        throttle.change(ms(90_000));
        assert!(throttle.take(ms(90_020)));
        throttle.change(ms(90_021));
        assert_eq!(throttle.due(), Some(ms(90_070)));
    }
}
