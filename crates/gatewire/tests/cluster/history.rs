//! What a receiver has heard of a sender, in the order in which it came.

use std::fmt::Write;

/// Numbers that came, one after the other: each run counts up by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runs(Vec<(u64, u64)>);

impl Runs {
    pub(crate) fn note(&mut self, number: u64) {
        self.append(number, number);
    }

    pub(crate) fn append(&mut self, first: u64, last: u64) {
        match self.0.last_mut() {
            Some((_, end)) if *end + 1 == first => *end = last,
            _ => self.0.push((first, last)),
        }
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        for &(first, last) in &other.0 {
            self.append(first, last);
        }
    }

    /// The last number that came.
    pub(crate) fn last(&self) -> u64 {
        self.0.last().map_or(0, |(_, last)| *last)
    }

    /// Where the run begins in which the last number came.
    pub(crate) fn begin_of_last(&self) -> u64 {
        self.0.last().map_or(0, |(first, _)| *first)
    }

    /// As a line of text.
    pub(crate) fn write(&self) -> String {
        let mut text = String::new();
        for (first, last) in &self.0 {
            write!(text, " {first}-{last}").expect("a string takes everything");
        }
        text
    }

    pub(crate) fn read(words: &mut dyn Iterator<Item = &str>) -> Self {
        let mut runs = Self::default();
        for word in words {
            let (first, last) = word.split_once('-').expect("two numbers");
            runs.append(first.parse().expect("a number"), last.parse().expect("a number"));
        }
        runs
    }

    /// What is to be said of it, when its sender has sent so many.
    pub(crate) fn judge(&self, sent: u64) -> Verdict {
        let mut verdict = Verdict::default();
        let mut highest = 0;
        for &(first, last) in &self.0 {
            verdict.received += last - first + 1;
            if first > highest {
                // What is missing at the beginning was sent before the receiver was there.
                if highest > 0 {
                    verdict.gaps += 1;
                    verdict.missing += first - highest - 1;
                }
            } else {
                verdict.again += last.min(highest) - first + 1;
            }
            highest = highest.max(last);
        }
        verdict.invented = highest.saturating_sub(sent);
        verdict
    }
}

/// What came of what was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) received: u64,
    pub(crate) gaps: u64,
    pub(crate) missing: u64,
    /// Not higher than all before: twice, or out of order.
    pub(crate) again: u64,
    /// Beyond what was sent.
    pub(crate) invented: u64,
}

#[test]
fn a_history_tells_what_is_missing_and_what_came_twice_or_late() {
    let mut runs = Runs::default();
    for number in [3, 4, 5, 8, 9, 6, 9, 10] {
        runs.note(number);
    }
    assert_eq!(runs.write(), " 3-5 8-9 6-6 9-10");
    assert_eq!(Runs::read(&mut runs.write().split_whitespace()), runs);
    let verdict = Verdict { received: 8, gaps: 1, missing: 2, again: 2, invented: 1 };
    assert_eq!(runs.judge(9), verdict);
}
