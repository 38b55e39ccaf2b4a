//! What everybody who sends on a connection shares, and who writes.
//!
//! A frame is queued under the mutex; no system call happens under it. Then one of these flushes:
//!
//! * in a [batch](super::batch): its end, once for all frames;
//! * a lone request or a queue of [`INLINE_FLUSH`] bytes: the producer itself, at once;
//! * else: the connection's driver, woken once for all frames that come before it runs;
//! * after the kernel was full: the driver, when it takes bytes again.
//!
//! Whoever flushes takes the whole content of the outbox, so there is one writer at a time and the
//! frames stay in order.

use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use gatewire_codec::{CloseCode, LENGTH_PREFIX, Message, Names, v3};
use gatewire_core::session::{Batch, Class, Outbound, OutboxLimits, SendError};
use gatewire_core::{Ledger, Time};
use gatewire_format::{EncodeContext, FormatError, Formats, IntoValue, ValueRef};
use tokio::net::tcp::OwnedWriteHalf;

use super::batch::defer_flush;
use super::waiter::Waiter;
use crate::clock::Clock;
use crate::error::{DisconnectReason, EmitError, Error, RequestError};

/// A producer that has queued this much writes by itself, so that a loop without an await neither
/// fills the queue nor waits: the size of a large write, after which one more costs little.
const INLINE_FLUSH: usize = 64 << 10;

/// Pieces of one vectored write: as many as cost no more than they save.
const MAX_SLICES: usize = 64;

/// The owner of a link: what a batch or a relay can hold without knowing more.
pub(crate) trait HasLink: Send + Sync + 'static {
    fn link(&self) -> &Link;

    /// Something went wrong that no caller waits for.
    fn report(&self, error: Error);
}

/// See the [module's documentation](self).
pub(crate) struct Link {
    shared: Mutex<Shared>,
    driver: AtomicWaker,
    scheduled: AtomicBool,
    dirty: AtomicBool,
    pub(crate) formats: Formats,
    pub(crate) clock: Clock,
}

struct Shared {
    outbound: Outbound<Waiter>,
    /// `None`: offline (a client) or ended.
    stream: Option<Arc<OwnedWriteHalf>>,
    /// Whether frames may be queued without a stream.
    offline_queue: bool,
    /// When the driver's timer goes off.
    armed: Time,
    /// Why the driver is to end the connection.
    ending: Option<DisconnectReason>,
    /// Tasks that wait for room in the outbox.
    ready: Vec<Waker>,
    /// The driver's account of what came in.
    inbound: Ledger,
}

