//! What everybody who sends on a connection shares, and who writes.
//!
//! A frame is queued under the mutex; no system call happens under it. Then one of these flushes:
//!
//! * in a [batch](super::batch): its end, once for all frames;
//! * a lone request, a queue of [`INLINE_FLUSH`](send::INLINE_FLUSH) bytes or above its soft mark: the producer itself, at
//!   once;
//! * else: the connection's driver, woken once for all frames that come before it runs;
//! * after the kernel was full: the driver, when it takes bytes again.
//!
//! Whoever flushes takes the whole content of the outbox, so there is one writer at a time and the
//! frames stay in order.

mod account;
mod answers;
mod flush;
mod leave;
mod life;
mod send;
mod streams;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use futures_util::task::AtomicWaker;
use gatewire_codec::{Target, ValueRef};
use gatewire_core::session::{OutboxLimits, StreamLimits};
use gatewire_core::{Ledger, Time};
use gatewire_format::Formats;
use tokio::sync::Notify;

use account::Account;
use answers::Answers;
use leave::Leaving;
use send::Offline;
pub(crate) use send::with_scratch;
pub(crate) use streams::{LinkOutbound, StreamGone, WatchStream};

use super::pipes::Pipes;
use super::transport::Transport;
use crate::clock::Clock;
use crate::error::{DisconnectReason, EmitError, Error};
use crate::wire::Wire;

/// The owner of a link: what a batch or a relay can hold without knowing more.
pub(crate) trait HasLink: Send + Sync + 'static {
    fn link(&self) -> &Link;

    /// The bounds of the streams that come in.
    fn stream_limits(&self) -> StreamLimits;

    /// Something went wrong that no caller waits for.
    fn report(&self, error: Error);

    /// The outbox was above its soft mark and is below it again.
    fn drained(&self);

    /// Whether the wire that the owner was built for can carry this. What a peer that came by itself speaks is looked
    /// at when the frame is written.
    fn check(
        &self,
        _event: &str,
        _value: ValueRef<'_>,
        _target: Option<&Target<'_>>,
    ) -> Result<(), EmitError> {
        Ok(())
    }
}

/// See the [module's documentation](self).
pub(crate) struct Link {
    shared: Mutex<Shared>,
    driver: AtomicWaker,
    scheduled: AtomicBool,
    /// For those who wait for the outbox to be written, or for the end.
    changed: Notify,
    /// The batch that will flush this link; 0: none.
    dirty: AtomicU64,
    /// Whether the outbox is long, and mostly with answers.
    behind: AtomicBool,
    /// How many answers the driver's last turn brought.
    burst: AtomicUsize,
    /// The connection that is, or that comes next.
    session: AtomicU64,
    /// The streams that come in. Made with the first.
    pipes: Mutex<Option<Box<Pipes>>>,
    pub(crate) formats: Formats,
    pub(crate) clock: Clock,
}

/// One connection of a link. What belongs to a connection, an answer above all, must not reach the
/// next one: ids of requests begin anew there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session(u64);

struct Shared {
    outbound: LinkOutbound,
    /// `None`: offline (a client) or ended.
    stream: Option<Arc<Transport>>,
    /// What may be queued without a stream.
    offline: Offline,
    /// When the driver's timer goes off.
    armed: Time,
    /// Why the driver is to end the connection.
    ending: Option<DisconnectReason>,
    /// Set while the connection is about to be left for another.
    leaving: Option<Box<Leaving>>,
    /// A write has failed: nothing more will go out.
    broken: bool,
    /// Whether the kernel was told to keep its queue short, since streams are open.
    short_queue: bool,
    /// Whether the outbox is above its soft mark, or was and the driver has not told yet.
    congested: bool,
    answers: Answers,
    /// Whether somebody waits for the outbox to be written.
    waited_for: bool,
    /// What the peer speaks.
    wire: Wire,
    /// The drivers' accounts of what came in.
    inbound: Account,
}

impl Shared {
    /// Whether the outbox is long, and mostly with answers. When it is long with events, the questions
    /// of the peer have no part in it: both sides may send at full speed, and none may wait for the
    /// other to read first.
    fn is_behind(&mut self) -> bool {
        let outbox = self.outbound.outbox();
        outbox.is_above_soft_mark()
            && self.answers.unwritten(outbox.written_bytes()) > outbox.queued_bytes() / 2
    }
}

