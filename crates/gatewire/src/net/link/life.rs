//! The beginning and the end of a link's connections.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};

use gatewire_codec::{CloseCode, LENGTH_PREFIX, Message, Names, v3};
use gatewire_core::hub::JoinError;
use gatewire_core::session::OutboxLimits;

use super::answers::Answers;
use super::{Link, Offline, Shared};
use crate::error::{DisconnectReason, EmitError, RequestError};
use crate::net::transport::Transport;
use crate::net::waiter::Waiter;

impl Link {
    pub(crate) fn set_nodelay(&self, on: bool) -> io::Result<()> {
        let stream = self.lock().stream.clone().ok_or(io::ErrorKind::NotConnected)?;
        stream.tcp().set_nodelay(on)
    }

    /// The driver is to end the connection; it tells the peer why, if there is a code for it.
    pub(crate) fn end_for(&self, reason: DisconnectReason) {
        self.lock().ending.get_or_insert(reason);
        self.driver.wake();
    }

    /// Ends the connection for this reason. What is queued is still written, within a grace.
    pub(crate) fn end(&self, reason: DisconnectReason, code: CloseCode, text: &str) {
        let watchers = {
            let mut shared = self.lock();
            let watchers = shared.watchers();
            shared.outbound.close(code, text);
            shared.ending.get_or_insert(reason);
            watchers
        };
        for (watcher, whole) in watchers {
            watcher.lost(whole);
        }
        self.driver.wake();
    }

    /// A server's connection begins.
    pub(crate) fn attach(&self, stream: Arc<Transport>) {
        self.lock().begin(stream);
    }

    /// A client's connection begins, the first or another. `rooms` are joined again before anything
    /// that waits is sent. `Err`: one of their names is longer than this peer reads.
    pub(crate) fn reattach(
        &self,
        stream: Arc<Transport>,
        max_frame: u32,
        limits: OutboxLimits,
        rooms: &[String],
    ) -> Result<(), JoinError> {
        let mut shared = self.lock();
        shared.outbound.reconnect(max_frame, limits);
        shared.outbound.outbox_mut().set_blocked(false);
        let joined = shared.rejoin(max_frame, rooms);
        shared.ending = None;
        shared.begin(stream);
        // The bounds are others, and frames too long for this peer are gone: look again.
        shared.waited_for = false;
        drop(shared);
        self.changed.notify_waiters();
        joined
    }

    /// A connection is about to begin: what is sent from now on is queued for it.
    pub(crate) fn prepare(&self) {
        self.lock().offline = Offline::Everything;
    }

    /// The connection has ended for good.
    pub(crate) async fn end_requests(&self) {
        while !self.detach(Next::Nothing) {
            tokio::task::yield_now().await;
        }
    }

    /// The connection never began, or its task is gone: nothing is sent any more.
    pub(crate) fn abandon(&self) {
        // Another thread that writes right now meets the end by itself.
        let _done = self.detach(Next::Nothing);
    }

    /// The connection is lost, another will come: events that were queued wait for it, if there is an
    /// offline queue.
    pub(crate) async fn go_offline(&self, queue: Option<OutboxLimits>) {
        while !self.detach(Next::Connection { queue }) {
            tokio::task::yield_now().await;
        }
    }

    /// The connection has ended, and its pending requests end with it. `false`: another thread is
    /// writing; call again.
    pub(super) fn detach(&self, next: Next) -> bool {
        self.detach_locked(self.lock(), next)
    }

