//! One stream that goes to many receivers: how far the source may go, who is too slow, and what
//! became of each.
//!
//! The machine knows offsets and time, neither bytes nor sockets. The caller pushes each chunk,
//! shared, to the queue of each live receiver at once. A receiver's connection takes from its queue
//! as its credit and the kernel allow, and tells how much it took in total: its cursor. The bytes
//! are shared, so a stream costs the lag of its slowest live receiver, once.
//!
//! # The pace
//!
//! One receiver that is faster than the others must not make them look slow, and one that is slower
//! must not slow the others. So a stream goes at the pace of its **middle** receiver: the source may
//! be `window` bytes ahead of the middle cursor. Of an even number, the slower of the two in the
//! middle counts: half of the receivers is no majority that could call the others slow. One receiver
//! is its own middle; of two, the slower is waited for.
//!
//! What the slower ones have not taken is kept for them, up to `max_lag` bytes: the source is
//! stopped at the slowest cursor plus `max_lag`.
//!
//! The limit rises in steps of a quarter of the window, so that a source far away is told in time
//! and not too often. For the next step two goals are known: an offset that the middle receiver has
//! to reach, and one that the slowest has to reach. Counted is only who has passed them. When
//! both are met, the cursors are looked at, once per step. The limit never falls, also not when a
//! fast receiver leaves and the middle moves back.
//!
//! # Who is cut
//!
//! Two rules, and a receiver that violates neither is never cut.
//!
//! 1. **Who stands still.** A receiver that has something to take must take, within each `patience`,
//!    64 KiB or all that lay there when this time began. It holds before the source has finished and
//!    afterwards.
//! 2. **Who holds the others up.** To wait for the middle receiver is pacing and costs nobody
//!    anything. But a source that has more, while the middle receiver has reached its goal and
//!    only the bound `max_lag` stops it, is held up. For this the stream has an allowance: 5 % of
//!    the time in which it was not held up. When it is used up, all who are at the bound (less
//!    than a step within it) are cut. So however many are slow, the others keep 95 % of their throughput.
//!
//! The allowance belongs to the stream and not to each receiver: twenty slow ones, 5 % each, would be
//! allowed to halve the throughput. The first second is credited in advance, 50 ms, so that a stream
//! just begun bears a hiccup; and no more than `patience` is ever saved up, so that after an hour of
//! quiet the others do not wait for minutes. With two receivers the second rule never applies: the
//! slower one is the middle.
//!
//! With [`SlowReceivers::WaitForAll`] nobody is cut, and the source may be `window` ahead of the
//! slowest.
//!
//! # The end
//!
//! The stream is over when the source has finished and each receiver has an outcome, exactly one.
//! Who has taken everything has `answer_timeout` to answer.
//!
//! # Invariants
//!
//! * The limit never falls, as long as somebody is alive.
//! * The lag of a live receiver is at most `max_lag`, and less than one chunk more if the source
//!   does not cut its chunks at the limit.
//! * No call but [`Fanout::add`] and a [`Fanout::handle_timeout`] that finds somebody allocates.
//!   `progress` takes constant time, but once per step of the limit.

mod allowance;
mod config;
mod lane;
mod pace;

use std::time::Duration;

use crate::Time;
use allowance::Allowance;
use lane::{Lane, State};
use pace::Pace;

pub use config::{FanoutConfig, SlowReceivers};

/// A receiver of one [`Fanout`]: receivers are numbered from 0 in the order in which they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Receiver(u32);

impl Receiver {
    /// Its number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Why a receiver has to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// It stood still, or held the others up.
    Slow,
    /// It took everything and did not answer.
    Unanswered,
}

/// See the [module's documentation](self). `O` is what becomes of a receiver.
#[derive(Debug)]
pub struct Fanout<O> {
    /// `None`: nobody is cut.
    patience: Option<Duration>,
    answer_timeout: Duration,
    /// How many bytes were pushed.
    head: u64,
    finished: bool,
    /// The source was refused at the limit and the limit has not risen since.
    source_waits: bool,
    pace: Pace,
    allowance: Allowance,
    lanes: Vec<Lane<O>>,
    /// Who has taken everything, and some that have ended since. With the next push their time begins.
    idle: Vec<Receiver>,
    /// Not later than the first deadline of a receiver. Deadlines move on while receivers take, which
    /// is noticed when this time has come.
    check_at: Time,
}

