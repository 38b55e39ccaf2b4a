//! Leaving a connection for another one, on purpose and in order.
//!
//! A client does so when it is to authenticate anew. Nothing that was begun is to be cut off, and nothing that is
//! emitted meanwhile is to fail:
//!
//! 1. The streams come to their ends.
//! 2. No request begins any more. Those that wait are answered, handlers that run answer, what is queued is
//!    written.
//! 3. In one step the link is offline: events that are emitted from then on wait for the next connection.
//!
//! None of this is waited for beyond a limit. What is pending then ends as if the connection had been lost.

use std::time::Duration;

use gatewire_core::Time;
use gatewire_core::session::OutboxLimits;

use super::life::Next;
use super::{Link, Session, Shared};
use crate::error::DisconnectReason;

/// How long requests are refused at most, so that those that wait are answered: the deadline that a request has
/// unless it is given another.
const QUIET: Duration = Duration::from_secs(5);

/// A link that is about to leave its connection.
#[derive(Debug)]
pub(super) struct Leaving {
    /// What may be queued between the two connections.
    queue: Option<OutboxLimits>,
    /// When it leaves in any case.
    until: Time,
    /// Set when no request begins any more: how long those that wait are waited for.
    quiet: Option<Time>,
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
                none => *none = Some(Box::new(Leaving { queue, until, quiet: None })),
            }
        }
        self.driver.wake();
    }

    /// For the driver: leaves, if it is time to: `true`, and the link is offline. `busy`: whether handlers run, or
    /// the transport holds bytes.
    pub(crate) fn try_leave(&self, now: Time, busy: bool) -> bool {
        let reading = self.has_pipes();
        let queue = {
            let mut shared = self.lock();
            let Shared { outbound, leaving, ending, .. } = &mut *shared;
            let Some(leaving) = leaving else { return false };
            let unwritten = busy || !outbound.outbox().is_empty();
            if now < leaving.until {
                if reading || outbound.open_streams() > 0 {
                    return false;
                }
                let quiet = *leaving.quiet.get_or_insert((now + QUIET).min(leaving.until));
                if now < quiet && (unwritten || outbound.pending_requests() > 0) {
                    return false;
                }
            }
            if unwritten {
                // Then it is closed as others are: what is queued is given a little more time.
                ending.get_or_insert(DisconnectReason::Reconnecting);
                drop(shared);
                self.driver.wake();
                return false;
            }
            leaving.queue
        };
        // `false`: another thread is writing, and wakes the driver when it is done.
        self.detach(Next::Connection { queue })
    }
}

impl Shared {
    /// Whether requests are refused, because the connection is about to be left.
    pub(super) fn refuses_requests(&self) -> bool {
        self.leaving.as_ref().is_some_and(|leaving| leaving.quiet.is_some())
    }

    /// When something is due.
    pub(super) fn leaves(&self) -> Time {
        let due = |leaving: &Leaving| leaving.quiet.unwrap_or(leaving.until);
        self.leaving.as_deref().map_or(Time::NEVER, due)
    }
}
