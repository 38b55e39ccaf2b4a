//! What the application decides about the messages of one connection, and those that wait for it; the rules are in
//! [`crate::authorize`].
//!
//! ```text
//!   frame --(nothing waits)--> key's permissions --> application --(allowed)--> handlers, hub
//!     |                               ^                 |   `-----(denied)--> answer
//!     `--> queue, in order --(its turn)                 `--(takes its time)--> front of the queue
//! ```
//!
//! Messages behind one that is being decided about are not even checked before it is their turn: what is decided
//! about a join, above all, may change what the key permits.

mod waiting;

use std::any::Any;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};
use std::time::Duration;

use gatewire_codec::ErrorCode;
use gatewire_core::Time;
use gatewire_core::session::Incoming;

use crate::authorize::{Action, Deciding, Decision, Grants, Verdict, questions};
use crate::error::DisconnectReason;
pub(crate) use waiting::{Queue, Waiting, is_counted};

/// Who decides what a peer may do, and puts it into rooms.
pub(crate) trait Authority: Send + Sync {
    /// Whether there may be something to decide about a message. Not if it is refused anyway.
    fn concerns(&self, incoming: &Incoming<'_>) -> bool;
    /// Asks the application.
    fn ask(&self, action: Action<'_>) -> Verdict;
    /// Whether the peer would join this room if the application allows it. `false`: it is a member already.
    fn may_join(&self, room: &str) -> Result<bool, Refusal>;
    /// Puts the peer into a room.
    fn join(&self, room: &str) -> Result<(), Refusal>;
    /// Answers a join whose rooms have all been decided about.
    fn answer_join(&self, id: u32, refused: Option<Refusal>);
    /// The application panicked while it was asked.
    fn report_panic(&self, panic: &(dyn Any + Send));
}

/// Why a peer may not do what it wants to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) text: Cow<'static, str>,
}

/// How far a message came with its questions.
#[derive(Debug, Default)]
pub(crate) struct Inquiry {
    /// How many of its actions have been asked for.
    asked: usize,
    /// The first refusal.
    pub(crate) refused: Option<Refusal>,
}

impl Inquiry {
    fn refuse(&mut self, refusal: Refusal) {
        self.refused.get_or_insert(refusal);
    }
}

/// See the [module's documentation](self).
pub(crate) struct Decisions {
    pub(crate) authority: Box<dyn Authority>,
    timeout: Duration,
    grants: Grants,
    /// Made about the message at the front of the queue.
    pending: Option<Box<Pending>>,
    pub(crate) queue: Queue,
    /// Set when the peer has closed the connection behind what waits.
    closing: Option<Closing>,
}

/// The peer has closed the connection; why, and how long what it sent before may still wait.
struct Closing {
    reason: DisconnectReason,
    until: Time,
}

/// A decision that is waited for.
struct Pending {
    decision: Deciding,
    inquiry: Inquiry,
    deadline: Time,
}

/// A message that need not wait any longer.
pub(crate) struct Turn {
    pub(crate) waiting: Waiting,
    /// If it waited for a decision about itself: that, and how far it came before.
    pub(crate) decided: Option<(Inquiry, Decision)>,
}

impl Decisions {
    pub(crate) fn new(authority: Box<dyn Authority>, timeout: Duration) -> Self {
        Self {
            authority,
            timeout,
            grants: Grants::default(),
            pending: None,
            queue: Queue::default(),
            closing: None,
        }
    }

    /// Whether a message that comes now has to wait. `starting`: nothing is asked yet; else it waits if it would
    /// overtake another.
    pub(crate) fn holds_back(&self, incoming: &Incoming<'_>, starting: bool) -> bool {
        if self.queue.is_empty() && !starting {
            return false;
        }
        match incoming {
            Incoming::Event { .. }
            | Incoming::Request { .. }
            | Incoming::Publish { .. }
            | Incoming::Join { .. }
            | Incoming::Leave { .. }
            | Incoming::LeaveAll { .. }
            | Incoming::StreamOpen { .. } => true,
            Incoming::StreamChunk { id, .. }
            | Incoming::StreamFinish { id, .. }
            | Incoming::StreamReset { id, .. } => self.queue.has_stream(*id),
            // Answers, credit, pings: of what this end has begun, and without an order among messages.
            _ => false,
        }
    }

    /// When a decision is no longer waited for.
    pub(crate) fn deadline(&self) -> Time {
        let pending = self.pending.as_ref().map_or(Time::NEVER, |pending| pending.deadline);
        pending.min(self.closing.as_ref().map_or(Time::NEVER, |closing| closing.until))
    }

    /// The peer closes the connection. `None`: when it is its turn, since other messages wait; in the time of one
    /// decision at the latest.
    pub(crate) fn close(
        &mut self,
        reason: DisconnectReason,
        now: Time,
    ) -> Option<DisconnectReason> {
        if self.queue.is_empty() || self.closing.is_some() {
            return Some(reason);
        }
        self.closing = Some(Closing { reason, until: now + self.timeout });
        None
    }

    /// Whether nothing more comes from the peer.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Why the connection is to end now, if the peer has closed it.
    pub(crate) fn closed(&self, now: Time) -> Option<DisconnectReason> {
        let closing = self.closing.as_ref()?;
        (self.queue.is_empty() || now >= closing.until).then(|| closing.reason.clone())
    }

