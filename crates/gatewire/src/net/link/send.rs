//! From an event, a request or an answer to a frame in the outbox, and who writes it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use gatewire_codec::EncodeError;
use gatewire_core::Time;
use gatewire_core::session::{Class, Frames, SendError};
use gatewire_format::{EncodeContext, IntoValue, ValueRef};

use super::{HasLink, Link, LinkOutbound, Session, Shared, SharedOwner};
use crate::error::{DisconnectReason, EmitError};
use crate::net::batch;
use crate::net::waiter::Waiter;

/// A producer that has queued this much writes by itself, so that a loop without an await neither
/// fills the queue nor waits: the size of a write from which on
/// larger ones save nothing (`docs/decisions.md`, "Who flushes").
pub(super) const INLINE_FLUSH: usize = 256 << 10;

impl Link {
    /// Queues something, then sees to it that it is written. `Err` if it was not queued.
    ///
    /// `offline`: what a link without a stream must take. `urgent`: whether somebody waits for it.
    pub(super) fn send<R>(
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
        if offline == Offline::Everything && shared.refuses_requests() {
            return Err(EmitError::NotConnected);
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

    /// Queues a frame before all others that wait; see [`Outbound::push_ahead`](gatewire_core::session::Outbound).
    pub(crate) fn send_ahead(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        frame: &[u8],
    ) -> Result<(), EmitError> {
        let push = |shared: &mut Shared| shared.outbound.push_ahead(frame);
        let ((), _) = self.queue(Offline::Events, push, |_| false)?;
        self.schedule(owner);
        Ok(())
    }

    /// Queues what `encode` writes, under somebody's lock, as [`queue_frames`](Self::queue_frames) does.
    pub(crate) fn queue_with(
        &self,
        owner: &Arc<impl HasLink>,
        class: Class,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<bool, EmitError> {
        let push = |shared: &mut Shared| shared.outbound.push_with(class, encode);
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
            owner.check(event, value, None)?;
            self.command(owner, |outbound| outbound.emit(class, event, value))
        })
    }

    /// Queues whatever `push` does.
    pub(crate) fn command<R>(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        push: impl FnOnce(&mut LinkOutbound) -> Result<R, SendError>,
    ) -> Result<R, EmitError> {
        self.send(owner, Offline::Events, |shared| push(&mut shared.outbound), |_| false)
    }

    /// Queues an answer, if the connection that brought the question is still there.
    pub(crate) fn answer(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        session: Session,
        push: impl FnOnce(&mut LinkOutbound) -> Result<(), SendError>,
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
            shared.leave_behind(written + queued as u64);
            shared.answers.queue(written + queued as u64, queued.saturating_sub(before));
            if shared.is_behind() {
                self.behind.store(true, Ordering::Relaxed);
            }
            Ok(())
        };
        self.send(owner, Offline::Answers, push, |_| false)
    }

    /// Queues a request; its id. A lone one is written at once, since its caller waits for the answer;
    /// when others wait too they go together. Nor is one lone when several answers came together: who
    /// waited for the others is about to ask again as well.
    pub(crate) fn request(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        deadline: Time,
        push: impl FnOnce(&mut LinkOutbound, Time) -> Result<u32, (SendError, Waiter)>,
    ) -> Result<u32, EmitError> {
        let push = |shared: &mut Shared| self.push_request(shared, deadline, push);
        let lone = |shared: &Shared| {
            // Each stream is a pending request too.
            shared.outbound.pending_requests() == 1 + shared.outbound.open_streams()
                && self.burst.load(Ordering::Relaxed) <= 1
        };
        self.send(owner, Offline::Everything, push, lone)
    }

    /// As [`request`](Self::request), of many that are asked the same: the peer's driver or the batch writes it,
    /// so that who asks does not write to each of them in turn.
    pub(crate) fn request_of_many(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        deadline: Time,
        push: impl FnOnce(&mut LinkOutbound, Time) -> Result<u32, (SendError, Waiter)>,
    ) -> Result<u32, EmitError> {
        let push = |shared: &mut Shared| self.push_request(shared, deadline, push);
        self.send(owner, Offline::Everything, push, |_| false)
    }

    #[inline]
    fn push_request(
        &self,
        shared: &mut Shared,
        deadline: Time,
        push: impl FnOnce(&mut LinkOutbound, Time) -> Result<u32, (SendError, Waiter)>,
    ) -> Result<u32, SendError> {
        let id = push(&mut shared.outbound, deadline).map_err(|(error, _)| error)?;
        if deadline < shared.armed {
            // The driver sleeps for longer than this request may take.
            self.driver.wake();
        }
        Ok(id)
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
}

/// What a link without a stream takes; each includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Offline {
    /// A client without an offline queue, or the end.
    Nothing,
    /// A client with one: what may wait for the next connection.
    Events,
    /// Besides, what goes on with what was begun on a connection: no link without a stream has one.
    Answers,
    /// A server's socket whose stream is about to come.
    Everything,
}

/// When a frame that was queued is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flush {
    /// By this thread, at once.
    Now,
    /// By this thread, at once or at the end of its batch.
    NowUnlessBatched,
    /// At the end of the batch, or by the driver.
    Later,
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
