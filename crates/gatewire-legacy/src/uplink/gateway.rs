//! The gateway: what it is told, what it wants done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{EncodeError, FormatId, ValueRef, Version};

use super::counters::Counters;
use super::delivery::Delivery;
use super::error::{CloseReason, LinkRefused, NameError, RoomRefused};
use super::graph::{Cost, Edge, Graph, MAX_LINKS};
use super::name::{check_host, check_link};
use super::number::MessageIds;
use super::paths::{Ways, ways};
use super::rooms::{Hearsay, Rooms};

/// A link of a gateway. Numbers are not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkNumber(pub u32);

/// A link whose handshake is done.
#[derive(Debug, Clone, Copy)]
pub struct LinkUp<'a> {
    /// The link's id: the socket id that the accepting end has given, `host/prefix/server/random`.
    pub link: &'a str,
    /// The name that the peer has said.
    pub host: &'a str,
    /// What the way to the peer costs. (The originals have 1 where they have accepted. What the peer pays is its own
    /// matter, so both ends had better be told the same.)
    pub cost: Cost,
    /// The id of the last frame that was sent in the handshake.
    pub last_message_id: u32,
}

/// What a gateway wants done, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// This frame is to be sent, its length is in front of it.
    Send {
        /// By this link.
        link: LinkNumber,
        /// The bytes.
        frame: Bytes,
    },
    /// An event is for what is behind the gateway.
    Deliver(Delivery),
    /// A room has got its first members on old hosts, or lost the last.
    RoomChanged {
        /// The room.
        room: Arc<str>,
        /// Whether there are members.
        present: bool,
    },
    /// The connection is to be closed. The link is down already.
    CloseLink {
        /// This link's.
        link: LinkNumber,
        /// Why.
        reason: CloseReason,
    },
}

/// One host of a cluster of version 2. The [module's documentation](super) tells how it works.
///
/// * [`handle_frame`](Self::handle_frame) takes what a neighbour has sent;
/// * [`link_up`](Self::link_up), [`link_down`](Self::link_down), [`set_room`](Self::set_room) and
///   [`publish`](Self::publish) are commands, and change memory alone;
/// * [`poll_output`](Self::poll_output) gives what is to be done, until it gives `None`.
///
/// ```
/// use gatewire_legacy::uplink::{Cost, Gateway, LinkUp, Output};
///
/// let mut gateway = Gateway::new("host1")?;
/// let link = "host2/down/kc/O7qbx2JO";
/// let up = LinkUp { link, host: "host2", cost: Cost::ONE, last_message_id: 3 };
/// gateway.link_up(&up).expect("it is the first");
/// // The link is flooded to all neighbours, and told to the new one as one of those that there are.
/// let sent = std::iter::from_fn(|| gateway.poll_output());
/// assert_eq!(sent.filter(|output| matches!(output, Output::Send { .. })).count(), 2);
/// # Ok::<(), gatewire_legacy::uplink::NameError>(())
/// ```
#[derive(Debug)]
pub struct Gateway {
    pub(super) host: Arc<str>,
    pub(super) links: BTreeMap<LinkNumber, Link>,
    last_link: u32,
    pub(super) graph: Graph,
    pub(super) rooms: Rooms,
    /// Of neighbours.
    pub(super) hearsay: Hearsay,
    /// What is behind this gateway: rooms with members, and how many.
    pub(super) own_rooms: BTreeMap<Arc<str>, u64>,
    /// The hosts to which nothing is published, as they are reached by another way than the old cluster.
    left_out: BTreeSet<Box<str>>,
    /// By what links is known now. Empty: it has to be looked for.
    ways: Option<Ways>,
    /// The same from neighbours, as far as it was asked for.
    ways_of: BTreeMap<LinkNumber, Ways>,
    pub(super) output: VecDeque<Output>,
    pub(super) counters: Counters,
}

/// A link to a neighbour.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: Arc<str>,
    pub(super) peer: Arc<str>,
    /// How often it was told again.
    pub(super) told_again: u8,
    ids: MessageIds,
}