impl Shared {
    /// Wakes this task when the outbox has been written to below its soft mark.
    fn wait(&mut self, context: &Context<'_>) {
        if !self.ready.iter().any(|waker| waker.will_wake(context.waker())) {
            self.ready.push(context.waker().clone());
        }
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
                offline_queue: false,
                armed: Time::NEVER,
                ending: None,
                ready: Vec::new(),
                inbound: Ledger::default(),
            }),
            driver: AtomicWaker::new(),
            scheduled: AtomicBool::new(false),
            dirty: AtomicBool::new(false),
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
    fn send<R>(
        &self,
        owner: &Arc<impl HasLink>,
        push: impl FnOnce(&mut Outbound<Waiter>) -> Result<R, SendError>,
    ) -> Result<R, EmitError> {
        self.send_with(owner, true, |shared| push(&mut shared.outbound))
    }

    fn send_with<R, T: HasLink + ?Sized>(
        &self,
        owner: &Arc<T>,
        may_queue_offline: bool,
        push: impl FnOnce(&mut Shared) -> Result<R, SendError>,
    ) -> Result<R, EmitError>
    where
        Arc<T>: IntoShared,
    {
        let (result, flush) = {
            let mut shared = self.lock();
            if shared.stream.is_none() && !(may_queue_offline && shared.offline_queue) {
                let closed = shared.ending.is_some() || shared.outbound.is_closing();
                return Err(if closed { EmitError::Closed } else { EmitError::NotConnected });
            }
            let result = push(&mut shared);
            let outbox = shared.outbound.outbox();
            let flush = outbox.queued_bytes() >= INLINE_FLUSH
                && !outbox.is_blocked()
                && shared.stream.is_some();
            if result.as_ref().is_err_and(|error| *error == SendError::SlowConsumer) {
                shared.ending.get_or_insert(DisconnectReason::SlowConsumer);
            }
            (result, flush)
        };
        match &result {
            Err(SendError::SlowConsumer) => self.driver.wake(),
            Err(_) => {}
            Ok(_) if flush => self.flush(),
            Ok(_) => self.schedule(owner),
        }
        result.map_err(EmitError::from)
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
            self.send(owner, |outbound| outbound.emit(class, event, value))
        })?
    }

    /// Queues whatever `push` does.
    pub(crate) fn command<R>(
        &self,
        owner: &Arc<impl HasLink>,
        push: impl FnOnce(&mut Outbound<Waiter>) -> Result<R, SendError>,
    ) -> Result<R, EmitError> {
        self.send(owner, push)
    }

    /// Queues a request; its id. A lone one is written at once, since its caller waits for the answer;
    /// when others wait too they go together.
    pub(crate) fn request<T: HasLink + ?Sized>(
        &self,
        owner: &Arc<T>,
        deadline: Time,
        push: impl FnOnce(&mut Outbound<Waiter>, Time) -> Result<u32, (SendError, Waiter)>,
    ) -> Result<u32, EmitError>
    where
        Arc<T>: IntoShared,
    {
        let mut lone = false;
        let id = self.send_with(owner, false, |shared| {
            let id = push(&mut shared.outbound, deadline).map_err(|(error, _)| error)?;
            lone = shared.outbound.pending_requests() == 1;
            if deadline < shared.armed {
                // The driver sleeps for longer than this request may take.
                self.driver.wake();
            }
            Ok(id)
        })?;
        if lone && !defer_flush(|| Arc::clone(owner).into_shared(), || false) {
            self.flush();
        }
        Ok(id)
    }

    /// Encodes a value and lends it to `f`. The memory for objects is kept per thread.
    pub(crate) fn with_value<R>(
        &self,
        event: &str,
        value: &(impl IntoValue + ?Sized),
        f: impl FnOnce(ValueRef<'_>) -> R,
    ) -> Result<R, FormatError> {
        with_scratch(|scratch| {
            Ok(f(value.to_value(EncodeContext::new(&self.formats, event, scratch))?))
        })
    }

    /// Sees to it that what is queued is written soon.
    pub(crate) fn schedule<T: HasLink + ?Sized>(&self, owner: &Arc<T>)
    where
        Arc<T>: IntoShared,
    {
        let newly_dirty = || !self.dirty.swap(true, Ordering::AcqRel);
        if !defer_flush(|| owner.clone().into_shared(), newly_dirty) {
            self.wake_driver();
        }
    }

    fn wake_driver(&self) {
        if !self.scheduled.swap(true, Ordering::AcqRel) {
            self.driver.wake();
        }
    }

    pub(crate) fn clear_dirty(&self) {
        self.dirty.store(false, Ordering::Release);
    }

    /// Writes what is queued until nothing is left or the kernel takes no more. Does nothing while
    /// another thread writes, or while the kernel is known to be full.
    pub(crate) fn flush(&self) {
        self.flush_if(|blocked| !blocked);
    }

    /// As [`flush`](Self::flush), also when the kernel was full: it takes bytes again.
    pub(crate) fn flush_writable(&self) {
        self.flush_if(|_| true);
    }

    fn flush_if(&self, go: impl Fn(bool) -> bool) {
        loop {
            let (mut batch, stream) = {
                let mut shared = self.lock();
                if !go(shared.outbound.outbox().is_blocked()) {
                    return;
                }
                let Some(stream) = shared.stream.clone() else { return };
                let Some(batch) = shared.outbound.outbox_mut().take() else { return };
                (batch, stream)
            };
            let result = write(&stream, &mut batch);
            let ready = {
                let mut shared = self.lock();
                shared.outbound.outbox_mut().give_back(batch);
                if let Err(error) = &result {
                    shared.ending.get_or_insert(DisconnectReason::Io(error.kind()));
                }
                let above = shared.outbound.outbox().is_above_soft_mark();
                if above { Vec::new() } else { std::mem::take(&mut shared.ready) }
            };
            ready.into_iter().for_each(Waker::wake);
            match result {
                // Others may have queued more in the meantime.
                Ok(Written::All) => {}
                Ok(Written::Blocked) | Err(_) => {
                    self.driver.wake();
                    return;
                }
            }
        }
    }

    /// Waits until the outbox is below its soft mark.
    pub(crate) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), EmitError>> {
        let flush = {
            let mut shared = self.lock();
            if shared.outbound.is_closing() || shared.ending.is_some() {
                return Poll::Ready(Err(EmitError::Closed));
            }
            let outbox = shared.outbound.outbox();
            if !outbox.is_above_soft_mark() {
                return Poll::Ready(Ok(()));
            }
            let flush = !outbox.is_blocked();
            shared.wait(context);
            flush
        };
        if flush {
            self.flush();
        }
        Poll::Pending
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.lock().outbound.outbox().queued_bytes()
    }

    /// The outbox overflowed and the policy is to disconnect.
    pub(crate) fn overflowed(&self) {
        self.end_for(DisconnectReason::SlowConsumer);
    }

    /// The driver is to end the connection; it tells the peer why, if there is a code for it.
    pub(crate) fn end_for(&self, reason: DisconnectReason) {
        self.lock().ending.get_or_insert(reason);
        self.driver.wake();
    }

    /// Ends the connection for this reason. What is queued is still written, within a grace.
    pub(crate) fn end(&self, reason: DisconnectReason, code: CloseCode, text: &str) {
        let mut shared = self.lock();
        shared.outbound.close(code, text);
        shared.ending.get_or_insert(reason);
        drop(shared);
        self.driver.wake();
    }

    /// For the driver: registers its task, and whether there is work.
    pub(crate) fn poll_driver(&self, context: &Context<'_>) {
        self.driver.register(context.waker());
        self.scheduled.store(false, Ordering::Release);
    }

    /// For the driver: why it is to end.
    pub(crate) fn ending(&self) -> Option<DisconnectReason> {
        self.lock().ending.clone()
    }

    /// For the driver: the state of the outbox.
    pub(crate) fn outbox_state(&self) -> OutboxState {
        let shared = self.lock();
        let outbox = shared.outbound.outbox();
        OutboxState {
            empty: outbox.is_empty(),
            blocked: outbox.is_blocked(),
            written: outbox.written_bytes(),
            next_deadline: shared.outbound.next_deadline(),
        }
    }

    /// For the driver: notes its account and its timer.
    pub(crate) fn note(&self, inbound: Ledger, armed: Time) {
        let mut shared = self.lock();
        shared.inbound = inbound;
        shared.armed = armed;
    }

    /// A connection begins. `rooms` are joined again before anything that waits is sent.
    pub(crate) fn attach(
        &self,
        stream: Arc<OwnedWriteHalf>,
        max_frame: u32,
        limits: OutboxLimits,
        rooms: &[String],
    ) {
        let mut shared = self.lock();
        shared.outbound.reconnect(max_frame, limits);
        if !rooms.is_empty() {
            let joined = shared.outbound.rejoin(Names::from_strings(rooms));
            debug_assert_eq!(joined, Ok(()), "these names were joined before");
        }
        shared.stream = Some(stream);
        shared.ending = None;
    }

    /// The connection has ended for good.
    pub(crate) async fn end_requests(&self) {
        while !self.detach(None) {
            tokio::task::yield_now().await;
        }
    }

    /// The connection is lost, another will come: events that were queued wait for it.
    pub(crate) async fn go_offline(&self, limits: OutboxLimits) {
        while !self.detach(Some(limits)) {
            tokio::task::yield_now().await;
        }
    }

    /// The connection has ended. Its pending requests end too; queued events stay if `keep`, and
    /// frames may be queued from now on within those limits. `false`: another thread is writing;
    /// call again.
    fn detach(&self, keep: Option<OutboxLimits>) -> bool {
        let (unsent, lost, ready) = {
            let mut shared = self.lock();
            shared.stream = None;
            if shared.outbound.outbox().is_in_flight() {
                return false;
            }
            let mut unsent_ids = Vec::new();
            shared.outbound.outbox_mut().disconnect(|frame| {
                match v3::decode(frame.get(LENGTH_PREFIX..).unwrap_or_default()) {
                    Ok(Message::Event { .. } | Message::Publish { request: None, .. }) => {
                        keep.is_some()
                    }
                    Ok(
                        Message::Request { id, .. }
                        | Message::Publish { request: Some(id), .. }
                        | Message::Join { id, .. }
                        | Message::Leave { id, .. }
                        | Message::LeaveAll { id },
                    ) => {
                        unsent_ids.push(id);
                        false
                    }
                    _ => false,
                }
            });
            let unsent: Vec<Waiter> =
                unsent_ids.into_iter().filter_map(|id| shared.outbound.answered(id)).collect();
            let lost = shared.outbound.disconnect(|_| true);
            shared.offline_queue = keep.is_some();
            if keep.is_none() {
                shared.ending.get_or_insert(DisconnectReason::Closed);
            }
            if let Some(limits) = keep {
                // The client is not closing: what is queued now waits for the next connection.
                shared.ending = None;
                shared.outbound.reconnect(u32::MAX, limits);
            }
            (unsent, lost, std::mem::take(&mut shared.ready))
        };
        ready.into_iter().for_each(Waker::wake);
        for waiter in unsent {
            waiter.complete(Err(RequestError::NotSent(EmitError::NotConnected)));
        }
        for waiter in lost {
            waiter.complete(Err(RequestError::MaybeDelivered));
        }
        true
    }

    /// Allows frames without a connection, within these limits.
    pub(crate) fn allow_offline_queue(&self, limits: OutboxLimits) {
        let mut shared = self.lock();
        shared.offline_queue = true;
        shared.outbound.reconnect(u32::MAX, limits);
    }

    /// Waits until everything that is queued is with the kernel.
    pub(crate) fn poll_flushed(&self, context: &mut Context<'_>) -> Poll<Result<(), EmitError>> {
        self.flush();
        let mut shared = self.lock();
        if shared.outbound.outbox().is_empty() {
            return Poll::Ready(Ok(()));
        }
        if shared.ending.is_some() {
            return Poll::Ready(Err(EmitError::Closed));
        }
        shared.wait(context);
        Poll::Pending
    }

    /// What came in and what went out.
    pub(crate) fn ledgers(&self) -> (Ledger, Ledger) {
        let shared = self.lock();
        (shared.inbound, *shared.outbound.outbox().ledger())
    }
}

