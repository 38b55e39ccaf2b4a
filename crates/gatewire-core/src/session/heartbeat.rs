//! Whether the peer is still there.
//!
//! Any traffic counts as a sign of life. After `interval` of silence a ping is sent; after
//! `missed` pings without a sign the peer is dead. The deadline moves lazily: hearing something
//! only notes the time, so that a busy connection pays nothing. An interval of zero switches it off.

use std::time::Duration;

use crate::Time;

/// The heartbeat of one connection.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    interval: Duration,
    missed_pings: u32,
    last_heard: Time,
    /// Pings sent since something was heard.
    unanswered: u32,
    deadline: Time,
    next_token: u64,
}

/// What [`Heartbeat::check`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// Nothing to do.
    Alive,
    /// Send a ping with this token.
    SendPing {
        /// Counts from 1.
        token: u64,
    },
    /// Too many pings were not answered.
    Dead,
}

impl Heartbeat {
    /// A heartbeat that begins now.
    #[must_use]
    pub fn new(interval: Duration, missed_pings: u32, now: Time) -> Self {
        Self {
            interval,
            missed_pings,
            last_heard: now,
            unanswered: 0,
            deadline: if interval.is_zero() { Time::NEVER } else { now + interval },
            next_token: 1,
        }
    }

    /// Something came from the peer.
    #[inline]
    pub fn heard(&mut self, now: Time) {
        self.last_heard = now;
        self.unanswered = 0;
    }

    /// When the peer was last heard.
    #[must_use]
    pub fn last_heard(&self) -> Time {
        self.last_heard
    }

    /// When [`check`](Self::check) is due.
    #[must_use]
    pub fn deadline(&self) -> Time {
        self.deadline
    }

    /// Lets time pass. Before the deadline it does nothing.
    pub fn check(&mut self, now: Time) -> Liveness {
        if now < self.deadline {
            return Liveness::Alive;
        }
        let silent_until = self.last_heard + self.interval;
        if now < silent_until {
            self.deadline = silent_until;
            return Liveness::Alive;
        }
        if self.unanswered >= self.missed_pings {
            return Liveness::Dead;
        }
        self.unanswered += 1;
        self.deadline = now + self.interval;
        let token = self.next_token;
        self.next_token += 1;
        Liveness::SendPing { token }
    }
}