    /// Asks for the actions of a message that are left, up to the first that is denied. `Some`: this decision is
    /// to be [waited for](Self::wait_for).
    pub(crate) fn ask(
        &mut self,
        incoming: &Incoming<'_>,
        inquiry: &mut Inquiry,
        now: Time,
        context: &mut Context<'_>,
    ) -> Option<Deciding> {
        for action in questions(incoming).skip(inquiry.asked) {
            // A room that is refused does not keep the peer out of the others.
            if inquiry.refused.is_some() && !matches!(action, Action::Join { .. }) {
                break;
            }
            inquiry.asked += 1;
            if !self.is_open(&action, inquiry) {
                continue;
            }
            let decision = if self.grants.hold(&action, now) {
                Decision::Allow
            } else {
                match self.consult(action, context) {
                    Ok(decision) => decision,
                    Err(deciding) => return Some(deciding),
                }
            };
            self.carry_out(&action, decision, inquiry, now);
        }
        None
    }

    /// Whether there is anything to decide about an action.
    fn is_open(&self, action: &Action<'_>, inquiry: &mut Inquiry) -> bool {
        let Action::Join { room } = action else { return true };
        self.authority.may_join(room).unwrap_or_else(|refusal| {
            inquiry.refuse(refusal);
            false
        })
    }

    /// The decision about one action. `Err`: it takes its time.
    fn consult(&self, action: Action<'_>, context: &mut Context<'_>) -> Result<Decision, Deciding> {
        let asked = catch_unwind(AssertUnwindSafe(|| match self.authority.ask(action) {
            Verdict::Now(decision) => Ok(decision),
            Verdict::Later(mut deciding) => match deciding.as_mut().poll(context) {
                Poll::Ready(decision) => Ok(decision),
                Poll::Pending => Err(deciding),
            },
        }));
        asked.unwrap_or_else(|panic| Ok(self.panicked(&*panic)))
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> Decision {
        self.authority.report_panic(panic);
        Decision::deny("it could not be authorized")
    }

    fn carry_out(
        &mut self,
        action: &Action<'_>,
        decision: Decision,
        inquiry: &mut Inquiry,
        now: Time,
    ) {
        match decision {
            Decision::Deny(text) => {
                return inquiry.refuse(Refusal { code: ErrorCode::Denied, text: reason(text) });
            }
            Decision::AllowFor(time) => self.grants.grant(action, now + time),
            Decision::Allow => {}
        }
        if let Action::Join { room } = action
            && let Err(refusal) = self.authority.join(room)
        {
            inquiry.refuse(refusal);
        }
    }

    /// Lets a message wait for a decision about it, in front of all others.
    pub(crate) fn wait_for(
        &mut self,
        decision: Deciding,
        inquiry: Inquiry,
        waiting: Waiting,
        now: Time,
    ) {
        let deadline = now + self.timeout;
        self.pending = Some(Box::new(Pending { decision, inquiry, deadline }));
        self.queue.push_front(waiting);
    }

    /// The next message whose turn it is. `Pending`: it waits for a decision.
    pub(crate) fn poll_next(&mut self, now: Time, context: &mut Context<'_>) -> Poll<Option<Turn>> {
        let decided = match &mut self.pending {
            None => None,
            Some(pending) => {
                let polled =
                    catch_unwind(AssertUnwindSafe(|| pending.decision.as_mut().poll(context)));
                let decision = match polled {
                    Ok(Poll::Ready(decision)) => decision,
                    Ok(Poll::Pending) if now < pending.deadline => return Poll::Pending,
                    Ok(Poll::Pending) => {
                        tracing::warn!("a decision took longer than {:?}", self.timeout);
                        Decision::deny("its authorization took too long")
                    }
                    Err(panic) => self.panicked(&*panic),
                };
                self.give_up().map(|inquiry| (inquiry, decision))
            }
        };
        Poll::Ready(self.queue.pop_front().map(|waiting| Turn { waiting, decided }))
    }

    /// Takes the decision that a message waited for; the rest is to be [asked for](Self::ask).
    pub(crate) fn decide(
        &mut self,
        incoming: &Incoming<'_>,
        inquiry: &mut Inquiry,
        decision: Decision,
        now: Time,
    ) {
        let last = inquiry.asked.checked_sub(1);
        if let Some(action) = last.and_then(|last| questions(incoming).nth(last)) {
            self.carry_out(&action, decision, inquiry, now);
        }
    }

    /// Waits no longer for the decision.
    fn give_up(&mut self) -> Option<Inquiry> {
        let Pending { decision, inquiry, .. } = *self.pending.take()?;
        // It is the application's, and so is what it does when it goes.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(decision))) {
            self.authority.report_panic(&*panic);
        }
        Some(inquiry)
    }

    /// The connection ends: nothing is decided any more. How many messages that the account counts have waited.
    pub(crate) fn abandon(&mut self) -> u64 {
        let _undecided = self.give_up();
        std::mem::take(&mut self.queue).counted()
    }

    /// Gives the memory of an idle connection back.
    pub(crate) fn release_memory(&mut self, now: Time) {
        self.grants.release_memory(now);
        if self.queue.is_empty() {
            self.queue = Queue::default();
        }
    }
}

/// A reason that says something, and is short enough for any frame.
fn reason(text: Cow<'static, str>) -> Cow<'static, str> {
    if text.is_empty() {
        return Cow::Borrowed("the server does not allow it");
    }
    if text.len() <= MAX_REASON {
        return text;
    }
    let mut end = MAX_REASON;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(text[..end].to_owned())
}

/// The longest reason of a denial, in bytes: as a room's name. A longer one might not fit a frame, and then
/// nobody would be told.
const MAX_REASON: usize = 255;

#[cfg(test)]
mod tests;