/// `Arc<T>` as the shared owner of a link.
pub(crate) trait IntoShared {
    fn into_shared(self) -> Arc<dyn HasLink>;
}

impl<T: HasLink> IntoShared for Arc<T> {
    fn into_shared(self) -> Arc<dyn HasLink> {
        self
    }
}

impl IntoShared for Arc<dyn HasLink> {
    fn into_shared(self) -> Self {
        self
    }
}

/// What the driver has to know about the outbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutboxState {
    pub(crate) empty: bool,
    pub(crate) blocked: bool,
    /// Bytes written so far: progress.
    pub(crate) written: u64,
    pub(crate) next_deadline: Time,
}

enum Written {
    All,
    Blocked,
}

fn write(stream: &OwnedWriteHalf, batch: &mut Batch) -> io::Result<Written> {
    while !batch.is_empty() {
        let result = match batch.single() {
            Some(bytes) => stream.try_write(bytes),
            None => {
                let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                let count = batch.slices(&mut slices);
                stream.try_write_vectored(&slices[..count])
            }
        };
        match result {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => batch.advance(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Written::Blocked),
            Err(error) => return Err(error),
        }
    }
    Ok(Written::All)
}

/// Lends this thread's scratch memory. Large ones are not kept.
pub(crate) fn with_scratch<R>(f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    use std::cell::Cell;

    /// What a thread keeps.
    const KEEP: usize = 64 << 10;
    thread_local! {
        static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }

    let mut scratch = SCRATCH.take();
    let result = f(&mut scratch);
    if scratch.capacity() <= KEEP {
        SCRATCH.set(scratch);
    }
    result
}
