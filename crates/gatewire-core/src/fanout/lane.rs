//! One receiver of a stream: how far it is, and until when it must have gone on.

use crate::Time;

/// What a receiver that has more to take must take within each `patience`: 64 KiB, the largest chunk.
/// Anything that is alive takes more than 13 KiB a second.
const PROGRESS: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Lane<O> {
    /// How many bytes it has taken.
    cursor: u64,
    state: State<O>,
}

/// ```text
///          push                    everything taken, source finished
/// Idle  ----------->  Taking  ---------------------------------------->  Answering
///   ^                  |                                                     ^
///   +------------------+                                                     |
///   | everything taken                          source finished              |
///   +------------------------------------------------------------------------+
///
/// any of them  -- end -->  Ended
/// ```
#[derive(Debug)]
pub(super) enum State<O> {
    /// It has taken everything so far.
    Idle,
    /// It has to reach `goal` within `patience` after `since`.
    Taking {
        goal: u64,
        since: Time,
    },
    /// It has taken everything that there will be.
    Answering {
        since: Time,
    },
    Ended(O),
}

impl<O> Lane<O> {
    pub(super) fn new() -> Self {
        Self { cursor: 0, state: State::Idle }
    }

    pub(super) fn cursor(&self) -> u64 {
        self.cursor
    }

    pub(super) fn state(&self) -> &State<O> {
        &self.state
    }

    pub(super) fn is_alive(&self) -> bool {
        !matches!(self.state, State::Ended(_))
    }

    /// There is something to take, up to `head`.
    pub(super) fn wake(&mut self, head: u64, now: Time) {
        if matches!(self.state, State::Idle) {
            self.begin(head, now);
        }
    }

    /// It has taken `total` bytes of `head`. Where it was before; `None`: it has not moved.
    #[inline]
    pub(super) fn take(&mut self, total: u64, head: u64, now: Time) -> Option<u64> {
        debug_assert!(total <= head, "a receiver took more than there was");
        let State::Taking { goal, .. } = self.state else { return None };
        let from = self.cursor;
        let total = total.min(head);
        if total <= from {
            return None;
        }
        self.cursor = total;
        if total == head {
            self.state = State::Idle;
        } else if total >= goal {
            self.begin(head, now);
        }
        Some(from)
    }

    /// It has everything.
    pub(super) fn expect_answer(&mut self, now: Time) {
        if matches!(self.state, State::Idle) {
            self.state = State::Answering { since: now };
        }
    }

    /// Its time for an answer begins anew.
    pub(super) fn postpone(&mut self, now: Time) {
        if let State::Answering { since } = &mut self.state {
            *since = now;
        }
    }

    pub(super) fn end(&mut self, outcome: O) {
        self.state = State::Ended(outcome);
    }

    /// Its next `patience` begins. Nobody is asked for what was not there yet.
    fn begin(&mut self, head: u64, now: Time) {
        let goal = head.min(self.cursor.saturating_add(PROGRESS));
        self.state = State::Taking { goal, since: now };
    }
}