impl<O> Fanout<O> {
    /// A stream without receivers.
    #[must_use]
    pub fn new(config: FanoutConfig, now: Time) -> Self {
        let (patience, waits_for_all) = match config.slow {
            SlowReceivers::CutAfter(patience) => (Some(patience), false),
            SlowReceivers::WaitForAll => (None, true),
        };
        Self {
            patience,
            answer_timeout: config.answer_timeout,
            head: 0,
            finished: false,
            source_waits: false,
            pace: Pace::new(config.window, config.max_lag, waits_for_all),
            allowance: Allowance::new(patience.unwrap_or_default(), now),
            lanes: Vec::new(),
            idle: Vec::new(),
            check_at: Time::NEVER,
        }
    }

    /// Adds a receiver. All are added before the first push.
    ///
    /// # Panics
    ///
    /// There are 2^32 receivers.
    pub fn add(&mut self) -> Receiver {
        debug_assert!(self.head == 0 && !self.finished, "the stream has begun");
        let number = u32::try_from(self.lanes.len()).expect("fewer than 2^32 receivers");
        self.lanes.push(Lane::new());
        self.idle.push(Receiver(number));
        self.pace.add();
        Receiver(number)
    }

    /// The offset up to which the source may go now. While [`head`](Self::head) is below it, a chunk may be
    /// pushed as a whole; who wants `max_lag` to be exact cuts the chunk at the limit. With nobody
    /// alive there is nobody to wait for: `u64::MAX`.
    #[must_use]
    pub fn limit(&self) -> u64 {
        if self.alive() == 0 { u64::MAX } else { self.pace.limit() }
    }

    /// How many bytes were pushed.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// How many bytes this receiver has taken.
    #[must_use]
    pub fn taken(&self, receiver: Receiver) -> u64 {
        self.lanes.get(receiver.index()).map_or(0, Lane::cursor)
    }

    /// `length` bytes go to each live receiver. Call it before they can be taken: nobody takes beyond the head.
    /// After [`finish`](Self::finish) they are not counted.
    pub fn push(&mut self, length: u64, now: Time) {
        debug_assert!(!self.finished, "the source has finished");
        if length == 0 || self.finished {
            return;
        }
        debug_assert!(self.head < self.limit(), "the source goes beyond the limit");
        self.head += length;
        if let Some(patience) = self.patience.filter(|_| !self.idle.is_empty()) {
            self.check_at = self.check_at.min(now + patience);
        }
        for receiver in self.idle.drain(..) {
            self.lanes[receiver.index()].wake(self.head, now);
        }
    }

    /// The source has more and is at the limit. It waits until [`progress`](Self::progress) or [`end`](Self::end)
    /// raises the limit. Below the limit this says nothing.
    pub fn source_waits(&mut self, now: Time) {
        self.source_waits = !self.finished && self.head >= self.limit();
        self.account(now);
    }

    /// The source has no more. Who has taken everything has to answer from now on.
    pub fn finish(&mut self, now: Time) {
        if self.finished {
            return;
        }
        self.finished = true;
        self.source_waits = false;
        if !self.idle.is_empty() {
            self.check_at = self.check_at.min(now + self.answer_timeout);
        }
        for receiver in self.idle.drain(..) {
            self.lanes[receiver.index()].expect_answer(now);
        }
        self.account(now);
    }

    /// The receiver has taken `taken_total` bytes since the beginning. Whether the limit has risen.
    /// A smaller number than before, or a receiver that has ended, changes nothing.
    pub fn progress(&mut self, receiver: Receiver, taken_total: u64, now: Time) -> bool {
        let Some(lane) = self.lanes.get_mut(receiver.index()) else { return false };
        let Some(from) = lane.take(taken_total, self.head, now) else { return false };
        let cursor = lane.cursor();
        if cursor == self.head {
            if self.finished {
                lane.expect_answer(now);
                self.check_at = self.check_at.min(now + self.answer_timeout);
            } else {
                self.idle.push(receiver);
            }
        }
        self.pace.advance(from, cursor);
        let risen = self.raise();
        self.account(now);
        risen
    }

