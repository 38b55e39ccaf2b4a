//! Requests to sockets of other nodes, and their answers.
//!
//! Both are frames for one node. The request has an id of this node's; the answer brings it back. Nothing of it is kept
//! on the way: who waits is told when the answer comes, when its time is over, or when the node is gone.

use std::sync::{Arc, PoisonError, Weak};

use bytes::BytesMut;
use gatewire_cluster::NodeId;
use gatewire_cluster::forward::{Arrived, Passing, flow_of};
use gatewire_codec::v3::routed::Carried;
use gatewire_codec::{
    LENGTH_PREFIX, Message, NackCode, Names, SocketAddress, Target, ValueRef, split_frame, v3,
};
use gatewire_core::Time;
use gatewire_core::session::Requests;

use super::counters::Counts;
use super::forward::Scratch;
use super::gather::AskedMany;
use super::inner::RouterInner;
use super::share::Share;
use crate::error::{EmitError, RequestError};
use crate::net::link::HasLink;
use crate::net::waiter::Waiter;
use crate::server::{RELAY_TIMEOUT, SocketInner, single};

/// The requests of this node to others that wait.
pub(super) type Asks = Requests<Asked>;

pub(super) enum Asked {
    /// A socket of a node.
    One { node: NodeId, waiter: Waiter, share: Share },
    /// Receivers at several nodes.
    Many(AskedMany),
}

impl Asked {
    fn complete(self, outcome: Result<ValueRef<'_>, RequestError>) {
        match self {
            Self::One { waiter, share, .. } => {
                // Whoever hears of it may ask again.
                drop(share);
                waiter.complete(outcome);
            }
            // What has come is all that there is.
            Self::Many(many) => many.expire(),
        }
    }
}

/// Another node that waits for an answer from here.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(super) router: Weak<RouterInner>,
    pub(super) back: Back,
}

/// The way back to who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Back {
    pub(super) node: NodeId,
    /// The life that asks. The next one knows nothing of it.
    nonce: u32,
    flow: u8,
    /// The id of the request, one of that life's.
    pub(super) id: u32,
}

impl Back {
    /// Of a request that has come like this.
    pub(super) fn of(passing: &Passing, id: u32) -> Self {
        Self { node: passing.origin, nonce: passing.nonce, flow: passing.flow, id }
    }
}

impl Asker {
    /// Sends the outcome back.
    pub(crate) fn answer(&self, outcome: &Result<ValueRef<'_>, RequestError>) {
        if let Some(router) = self.router.upgrade() {
            router.send_answer(self.back, outcome);
        }
    }
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Asker").field(&self.back).finish()
    }
}

impl RouterInner {
    /// Asks a socket of another node, for a client or not. The id, for [`forget`](Self::forget); the waiter is told of
    /// everything else.
    pub(crate) fn ask(
        &self,
        (address, flow): (&SocketAddress, u8),
        event: &str,
        value: ValueRef<'_>,
        deadline: Time,
        waiter: Waiter,
        client: Option<&Arc<SocketInner>>,
    ) -> Result<u32, RequestError> {
        let sockets = [address.to_string()];
        let target = Target { sockets: Names::from_strings(&sockets), ..Target::default() };
        let node = address.node().unwrap_or_default();
        Scratch::with(|scratch| {
            let node = self.plane().router.reached_name(node);
            let node = node.ok_or(RequestError::Unreachable)?;
            let full = RequestError::NotSent(EmitError::QueueFull);
            let Some(share) = Share::take(&self.shares, client) else { return Err(full) };
            let asked = Asked::One { node, waiter, share };
            let id = self.expect_answers(asked, deadline).ok_or(full)?;
            let request = Message::Publish { request: Some(id), target, event, value };
            if let Err(error) = v3::encode(&request, &mut scratch.bytes) {
                self.forget(id);
                return Err(RequestError::NotSent(error.into()));
            }
            let Scratch { split, bytes, long, .. } = scratch;
            let carried = (Carried::Request, flow);
            let parts: &[&[u8]] = &[&bytes[LENGTH_PREFIX..]];
            let plane = self.plane();
            let sent = self.send(&plane, carried, std::iter::once(node), split, parts, long);
            drop(plane);
            if let Some(error) = sent.error {
                self.forget(id);
                return Err(error);
            }
            self.wake_by(deadline.elapsed());
            Ok(id)
        })
    }

    /// Notes a request that is about to be sent; its id. `None`: as many wait as may, and it is dropped.
    pub(super) fn expect_answers(&self, asked: Asked, deadline: Time) -> Option<u32> {
        let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        if asks.check_room().is_err() {
            // Not under the lock: who waits is woken.
            drop(asks);
            drop(asked);
            return None;
        }
        let id = asks.next_id();
        asks.insert(id, asked, deadline);
        Some(id)
    }

    /// Nobody waits for this answer any more.
    pub(crate) fn forget(&self, id: u32) {
        let asked = self.asks.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        // Not under the lock: that may wake a task.
        drop(asked);
    }

