//! Requests that wait for their answers.
//!
//! Ids count up, so a late answer to an expired request never meets a new one. Where answers outlive the list itself,
//! it [begins](Requests::behind) at a random id, so that one list's answers do not meet the requests of the next. Deadlines are kept
//! as one lower bound for all: most requests share the same timeout and are answered long before,
//! so that an ordered structure would cost more than the rare scan.

use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::Time;

/// A scan for expired requests is at most this early: bounds the scans of a long list to 100 a
/// second.
const GRANULARITY: Duration = Duration::from_millis(10);

/// The most requests of one connection that may wait at the same time.
const MAX_PENDING: usize = 65_536;

/// Too many requests wait for their answers on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyRequests;

/// The pending requests of one connection. `W` is who waits.
#[derive(Debug)]
pub struct Requests<W> {
    pending: FxHashMap<u32, Pending<W>>,
    last_id: u32,
    /// No request expires before this.
    next_deadline: Time,
}

#[derive(Debug)]
struct Pending<W> {
    waiter: W,
    deadline: Time,
}

impl<W> Default for Requests<W> {
    fn default() -> Self {
        Self { pending: FxHashMap::default(), last_id: 0, next_deadline: Time::NEVER }
    }
}

impl<W> Requests<W> {
    /// An empty list whose first id is the one behind this.
    #[must_use]
    pub fn behind(last_id: u32) -> Self {
        Self { last_id, ..Self::default() }
    }

    /// The id that the next request will get. Never 0.
    #[must_use]
    pub fn next_id(&self) -> u32 {
        let mut id = self.last_id;
        loop {
            id = id.checked_add(1).unwrap_or(1);
            if !self.pending.contains_key(&id) {
                return id;
            }
        }
    }

    /// Whether one more may wait.
    ///
    /// # Errors
    ///
    /// [`TooManyRequests`]: 65,536 do.
    pub fn check_room(&self) -> Result<(), TooManyRequests> {
        if self.pending.len() < MAX_PENDING { Ok(()) } else { Err(TooManyRequests) }
    }

    /// Notes a request under the id from [`next_id`](Self::next_id).
    pub fn insert(&mut self, id: u32, waiter: W, deadline: Time) {
        self.last_id = id;
        self.next_deadline = self.next_deadline.min(deadline);
        self.pending.insert(id, Pending { waiter, deadline });
    }

    /// Who waits for the end of a request.
    #[must_use]
    pub fn waiter(&self, id: u32) -> Option<&W> {
        self.pending.get(&id).map(|pending| &pending.waiter)
    }

    /// Changes the deadline of a request, if it still waits.
    pub fn set_deadline(&mut self, id: u32, deadline: Time) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.deadline = deadline;
            self.next_deadline = self.next_deadline.min(deadline);
        }
    }

    /// Who waits for the answer to a request.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&W> {
        self.pending.get(&id).map(|pending| &pending.waiter)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: u32) -> Option<&mut W> {
        self.pending.get_mut(&id).map(|pending| &mut pending.waiter)
    }

    /// All that wait, with their ids, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &W)> {
        self.pending.iter().map(|(id, pending)| (*id, &pending.waiter))
    }

    /// Ends a request. `None`: the id is unknown, or already ended.
    pub fn remove(&mut self, id: u32) -> Option<W> {
        let waiter = self.pending.remove(&id).map(|pending| pending.waiter);
        if self.pending.is_empty() {
            self.next_deadline = Time::NEVER;
        }
        waiter
    }

    /// No request expires before this; [`Time::NEVER`] when none waits.
    #[must_use]
    pub fn next_deadline(&self) -> Time {
        self.next_deadline
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Takes out those whose deadline has passed, with their ids, oldest first.
    pub fn expire(&mut self, now: Time) -> Vec<(u32, W)> {
        if now < self.next_deadline {
            return Vec::new();
        }
        let mut expired: Vec<u32> = Vec::new();
        let mut next = Time::NEVER;
        for (id, pending) in &self.pending {
            if pending.deadline <= now {
                expired.push(*id);
            } else {
                next = next.min(pending.deadline);
            }
        }
        self.next_deadline =
            if next == Time::NEVER { Time::NEVER } else { next.max(now + GRANULARITY) };
        expired.sort_unstable();
        expired
            .iter()
            .filter_map(|id| self.pending.remove(id).map(|pending| (*id, pending.waiter)))
            .collect()
    }

    /// Takes out those that `ended` says yes to, by their ids.
    pub fn extract(&mut self, ended: impl Fn(&W) -> bool) -> Vec<W> {
        let gone = self.pending.iter().filter(|(_, pending)| ended(&pending.waiter));
        let mut gone: Vec<u32> = gone.map(|(id, _)| *id).collect();
        gone.sort_unstable();
        gone.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Takes all out: the connection has ended.
    pub fn drain(&mut self) -> Vec<W> {
        self.next_deadline = Time::NEVER;
        let mut all: Vec<_> = self.pending.drain().collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all.into_iter().map(|(_, pending)| pending.waiter).collect()
    }
}
