//! Publishing: one encoding, many outboxes.
//!
//! What the server emits is delivered message by message. What a client publishes is collected: while
//! its frames publish to one target they become one [`PublishRun`], which ends with the next
//! frame of another kind or target, at its [longest](PublishRun::MAX_BYTES), or with what the driver
//! has read. No handler runs and nothing is written meanwhile, so nobody can tell the difference, but
//! each lock is taken once per run and not once per message.

use std::cell::Cell;
use std::sync::{Arc, PoisonError};

use gatewire_codec::{ErrorCode, Target, ValueRef, v3};
use gatewire_core::hub::PublishRun;
use gatewire_core::session::{Class, FrameBuffer, Frames};

use super::hub::{MAX_NAMES, is_short};
use super::{Inner, SocketInner};
use crate::error::EmitError;
use crate::net::link::HasLink;
use crate::router::flow_of_socket;

/// The publishes that this thread's driver has read and not delivered yet.
#[derive(Default)]
struct Run {
    publishes: PublishRun,
    sender: Option<Arc<SocketInner>>,
}

thread_local! {
    static RUN: Cell<Option<Box<Run>>> = const { Cell::new(None) };
    static EVENT: Cell<Option<Box<FrameBuffer>>> = const { Cell::new(None) };
}

/// Lends this thread's run. It is empty whenever a driver begins.
fn with_run<R>(f: impl FnOnce(&mut Run) -> R) -> R {
    let mut run = RUN.take().unwrap_or_default();
    let result = f(&mut run);
    RUN.set(Some(run));
    result
}

impl Run {
    fn deliver(&mut self) {
        let Some(sender) = self.sender.take() else { return };
        self.publishes.deliver(|target, events| {
            sender.server.deliver(target, Some(&sender), Class::Normal, events)
        });
    }

    /// Makes room for a frame of this sender.
    fn prepare(&mut self, socket: &Arc<SocketInner>, length: usize) {
        let another = self.sender.as_ref().is_some_and(|sender| !Arc::ptr_eq(sender, socket));
        if another || !self.publishes.has_room(length) {
            self.deliver();
        }
    }

    fn owned_by(&mut self, socket: &Arc<SocketInner>) {
        if self.sender.is_none() {
            self.sender = Some(Arc::clone(socket));
        }
    }
}

/// Adds a frame that follows a publish, if it is another to the same target.
pub(super) fn follow(socket: &Arc<SocketInner>, frame: &[u8]) -> bool {
    with_run(|run| {
        run.prepare(socket, frame.len());
        let follows = run.publishes.follow(frame);
        if follows {
            run.owned_by(socket);
        }
        follows
    })
}

/// Delivers what was collected.
pub(super) fn deliver() {
    with_run(Run::deliver);
}

impl Inner {
    /// Publishes what a client sent, unless it names too many.
    pub(super) fn publish_for(
        socket: &Arc<SocketInner>,
        target: &Target<'_>,
        event: &str,
        value: ValueRef<'_>,
    ) {
        if !is_short(target) {
            let text = format!("a message may name {MAX_NAMES} rooms or sockets at most");
            socket.send_control(|outbound| outbound.refuse(0, ErrorCode::Denied, &text));
            return;
        }
        with_run(|run| {
            run.deliver();
            // The frame was decoded a moment ago: its event fits.
            if run.publishes.begin(target, event, value).is_ok() {
                run.owned_by(socket);
            }
        });
    }

    /// Queues an event for all receivers of a target; how many there are. Nobody waits: what a slow
    /// receiver's outbox does not take is dropped there, by its policy, and counted.
    pub(crate) fn publish(
        &self,
        target: &Target<'_>,
        sender: Option<&SocketInner>,
        class: Class,
        event: &str,
        value: ValueRef<'_>,
    ) -> Result<usize, EmitError> {
        let mut frame = EVENT.take().unwrap_or_default();
        let count = frame
            .push(|out| v3::encode_event(event, value, out))
            .map(|()| frame.drain(|frame| self.deliver(target, sender, class, frame)));
        EVENT.set(Some(frame));
        Ok(count?)
    }

    /// Delivers events to all whom a target addresses, on this node and on others. How many there are here.
    fn deliver(
        &self,
        target: &Target<'_>,
        sender: Option<&SocketInner>,
        class: Class,
        frames: &Frames<'_>,
    ) -> usize {
        let count = self.deliver_here(target, sender, class, frames);
        if let Some(router) = self.router() {
            router.publish(Some(self), target, flow_of_socket(sender), class, frames);
        }
        count
    }

    /// Delivers events to those who are addressed at this server.
    pub(crate) fn deliver_here(
        &self,
        target: &Target<'_>,
        sender: Option<&SocketInner>,
        class: Class,
        frames: &Frames<'_>,
    ) -> usize {
        let sender = sender.and_then(SocketInner::key);
        let mut long = Vec::new();
        let count = {
            let hub = self.hub.read().unwrap_or_else(PoisonError::into_inner);
            hub.deliver(target, sender, |_, socket| {
                // An error is the receiver's affair: it is counted there, and a slow one is closed.
                if let Ok(true) = socket.link().queue_frames(socket, class, frames) {
                    long.push(Arc::clone(socket));
                }
            })
        };
        for socket in long {
            socket.link().flush();
        }
        count
    }
}
