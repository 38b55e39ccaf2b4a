//! The data plane: which links a frame for a set of nodes takes.
//!
//! The origin knows whom a frame is for: it takes the nodes of a room from its own table, groups them by the link
//! that leads to each, and sends one copy over each of these links, with the nodes that lie behind it
//! (Xcast, RFC 5058). A router on the way does the same with the set that it is given: it delivers if it is in
//! the set, and groups the rest by its own routes. A set is only ever split, so:
//!
//! * each destination is in one copy at a time, so none is reached twice, whatever the routers think of the
//!   topology meanwhile;
//! * while they agree, each link of the tree carries one copy, and no other link any, since equal ways are chosen
//!   among so that they do not meet again;
//! * nobody has to remember what passed, or to agree on a tree;
//! * a loop, which exists only while routers disagree, ends with the frame's ttl. A frame never
//!   leaves by the link by which it came.
//!
//! A node to which no link leads is dropped from the set, and counted by who asked.
//!
//! Frames of one origin and flow take one path while the routes stay. When these change, a later frame may
//! overtake an earlier one on its new path; the receiver passes over what was overtaken, and what comes of a life
//! of the origin that is over, see [`OriginOrder`].

mod order;
mod split;

use gatewire_codec::v3::control::NodeId;
use gatewire_codec::v3::routed::{Carried, RoutedHeader, decode_routed};
use gatewire_codec::{SocketId, Target};

pub use order::OriginOrder;
pub use split::{Branch, Split};

use crate::error::LinkError;
use crate::link_set::{LinkId, LinkSet};
use crate::router::Router;
use crate::rules::{COUNTING_HOPS, NEVER_BACK, OUTLIVING, SPLITTING};

/// How many links a frame may cross: the design's figure, and the longest way through a cluster.
pub const MAX_HOPS: u8 = 32;

/// A frame that a neighbour has sent, for this node, for others, or both.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'f> {
    /// What is to be written into the copies, but for what each link has of its own.
    pub passing: Passing,
    /// Whether this node is one of those that it is for.
    pub here: bool,
    /// A newer life of its origin is known here: what it orders by its sequence is late, see [`OriginOrder`]. It goes on
    /// to the others, since they may not know yet.
    pub outlived: bool,
    /// See [`Carried`].
    pub payload: &'f [u8],
}

/// What all copies of a frame have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passing {
    /// What the payload is.
    pub carried: Carried,
    /// How many links it may cross behind the next one.
    pub ttl: u8,
    /// Frames of one origin and flow keep their order.
    pub flow: u8,
    /// Where it began.
    pub origin: NodeId,
    /// In which life of the origin.
    pub nonce: u32,
    /// Its place among those of its origin and flow.
    pub sequence: u64,
}

impl Router {
    /// Begins a frame of this node.
    #[must_use]
    pub fn begin(&self, carried: Carried, flow: u8, sequence: u64) -> Passing {
        let (origin, nonce) = (self.name().id(), self.incarnation().nonce());
        Passing { carried, ttl: MAX_HOPS - 1, flow, origin, nonce, sequence }
    }

    /// Adds the other nodes that `target` is for to `nodes`: those with members of its rooms, those of its sockets,
    /// or all that can be reached. Names of sockets that are of no node that can be reached go to `unknown`.
    pub fn addressed(
        &self,
        target: &Target<'_>,
        nodes: &mut Vec<NodeId>,
        mut unknown: impl FnMut(&str),
    ) {
        if target.everyone {
            nodes.extend(self.reached_ids());
            nodes.retain(|node| *node != self.name().id());
            return;
        }
        let before = nodes.len();
        for room in target.rooms {
            nodes.extend(self.destinations(room));
        }
        let sets = target.rooms.len() + target.sockets.len();
        for address in target.sockets {
            // Without a node's name it is one of this node.
            let Some((node, _)) = address.split_once('/') else { continue };
            if node == self.name().as_str() {
                continue;
            }
            match self.reached_name(node) {
                Some(id) => nodes.push(id),
                None => unknown(node),
            }
        }
        if sets > 1 {
            nodes[before..].sort_unstable();
            nodes.dedup();
        }
    }

