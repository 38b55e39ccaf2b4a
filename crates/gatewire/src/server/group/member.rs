//! One receiver of a stream to many.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use gatewire_codec::{ReceiverOutcome, StreamCode, ValueRef};
use gatewire_core::Time;
use gatewire_core::fanout::Receiver;

use super::Group;
use crate::error::{EmitError, RequestError};
use crate::net::link::{HasLink, Session, WatchStream};
use crate::net::waiter::{AwaitAnswer, Waiter};
use crate::server::SocketInner;

/// The stream to one receiver: known to its link, as who is told and who waits.
pub(crate) struct Member {
    group: Arc<Group>,
    pub(super) place: Receiver,
    pub(super) socket: Arc<SocketInner>,
    /// `None`: it could not be opened.
    stream: OnceLock<(u32, Session)>,
}

impl Member {
    pub(super) fn new(group: Arc<Group>, place: Receiver, socket: Arc<SocketInner>) -> Self {
        Self { group, place, socket, stream: OnceLock::new() }
    }

    pub(super) fn open(self: &Arc<Self>, event: &str, info: ValueRef<'_>) -> Result<(), EmitError> {
        let waiter = Waiter::Receiver(Arc::clone(self) as Arc<dyn AwaitAnswer>);
        let watcher = Arc::clone(self);
        let link = self.socket.link();
        let opened = link.open_stream(&self.socket, None, event, info, waiter, watcher)?;
        // Opened once.
        let _ = self.stream.set(opened);
        Ok(())
    }

    /// How many pieces wait for it now. One that is gone has its outcome, or will have: none.
    pub(super) fn push(&self, chunk: &Bytes) -> usize {
        let Some((id, session)) = self.stream.get() else { return 0 };
        self.socket.link().push_stream(&self.socket, *session, *id, chunk).unwrap_or(0)
    }

    pub(super) fn finish(&self) {
        if let Some((id, session)) = self.stream.get() {
            let _gone = self.socket.link().finish_stream(&self.socket, *session, *id);
        }
    }

    pub(super) fn reset(&self, code: StreamCode, text: &str) {
        if let Some((id, session)) = self.stream.get() {
            self.socket.link().reset_stream(&self.socket, *session, *id, code, text);
        }
    }

    /// Its answer is waited for until the deadline.
    pub(super) fn await_answer(&self, deadline: Time) {
        if let Some((id, session)) = self.stream.get() {
            self.socket.link().await_answer(*session, *id, deadline);
        }
    }

    /// Its outcome is known, however it came to it: no answer is waited for.
    pub(super) fn forget(&self) {
        if let Some((id, session)) = self.stream.get() {
            self.socket.link().forget_stream(*session, *id);
        }
    }
}

impl AwaitAnswer for Member {
    fn answered(&self, outcome: Result<ValueRef<'_>, RequestError>) {
        self.group.answered(self, outcome);
    }
}

impl WatchStream for Member {
    fn sent(&self, total: u64, _: bool) {
        self.group.progress(self, total);
    }

    fn stopped(&self, code: StreamCode, text: &str) {
        self.group.stopped(self, code, text);
    }

    fn lost(&self, _: bool) {
        self.group.lost(self);
    }

    fn outcome(&self, _: &str, _: ReceiverOutcome<'_>) {
        // A client reads by itself: there are no others behind it.
    }
}
