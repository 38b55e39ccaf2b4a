//! How far the source may go.
//!
//! The limit is the middle cursor plus the window, or the slowest plus `max_lag` if that is less. To
//! know it exactly after each move would need an ordered set of cursors. Instead the limit rises by
//! at least a step at a time, and two counters tell when: of those who have reached the offset from which the
//! middle receiver allows the step, and of those who have reached the one from which its bound
//! allows it. So a move costs two comparisons, and a step one look at all cursors. In a step at
//! least one receiver takes a quarter of a window, and usually half of them do.

#[derive(Debug)]
pub(super) struct Pace {
    window: u64,
    max_lag: u64,
    step: u64,
    /// The slowest sets the pace instead of the middle one.
    waits_for_all: bool,
    limit: u64,
    alive: usize,
    /// How many are at [`Self::pace_goal`] or beyond.
    at_pace: usize,
    /// How many are at [`Self::lag_goal`] or beyond.
    in_bound: usize,
    /// Cursors in no order, kept for their room.
    cursors: Vec<u64>,
}

impl Pace {
    pub(super) fn new(window: u64, max_lag: u64, waits_for_all: bool) -> Self {
        let window = window.max(1);
        Self {
            window,
            max_lag: max_lag.max(window),
            step: (window / 4).max(1),
            waits_for_all,
            limit: window,
            alive: 0,
            at_pace: 0,
            in_bound: 0,
            cursors: Vec::new(),
        }
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    pub(super) fn alive(&self) -> usize {
        self.alive
    }

    /// One more receiver, at 0.
    pub(super) fn add(&mut self) {
        self.alive += 1;
        self.cursors.reserve(self.alive);
        self.at_pace += usize::from(self.pace_goal() == 0);
        self.in_bound += usize::from(self.lag_goal() == 0);
    }

    /// A receiver went on.
    #[inline]
    pub(super) fn advance(&mut self, from: u64, to: u64) {
        let reaches = |goal: u64| usize::from(from < goal && goal <= to);
        self.at_pace += reaches(self.pace_goal());
        self.in_bound += reaches(self.lag_goal());
    }

    /// A receiver that was at `cursor` is gone.
    pub(super) fn remove(&mut self, cursor: u64) {
        self.alive -= 1;
        self.at_pace -= usize::from(cursor >= self.pace_goal());
        self.in_bound -= usize::from(cursor >= self.lag_goal());
    }

    /// Whether the limit may go up by a step.
    #[inline]
    pub(super) fn can_rise(&self) -> bool {
        self.alive > 0 && self.is_paced() && self.in_bound == self.alive
    }

    /// Whether the limit could go up but for `max_lag`. Never when the slowest sets the pace: whom `max_lag`
    /// stops has not reached the window either.
    #[inline]
    pub(super) fn is_held_up(&self) -> bool {
        self.is_paced() && self.in_bound < self.alive
    }

    /// Sets the limit to what all cursors of live receivers allow.
    pub(super) fn rise(&mut self, cursors: impl Iterator<Item = u64>) {
        self.cursors.clear();
        self.cursors.extend(cursors);
        debug_assert_eq!(self.cursors.len(), self.alive);
        let pacer = self.alive - self.quorum();
        let (slower, middle, _) = self.cursors.select_nth_unstable(pacer);
        let middle = *middle;
        let slowest = slower.iter().copied().min().unwrap_or(middle);
        let allowed = middle.saturating_add(self.window).min(slowest.saturating_add(self.max_lag));
        debug_assert!(allowed > self.limit, "the goals were reached");
        self.limit = self.limit.max(allowed);
        let count = |goal: u64| self.cursors.iter().filter(|cursor| **cursor >= goal).count();
        (self.at_pace, self.in_bound) = (count(self.pace_goal()), count(self.lag_goal()));
    }

    /// Who is below holds up the next step by its lag. 0 as long as nobody can.
    pub(super) fn lag_goal(&self) -> u64 {
        self.limit.saturating_add(self.step).saturating_sub(self.max_lag)
    }

    /// What the middle receiver has to reach for the next step.
    fn pace_goal(&self) -> u64 {
        (self.limit - self.window).saturating_add(self.step)
    }

    /// Whether the receiver that sets the pace allows the next step.
    fn is_paced(&self) -> bool {
        self.at_pace >= self.quorum()
    }

    /// How many have to reach the goal for the middle one to have reached it: more than half.
    fn quorum(&self) -> usize {
        if self.waits_for_all { self.alive } else { self.alive / 2 + 1 }
    }
}
