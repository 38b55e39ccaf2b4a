//! What everybody who sends on a connection shares, and who writes.
//!
//! A frame is queued under the mutex; no system call happens under it. Then one of these flushes:
//!
//! * in a [batch](super::batch): its end, once for all frames;
//! * a lone request, a queue of [`INLINE_FLUSH`] bytes or above its soft mark: the producer itself, at
//!   once;
//! * else: the connection's driver, woken once for all frames that come before it runs;
//! * after the kernel was full: the driver, when it takes bytes again.
//!
//! Whoever flushes takes the whole content of the outbox, so there is one writer at a time and the
//! frames stay in order.

mod account;
mod answers;
mod flush;
mod life;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use futures_util::task::AtomicWaker;
use gatewire_core::session::{Class, Frames, Outbound, OutboxLimits, SendError};
use gatewire_core::{Ledger, Time};
use gatewire_format::{EncodeContext, Formats, IntoValue, ValueRef};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

use account::Account;
use answers::Answers;

use super::batch;
use super::waiter::Waiter;
use crate::clock::Clock;
use crate::error::{DisconnectReason, EmitError, Error};

/// A producer that has queued this much writes by itself, so that a loop without an await neither
/// fills the queue nor waits: the size of a large write, after which one more costs little.
const INLINE_FLUSH: usize = 64 << 10;

/// The owner of a link: what a batch or a relay can hold without knowing more.
pub(crate) trait HasLink: Send + Sync + 'static {
    fn link(&self) -> &Link;

    /// Something went wrong that no caller waits for.
    fn report(&self, error: Error);

    /// The outbox was above its soft mark and is below it again.
    fn drained(&self);
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
    pub(crate) formats: Formats,
    pub(crate) clock: Clock,
}

/// One connection of a link. What belongs to a connection, an answer above all, must not reach the
/// next one: ids of requests begin anew there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session(u64);