    /// As [`detach`](Self::detach), for who has the lock.
    pub(super) fn detach_locked(&self, mut shared: MutexGuard<'_, Shared>, next: Next) -> bool {
        let (unsent, lost, watchers) = {
            shared.stream = None;
            if shared.outbound.outbox().is_in_flight() {
                return false;
            }
            self.session.fetch_add(1, Ordering::AcqRel);
            shared.leaving = None;
            shared.answers = Answers::default();
            let mut unsent_ids = Vec::new();
            let mut room = Room::of(next);
            shared.outbound.outbox_mut().disconnect(|frame| {
                match v3::decode(frame.get(LENGTH_PREFIX..).unwrap_or_default()) {
                    Ok(Message::Event { .. } | Message::Publish { request: None, .. }) => {
                        room.take(frame.len())
                    }
                    Ok(
                        Message::Request { id, .. }
                        | Message::Publish { request: Some(id), .. }
                        | Message::Join { id, .. }
                        | Message::Leave { id, .. }
                        | Message::LeaveAll { id }
                        | Message::StreamOpen { id, .. },
                    ) => {
                        unsent_ids.push(id);
                        false
                    }
                    _ => false,
                }
            });
            let unsent: Vec<Waiter> =
                unsent_ids.into_iter().filter_map(|id| shared.outbound.answered(id)).collect();
            let watchers = shared.watchers();
            let lost = shared.outbound.disconnect(|_| true);
            match next {
                Next::Connection { queue: Some(limits) }
                | Next::Another { queue: Some(limits) } => {
                    shared.wait_for_stream(limits);
                }
                Next::Connection { queue: None } | Next::Another { queue: None } => {
                    shared.wait_for_stream(OutboxLimits::default());
                    shared.offline = Offline::Nothing;
                }
                Next::Nothing => {
                    shared.offline = Offline::Nothing;
                    shared.ending.get_or_insert(DisconnectReason::Closed);
                }
            }
            shared.waited_for = false;
            drop(shared);
            (unsent, lost, watchers)
        };
        self.changed.notify_waiters();
        self.disconnect_pipes();
        for waiter in unsent {
            waiter.complete(Err(RequestError::NotSent(EmitError::NotConnected)));
        }
        for waiter in lost {
            waiter.complete(Err(RequestError::MaybeDelivered));
        }
        // Those that nobody waits for, since their answers came early.
        for (watcher, whole) in watchers {
            watcher.lost(whole);
        }
        true
    }

    /// Allows frames without a connection, within these limits.
    pub(crate) fn allow_offline_queue(&self, limits: OutboxLimits) {
        self.lock().wait_for_stream(limits);
    }
}

impl Shared {
    fn rejoin(&mut self, max_frame: u32, rooms: &[String]) -> Result<(), JoinError> {
        if self.outbound.rejoin(Names::from_strings(rooms)).is_ok() {
            return Ok(());
        }
        // They were joined before, at a peer that read more. One by one those that fit are joined.
        for room in rooms {
            let _fits = self.outbound.rejoin(Names::from_slice(&[room]));
        }
        let max_name = (max_frame as usize).saturating_sub(JOIN_OVERHEAD);
        Err(JoinError::BadName { max_name })
    }

    fn begin(&mut self, stream: Arc<Transport>) {
        self.stream = Some(stream);
        self.broken = false;
        self.short_queue = false;
        self.offline = Offline::Nothing;
    }

    /// Events that are queued from now on wait for the next connection, volatile ones are dropped.
    fn wait_for_stream(&mut self, limits: OutboxLimits) {
        self.offline = Offline::Events;
        self.ending = None;
        self.outbound.reconnect(u32::MAX, limits);
        self.outbound.outbox_mut().set_blocked(true);
    }
}

/// The bytes that a join of one room adds to its name: version, kind, id, count and length.
const JOIN_OVERHEAD: usize = 5;

/// What comes after a connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    Nothing,
    /// Another one. Queued events wait for it within these bounds, and those to come too.
    Connection {
        queue: Option<OutboxLimits>,
    },
    /// The same, after this one was left in order: what is queued waits, however much it is.
    Another {
        queue: Option<OutboxLimits>,
    },
}

/// What the offline queue still takes of an outbox that may be larger.
struct Room {
    frames: usize,
    bytes: usize,
}

impl Room {
    fn of(next: Next) -> Self {
        match next {
            Next::Connection { queue: Some(limits) } => {
                Self { frames: limits.max_frames, bytes: limits.max_bytes }
            }
            Next::Another { queue: Some(_) } => Self { frames: usize::MAX, bytes: usize::MAX },
            Next::Connection { queue: None } | Next::Another { queue: None } | Next::Nothing => {
                Self { frames: 0, bytes: 0 }
            }
        }
    }

    /// Whether a frame fits. The first that does not is the end: no gap in the middle.
    fn take(&mut self, length: usize) -> bool {
        let fits = self.frames > 0 && length <= self.bytes;
        if fits {
            self.frames -= 1;
            self.bytes -= length;
        } else {
            self.frames = 0;
        }
        fits
    }
}
