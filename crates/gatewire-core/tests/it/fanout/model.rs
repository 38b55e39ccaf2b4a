//! The machine against a naive one, which knows all cursors in order, looks at each receiver at each
//! moment, and counts the allowance in twentieths of milliseconds.

use proptest::prelude::*;

use super::*;
use crate::property;

const WINDOW: u64 = 64 * KIB;
const STEP: u64 = WINDOW / 4;
const CHUNK: u64 = 16 * KIB;
const MAX_LAG: u64 = 3 * WINDOW;
const PATIENCE_MS: u64 = 1_000;
const ANSWER_MS: u64 = 700;
const PROGRESS: u64 = 64 * KIB;

#[derive(Debug, Clone)]
enum Operation {
    /// Chunks of this length, up to the limit. Then the source waits.
    Push {
        length: u64,
        chunks: u8,
    },
    /// The lower numbers are chosen more often: the others are slow.
    Take {
        receiver: (usize, usize),
        bytes: u64,
    },
    Sleep {
        millis: u64,
    },
    End {
        receiver: usize,
    },
    Finish,
}

#[test]
fn a_fanout_does_what_a_naive_one_does() {
    property::check(300, &script(SlowReceivers::CutAfter(ms(PATIENCE_MS))), |(count, script)| {
        let mut both = Both::new(count, SlowReceivers::CutAfter(ms(PATIENCE_MS)));
        script.iter().for_each(|operation| both.apply(operation));
        both.run_down();
    });
}