    pub(super) fn asks_due(&self) -> Time {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner).next_deadline()
    }

    pub(super) fn expire_asks(&self) {
        let now = self.clock.now();
        let expired = self.asks.lock().unwrap_or_else(PoisonError::into_inner).expire(now);
        for (_, asked) in expired {
            asked.complete(Err(RequestError::Timeout));
        }
    }

    /// A node is gone, and with it the answers that were to come from there.
    pub(super) fn fail_asks(&self, node: NodeId) {
        let lost = {
            let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
            asks.extract(|asked| matches!(asked, Asked::One { node: of, .. } if *of == node))
        };
        for asked in lost {
            asked.complete(Err(RequestError::MaybeDelivered));
        }
        self.lose_branches(node);
    }

    /// The router is closed.
    pub(super) fn fail_all_asks(&self) {
        let lost = self.asks.lock().unwrap_or_else(PoisonError::into_inner).drain();
        for asked in lost {
            asked.complete(Err(RequestError::MaybeDelivered));
        }
    }

    /// Another node asks a socket of this one.
    pub(super) fn take_request(self: &Arc<Self>, passing: &Passing, payload: &[u8]) {
        let Ok(Message::Publish { request: Some(id), target, event, value }) = v3::decode(payload)
        else {
            Counts::add(&self.counts.malformed, 1);
            return;
        };
        let asker = Asker { router: Arc::downgrade(self), back: Back::of(passing, id) };
        let Some(address) = single(&target) else {
            return self.take_request_to_many(asker, &target, event, value);
        };
        let address = address.parse().ok();
        let socket = address.and_then(|address: SocketAddress| self.socket(address.session()));
        let Some(socket) = socket else {
            return asker.answer(&Err(RequestError::NoSuchSocket));
        };
        let (inner, waiter) = (&socket.inner, Waiter::Node(asker.clone()));
        let link = inner.link();
        let deadline = link.clock.now() + RELAY_TIMEOUT;
        let asked = link.request(inner, deadline, |outbound, deadline| {
            outbound.request(event, value, deadline, waiter)
        });
        if let Err(error) = asked {
            asker.answer(&Err(RequestError::NotSent(error)));
        }
    }

    fn send_answer(&self, back: Back, outcome: &Result<ValueRef<'_>, RequestError>) {
        let id = back.id;
        let mut frame = BytesMut::new();
        let encoded = match outcome {
            Ok(value) => v3::encode_ack(id, *value, &mut frame),
            Err(error) => {
                let (code, value) = error.to_nack();
                v3::encode(&Message::Nack { id, code, value: value.as_ref() }, &mut frame)
            }
        };
        if let Err(error) = encoded {
            tracing::debug!(%error, "an answer for another node cannot be encoded");
            return;
        }
        let sent = self.send_back(back, &frame);
        if let (Err(RequestError::NotSent(EmitError::TooLarge { .. })), Ok(_)) = (&sent, outcome) {
            self.send_answer(back, &Err(RequestError::TooLarge));
        }
    }

    /// Sends answers to the node that asks. What cannot be sent is counted, but for what is for a life that is over:
    /// nobody waits for it.
    pub(super) fn send_back(&self, back: Back, payload: &[u8]) -> Result<(), RequestError> {
        if self.is_over(back.node, back.nonce) {
            return Err(RequestError::Unreachable);
        }
        Scratch::with(|scratch| {
            let plane = self.plane();
            let Scratch { split, long, .. } = scratch;
            let (carried, node) = ((Carried::Answers, back.flow), std::iter::once(back.node));
            let sent = self.send(&plane, carried, node, split, &[payload], long);
            sent.error.map_or(Ok(()), Err)
        })
    }

    /// A request could not be passed on to these nodes: who asks is told at once.
    pub(super) fn refuse_request(&self, arrived: &Arrived<'_>, lost: &[NodeId]) {
        if let Ok(Message::Publish { request: Some(id), target, .. }) = v3::decode(arrived.payload)
        {
            let back = Back::of(&arrived.passing, id);
            match single(&target) {
                Some(_) => self.send_answer(back, &Err(RequestError::Unreachable)),
                None => self.refuse_branches(back, lost),
            }
        }
    }

    /// Answers to requests of this node.
    pub(super) fn take_answers(&self, from: NodeId, payload: &[u8]) {
        let mut rest = payload;
        while let Ok(Some((frame, behind))) = split_frame(rest, u32::MAX) {
            rest = behind;
            match v3::decode(frame) {
                Ok(Message::Ack { id, value }) => self.answered(from, id, Ok(value)),
                Ok(Message::Nack { id, code, value }) => {
                    self.answered(from, id, Err((code, value)));
                }
                Ok(Message::Outcome { id, socket_id, outcome }) => {
                    self.take_outcome(from, id, socket_id, outcome);
                }
                _ => Counts::add(&self.counts.malformed, 1),
            }
        }
    }

    fn answered(
        &self,
        from: NodeId,
        id: u32,
        outcome: Result<ValueRef<'_>, (NackCode, ValueRef<'_>)>,
    ) {
        if self.finish_branch(from, id, outcome.as_ref().ok()) {
            return;
        }
        let asked = {
            let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
            let unreached = matches!(outcome, Err((NackCode::Unreachable, _)));
            match asks.get(id) {
                // A router on the way may say that there is no way.
                Some(Asked::One { node, .. }) if *node == from || unreached => asks.remove(id),
                _ => None,
            }
        };
        if let Some(asked) = asked {
            let outcome =
                outcome.map_err(|(code, value)| RequestError::from_nack(code, value.to_value()));
            asked.complete(outcome);
        }
    }
}

/// The flow of what a socket sends.
pub(crate) fn flow_of_socket(socket: Option<&SocketInner>) -> u8 {
    socket.map_or(0, |socket| flow_of(&socket.id))
}
