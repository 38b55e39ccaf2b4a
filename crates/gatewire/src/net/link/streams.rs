//! Streams, as far as everybody who sends or reads on a connection shares them.

use std::sync::{Arc, MutexGuard, PoisonError};

use bytes::BytesMut;
use gatewire_codec::{EncodeError, ReceiverOutcome, StreamCode, Target, ValueRef};
use gatewire_core::Time;
use gatewire_core::session::{
    Outbound, ReadFailure, SEND_BUFFER, SendError, SendStreams, StreamLimits,
};

use super::{Link, Session, Shared, SharedOwner};
use crate::error::EmitError;
use crate::net::link::send::Offline;
use crate::net::pipes::{IncomingStream, Lag, OpenError, Pipe, Pipes, Slot};
use crate::net::waiter::Waiter;

/// Who is told of a stream that this end writes. Never called under a lock.
pub(crate) trait WatchStream: Send + Sync {
    /// Bytes have left the stream's buffer, so many in all; `whole`: and its end has.
    fn sent(&self, total: u64, whole: bool);
    /// The reader wants no more.
    fn stopped(&self, code: StreamCode, text: &str);
    /// The connection ends, or has ended: nothing more of the stream is sent. `whole`: all was. Told last.
    fn lost(&self, whole: bool);
    /// What became of one reader, if there are many.
    fn outcome(&self, socket_id: &str, outcome: ReceiverOutcome<'_>);
}

/// See [`WatchStream`].
pub(crate) type Watcher = Arc<dyn WatchStream>;

/// What this end sends on a connection.
pub(crate) type LinkOutbound = Outbound<Waiter, Watcher>;

/// A stream that takes no more: it ended, or its connection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamGone;

impl Link {
    /// Opens a stream on the connection that is up; its id. The peer answers it if it is `answered`.
    pub(crate) fn open_stream(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        (target, answered): (Option<Target<'_>>, bool),
        event: &str,
        info: ValueRef<'_>,
        waiter: Waiter,
        watcher: Watcher,
    ) -> Result<(u32, Session), EmitError> {
        let push = |shared: &mut Shared| {
            let outbound = &mut shared.outbound;
            let opened = if answered {
                outbound.open_stream(target, event, info, waiter, watcher)
            } else {
                outbound.open_unanswered_stream(target, event, info, waiter, watcher)
            };
            let id = opened.map_err(|(error, _)| error)?;
            Ok((id, self.session()))
        };
        self.send(owner, Offline::Everything, push, |_| false)
    }

    /// Opens a stream with a frame that `encode` writes; its id.
    pub(crate) fn open_stream_with(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        waiter: Waiter,
        watcher: Watcher,
        encode: impl FnOnce(u32, &mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<(u32, Session), EmitError> {
        let push = |shared: &mut Shared| {
            let opened = shared.outbound.open_stream_with(waiter, watcher, encode);
            let id = opened.map_err(|(error, _)| error)?;
            Ok((id, self.session()))
        };
        self.send(owner, Offline::Everything, push, |_| false)
    }

    /// Lets `write` add bytes to a stream, for which it is told how many there is room for. `false`: there is
    /// none.
    pub(crate) fn write_stream(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        session: Session,
        id: u32,
        write: impl FnOnce(&mut SendStreams<Watcher>, usize),
    ) -> Result<bool, StreamGone> {
        let flush = {
            let mut shared = self.lock();
            let waiting = shared.stream_waiting(self, session, id)?;
            let room = SEND_BUFFER.saturating_sub(waiting);
            if room == 0 {
                return Ok(false);
            }
            write(shared.outbound.streams_mut(), room);
            let waiting = shared.outbound.stream_waiting(id).unwrap_or(0);
            waiting >= SEND_BUFFER && !shared.outbound.outbox().is_blocked()
        };
        if flush {
            self.flush();
        } else {
            self.schedule(owner);
        }
        Ok(true)
    }

    /// Adds bytes to a stream whatever waits there, to be flushed with the batch or by the driver.
    pub(crate) fn push_stream(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        session: Session,
        id: u32,
        bytes: &bytes::Bytes,
    ) -> Result<usize, StreamGone> {
        let pieces = {
            let mut shared = self.lock();
            shared.stream_waiting(self, session, id)?;
            shared.outbound.share_stream(id, bytes.clone()).ok_or(StreamGone)?
        };
        self.schedule(owner);
        Ok(pieces)
    }

    /// No more will be written: behind what waits the end is told.
    pub(crate) fn finish_stream(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        session: Session,
        id: u32,
    ) -> Result<(), StreamGone> {
        {
            let mut shared = self.lock();
            shared.stream_waiting(self, session, id)?;
            shared.outbound.streams_mut().finish(id);
        }
        self.schedule(owner);
        Ok(())
    }

    /// Gives a stream up. One that is gone stays so.
    pub(crate) fn reset_stream(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        session: Session,
        id: u32,
        code: StreamCode,
        text: &str,
    ) {
        let reset =
            self.command_in(owner, session, |outbound| outbound.reset_stream(id, code, text));
        match reset {
            // Dropped here: that may wake a task, which is not to happen under the lock.
            Ok(waiter) => drop(waiter),
            Err(error) => tracing::debug!(%error, "the reset of a stream was not sent"),
        }
    }

    /// The answer to a stream is waited for until the deadline.
    pub(crate) fn await_answer(&self, session: Session, id: u32, deadline: Time) {
        let mut shared = self.lock();
        if self.session() == session {
            shared.outbound.await_answer(id, deadline);
            if deadline < shared.armed {
                self.driver.wake();
            }
        }
    }

    /// Nobody waits for the answer to a stream any more.
    pub(crate) fn forget_stream(&self, session: Session, id: u32) {
        let waiter = {
            let mut shared = self.lock();
            if self.session() == session { shared.outbound.forget(id) } else { None }
        };
        // Not under the lock: that may wake a task.
        drop(waiter);
    }

    /// Tells the writer of a stream how far it may go.
    pub(crate) fn grant(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        session: Session,
        id: u32,
        limit: u64,
    ) {
        let granted = self.command_in(owner, session, |outbound| outbound.grant(id, limit));
        if let Err(error) = granted {
            tracing::debug!(%error, "the credit of a stream was not sent");
        }
    }

    /// Tells the writer of a stream that no more is wanted.
    pub(crate) fn stop_stream(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        session: Session,
        id: u32,
        code: StreamCode,
        text: &str,
    ) {
        let told = self.command_in(owner, session, |outbound| outbound.stop_stream(id, code, text));
        if let Err(error) = told {
            tracing::debug!(%error, "the stop of a stream was not sent");
        }
    }

    /// Queues something that belongs to this connection and to no later one.
    pub(crate) fn command_in<R>(
        &self,
        owner: &(impl SharedOwner + ?Sized),
        session: Session,
        push: impl FnOnce(&mut LinkOutbound) -> Result<R, SendError>,
    ) -> Result<R, EmitError> {
        let push = |shared: &mut Shared| {
            // It changes under the lock only.
            if self.session() != session {
                return Err(SendError::Closed);
            }
            push(&mut shared.outbound)
        };
        self.send(owner, Offline::Answers, push, |_| false)
    }

    /// Whether streams come in.
    pub(super) fn has_pipes(&self) -> bool {
        self.lock_pipes().as_ref().is_some_and(|pipes| !pipes.is_empty())
    }

    fn lock_pipes(&self) -> MutexGuard<'_, Option<Box<Pipes>>> {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_pipes<R>(&self, limits: StreamLimits, f: impl FnOnce(&mut Pipes) -> R) -> R {
        let mut pipes = self.lock_pipes();
        f(pipes.get_or_insert_with(|| Box::new(Pipes::new(limits))))
    }

    /// A stream comes in, to be read here.
    pub(crate) fn open_pipe(
        &self,
        limits: StreamLimits,
        id: u32,
    ) -> Result<(Arc<Pipe>, Slot), OpenError> {
        self.with_pipes(limits, |pipes| pipes.open(id))
    }

    /// A stream comes in, to be passed on to receivers that may be so far behind.
    pub(crate) fn reserve_pipe(
        &self,
        limits: StreamLimits,
        id: u32,
    ) -> Result<(Slot, Lag), OpenError> {
        self.with_pipes(limits, |pipes| pipes.reserve(id).map(|slot| (slot, pipes.lend_lag())))
    }

    /// Who takes a stream for which there is room.
    pub(crate) fn insert_pipe(&self, id: u32, stream: Arc<dyn IncomingStream>) {
        if let Some(pipes) = &mut *self.lock_pipes() {
            pipes.insert(id, stream);
        }
    }

    /// Who takes this stream.
    pub(crate) fn find_pipe(&self, id: u32) -> Option<Arc<dyn IncomingStream>> {
        self.lock_pipes().as_ref()?.find(id)
    }

    /// Who takes this stream has seen its end, or wants no more.
    pub(crate) fn close_pipe<T>(&self, id: u32, stream: &T) {
        let closed = self
            .lock_pipes()
            .as_mut()
            .and_then(|pipes| pipes.close(id, std::ptr::from_ref(stream).cast()));
        // Not under the lock: it may be the last that holds what it was passed on to.
        drop(closed);
    }

    /// The connection has ended, or is not read any more, and with it the streams that came in end.
    pub(crate) fn disconnect_pipes(&self) {
        let open = self.lock_pipes().as_mut().map(|pipes| pipes.take_all());
        for stream in open.into_iter().flatten() {
            stream.handle_failure(ReadFailure::Disconnected);
        }
    }
}

impl Shared {
    /// Who is to be told when the streams that this end writes are lost, and whether all was sent.
    pub(super) fn watchers(&self) -> Vec<(Watcher, bool)> {
        self.outbound.streams().into_iter().flat_map(SendStreams::handles).collect()
    }

    fn stream_waiting(&self, link: &Link, session: Session, id: u32) -> Result<usize, StreamGone> {
        let waiting = self.outbound.stream_waiting(id).ok_or(StreamGone)?;
        if link.session() == session { Ok(waiting) } else { Err(StreamGone) }
    }
}
