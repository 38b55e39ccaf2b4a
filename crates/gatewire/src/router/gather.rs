//! Requests to rooms and to all, over several nodes.
//!
//! The node where one begins fixes which nodes are asked, and asks them with one frame for each link. Each tells whom
//! it asks, what became of each, and then how many there were, in frames of its own for the node that asks. So the
//! report names who is missing, and the nodes of which nothing is known.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use gatewire_cluster::NodeId;
use gatewire_codec::v3::routed::Carried;
use gatewire_codec::{
    LENGTH_PREFIX, Message, NackCode, ReceiverOutcome, SocketAddress, Target, ValueRef, v3,
};
use gatewire_core::gather::Branch;

use super::ask::{Asked, Asker, Back};
use super::counters::Counts;
use super::forward::Scratch;
use super::inner::RouterInner;
use super::share::Share;
use crate::error::RequestError;
use crate::net::waiter::Outcome;
use crate::server::gather::{Gather, MAX_RECEIVERS, Sink};
use crate::server::{self, RELAY_TIMEOUT, SocketInner, length};

/// The nodes that a request to many goes to.
#[derive(Debug, Default)]
pub(crate) struct Branches {
    nodes: BTreeMap<NodeId, Branch>,
    /// Nodes that are named and cannot be reached.
    unknown: Vec<Branch>,
}

/// A request to many that waits for other nodes.
pub(super) struct AskedMany {
    gather: Arc<Gather>,
    /// Those that are not done.
    nodes: BTreeMap<NodeId, Branch>,
    _share: Share,
}

impl AskedMany {
    /// Whether there is nothing more to come.
    fn is_over(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(super) fn expire(&self) {
        self.gather.expire();
    }
}

impl RouterInner {
    /// Who is addressed at this node. `sender` does not receive, unless the target says so.
    pub(crate) fn receivers(
        &self,
        target: &Target<'_>,
        sender: Option<&SocketInner>,
    ) -> Vec<Arc<SocketInner>> {
        let servers = self.servers();
        let of = |server: &Arc<server::Inner>| {
            let sender = sender.filter(|sender| Arc::ptr_eq(&sender.server, server));
            server.receivers_here(target, sender)
        };
        servers.iter().flat_map(of).collect()
    }

    /// The other nodes that a request to many goes to, known to it from now on.
    pub(crate) fn branches(&self, gather: &Gather, target: &Target<'_>) -> Branches {
        let mut branches = Branches::default();
        Scratch::with(|scratch| {
            let plane = self.plane();
            let unknown = |name: &str| branches.unknown.push(gather.add_branch(name));
            plane.router.addressed(target, &mut scratch.nodes, unknown);
            for node in &scratch.nodes {
                let Some(name) = plane.router.name_of(*node) else { continue };
                branches.nodes.insert(*node, gather.add_branch(name.as_str()));
            }
        });
        #[cfg(feature = "legacy")]
        for host in self.old_hosts_without(target, "", "requests") {
            branches.unknown.push(gather.add_branch(&host));
        }
        branches
    }

