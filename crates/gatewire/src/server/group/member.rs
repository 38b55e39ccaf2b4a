//! One receiver of a stream to many: a socket of this node, or all that lie behind a link to another.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use gatewire_codec::{ReceiverOutcome, SocketAddress, StreamCode, Target, ValueRef};
use gatewire_core::Time;
use gatewire_core::fanout::Receiver;

use super::Group;
use crate::error::{EmitError, RequestError};
use crate::net::link::{HasLink, Session, WatchStream};
use crate::net::waiter::{AwaitAnswer, Waiter};
use crate::router::Route;
use crate::server::SocketInner;
use crate::wire::Wire;

/// To whom a stream is passed on.
pub(crate) struct Recipient {
    pub(crate) owner: Arc<dyn HasLink>,
    pub(crate) reader: Reader,
}

/// Who reads it.
pub(crate) enum Reader {
    /// A socket of this node.
    Socket(SocketAddress),
    /// Some of the nodes behind a link. Each tells of its own readers.
    Branch(Route),
}

impl Recipient {
    /// A socket of this node.
    pub(crate) fn socket(socket: &Arc<SocketInner>) -> Self {
        let address = socket.server.address_of(socket.id);
        Self { owner: Arc::clone(socket) as Arc<dyn HasLink>, reader: Reader::Socket(address) }
    }
}

/// The stream to one receiver: known to its link, as who is told and who waits.
pub(crate) struct Member {
    group: Arc<Group>,
    pub(super) place: Receiver,
    owner: Arc<dyn HasLink>,
    pub(super) reader: Reader,
    /// `None`: it could not be opened.
    stream: OnceLock<(u32, Session)>,
}

impl Member {
    pub(super) fn new(group: Arc<Group>, place: Receiver, recipient: Recipient) -> Self {
        let Recipient { owner, reader } = recipient;
        Self { group, place, owner, reader, stream: OnceLock::new() }
    }

    pub(super) fn open(
        self: &Arc<Self>,
        target: &Target<'_>,
        event: &str,
        info: ValueRef<'_>,
    ) -> Result<(), EmitError> {
        let waiter = Waiter::Receiver(Arc::clone(self) as Arc<dyn AwaitAnswer>);
        let watcher = Arc::clone(self);
        let (link, owner) = (self.owner.link(), &self.owner);
        let opened = match &self.reader {
            Reader::Socket(_) => {
                // The handlers of older peers answer no stream that was sent to many.
                let answered = link.wire() == Wire::V3;
                link.open_stream(owner, (None, answered), event, info, waiter, watcher)?
            }
            Reader::Branch(route) => link.open_stream_with(owner, waiter, watcher, |id, out| {
                route.encode_open((id, target), event, info, out)
            })?,
        };
        // Opened once.
        let _ = self.stream.set(opened);
        Ok(())
    }

    /// The nodes behind the link; none if it is a socket.
    pub(super) fn nodes(&self) -> &[Arc<str>] {
        match &self.reader {
            Reader::Socket(_) => &[],
            Reader::Branch(route) => route.nodes(),
        }
    }

    /// How many pieces wait for it now. One that is gone has its outcome, or will have: none.
    pub(super) fn push(&self, chunk: &Bytes) -> usize {
        let Some((id, session)) = self.stream.get() else { return 0 };
        self.owner.link().push_stream(&self.owner, *session, *id, chunk).unwrap_or(0)
    }

    pub(super) fn finish(&self) {
        if let Some((id, session)) = self.stream.get() {
            let _gone = self.owner.link().finish_stream(&self.owner, *session, *id);
        }
    }

    pub(super) fn reset(&self, code: StreamCode, text: &str) {
        if let Some((id, session)) = self.stream.get() {
            self.owner.link().reset_stream(&self.owner, *session, *id, code, text);
        }
    }

    /// Its answer is waited for until the deadline.
    pub(super) fn await_answer(&self, deadline: Time) {
        if let Some((id, session)) = self.stream.get() {
            self.owner.link().await_answer(*session, *id, deadline);
        }
    }

    /// Its outcome is known, however it came to it: no answer is waited for.
    pub(super) fn forget(&self) {
        if let Some((id, session)) = self.stream.get() {
            self.owner.link().forget_stream(*session, *id);
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

    fn outcome(&self, reader: &str, outcome: ReceiverOutcome<'_>) {
        // A client reads by itself: there are no others behind it.
        if let Reader::Branch(_) = self.reader {
            self.group.outcome_beyond(reader, outcome);
        }
    }
}