impl Link {
    pub(crate) fn new(
        limits: OutboxLimits,
        max_frame: u32,
        formats: Formats,
        clock: Clock,
    ) -> Self {
        Self {
            shared: Mutex::new(Shared {
                outbound: LinkOutbound::new(max_frame, limits),
                stream: None,
                offline: Offline::Nothing,
                armed: Time::NEVER,
                ending: None,
                leaving: None,
                broken: false,
                short_queue: false,
                congested: false,
                answers: Answers::default(),
                waited_for: false,
                wire: Wire::V3,
                inbound: Account::default(),
            }),
            driver: AtomicWaker::new(),
            scheduled: AtomicBool::new(false),
            changed: Notify::new(),
            dirty: AtomicU64::new(0),
            behind: AtomicBool::new(false),
            burst: AtomicUsize::new(0),
            session: AtomicU64::new(0),
            pipes: Mutex::new(None),
            formats,
            clock,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic under the lock can only come from a user's format; the state is consistent.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with_outbound<R>(&self, f: impl FnOnce(&mut LinkOutbound) -> R) -> R {
        f(&mut self.lock().outbound)
    }

    pub(crate) fn clear_dirty(&self) {
        self.dirty.store(0, Ordering::Release);
    }

    /// Whether the peer does not read the answers to its questions, or did not and the driver has not
    /// looked since.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// Notes what the peer speaks, before anything is sent.
    #[cfg(feature = "legacy")]
    pub(crate) fn set_wire(&self, wire: Wire) {
        self.lock().wire = wire;
    }

    /// What the peer speaks.
    pub(crate) fn wire(&self) -> Wire {
        self.lock().wire
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.lock().outbound.outbox().queued_bytes()
    }

    pub(crate) fn session(&self) -> Session {
        Session(self.session.load(Ordering::Acquire))
    }

    /// For the driver: registers its task, and whether there is work.
    pub(crate) fn poll_driver(&self, context: &Context<'_>) {
        self.driver.register(context.waker());
        self.scheduled.store(false, Ordering::Release);
    }

    /// For the driver: how many answers this turn brought.
    pub(crate) fn note_answers(&self, count: usize) {
        self.burst.store(count, Ordering::Relaxed);
    }

    /// For the driver: why it is to end.
    pub(crate) fn ending(&self) -> Option<DisconnectReason> {
        self.lock().ending.clone()
    }

    /// For the driver: why it is to end, and whether it is to [leave](Self::try_leave) as soon as it can.
    pub(crate) fn plans(&self) -> (Option<DisconnectReason>, bool) {
        let shared = self.lock();
        (shared.ending.clone(), shared.leaving.is_some())
    }

    /// For the driver: the state of the outbox. `drained` and `caught_up` are told once.
    pub(crate) fn outbox_state(&self) -> OutboxState {
        let mut shared = self.lock();
        let outbox = shared.outbound.outbox();
        let (empty, blocked, written) =
            (outbox.is_empty(), outbox.is_blocked(), outbox.written_bytes());
        let drained = shared.congested && !outbox.is_above_soft_mark();
        shared.congested &= !drained;
        let caught_up = self.is_behind() && !shared.is_behind();
        if caught_up {
            self.behind.store(false, Ordering::Relaxed);
        }
        let (broken, waited_for) = (shared.broken, shared.waited_for);
        OutboxState { empty, blocked, broken, waited_for, drained, caught_up, written }
    }

    /// For the driver: notes its account, and when its timer goes off: at `due`, or earlier if a
    /// request expires before. Gives that time.
    pub(crate) fn note(&self, session: Session, inbound: Ledger, due: Time) -> Time {
        let mut shared = self.lock();
        shared.inbound.note(session, inbound);
        shared.armed = due.min(shared.outbound.next_deadline()).min(shared.leaves());
        shared.armed
    }

    /// Notes the account of a connection that has ended, while its last messages are handled.
    pub(crate) fn note_inbound(&self, session: Session, inbound: Ledger) {
        self.lock().inbound.note(session, inbound);
    }

    /// All messages of a connection that has ended are handled.
    pub(crate) fn end_inbound(&self, session: Session, inbound: Ledger) {
        self.lock().inbound.end(session, inbound);
    }

    /// What came in and what went out.
    pub(crate) fn ledgers(&self) -> (Ledger, Ledger) {
        let shared = self.lock();
        (shared.inbound.total(), *shared.outbound.outbox().ledger())
    }
}

/// An `Arc` of the owner of a link, cloned only where one is kept.
pub(crate) trait SharedOwner {
    fn as_owner(&self) -> &dyn HasLink;
    fn share(&self) -> Arc<dyn HasLink>;
}

impl<T: HasLink> SharedOwner for Arc<T> {
    fn as_owner(&self) -> &dyn HasLink {
        &**self
    }

    fn share(&self) -> Arc<dyn HasLink> {
        self.clone()
    }
}

impl SharedOwner for Arc<dyn HasLink> {
    fn as_owner(&self) -> &dyn HasLink {
        &**self
    }

    fn share(&self) -> Self {
        self.clone()
    }
}

/// What the driver has to know about the outbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutboxState {
    pub(crate) empty: bool,
    pub(crate) blocked: bool,
    /// A write has failed: what is queued will never be written.
    pub(crate) broken: bool,
    /// Somebody waits for bytes to be written.
    pub(crate) waited_for: bool,
    /// It was above its soft mark, and is below again.
    pub(crate) drained: bool,
    /// The peer did not read its answers, and does again.
    pub(crate) caught_up: bool,
    /// Bytes written so far: progress.
    pub(crate) written: u64,
}