#[test]
fn a_fanout_that_waits_for_all_does_what_a_naive_one_does() {
    property::check(100, &script(SlowReceivers::WaitForAll), |(count, script)| {
        let mut both = Both::new(count, SlowReceivers::WaitForAll);
        script.iter().for_each(|operation| both.apply(operation));
        both.run_down();
        let cut = Fate::Overdue(Overdue::Slow);
        assert!(both.fanout.outcomes().all(|(_, fate)| *fate != cut));
    });
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A number of receivers and what happens to them.
fn script(slow: SlowReceivers) -> impl Strategy<Value = (usize, Vec<Operation>)> {
    // Whoever waits for all has to take often.
    let takes = if slow == SlowReceivers::WaitForAll { 60 } else { 30 };
    let receiver = || 0..8_usize;
    let operation = prop_oneof![
        12 => (1..=CHUNK, 1..8_u8).prop_map(|(length, chunks)| Operation::Push { length, chunks }),
        takes => (receiver(), receiver(), 1..=2 * WINDOW)
            .prop_map(|(a, b, bytes)| Operation::Take { receiver: (a, b), bytes }),
        8 => (1..60_u64).prop_map(|millis| Operation::Sleep { millis }),
        1 => (1..1500_u64).prop_map(|millis| Operation::Sleep { millis }),
        1 => receiver().prop_map(|receiver| Operation::End { receiver }),
    ];
    // Some scripts end the stream on the way.
    let finish = prop::option::weighted(0.3, 0..400_usize);
    (1..8_usize, prop::collection::vec(operation, 1..400), finish).prop_map(
        |(count, mut script, finish)| {
            if let Some(place) = finish {
                script.insert(place.min(script.len()), Operation::Finish);
            }
            (count, script)
        },
    )
}

#[derive(Debug, Default)]
struct One {
    cursor: u64,
    /// What it has to reach, and since when.
    goal: Option<(u64, u64)>,
    answering_since: Option<u64>,
    fate: Option<Fate>,
    /// When it was where.
    history: Vec<(u64, u64)>,
}

/// The naive machine. Times are milliseconds.
struct Naive {
    slow: SlowReceivers,
    head: u64,
    limit: u64,
    finished: bool,
    waits: bool,
    receivers: Vec<One>,
    /// In twentieths of a millisecond.
    allowance: u64,
    first_second: u64,
}

impl Naive {
    fn cursors(&self) -> Vec<u64> {
        let alive = self.receivers.iter().filter(|one| one.fate.is_none());
        let mut cursors: Vec<u64> = alive.map(|one| one.cursor).collect();
        cursors.sort_unstable();
        cursors
    }

    /// How far the middle receiver lets the source go, and how far the slowest does.
    fn bounds(&self) -> Option<(u64, u64)> {
        let cursors = self.cursors();
        let middle = match self.slow {
            SlowReceivers::CutAfter(_) => cursors.len().checked_sub(1)? / 2,
            SlowReceivers::WaitForAll => 0,
        };
        Some((cursors.get(middle)? + WINDOW, cursors[0] + MAX_LAG))
    }

    fn raise(&mut self) {
        let Some((pace, bound)) = self.bounds() else { return };
        if pace.min(bound) >= self.limit + STEP && !self.finished {
            self.limit = pace.min(bound);
            self.waits = false;
        }
    }

    fn is_held_up(&self) -> bool {
        let next = self.limit + STEP;
        self.waits
            && self.slow != SlowReceivers::WaitForAll
            && self.bounds().is_some_and(|(pace, bound)| pace >= next && bound < next)
    }

    /// One millisecond passes.
    fn pass(&mut self) {
        if self.is_held_up() {
            self.allowance = self.allowance.saturating_sub(20);
        } else if self.first_second > 0 {
            self.first_second -= 1;
        } else {
            self.allowance = (self.allowance + 1).min(20 * PATIENCE_MS);
        }
    }

    fn overdue(&self, now: u64) -> Vec<(usize, Overdue)> {
        let spent = self.is_held_up() && self.allowance == 0;
        let mut overdue = Vec::new();
        for (number, one) in self.receivers.iter().enumerate().filter(|(_, one)| one.fate.is_none())
        {
            let stands = one.goal.is_some_and(|(_, since)| now >= since + PATIENCE_MS);
            let holds = spent && one.cursor + MAX_LAG < self.limit + STEP;
            if holds || (stands && self.slow != SlowReceivers::WaitForAll) {
                overdue.push((number, Overdue::Slow));
            } else if one.answering_since.is_some_and(|since| now >= since + ANSWER_MS) {
                overdue.push((number, Overdue::Unanswered));
            }
        }
        overdue
    }

    /// Looks at each receiver again, after a push, a move or the end.
    fn review(&mut self, now: u64) {
        for one in self.receivers.iter_mut().filter(|one| one.fate.is_none()) {
            if one.goal.is_some_and(|(goal, _)| one.cursor >= goal) {
                one.goal = None;
            }
            if one.cursor < self.head && one.goal.is_none() {
                one.goal = Some((self.head.min(one.cursor + PROGRESS), now));
            }
            if one.cursor == self.head && self.finished && one.answering_since.is_none() {
                one.answering_since = Some(now);
            }
        }
    }
}

struct Both {
    fanout: Fanout<Fate>,
    receivers: Vec<Receiver>,
    naive: Naive,
    now: u64,
}

impl Both {
    fn new(count: usize, slow: SlowReceivers) -> Self {
        let answer_timeout = ms(ANSWER_MS);
        let config = FanoutConfig { window: WINDOW, max_lag: MAX_LAG, slow, answer_timeout };
        let (fanout, receivers) = fanout(config, count);
        let naive = Naive {
            slow,
            head: 0,
            limit: WINDOW,
            finished: false,
            waits: false,
            receivers: (0..count).map(|_| One::default()).collect(),
            allowance: 1000,
            first_second: 1000,
        };
        Self { fanout, receivers, naive, now: 0 }
    }

    fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Push { length, chunks } => self.push(length, chunks),
            Operation::Take { receiver: (a, b), bytes } => {
                self.take(a.min(b) % self.receivers.len(), bytes);
            }
            Operation::Sleep { millis } => {
                for _ in 0..millis {
                    self.naive.pass();
                    self.now += 1;
                }
            }
            Operation::End { receiver } => self.end(receiver % self.receivers.len(), Fate::Left),
            Operation::Finish => {
                self.fanout.finish(at(self.now));
                (self.naive.finished, self.naive.waits) = (true, false);
                self.naive.review(self.now);
            }
        }
        self.compare();
        self.expire();
    }

    fn push(&mut self, length: u64, chunks: u8) {
        if self.naive.finished {
            return;
        }
        for _ in 0..chunks {
            if self.fanout.head() >= self.fanout.limit() {
                self.fanout.source_waits(at(self.now));
                self.naive.waits = true;
                return;
            }
            self.fanout.push(length, at(self.now));
            self.naive.head += length;
            self.naive.review(self.now);
        }
    }

    fn take(&mut self, receiver: usize, bytes: u64) {
        let one = &mut self.naive.receivers[receiver];
        let total = self.naive.head.min(one.cursor + bytes);
        let limit = self.naive.limit;
        if one.fate.is_none() {
            one.cursor = total;
            one.history.push((self.now, total));
            self.naive.raise();
            self.naive.review(self.now);
        }
        let risen = self.fanout.progress(self.receivers[receiver], total, at(self.now));
        assert_eq!(risen, self.naive.limit > limit);
    }

    fn end(&mut self, receiver: usize, fate: Fate) {
        let one = &mut self.naive.receivers[receiver];
        let is_first = one.fate.is_none();
        one.fate = one.fate.or(Some(fate));
        if is_first {
            self.naive.raise();
        }
        assert_eq!(self.fanout.end(self.receivers[receiver], fate, at(self.now)), is_first);
    }

    fn expire(&mut self) {
        let expected = self.naive.overdue(self.now);
        if self.fanout.poll_timeout() > at(self.now) {
            assert_eq!(expected, [], "nobody was told");
        }
        let overdue = self.fanout.handle_timeout(at(self.now));
        let found: Vec<_> = overdue.iter().map(|(one, reason)| (one.index(), *reason)).collect();
        assert_eq!(found, expected);
        for (receiver, reason) in found {
            if reason == Overdue::Slow {
                self.assert_slow(receiver);
            }
            self.end(receiver, Fate::Overdue(reason));
        }
        self.compare();
    }

    /// Nobody is cut who took 64 KiB within the last `patience`, unless it is at the bound.
    fn assert_slow(&self, receiver: usize) {
        let one = &self.naive.receivers[receiver];
        let begin = self.now - PATIENCE_MS.min(self.now);
        let before = one.history.iter().rfind(|(time, _)| *time <= begin);
        let taken = one.cursor - before.map_or(0, |(_, cursor)| *cursor);
        let at_bound = one.cursor + MAX_LAG < self.naive.head + STEP;
        assert!(taken < PROGRESS || at_bound, "{taken} bytes were taken: {one:?}");
    }

    fn compare(&self) {
        let naive = &self.naive;
        let alive = naive.cursors();
        assert_eq!(self.fanout.head(), naive.head);
        let limit = if alive.is_empty() { u64::MAX } else { naive.limit };
        assert_eq!(self.fanout.limit(), limit);
        assert_eq!(self.fanout.alive(), alive.len());
        assert_eq!(self.fanout.is_over(), naive.finished && alive.is_empty());
        let outcomes: Vec<_> =
            self.fanout.outcomes().map(|(one, fate)| (one.index(), *fate)).collect();
        let fates = naive.receivers.iter().enumerate();
        let fates: Vec<_> = fates.filter_map(|(n, one)| Some((n, one.fate?))).collect();
        assert_eq!(outcomes, fates);
        for (receiver, one) in self.receivers.iter().zip(&naive.receivers) {
            assert_eq!(self.fanout.taken(*receiver), one.cursor);
            assert_eq!(self.fanout.is_alive(*receiver), one.fate.is_none());
        }
        if let Some(slowest) = alive.first() {
            assert!(naive.head - slowest < MAX_LAG + CHUNK, "a lag beyond the bound");
        }
    }

    /// Nothing happens any more but that time passes; the stream ends all the same. Who waits for all
    /// waits until all have taken everything.
    fn run_down(&mut self) {
        self.apply(&Operation::Finish);
        if self.naive.slow == SlowReceivers::WaitForAll {
            for receiver in 0..self.receivers.len() {
                self.take(receiver, u64::MAX / 2);
            }
        }
        for _ in 0..=2 * self.receivers.len() {
            if self.fanout.is_over() {
                return;
            }
            let due = self.fanout.poll_timeout();
            assert_ne!(due, Time::NEVER, "nobody will ever end this stream");
            let due = u64::try_from(due.elapsed().as_millis()).expect("a short time");
            self.apply(&Operation::Sleep { millis: due.saturating_sub(self.now) });
        }
        assert!(self.fanout.is_over());
    }
}