impl Gateway {
    /// A host of this name without links.
    ///
    /// # Errors
    ///
    /// [`NameError`]: a host of version 2 cannot be called so.
    pub fn new(host: &str) -> Result<Self, NameError> {
        check_host(host)?;
        Ok(Self {
            host: host.into(),
            links: BTreeMap::new(),
            last_link: 0,
            graph: Graph::default(),
            rooms: Rooms::default(),
            hearsay: Hearsay::default(),
            own_rooms: BTreeMap::new(),
            left_out: BTreeSet::new(),
            ways: None,
            ways_of: BTreeMap::new(),
            output: VecDeque::new(),
            counters: Counters::default(),
        })
    }

    /// The name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What was ignored and dropped.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The other hosts to which a way leads.
    pub fn hosts(&mut self) -> impl Iterator<Item = &str> {
        self.ways().keys().map(|host| &**host)
    }

    /// Whether a way leads to another host.
    pub fn reaches(&mut self, host: &str) -> bool {
        self.ways().contains_key(host)
    }

    /// What is published from now on does not go to these hosts, since they get it by another way. (What old hosts send
    /// them is passed on.) Those of the last call are left out no more.
    pub fn leave_out(&mut self, hosts: BTreeSet<Box<str>>) {
        self.left_out = hosts;
    }

    /// Whether nothing is published to a host, see [`leave_out`](Self::leave_out).
    #[must_use]
    pub fn is_left_out(&self, host: &str) -> bool {
        self.left_out.contains(host)
    }

    /// The old hosts that have members of a room.
    pub fn hosts_of(&self, room: &str) -> impl Iterator<Item = &str> {
        self.rooms.hosts_of(room).map(|(host, _)| &**host)
    }

