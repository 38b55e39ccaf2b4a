//! What all processes together have told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::history::{Runs, Verdict};

/// A node in one of its lives, as `r1.2`.
pub(crate) type Life = String;

/// What the nodes have told so far.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Lives that are ready.
    ready: Vec<Life>,
    /// The highest number that a publisher may have sent.
    sent: BTreeMap<Life, u64>,
    /// Those that are silent, and what they sent last.
    idle: BTreeMap<Life, u64>,
    /// By receiver and sender.
    heard: BTreeMap<(Life, Life), Runs>,
    /// The most bytes that have waited for one link of a node, and for all of them.
    queued: BTreeMap<Life, (u64, u64)>,
    watch: Watch,
    events: Vec<(Instant, Life, String)>,
}

/// When messages came, since a moment that a test has chosen.
#[derive(Debug, Default)]
struct Watch {
    /// Beyond these numbers a message was sent after that moment.
    marks: BTreeMap<Life, u64>,
    last: BTreeMap<(Life, Life), Instant>,
    /// The longest time in which nothing came.
    longest: BTreeMap<(Life, Life), Duration>,
    again: BTreeMap<(Life, Life), Instant>,
}

/// What is sent while the news that it was sent are on their way: a tenth of a second's messages.
const ON_THE_WAY: u64 = 10;

impl World {
    /// Takes a line of a node.
    pub(crate) fn take(&mut self, teller: &Life, line: &str) {
        let now = Instant::now();
        let mut words = line.split_whitespace();
        let number =
            |word: Option<&str>| word.and_then(|word| word.parse().ok()).expect("a number");
        match words.next() {
            Some("ready") => self.ready.push(teller.clone()),
            Some("sent") => {
                self.idle.remove(teller);
                self.sent.insert(teller.clone(), number(words.next()));
            }
            Some("idle") => drop(self.idle.insert(teller.clone(), number(words.next()))),
            Some("queued") => {
                let queued = (number(words.next()), number(words.next()));
                self.queued.insert(teller.clone(), queued);
            }
            Some("got") => {
                let sender = words.next().expect("a sender").to_owned();
                let runs = Runs::read(&mut words);
                self.take_heard(now, (teller.clone(), sender), &runs);
            }
            Some(_) => self.events.push((now, teller.clone(), line.to_owned())),
            None => {}
        }
    }

    fn take_heard(&mut self, now: Instant, pair: (Life, Life), runs: &Runs) {
        if let Some(before) = self.watch.last.insert(pair.clone(), now) {
            let longest = self.watch.longest.entry(pair.clone()).or_default();
            *longest = now.duration_since(before).max(*longest);
        }
        let mark = self.watch.marks.get(&pair.1).copied().unwrap_or_default();
        if runs.last() > mark {
            self.watch.again.entry(pair.clone()).or_insert(now);
        }
        self.heard.entry(pair).or_default().extend(runs);
    }

    /// The most bytes that have waited for one link of a node, and for all of them.
    pub(crate) fn most_queued(&self, life: &Life) -> (u64, u64) {
        self.queued.get(life).copied().unwrap_or_default()
    }

    pub(crate) fn is_ready(&self, life: &Life) -> bool {
        self.ready.contains(life)
    }

    /// From now on it is told what comes, and how long nothing did.
    pub(crate) fn begin_watch(&mut self) {
        let now = Instant::now();
        let marks = self.sent.iter().map(|(life, sent)| (life.clone(), sent + ON_THE_WAY));
        let marks = marks.collect();
        let last = self.watch.last.keys().map(|pair| (pair.clone(), now)).collect();
        self.watch = Watch { marks, last, ..Watch::default() };
    }

    /// Whether something of what was sent since then has come from each of these to each.
    pub(crate) fn flows(&self, senders: &[Life], receivers: &[Life]) -> bool {
        let pair = |receiver: &Life, sender: &Life| (receiver.clone(), sender.clone());
        receivers
            .iter()
            .all(|to| senders.iter().all(|from| self.watch.again.contains_key(&pair(to, from))))
    }

    /// How many have come from any of these to any.
    pub(crate) fn crossed(&self, senders: &[Life], receivers: &[Life]) -> usize {
        let of = |(to, from): &&(Life, Life)| receivers.contains(to) && senders.contains(from);
        self.watch.again.keys().filter(of).count()
    }

    /// The longest time since then in which nothing came from one of these to another.
    pub(crate) fn longest_silence(&self, senders: &[Life], receivers: &[Life]) -> Duration {
        let of = |((to, from), _): &(&(Life, Life), &Duration)| {
            receivers.contains(to) && senders.contains(from)
        };
        let silences = self.watch.longest.iter().filter(of).map(|(_, silence)| *silence);
        silences.max().unwrap_or_default()
    }

    /// Whether these are silent, and the others have heard their last message.
    pub(crate) fn is_settled(&self, lives: &[Life]) -> bool {
        lives.iter().all(|from| {
            let Some(sent) = self.idle.get(from) else { return false };
            let heard = |to: &Life| self.heard.get(&(to.clone(), from.clone()));
            lives.iter().all(|to| heard(to).is_some_and(|runs| runs.last() == *sent))
        })
    }

    /// Whether nothing is missing of what these have sent since the watch began.
    pub(crate) fn is_complete(&self, lives: &[Life]) -> bool {
        lives.iter().all(|from| {
            let mark = self.watch.marks.get(from).copied().unwrap_or_default();
            let heard = |to: &Life| self.heard.get(&(to.clone(), from.clone()));
            lives.iter().all(|to| heard(to).is_some_and(|runs| runs.begin_of_last() <= mark))
        })
    }

    /// When a node told what begins like this, the first time since `begin`.
    pub(crate) fn told(&self, begin: Instant, teller: &Life, what: &str) -> Option<Instant> {
        let told = |(at, life, line): &&(Instant, Life, String)| {
            *at >= begin && life == teller && line.starts_with(what)
        };
        self.events.iter().find(told).map(|(at, ..)| *at)
    }

    /// Judges all histories. A line that tells what came of all messages.
    pub(crate) fn judge(&self) -> String {
        let mut all = Verdict::default();
        for ((receiver, sender), runs) in &self.heard {
            let sent = self.sent.get(sender).copied().unwrap_or_default();
            let verdict = runs.judge(sent);
            let Verdict { again, invented, .. } = verdict;
            assert_eq!((again, invented), (0, 0), "{receiver} heard of {sender}: {runs:?}");
            all.received += verdict.received;
            all.gaps += verdict.gaps;
            all.missing += verdict.missing;
        }
        let sent: u64 = self.sent.values().sum();
        let Verdict { received, gaps, missing, .. } = all;
        format!(
            "{} histories of {sent} messages: {received} received, {missing} missing in {gaps} gaps, \
             0 twice, 0 out of order",
            self.heard.len()
        )
    }

    /// What has not come of these, for a test that fails.
    pub(crate) fn missing(&self, lives: &[Life]) -> String {
        let mut text = String::new();
        for to in lives {
            for from in lives {
                let pair = (to.clone(), from.clone());
                let last = self.heard.get(&pair).map_or(0, Runs::last);
                let again = self.watch.again.contains_key(&pair);
                text += &format!("{from} -> {to}: last {last}, again {again}\n");
            }
        }
        for (at, life, line) in &self.events {
            text += &format!("{:?} ago: {life} {line}\n", at.elapsed());
        }
        text + &format!("sent {:?} idle {:?} ready {:?}", self.sent, self.idle, self.ready)
    }
}