    /// Groups `nodes` by the links that a flow of `origin` takes to them, other than `arrival`. What was in `split`
    /// is forgotten.
    pub fn split(
        &self,
        (origin, flow): (NodeId, u8),
        nodes: impl Iterator<Item = NodeId>,
        arrival: Option<LinkId>,
        split: &mut Split,
    ) {
        split.clear();
        let mut usable = self.adjacent();
        if let Some(arrival) = arrival.filter(|_| NEVER_BACK) {
            usable.remove(arrival);
        }
        for node in nodes {
            if !SPLITTING {
                self.add_to_all(node, &usable, split);
                continue;
            }
            let way = self.way(node, (origin, flow), &usable);
            match way {
                Some((link, number)) => split.add(link, node, number),
                None => split.unreachable.push(node),
            }
        }
        split.sort();
    }

    /// The header of the copy for one link, to be [encoded](gatewire_codec::v3::routed::encode_routed) with the
    /// [numbers](Branch::numbers) of its branch. `None`: the link has gone since, or does not know the origin
    /// yet.
    #[must_use]
    pub fn header(&self, passing: &Passing, link: LinkId) -> Option<RoutedHeader> {
        let origin = self.known_number(link, passing.origin)?;
        let Passing { carried, ttl, flow, nonce, sequence, .. } = *passing;
        Some(RoutedHeader { carried, ttl, flow, origin, nonce, sequence })
    }

    /// Takes a frame that a neighbour routes (kind 57), without its length prefix. How it goes on is in `split`.
    ///
    /// # Errors
    ///
    /// [`LinkError`] as for [`handle_frame`](Self::handle_frame).
    pub fn arrive<'f>(
        &self,
        link: LinkId,
        frame: &'f [u8],
        split: &mut Split,
    ) -> Result<Arrived<'f>, LinkError> {
        let routed = decode_routed(frame)?;
        let RoutedHeader { carried, ttl, flow, origin, nonce, sequence } = routed.header;
        let origin = self.meant_id(link, origin)?;
        let own = self.name().id();
        let mut here = false;
        let mut broken = None;
        let onward = routed.destinations.iter().filter_map(|number| {
            match self.meant_id(link, number) {
                Ok(node) if node == own => here = true,
                Ok(node) => return Some(node),
                Err(error) => broken = Some(error),
            }
            None
        });
        self.split((origin, flow), onward, Some(link), split);
        if let Some(error) = broken {
            return Err(error);
        }
        if ttl == 0 {
            split.expire();
        }
        let ttl = ttl.saturating_sub(u8::from(COUNTING_HOPS));
        let passing = Passing { carried, ttl, flow, origin, nonce, sequence };
        let outlived = here && OUTLIVING && self.is_of_another_life(origin, nonce);
        Ok(Arrived { passing, here, outlived, payload: routed.payload })
    }

    /// Whether the newest life of `origin` that is known has another boot nonce. A new life is told of before its first
    /// frame comes: on each link of the way its record went ahead.
    fn is_of_another_life(&self, origin: NodeId, nonce: u32) -> bool {
        self.life_of(origin).is_some_and(|newest| newest != nonce)
    }

    /// What a build without [`SPLITTING`] does.
    fn add_to_all(&self, node: NodeId, usable: &LinkSet, split: &mut Split) {
        for link in usable.iter() {
            if let Some(number) = self.known_number(link, node) {
                split.add(link, node, number);
            }
        }
    }

    fn way(
        &self,
        node: NodeId,
        (origin, flow): (NodeId, u8),
        usable: &LinkSet,
    ) -> Option<(LinkId, u32)> {
        let link = self.next_hop_among(node, origin, flow, usable)?;
        Some((link, self.known_number(link, node)?))
    }
}

/// The flow of a session: its messages keep their order, and take one path.
#[must_use]
pub fn flow_of(session: &SocketId) -> u8 {
    // Drawn at random, so any byte is as good as a hash.
    session.to_bytes()[0]
}