    /// Gives the receiver its outcome: it answered, refused, stopped, was lost, or was
    /// [overdue](Self::handle_timeout). Whether it was alive; if not, its first outcome stays and this one is
    /// dropped. The middle and the slowest may be others now: look at [`limit`](Self::limit) again.
    pub fn end(&mut self, receiver: Receiver, outcome: O, now: Time) -> bool {
        let Some(lane) = self.lanes.get_mut(receiver.index()).filter(|lane| lane.is_alive()) else {
            return false;
        };
        lane.end(outcome);
        self.pace.remove(lane.cursor());
        self.raise();
        self.account(now);
        true
    }

    /// Whether the receiver has no outcome yet.
    #[must_use]
    pub fn is_alive(&self, receiver: Receiver) -> bool {
        self.lanes.get(receiver.index()).is_some_and(Lane::is_alive)
    }

    /// How many receivers have no outcome yet.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.pace.alive()
    }

    /// How many receivers were added.
    #[must_use]
    pub fn receivers(&self) -> usize {
        self.lanes.len()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due. It may find nobody: who takes moves its deadline,
    /// and not this time.
    #[must_use]
    pub fn poll_timeout(&self) -> Time {
        self.check_at.min(self.allowance.used_up_at())
    }

    /// Who is overdue, each once. The caller gives each its outcome with [`end`](Self::end), at once: until then
    /// it is alive and found again.
    #[must_use]
    pub fn handle_timeout(&mut self, now: Time) -> Vec<(Receiver, Overdue)> {
        let mut overdue = Vec::new();
        if now < self.poll_timeout() {
            return overdue;
        }
        // The others would keep less than 95 % of their throughput: whoever is at the bound goes.
        let bound = if now >= self.allowance.used_up_at() { self.pace.lag_goal() } else { 0 };
        self.check_at = Time::NEVER;
        for (number, lane) in (0..).zip(&self.lanes) {
            let (deadline, reason) = match lane.state() {
                State::Taking { since, .. } => {
                    (self.patience.map_or(Time::NEVER, |patience| *since + patience), Overdue::Slow)
                }
                State::Answering { since } => (*since + self.answer_timeout, Overdue::Unanswered),
                State::Idle | State::Ended(_) => continue,
            };
            self.check_at = self.check_at.min(deadline);
            if now >= deadline || lane.cursor() < bound {
                overdue.push((Receiver(number), reason));
            }
        }
        overdue
    }

    /// The receiver's time for its answer begins anew: it has others to wait for.
    pub fn postpone(&mut self, receiver: Receiver, now: Time) {
        if let Some(lane) = self.lanes.get_mut(receiver.index()) {
            lane.postpone(now);
            self.check_at = self.check_at.min(now + self.answer_timeout);
        }
    }

    /// Whether the source has finished and each receiver has an outcome.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.finished && self.alive() == 0
    }

    /// The receivers that have an outcome, in their order.
    pub fn outcomes(&self) -> impl Iterator<Item = (Receiver, &O)> {
        (0..).zip(&self.lanes).filter_map(|(number, lane)| match lane.state() {
            State::Ended(outcome) => Some((Receiver(number), outcome)),
            State::Idle | State::Taking { .. } | State::Answering { .. } => None,
        })
    }

    /// Raises the limit if it can go up by a step. Whether it did.
    fn raise(&mut self) -> bool {
        if self.finished || !self.pace.can_rise() {
            return false;
        }
        let live = self.lanes.iter().filter(|lane| lane.is_alive());
        self.pace.rise(live.map(Lane::cursor));
        self.source_waits = false;
        true
    }

    /// Notes whether the source is held up from now on.
    fn account(&mut self, now: Time) {
        let held_up = self.source_waits && self.pace.is_held_up();
        self.allowance.account(held_up, now);
    }
}