    /// Asks other nodes, once this one has asked its own.
    pub(crate) fn ask_branches(
        &self,
        gather: &Arc<Gather>,
        branches: Branches,
        (target, flow): (&Target<'_>, u8),
        event: &str,
        value: ValueRef<'_>,
        timeout: Duration,
    ) {
        let Branches { nodes, unknown } = branches;
        for branch in unknown {
            gather.branch_unreachable(branch);
        }
        if nodes.is_empty() {
            return;
        }
        let Some(share) = Share::take(&self.shares, gather.client()) else {
            // As many requests of the client wait as may.
            return gather.expire();
        };
        // One socket alone would answer by itself. That the sender is included says nothing to other nodes.
        let target = Target { include_self: true, ..*target };
        let deadline = self.now() + timeout;
        let ids: Vec<NodeId> = nodes.keys().copied().collect();
        let many = AskedMany { gather: Arc::clone(gather), nodes, _share: share };
        let lost = Scratch::with(|scratch| {
            let Some(id) = self.expect_answers(Asked::Many(many), deadline) else {
                return Err(ids.clone());
            };
            let publish = Message::Publish { request: Some(id), target, event, value };
            if v3::encode(&publish, &mut scratch.bytes).is_err() {
                return Ok((id, ids.clone()));
            }
            let plane = self.plane();
            let Scratch { split, bytes, long, .. } = scratch;
            let parts: &[&[u8]] = &[&bytes[LENGTH_PREFIX..]];
            let carried = (Carried::Request, flow);
            let lost = self.send(&plane, carried, ids.iter().copied(), split, parts, long);
            Ok((id, lost.nodes))
        });
        match lost {
            Ok((id, lost)) => {
                lost.into_iter().for_each(|node| self.lose_answers(id, node));
                self.wake_by(deadline.elapsed());
            }
            // As many requests wait as may.
            Err(_) => gather.expire(),
        }
    }

    /// Another node asks many, this one's among them.
    pub(super) fn take_request_to_many(
        self: &Arc<Self>,
        asker: Asker,
        target: &Target<'_>,
        event: &str,
        value: ValueRef<'_>,
    ) {
        #[cfg(feature = "legacy")]
        let _missed = self.old_hosts_without(target, event, "requests");
        let receivers = self.receivers(target, None);
        if receivers.len() > MAX_RECEIVERS {
            let text = format!("a request can have {MAX_RECEIVERS} receivers at most");
            return asker.answer(&Err(RequestError::Denied(text)));
        }
        let gather = Gather::new(&receivers, Sink::Node(asker));
        gather.ask(&receivers, event, value, RELAY_TIMEOUT);
    }

    /// What became of a receiver at another node.
    pub(super) fn take_outcome(
        &self,
        from: NodeId,
        id: u32,
        address: &str,
        outcome: ReceiverOutcome<'_>,
    ) {
        if let ReceiverOutcome::Unreachable = outcome {
            // Told by a router on the way, or by a node of its own.
            if let Some(node) = self.neighbour(address) {
                self.lose_answers(id, node.id());
            }
            return;
        }
        let Some((gather, branch)) = self.branch_of(from, id) else { return };
        let Ok(address) = address.parse::<SocketAddress>() else {
            Counts::add(&self.counts.malformed, 1);
            return;
        };
        match outcome {
            ReceiverOutcome::Asked => {
                if !gather.branch_asked(branch, address) {
                    // There are too many. Not to name them would be to say that there are none. The node has asked
                    // them: until it is done, or the time over, they count for whoever asks.
                    gather.branch_unreachable(branch);
                }
            }
            ReceiverOutcome::Answered(value) => {
                gather.branch_outcome(branch, &address, Ok(value.to_value()));
            }
            ReceiverOutcome::Refused { code, value } => {
                let error = RequestError::from_nack(code, value.to_value());
                gather.branch_outcome(branch, &address, Err(error));
            }
            // Of streams.
            ReceiverOutcome::Stopped { .. } | ReceiverOutcome::Unreachable => {}
        }
    }

    fn branch_of(&self, node: NodeId, id: u32) -> Option<(Arc<Gather>, Branch)> {
        let asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        match asks.get(id) {
            Some(Asked::Many(AskedMany { gather, nodes, .. })) => {
                Some((Arc::clone(gather), *nodes.get(&node)?))
            }
            _ => None,
        }
    }

    /// A node has told of all its receivers, and how many there are, or refuses the request. `false`: it is a request to
    /// one.
    pub(super) fn finish_branch(
        &self,
        node: NodeId,
        id: u32,
        receivers: Option<&ValueRef<'_>>,
    ) -> bool {
        let Some((gather, branch)) = self.branch_of(node, id) else { return false };
        let count = match receivers {
            Some(ValueRef::Integer(count)) => usize::try_from(*count).ok(),
            _ => None,
        };
        match count {
            Some(count) => gather.branch_done(branch, count),
            None => gather.branch_unreachable(branch),
        }
        self.end_branch(id, |many| {
            many.nodes.remove(&node);
        });
        true
    }

    /// Nothing more will come from a node.
    fn lose_answers(&self, id: u32, node: NodeId) {
        if let Some((gather, branch)) = self.branch_of(node, id) {
            gather.branch_unreachable(branch);
            self.end_branch(id, |many| {
                many.nodes.remove(&node);
            });
        }
    }

    fn end_branch(&self, id: u32, change: impl FnOnce(&mut AskedMany)) {
        let over = {
            let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
            match asks.get_mut(id) {
                Some(Asked::Many(many)) => {
                    change(many);
                    if many.is_over() { asks.remove(id) } else { None }
                }
                _ => None,
            }
        };
        drop(over);
    }

    /// A node is gone: the requests to many that wait for it do so no more.
    pub(super) fn lose_branches(&self, node: NodeId) {
        let waiting: Vec<u32> = {
            let asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
            let waits = |asked: &Asked| matches!(asked, Asked::Many(many) if many.nodes.contains_key(&node));
            asks.iter().filter(|(_, asked)| waits(asked)).map(|(id, _)| id).collect()
        };
        for id in waiting {
            self.lose_answers(id, node);
        }
    }

    /// A request to many could not be passed on to these nodes: the node that asks is told of each.
    pub(super) fn refuse_branches(&self, back: Back, lost: &[NodeId]) {
        let mut frames = BytesMut::new();
        {
            let plane = self.plane();
            for node in lost {
                let Some(name) = plane.router.known_name(*node) else { continue };
                let outcome = ReceiverOutcome::Unreachable;
                let told = Message::Outcome { id: back.id, socket_id: name.as_str(), outcome };
                let _fits = v3::encode(&told, &mut frames);
            }
        }
        let _counted = self.send_back(back, &frames);
    }
}

/// What a node tells the one that asked it. `false`: that could not be sent, and nothing more is told. So its end is not
/// told either, and it is unreachable in the report.
impl Asker {
    fn tell(&self, messages: impl FnOnce(&mut BytesMut)) -> bool {
        let Some(router) = self.router.upgrade() else { return false };
        let mut frames = BytesMut::new();
        messages(&mut frames);
        router.send_back(self.back, &frames).is_ok()
    }

