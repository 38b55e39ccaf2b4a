//! Events for other nodes, and frames of other nodes for this one and beyond.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use gatewire_cluster::NodeId;
use gatewire_cluster::forward::{Arrived, Branch, OriginOrder, Passing, Split};
use gatewire_codec::v3::routed::{Carried, decode_target, encode_target};
use gatewire_codec::{SocketAddress, Target};
use gatewire_core::session::{Class, Frames};

use super::counters::Counts;
use super::inner::RouterInner;
use super::link::RouterLink;
use super::plane::Plane;
use super::room_names::are_names;
use crate::error::{DisconnectReason, EmitError, RequestError};
use crate::net::assembly::Frame;
use crate::net::link::HasLink;
use crate::server;

/// Memory that each thread keeps for the next message.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) nodes: Vec<NodeId>,
    pub(super) split: Split,
    pub(super) bytes: BytesMut,
    /// Links to be flushed behind the lock.
    pub(super) long: Vec<Arc<RouterLink>>,
}

/// To whom something was not sent, and why not to the last of them. All is counted.
#[derive(Default)]
pub(super) struct Lost {
    pub(super) nodes: Vec<NodeId>,
    pub(super) error: Option<RequestError>,
}

/// Another node, as its frames tell.
pub(super) struct Origin {
    /// The life that was heard last.
    nonce: u32,
    /// How far its frames have come.
    order: Arc<Mutex<OriginOrder>>,
}

impl Origin {
    fn new(nonce: u32) -> Self {
        Self { nonce, order: Arc::new(Mutex::new(OriginOrder::new(nonce))) }
    }
}

/// What is kept of a scratch's bytes: a target of ordinary length.
const KEEP: usize = 16 << 10;

impl Scratch {
    /// Lends this thread's.
    pub(super) fn with<R>(f: impl FnOnce(&mut Self) -> R) -> R {
        thread_local! {
            static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
        }
        let mut scratch = SCRATCH.take().unwrap_or_default();
        let result = f(&mut scratch);
        scratch.nodes.clear();
        scratch.bytes.clear();
        if scratch.bytes.capacity() > KEEP {
            scratch.bytes = BytesMut::new();
        }
        for link in scratch.long.drain(..) {
            link.link().flush();
        }
        SCRATCH.set(Some(scratch));
        result
    }
}

impl RouterInner {
    /// Sends events that were published on this node to the members on others. `from`: the server that has delivered
    /// them to its own.
    pub(crate) fn publish(
        &self,
        from: Option<&server::Inner>,
        target: &Target<'_>,
        flow: u8,
        class: Class,
        frames: &Frames<'_>,
    ) {
        self.deliver_beside(from, target, class, frames);
        self.publish_to_nodes(target, flow, class, frames);
        #[cfg(feature = "legacy")]
        self.to_old_hosts(target, frames);
    }

    /// The same for the members on other nodes alone.
    pub(super) fn publish_to_nodes(
        &self,
        target: &Target<'_>,
        flow: u8,
        class: Class,
        frames: &Frames<'_>,
    ) {
        Scratch::with(|scratch| {
            let plane = self.plane();
            let mut unknown = 0;
            plane.router.addressed(target, &mut scratch.nodes, |node| {
                unknown += usize::from(!self.is_old_host(node));
            });
            Counts::add(&self.counts.unreachable, unknown);
            if scratch.nodes.is_empty() {
                return;
            }
            encode_target(target, &mut scratch.bytes);
            let carried = match class {
                Class::Volatile => Carried::VolatileEvents,
                Class::Normal | Class::Control => Carried::Events,
            };
            let Scratch { nodes, split, bytes, long } = scratch;
            let nodes = nodes.iter().copied();
            // What cannot be sent is counted: nobody waits for an event.
            let parts: &[&[u8]] = &[bytes, frames.bytes()];
            let _counted = self.send(&plane, (carried, flow), nodes, split, parts, long);
        });
    }