    /// The rooms that have members on old hosts.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.rooms.names().map(|room| &**room)
    }

    /// Whether this link, by its id, could come up now.
    ///
    /// # Errors
    ///
    /// [`LinkRefused`].
    pub fn may_link(&self, link: &str, host: &str) -> Result<(), LinkRefused> {
        check_host(host).map_err(LinkRefused::Host)?;
        check_link(link).map_err(LinkRefused::Link)?;
        if *host == *self.host {
            return Err(LinkRefused::OwnName);
        }
        if self.links.values().any(|found| *found.peer == *host) {
            return Err(LinkRefused::NameInUse);
        }
        if self.links.values().any(|found| *found.id == *link) {
            return Err(LinkRefused::LinkInUse);
        }
        if self.links.len() >= MAX_LINKS {
            return Err(LinkRefused::TooMany);
        }
        Ok(())
    }

    /// A link has come up: all that is known is told to the peer, and the link to all neighbours.
    ///
    /// # Errors
    ///
    /// [`LinkRefused`]: nothing has changed, and the connection is to be closed.
    pub fn link_up(&mut self, up: &LinkUp<'_>) -> Result<LinkNumber, LinkRefused> {
        self.may_link(up.link, up.host)?;
        self.begin_afresh(up.host);
        let edge = Edge::new(&self.host, up.host, up.link);
        self.insert_own(&edge, up.cost)?;
        self.last_link += 1;
        let number = LinkNumber(self.last_link);
        let ids = MessageIds::behind(up.last_message_id);
        let (id, peer) = (up.link.into(), up.host.into());
        self.links.insert(number, Link { id, peer, told_again: 0, ids });
        self.announce_link(number, &edge, up.cost);
        self.tell_changes();
        Ok(number)
    }

    /// A link has ended, in whatever way. Nothing happens if it is down already.
    pub fn link_down(&mut self, link: LinkNumber) {
        if let Some(Link { id, peer, .. }) = self.links.remove(&link) {
            self.ways_of.remove(&link);
            self.announce_loss(&peer, &id);
            self.believe_others(&peer);
            self.tell_changes();
        }
    }

    /// A neighbour has sent a frame, here without its length. A link that is down says nothing.
    pub fn handle_frame(&mut self, link: LinkNumber, frame: &[u8]) {
        if !self.links.contains_key(&link) {
            return;
        }
        match Packet::decode_as(Version::V2, frame) {
            Ok(packet) => self.handle_packet(link, &packet),
            Err(error) => {
                self.link_down(link);
                let reason = CloseReason::Malformed(error);
                self.output.push_back(Output::CloseLink { link, reason });
            }
        }
        self.tell_changes();
    }

    fn handle_packet(&mut self, link: LinkNumber, packet: &Packet<'_>) {
        match packet.kind {
            Kind::DataToRoom | Kind::DataToSocket | Kind::DataBroadcast => {
                self.handle_message(link, packet);
            }
            Kind::NewLink | Kind::DelLink | Kind::LinkJoinRoom | Kind::LinkLeaveRoom => {
                self.handle_fact(link, packet);
            }
            _ => self.counters.foreign += 1,
        }
    }

    /// So many sockets behind this gateway are members of a room now; 0 for none. The old hosts are told if this is
    /// news.
    ///
    /// # Errors
    ///
    /// [`RoomRefused`]: the old hosts do not hear of the room.
    pub fn set_room(&mut self, room: &str, members: u64) -> Result<(), RoomRefused> {
        self.change_own_room(room, members)
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// The ways from this host.
    pub(super) fn ways(&mut self) -> &Ways {
        let Self { ways: found, graph, host, .. } = self;
        found.get_or_insert_with(|| ways(graph.edges(), host))
    }

    /// The hosts that have rooms and to which no way leads.
    pub(super) fn lost_hosts(&mut self) -> Vec<Arc<str>> {
        let Self { ways: found, graph, host, rooms, .. } = self;
        let ways = found.get_or_insert_with(|| ways(graph.edges(), host));
        rooms.hosts().filter(|host| !ways.contains_key(*host)).cloned().collect()
    }

    /// The links that are known have changed.
    pub(super) fn forget_ways(&mut self) {
        self.ways = None;
        self.ways_of.clear();
    }

    /// By which link the way to a host begins.
    pub(super) fn next_link(&mut self, host: &str) -> Option<LinkNumber> {
        let first = Arc::clone(&self.ways().get(host)?.first);
        self.links.iter().find(|(_, link)| link.id == first).map(|(number, _)| *number)
    }

    /// Whether this host is nearer to another one than the neighbour at this link, by what is known here. A neighbour to
    /// which no way is known may know of links that are not known here.
    pub(super) fn gets_nearer(&mut self, from: LinkNumber, host: &str) -> bool {
        let Some(cost) = self.ways().get(host).map(|way| way.cost) else { return false };
        if self.next_link(host) == Some(from) {
            return false;
        }
        let Some(neighbour) = self.links.get(&from) else { return false };
        let Self { ways_of, graph, .. } = self;
        let ways_of = ways_of.entry(from).or_insert_with(|| ways(graph.edges(), &neighbour.peer));
        *host != *neighbour.peer && ways_of.get(host).is_none_or(|way| cost < way.cost)
    }

    /// Whether this is the name of a neighbour.
    pub(super) fn is_neighbour(&self, host: &str) -> bool {
        self.links.values().any(|link| *link.peer == *host)
    }

    /// Queues a frame under the next id of the link.
    pub(super) fn send(
        &mut self,
        number: LinkNumber,
        packet: Packet<'_>,
    ) -> Result<(), EncodeError> {
        let Some(link) = self.links.get_mut(&number) else { return Ok(()) };
        let mut frame = BytesMut::new();
        Packet { id: link.ids.allocate(), ..packet }.encode(&mut frame)?;
        self.output.push_back(Output::Send { link: number, frame: frame.freeze() });
        Ok(())
    }

    fn tell_changes(&mut self) {
        for (room, present) in self.rooms.take_changes() {
            self.output.push_back(Output::RoomChanged { room, present });
        }
    }
}

/// JSON as the data of a frame.
pub(super) fn json_value(json: &[u8]) -> ValueRef<'_> {
    ValueRef::Object { format: FormatId::UNSPECIFIED, bytes: json }
}