    /// Whether a frame with so many bytes beside its head is longer than the next neighbour reads.
    fn is_too_long(&self, length: usize) -> bool {
        let router = self.router.upgrade();
        router.is_some_and(|router| length > router.longest_to(self.back.node).saturating_sub(HEAD))
    }

    fn put(&self, address: &SocketAddress, outcome: ReceiverOutcome<'_>, frames: &mut BytesMut) {
        let address = address.to_string();
        let told = Message::Outcome { id: self.back.id, socket_id: &address, outcome };
        // What is longer than any frame is left out, and its receiver missing.
        let _fits = v3::encode(&told, frames);
    }

    /// These are asked.
    pub(crate) fn asked(&self, addresses: &[SocketAddress]) -> bool {
        // So that no frame is longer than those of others.
        addresses.chunks(TOLD_AT_ONCE).all(|addresses| {
            self.tell(|frames| {
                for address in addresses {
                    self.put(address, ReceiverOutcome::Asked, frames);
                }
            })
        })
    }

    /// How one of them ended.
    pub(crate) fn outcome(&self, address: &SocketAddress, outcome: &Outcome) -> bool {
        let refusal = outcome.as_ref().err().map(RequestError::to_nack);
        self.tell(|frames| {
            let outcome = match (outcome, &refusal) {
                (Ok(value), _) if self.is_too_long(length(value.as_ref())) => {
                    let (code, value) = (NackCode::TooLarge, ValueRef::Empty);
                    ReceiverOutcome::Refused { code, value }
                }
                (Ok(value), _) => ReceiverOutcome::Answered(value.as_ref()),
                (Err(_), Some((code, value))) if self.is_too_long(length(value.as_ref())) => {
                    // The reason is left out.
                    ReceiverOutcome::Refused { code: *code, value: ValueRef::Empty }
                }
                (Err(_), Some((code, value))) => {
                    ReceiverOutcome::Refused { code: *code, value: value.as_ref() }
                }
                (Err(_), None) => return,
            };
            self.put(address, outcome, frames);
        })
    }

    /// So many were asked, and that was all.
    pub(crate) fn over(&self, receivers: usize) -> bool {
        let count = i64::try_from(receivers).unwrap_or(i64::MAX);
        self.answer(&Ok(ValueRef::Integer(count)));
        true
    }
}

/// The most that stands in a routed frame before an answer: its header, and the address of the receiver.
const HEAD: usize = 512;

/// How many receivers one frame tells of: 300 bytes each at most.
const TOLD_AT_ONCE: usize = 1000;