struct Shared {
    outbound: Outbound<Waiter>,
    /// `None`: offline (a client) or ended.
    stream: Option<Arc<OwnedWriteHalf>>,
    /// What may be queued without a stream.
    offline: Offline,
    /// When the driver's timer goes off.
    armed: Time,
    /// Why the driver is to end the connection.
    ending: Option<DisconnectReason>,
    /// A write has failed: nothing more will go out.
    broken: bool,
    /// Whether the outbox is above its soft mark, or was and the driver has not told yet.
    congested: bool,
    answers: Answers,
    /// Whether somebody waits for the outbox to be written.
    waited_for: bool,
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
                outbound: Outbound::new(max_frame, limits),
                stream: None,
                offline: Offline::Nothing,
                armed: Time::NEVER,
                ending: None,
                broken: false,
                congested: false,
                answers: Answers::default(),
                waited_for: false,
                inbound: Account::default(),
            }),
            driver: AtomicWaker::new(),
            scheduled: AtomicBool::new(false),
            changed: Notify::new(),
            dirty: AtomicU64::new(0),
            behind: AtomicBool::new(false),
            burst: AtomicUsize::new(0),
            session: AtomicU64::new(0),
            formats,
            clock,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic under the lock can only come from a user's format; the state is consistent.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with_outbound<R>(&self, f: impl FnOnce(&mut Outbound<Waiter>) -> R) -> R {
        f(&mut self.lock().outbound)
    }

    /// Queues something, then sees to it that it is written. `Err` if it was not queued.
    ///
    /// `offline`: what a link without a stream must take. `urgent`: whether somebody waits for it.
    fn send<R>(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        offline: Offline,
        push: impl FnOnce(&mut Shared) -> Result<R, SendError>,
        urgent: impl FnOnce(&Shared) -> bool,
    ) -> Result<R, EmitError> {
        let (result, flush) = self.queue(offline, push, urgent)?;
        self.settle(owner, flush);
        Ok(result)
    }

    /// Queues something and writes nothing: when it is to be written.
    fn queue<R>(
        &self,
        offline: Offline,
        push: impl FnOnce(&mut Shared) -> Result<R, SendError>,
        urgent: impl FnOnce(&Shared) -> bool,
    ) -> Result<(R, Flush), EmitError> {
        let mut shared = self.lock();
        if shared.stream.is_none() && shared.offline < offline {
            let closed = shared.ending.is_some() || shared.outbound.is_closing();
            return Err(if closed { EmitError::Closed } else { EmitError::NotConnected });
        }
        let result = push(&mut shared);
        let above = shared.outbound.outbox().is_above_soft_mark();
        shared.congested |= above;
        if result.as_ref().is_err_and(|error| *error == SendError::SlowConsumer) {
            shared.ending.get_or_insert(DisconnectReason::SlowConsumer);
            self.driver.wake();
        }
        let outbox = shared.outbound.outbox();
        let flush = match result {
            _ if outbox.is_blocked() || shared.stream.is_none() => Flush::Later,
            _ if outbox.queued_bytes() >= INLINE_FLUSH || above => Flush::Now,
            _ if urgent(&shared) => Flush::NowUnlessBatched,
            _ => Flush::Later,
        };
        Ok((result?, flush))
    }

    /// Writes what was queued, or sees to it that it is written.
    fn settle(&self, owner: &(impl SharedOwner + ?Sized), flush: Flush) {
        match flush {
            Flush::Now => self.flush(),
            Flush::NowUnlessBatched if !self.defer(owner) => self.flush(),
            Flush::NowUnlessBatched => {}
            Flush::Later => self.schedule(owner),
        }
    }

    /// Queues events that others share, under somebody's lock: nothing is written here. `true`: the
    /// queue is long, and the caller is to [flush](Self::flush) it without that lock.
    pub(crate) fn queue_frames(
        &self,
        owner: &Arc<impl HasLink>,
        class: Class,
        frames: &Frames<'_>,
    ) -> Result<bool, EmitError> {
        let push = |shared: &mut Shared| shared.outbound.emit_encoded(class, frames);
        let ((), flush) = self.queue(Offline::Events, push, |_| false)?;
        let now = matches!(flush, Flush::Now);
        if !now {
            self.schedule(owner);
        }
        Ok(now)
    }

    /// Queues an event.
    pub(crate) fn emit(
        &self,
        owner: &Arc<impl HasLink>,
        class: Class,
        event: &str,
        value: &(impl IntoValue + ?Sized),
    ) -> Result<(), EmitError> {
        self.with_value(event, value, |value| {
            self.command(owner, |outbound| outbound.emit(class, event, value))
        })
    }

    /// Queues whatever `push` does.
    pub(crate) fn command<R>(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        push: impl FnOnce(&mut Outbound<Waiter>) -> Result<R, SendError>,
    ) -> Result<R, EmitError> {
        self.send(owner, Offline::Events, |shared| push(&mut shared.outbound), |_| false)
    }

    /// Queues an answer, if the connection that brought the question is still there.
    pub(crate) fn answer(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        session: Session,
        push: impl FnOnce(&mut Outbound<Waiter>) -> Result<(), SendError>,
    ) -> Result<(), EmitError> {
        let push = |shared: &mut Shared| {
            // It changes under the lock only.
            if self.session() != session {
                return Err(SendError::Closed);
            }
            let before = shared.outbound.outbox().queued_bytes();
            push(&mut shared.outbound)?;
            let outbox = shared.outbound.outbox();
            let (queued, written) = (outbox.queued_bytes(), outbox.written_bytes());
            shared.answers.queue(written + queued as u64, queued.saturating_sub(before));
            if shared.is_behind() {
                self.behind.store(true, Ordering::Relaxed);
            }
            Ok(())
        };
        self.send(owner, Offline::Everything, push, |_| false)
    }

    /// Queues a request; its id. A lone one is written at once, since its caller waits for the answer;
    /// when others wait too they go together. Nor is one lone when several answers came together: who
    /// waited for the others is about to ask again as well.
    pub(crate) fn request(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        deadline: Time,
        push: impl FnOnce(&mut Outbound<Waiter>, Time) -> Result<u32, (SendError, Waiter)>,
    ) -> Result<u32, EmitError> {
        let push = |shared: &mut Shared| {
            let id = push(&mut shared.outbound, deadline).map_err(|(error, _)| error)?;
            if deadline < shared.armed {
                // The driver sleeps for longer than this request may take.
                self.driver.wake();
            }
            Ok(id)
        };
        let lone = |shared: &Shared| {
            shared.outbound.pending_requests() == 1 && self.burst.load(Ordering::Relaxed) <= 1
        };
        self.send(owner, Offline::Everything, push, lone)
    }

    /// Encodes a value and lends it to `f`. The memory for objects is kept per thread.
    pub(crate) fn with_value<R>(
        &self,
        event: &str,
        value: &(impl IntoValue + ?Sized),
        f: impl FnOnce(ValueRef<'_>) -> Result<R, EmitError>,
    ) -> Result<R, EmitError> {
        with_scratch(value.uses_scratch(), |scratch| {
            f(value.to_value(EncodeContext::new(&self.formats, event, scratch))?)
        })
    }

    /// Sees to it that what is queued is written soon.
    pub(crate) fn schedule(&self, owner: &(impl SharedOwner + ?Sized)) {
        if !self.defer(owner) {
            self.wake_driver();
        }
    }

    /// Leaves the flush to the batch of this thread; `false`: there is none.
    fn defer(&self, owner: &(impl SharedOwner + ?Sized)) -> bool {
        let batch = batch::current();
        if batch == 0 {
            return false;
        }
        if self.dirty.load(Ordering::Acquire) == batch {
            return true;
        }
        // A batch of another thread may last: what that one is to flush does not wait for it here.
        let mine =
            self.dirty.compare_exchange(0, batch, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if mine {
            batch::flush_at_end(owner.share());
        }
        mine
    }

    fn wake_driver(&self) {
        // Read first: a swap costs as much as the lock. The driver takes the lock after it has cleared
        // the flag, so who still sees the flag set has queued before that and is flushed.
        if !self.scheduled.load(Ordering::Acquire) && !self.scheduled.swap(true, Ordering::AcqRel) {
            self.driver.wake();
        }
    }

    pub(crate) fn clear_dirty(&self) {
        self.dirty.store(0, Ordering::Release);
    }

    /// Whether the peer does not read the answers to its questions, or did not and the driver has not
    /// looked since.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
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
        OutboxState { empty, blocked, broken: shared.broken, drained, caught_up, written }
    }

    /// For the driver: notes its account, and when its timer goes off: at `due`, or earlier if a
    /// request expires before. Gives that time.
    pub(crate) fn note(&self, session: Session, inbound: Ledger, due: Time) -> Time {
        let mut shared = self.lock();
        shared.inbound.note(session, inbound);
        shared.armed = due.min(shared.outbound.next_deadline());
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

/// What a link without a stream takes; each includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Offline {
    /// A client without an offline queue, or the end.
    Nothing,
    /// A client with one: what may wait for the next connection.
    Events,
    /// A server's socket whose stream is about to come.
    Everything,
}

/// When a frame that was queued is written.
#[derive(Debug, Clone, Copy)]
enum Flush {
    /// By this thread, at once.
    Now,
    /// By this thread, at once or at the end of its batch.
    NowUnlessBatched,
    /// At the end of the batch, or by the driver.
    Later,
}

/// What the driver has to know about the outbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutboxState {
    pub(crate) empty: bool,
    pub(crate) blocked: bool,
    /// A write has failed: what is queued will never be written.
    pub(crate) broken: bool,
    /// It was above its soft mark, and is below again.
    pub(crate) drained: bool,
    /// The peer did not read its answers, and does again.
    pub(crate) caught_up: bool,
    /// Bytes written so far: progress.
    pub(crate) written: u64,
}

/// Lends this thread's scratch memory, if it is needed. Large ones are not kept.
#[inline]
pub(crate) fn with_scratch<R>(needed: bool, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    use std::cell::Cell;

    /// What a thread keeps.
    const KEEP: usize = 64 << 10;
    thread_local! {
        static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }

    if !needed {
        return f(&mut Vec::new());
    }
    let mut scratch = SCRATCH.take();
    let result = f(&mut scratch);
    if scratch.capacity() <= KEEP {
        SCRATCH.set(scratch);
    }
    result
}