    /// Whether this is a router of wire version 2 that is not reached as a node.
    #[cfg(feature = "legacy")]
    fn is_old_host(&self, name: &str) -> bool {
        self.v2().is_some_and(|old| old.reaches(name))
    }

    #[cfg(not(feature = "legacy"))]
    fn is_old_host(&self, _: &str) -> bool {
        false
    }

    /// Gives events to the other servers of this node.
    pub(super) fn deliver_beside(
        &self,
        from: Option<&server::Inner>,
        target: &Target<'_>,
        class: Class,
        frames: &Frames<'_>,
    ) {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        for server in &*servers {
            if from.is_none_or(|from| !std::ptr::eq(from, &**server)) {
                server.deliver_here(target, None, class, frames);
            }
        }
    }

    /// Sends what begins here to other nodes.
    pub(super) fn send(
        &self,
        plane: &Plane,
        (carried, flow): (Carried, u8),
        nodes: impl Iterator<Item = NodeId>,
        split: &mut Split,
        parts: &[&[u8]],
        long: &mut Vec<Arc<RouterLink>>,
    ) -> Lost {
        let own = self.name.id();
        plane.router.split((own, flow), nodes, None, split);
        let mut lost = Lost::default();
        if !split.branches().is_empty() {
            let sequence = self.flows[usize::from(flow)].lock();
            let mut sequence = sequence.unwrap_or_else(PoisonError::into_inner);
            *sequence += 1;
            let passing = plane.router.begin(carried, flow, *sequence);
            // Under the lock of the flow: in the order of the numbers.
            lost = self.pass(plane, &passing, split, parts, long);
        }
        if !split.unreachable.is_empty() {
            Counts::add(&self.counts.unreachable, split.unreachable.len());
            lost.nodes.extend_from_slice(&split.unreachable);
            lost.error = Some(RequestError::Unreachable);
        }
        lost
    }

    /// Queues a copy for each branch.
    fn pass(
        &self,
        plane: &Plane,
        passing: &Passing,
        split: &Split,
        parts: &[&[u8]],
        long: &mut Vec<Arc<RouterLink>>,
    ) -> Lost {
        let mut lost = Lost::default();
        let class = match passing.carried {
            Carried::VolatileEvents => Class::Volatile,
            _ => Class::Normal,
        };
        for branch in split.branches() {
            let sent = match plane.link(branch.link) {
                Some(link) => {
                    let sent = link.send_copy(&plane.router, (passing, branch), class, parts);
                    if let Ok(true) = sent {
                        long.push(Arc::clone(link));
                    }
                    sent
                }
                None => Err(EmitError::NotConnected),
            };
            if let Err(error) = sent {
                tracing::debug!(link = branch.link.0, %error, "a message was dropped at a link");
                Counts::add(&self.counts.refused, branch.nodes().len());
                lost.nodes.extend_from_slice(branch.nodes());
                lost.error = Some(RequestError::NotSent(error));
            }
        }
        lost
    }

    /// A neighbour has sent a frame for this node, for others, or both.
    pub(super) fn arrived(
        self: &Arc<Self>,
        link: &Arc<RouterLink>,
        frame: &Frame<'_>,
    ) -> Result<(), DisconnectReason> {
        Scratch::with(|scratch| {
            let Scratch { split, long, .. } = scratch;
            let (arrived, lost) = {
                let plane = self.plane();
                let arrived = plane.router.arrive(link.id, frame.bytes(), split);
                let arrived = arrived.map_err(DisconnectReason::Cluster)?;
                Counts::add(&self.counts.unreachable, split.unreachable.len());
                Counts::add(&self.counts.expired, split.expired.len());
                if arrived.passing.carried == Carried::Stream {
                    // Numbers are those of the links that there are now.
                    let header =
                        |branch: &Branch| plane.router.header(&arrived.passing, branch.link);
                    let ways = self.routes(&plane, split, header);
                    drop(plane);
                    return self.open_routed(link, &arrived, ways);
                }
                let lost = self.pass(&plane, &arrived.passing, split, &[arrived.payload], long);
                (arrived, lost)
            };
            if arrived.passing.carried == Carried::Request {
                let mut nodes = lost.nodes;
                nodes.extend(split.unreachable.iter().chain(&split.expired));
                if !nodes.is_empty() {
                    self.refuse_request(&arrived, &nodes);
                }
            }
            if arrived.here {
                self.deliver(&arrived, frame);
            }
            Ok(())
        })
    }

