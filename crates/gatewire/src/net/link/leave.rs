//! Leaving a connection for another one, on purpose and in order.
//!
//! A client does so when it is to authenticate anew. Nothing that was begun is to be cut off, and nothing that is
//! emitted meanwhile is to fail:
//!
//! 1. The streams come to their ends.
//! 2. No request begins any more. Those that wait are answered, handlers that run answer.
//! 3. What is queued is written. What is queued behind that waits, so that somebody who emits without a pause does
//!    not keep the link here.
//! 4. In one step the link is offline, and what waits does so for the next connection.
//!
//! None of this is waited for beyond a limit. What is pending then ends as if the connection had been lost.

use std::time::Duration;

use gatewire_core::Time;
use gatewire_core::session::{Outbox, OutboxLimits};

use super::life::Next;
use super::{Link, Session, Shared};
use crate::error::DisconnectReason;

/// How long requests are refused at most, so that those that wait are answered: the deadline that a request has
/// unless it is given another.
const QUIET: Duration = Duration::from_secs(5);

/// How long it is written for at most, once nothing else is waited for.
const WRITING: Duration = Duration::from_secs(2);

/// A link that is about to leave its connection.
#[derive(Debug)]
pub(super) struct Leaving {
    /// What may be queued between the two connections.
    queue: Option<OutboxLimits>,
    /// When it leaves in any case.
    until: Time,
    /// Set when no request begins any more: how long those that wait are waited for.
    quiet: Option<Time>,
    /// Set when nothing is waited for but the writing: which byte is the last to be written here.
    last: Option<Last>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    /// Counted as the outbox does.
    byte: u64,
    /// How long it is waited for.
    until: Time,
}

impl Link {
    /// The connection is to be left for another, within this time at most. Does nothing if it has ended already.
    pub(crate) fn leave(&self, session: Session, within: Duration, queue: Option<OutboxLimits>) {
        let until = self.clock.now() + within;
        {
            let mut shared = self.lock();
            // It changes under the lock only.
            if self.session() != session || shared.stream.is_none() || shared.ending.is_some() {
                return;
            }
            match &mut shared.leaving {
                Some(leaving) => leaving.until = leaving.until.min(until),
                none => *none = Some(Box::new(Leaving { queue, until, quiet: None, last: None })),
            }
        }
        self.driver.wake();
    }

    /// For the driver: leaves, if it is time to: `true`, and the link is offline. `handling`: whether handlers run.
    /// `unsent`: whether the transport holds bytes.
    pub(crate) fn try_leave(&self, now: Time, handling: bool, unsent: bool) -> bool {
        let reading = self.has_pipes();
        let mut shared = self.lock();
        let Shared { outbound, leaving, ending, .. } = &mut *shared;
        let Some(leaving) = leaving else { return false };
        if now < leaving.until {
            if reading || outbound.open_streams() > 0 {
                return false;
            }
            let quiet = *leaving.quiet.get_or_insert((now + QUIET).min(leaving.until));
            if now < quiet && (handling || outbound.pending_requests() > 0) {
                // What a handler answers is to be written too.
                leaving.last = None;
                return false;
            }
        }
        let outbox = outbound.outbox();
        let all = outbox.written_bytes() + outbox.queued_bytes() as u64;
        let last = Last { byte: all, until: (now + WRITING).min(leaving.until) };
        let last = *leaving.last.get_or_insert(last);
        if handling || unsent || !(outbox.is_empty() || leaving.has_written(outbox)) {
            if handling || now >= last.until {
                // Then it is closed as others are: what is queued is given a little more time.
                ending.get_or_insert(DisconnectReason::Reconnecting);
                drop(shared);
                self.driver.wake();
            }
            return false;
        }
        let queue = leaving.queue;
        // Under one lock: nothing can be queued, or taken to be written, in between.
        self.detach_locked(shared, Next::Another { queue })
    }
}

impl Leaving {
    /// Whether all is written that is to be, and the rest may wait for the next connection.
    fn has_written(&self, outbox: &Outbox) -> bool {
        let last = self.last.filter(|_| self.queue.is_some());
        last.is_some_and(|last| outbox.is_empty() || outbox.written_bytes() >= last.byte)
            && outbox.is_between_frames()
    }
}

impl Shared {
    /// Whether requests are refused, because the connection is about to be left.
    pub(super) fn refuses_requests(&self) -> bool {
        self.leaving.as_ref().is_some_and(|leaving| leaving.quiet.is_some())
    }

    /// An answer was queued, which cannot wait for another connection: it ends at this byte.
    pub(super) fn leave_behind(&mut self, byte: u64) {
        if let Some(Leaving { last: Some(last), .. }) = self.leaving.as_deref_mut() {
            last.byte = byte;
        }
    }

    /// Whether what is queued waits for the next connection.
    pub(super) fn holds_back(&self) -> bool {
        let outbox = self.outbound.outbox();
        // While the kernel is full somebody waits until it takes bytes again, and then has to write.
        self.leaving.as_deref().is_some_and(|leaving| leaving.has_written(outbox))
            && self.ending.is_none()
            && !outbox.is_blocked()
    }

    /// When something is due.
    pub(super) fn leaves(&self) -> Time {
        let due = |leaving: &Leaving| {
            let last = leaving.last.map(|last| last.until);
            last.or(leaving.quiet).unwrap_or(leaving.until)
        };
        self.leaving.as_deref().map_or(Time::NEVER, due)
    }
}