    /// Takes what is for this node.
    fn deliver(self: &Arc<Self>, arrived: &Arrived<'_>, frame: &Frame<'_>) {
        let Arrived { passing, payload, .. } = *arrived;
        let class = match passing.carried {
            Carried::Events | Carried::Request | Carried::Stream => Class::Normal,
            Carried::VolatileEvents => Class::Volatile,
            Carried::Answers => return self.take_answers(passing.origin, payload),
        };
        if arrived.outlived {
            // Nobody waits for an answer: a newer life would take it for one of its own.
            Counts::add(&self.counts.late, 1);
            return;
        }
        let order = self.order_of(passing.origin, passing.nonce);
        // Locked while it is delivered: frames of one flow may come on two links while routes change.
        let mut order = order.lock().unwrap_or_else(PoisonError::into_inner);
        if !order.admit(passing.nonce, passing.flow, passing.sequence) {
            Counts::add(&self.counts.late, 1);
            if passing.carried == Carried::Request {
                // Nothing has run: who asks is not to wait for its deadline.
                self.refuse_request(arrived, &[self.name.id()]);
            }
            return;
        }
        if passing.carried == Carried::Request {
            return self.take_request(&passing, payload);
        }
        match decode_events(payload, frame) {
            // Only a gateway wants names.
            #[cfg(not(feature = "legacy"))]
            Some((target, _)) if are_names(&target) => {}
            #[cfg(feature = "legacy")]
            Some((target, frames)) if are_names(&target) => self.take_room_names(frames.bytes()),
            Some((target, frames)) => {
                Counts::add(&self.counts.delivered, 1);
                self.deliver_beside(None, &target, class, &frames);
                #[cfg(feature = "legacy")]
                self.to_old_hosts(&target, &frames);
            }
            None => {
                tracing::debug!(origin = passing.origin.to_bits(), "a routed frame is broken");
                Counts::add(&self.counts.malformed, 1);
            }
        }
    }

    /// The order of an origin, of whose present life a frame has come.
    fn order_of(&self, origin: NodeId, nonce: u32) -> Arc<Mutex<OriginOrder>> {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if origins.len() >= MOST_ORIGINS && !origins.contains_key(&origin) {
            // Of those that are out of reach nothing is on its way.
            let plane = self.plane();
            origins.retain(|node, _| plane.router.name_of(*node).is_some());
        }
        let origin = origins.entry(origin).or_insert_with(|| Origin::new(nonce));
        origin.nonce = nonce;
        Arc::clone(&origin.order)
    }

    /// Whether another life of a node has been heard since this one.
    pub(super) fn is_over(&self, node: NodeId, nonce: u32) -> bool {
        let origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        origins.get(&node).is_some_and(|origin| origin.nonce != nonce)
    }

    /// The sockets of another node that an address names, if it does.
    pub(crate) fn other_node<'a>(&self, address: &'a SocketAddress) -> Option<&'a str> {
        address.node().filter(|node| **node != *self.node)
    }
}

/// Of how many origins the order is remembered, before those that cannot be reached are forgotten. They take 2 KiB, or 4,
/// each.
const MOST_ORIGINS: usize = 16_384;

/// Whom events are for, and the events. `None`: it is something else.
fn decode_events<'f>(payload: &'f [u8], frame: &Frame<'f>) -> Option<(Target<'f>, Frames<'f>)> {
    let (target, events) = decode_target(payload).ok()?;
    let share = || match frame.owned() {
        Some(frame) => frame.slice_ref(events),
        None => Bytes::copy_from_slice(events),
    };
    Some((target, Frames::of_events(events, share)?))
}
