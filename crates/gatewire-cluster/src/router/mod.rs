//! One router: all that it knows, and when it says what.
//!
//! ```text
//!  link_up, link_down, handle_frame        join, leave            handle_timeout
//!             |                                 |                       |
//!             v                                 v                       v
//!   +-------------------+  newer   +------------------------+   +----------------+
//!   | database: records |--------->| flooding: to all links |   | throttles:     |
//!   | and sets of rooms |          | but the one of arrival |   | own record,    |
//!   +-------------------+          +------------------------+   | routes, rooms  |
//!             |                                 |               +----------------+
//!             +----> routes, rooms -> nodes     v                       |
//!                          |              poll_output  <----------------+
//!                 next_hop, destinations
//! ```
//!
//! **Flooding.** What is newer than what is known is taken and handed on at once, to all links but
//! that of its arrival; a copy that is not newer ends here. So each frame crosses each link once or twice: at
//! most 2E - N + 1 times in all, with E links and N nodes.
//!
//! **Synchronising.** When a link comes up each side sends the digest of all that it knows, and hands on from
//! then on. When the digests are equal, that was all. If not, the side with the higher id sends the
//! digests of its buckets; the other answers with summaries of those that differ; the first one then asks for what is newer there
//! and sends what is newer here. What a side learns so is flooded like any other news. The digest
//! of a side and all that it floods later on the same link have no gap between them, so one opinion is enough.
//!
//! **Forgetting.** What cannot be reached is forgotten after a while, by each router at its own time. Once it can be
//! reached again, who still has it learns nothing new, and hands nothing on to a neighbour that has
//! not. So a router that forgot something compares with all its neighbours, as when a link comes up, a
//! second after more can be reached.
//!
//! **Own record.** A change of the own links is told after the throttle. A router that meets a newer
//! record of its own name out-bids it: it goes on with a higher counter. Its own last life ends that
//! way after the first time. Another live node of that name bids back; when this happens more than 3 times
//! in 60 s, the node with the lower boot nonce stays and the other one stops ([`Event::NameTaken`]).
//!
//! Bytes go to [`Output::Send`] in the order in which each link has to carry them.

mod calculate;
mod link;
mod originate;
mod receive;
mod rooms;
mod send;
mod synchronize;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use gatewire_codec::v3::control::{Incarnation, NodeFlags, NodeId};
use rustc_hash::FxHashMap;

use crate::error::TooManyRooms;
use crate::identity::{Boot, NodeName};
use crate::interest::{Holders, LocalRooms, RoomKey};
use crate::link_set::{LinkId, LinkSet};
use crate::link_state::Database;
use crate::random::Random;
use crate::routes::Routes;
use crate::throttle::Throttle;
use link::Link;
use originate::Fights;
use rooms::Awaited;
use watch::Watched;

/// The priority of all frames of this machine: they go before everything else of a link.
pub const PRIORITY: u8 = 0;

/// What a router is told at its start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name of the cluster, 1 to 255 bytes. Nodes of different clusters do not understand each other.
    pub cluster: String,
    /// The name of this node, 1 to 255 bytes without `/`.
    pub name: String,
    /// The key of the hashes of rooms, the same at all nodes.
    pub room_key: RoomKey,
    /// How many nodes are remembered, this one among them. What is said of further ones is not
    /// taken, and counted in [`Statistics::refused`].
    pub max_nodes: usize,
    /// Whether this node asks not to be a way to others.
    pub overload: bool,
    /// Whether this node has links to routers of wire version 2, of which others are told:
    /// [`Router::v2_gateways`]. That can [change](Router::set_v2_gateway).
    pub v2_gateway: bool,
    /// For jitter; nothing has to be secret about it.
    pub seed: u64,
}

impl Config {
    /// With room for 16,384 nodes, not overloaded.
    #[must_use]
    pub fn new(cluster: &str, name: &str, room_key: RoomKey, seed: u64) -> Self {
        Self {
            cluster: cluster.to_owned(),
            name: name.to_owned(),
            room_key,
            max_nodes: 16_384,
            overload: false,
            v2_gateway: false,
            seed,
        }
    }
}

/// Whether a router takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Running,
    /// It has left by [`Router::leave_cluster`].
    Left,
    /// Another live node has its name, and stays.
    NameTaken,
}

/// What a router wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write this to a link, with [`PRIORITY`], behind what was said before.
    Send {
        /// Where.
        link: LinkId,
        /// One whole frame, with its length prefix.
        frame: Bytes,
    },
    /// Something that the application may want to know.
    Event(Event),
}

/// What has happened in the cluster, as this router sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A node can be reached now.
    NodeUp(NodeName),
    /// A node cannot be reached any more, or has begun a new life; then `NodeUp` follows.
    NodeDown(NodeName),
    /// Some ways have changed.
    RoutesChanged,
    /// A node that can be reached has become one of the [`Router::v2_gateways`], or is one no more.
    V2GatewaysChanged,
    /// This router goes on with a higher counter, since others knew one of its name that was newer.
    /// To be kept for the next start.
    OutBid(Incarnation),
    /// A node has members of a room that is [watched](Router::watch), the first since it was told otherwise.
    RoomRegistered {
        /// The room.
        room: Box<str>,
        /// The node, which may be this one.
        node: NodeName,
        /// How many nodes have members now. (How many members a node has nobody else knows.)
        nodes: usize,
    },
    /// A node has no members of a watched room any more, or cannot be reached.
    RoomUnregistered {
        /// The room.
        room: Box<str>,
        /// The node.
        node: NodeName,
        /// How many nodes have members now.
        nodes: usize,
    },
    /// A link has no numbers for nodes left; take it down and up again.
    LinkExhausted(LinkId),
    /// Another live node has this name. This router takes part no more: close its links.
    NameTaken,
}

/// What a router has counted since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Records that were taken.
    pub records_taken: u64,
    /// Records that were not newer.
    pub records_old: u64,
    /// Changes of a node's rooms that were taken.
    pub rooms_taken: u64,
    /// Records and rooms of nodes for which there was no room.
    pub refused: u64,
    /// Own records that were told.
    pub originated: u64,
    /// Computations of the routes.
    pub calculations: u64,
}

/// The control plane of one router. See the [crate's page](crate) for what it does not do yet.
///
/// * News: [`link_up`](Self::link_up), [`link_down`](Self::link_down),
///   [`handle_frame`](Self::handle_frame), [`handle_timeout`](Self::handle_timeout).
/// * Commands: [`join`](Self::join), [`leave`](Self::leave), [`set_v2_gateway`](Self::set_v2_gateway),
///   [`leave_cluster`](Self::leave_cluster).
/// * Then, each time: [`poll_output`](Self::poll_output) until `None`, and
///   [`poll_timeout`](Self::poll_timeout) for when to call `handle_timeout`.
/// * Questions: [`next_hop`](Self::next_hop), [`destinations`](Self::destinations) and the other getters.
#[derive(Debug)]
pub struct Router {
    config: Config,
    name: NodeName,
    state: State,
    incarnation: Incarnation,
    sequence: u64,
    fights: Fights,
    /// The own rooms have to be told anew under the new incarnation.
    restamp: bool,
    links: BTreeMap<LinkId, Link>,
    database: Database,
    holders: Holders,
    local: LocalRooms,
    awaited: BTreeMap<NodeId, Awaited>,
    watched: BTreeMap<u64, Watched>,
    routes: Routes,
    /// The nodes that `routes` reaches, and the nonces of their lives: what was told by events.
    reached: BTreeMap<NodeId, (NodeName, u32)>,
    /// The same by their names.
    by_name: FxHashMap<Box<str>, NodeId>,
    /// The links over which both sides have said hello, and which `routes` takes into account.
    adjacent: LinkSet,
    origination: Throttle,
    calculation: Throttle,
    refresh: Duration,
    /// When a node was forgotten last.
    forgot: Option<Duration>,
    /// When to compare with all neighbours.
    recheck: Option<Duration>,
    random: Random,
    outputs: VecDeque<Output>,
    statistics: Statistics,
}

/// How long changes that follow each other can put off the own record, and the routes. A router
/// that starts tells of all its links at once; routes never wait longer than for one quiet.
const LONGEST_ORIGINATION: Duration = Duration::from_millis(200);
const LONGEST_CALCULATION: Duration = Duration::from_millis(20);
/// How far apart they are when changes keep coming. A record costs the whole cluster something. New routes cost this
/// router alone, 0.84 ms with 10,000 nodes, less than a hundredth of its time at this distance; and while they wait
/// messages go where nobody is: a second node that dies soon after the first must not cost seconds.
const FARTHEST_ORIGINATION: Duration = Duration::from_secs(5);
const FARTHEST_CALCULATION: Duration = Duration::from_millis(100);

impl Router {
    /// A router without links.
    ///
    /// # Errors
    ///
    /// [`NameError`](crate::NameError) for a name that no cluster or node can have.
    pub fn new(config: Config, boot: Boot, now: Duration) -> Result<Self, crate::NameError> {
        let name = NodeName::new(&config.cluster, &config.name)?;
        let mut router = Self {
            state: State::Running,
            incarnation: boot.incarnation(),
            sequence: 0,
            fights: Fights::default(),
            restamp: true,
            links: BTreeMap::new(),
            database: Database::new(config.max_nodes.max(1)),
            holders: Holders::default(),
            local: LocalRooms::default(),
            awaited: BTreeMap::new(),
            watched: BTreeMap::new(),
            routes: Routes::default(),
            reached: BTreeMap::new(),
            by_name: FxHashMap::default(),
            adjacent: LinkSet::default(),
            origination: Throttle::new(LONGEST_ORIGINATION, FARTHEST_ORIGINATION),
            calculation: Throttle::new(LONGEST_CALCULATION, FARTHEST_CALCULATION),
            refresh: Duration::MAX,
            forgot: None,
            recheck: None,
            random: Random::new(config.seed),
            outputs: VecDeque::new(),
            statistics: Statistics::default(),
            config,
            name,
        };
        router.originate(now);
        Ok(router)
    }

    /// A member of this node joins `room`. Each call has its [`leave`](Self::leave).
    ///
    /// # Errors
    ///
    /// [`TooManyRooms`] when this would be one room too many.
    pub fn join(&mut self, now: Duration, room: &str) -> Result<(), TooManyRooms> {
        let room = self.config.room_key.hash(room);
        self.local.join(now, room)?;
        self.drop_untold_rooms();
        self.holders.touch(room);
        self.tell_watched();
        Ok(())
    }

    /// A member of this node leaves `room`; `false` when there was none.
    pub fn leave(&mut self, now: Duration, room: &str) -> bool {
        let room = self.config.room_key.hash(room);
        let left = self.local.leave(now, room);
        self.drop_untold_rooms();
        self.holders.touch(room);
        self.tell_watched();
        left
    }

    /// This node has links to routers of wire version 2 from now on, or none any more. All are told.
    pub fn set_v2_gateway(&mut self, now: Duration, is_one: bool) {
        let before = std::mem::replace(&mut self.config.v2_gateway, is_one);
        if before == is_one || self.state != State::Running {
            return;
        }
        if self.is_told_as_v2_gateway(self.name.id()) {
            // Others stand by for it.
            self.origination.lose(now);
        } else {
            self.origination.change(now);
        }
    }

    /// Does what is due. To be called when [`poll_timeout`](Self::poll_timeout) says so; earlier or
    /// later does no harm.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.state != State::Running {
            return;
        }
        if self.local.due().is_some_and(|due| due <= now) {
            self.tell_rooms();
        }
        if self.refresh <= now {
            self.origination.change(now);
            self.refresh = Duration::MAX;
        }
        if self.origination.take(now) {
            self.originate(now);
        }
        if self.database.next_end().is_some_and(|end| end <= now) {
            self.forget(now);
        }
        if self.calculation.take(now) {
            self.calculate(now);
        }
        if self.recheck.is_some_and(|due| due <= now) {
            self.compare_with_all();
        }
    }

    /// What is to be done next, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        if self.state != State::Running {
            return None;
        }
        let throttles = [self.origination.due(), self.calculation.due(), self.local.due()];
        let refresh = Some(self.refresh).filter(|&at| at != Duration::MAX);
        let clocks = [refresh, self.database.next_end(), self.recheck];
        throttles.into_iter().chain(clocks).flatten().min()
    }

    /// Whether it takes part.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// This node.
    #[must_use]
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// Its present incarnation. Its counter is to be kept for [`Boot::last_counter`].
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The other nodes that can be reached, by their ids, ascending.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeName> {
        self.reached.values().map(|(name, _)| name)
    }

    /// Those of them that have links to routers of wire version 2.
    pub fn v2_gateways(&self) -> impl Iterator<Item = &NodeName> {
        let reached = self.reached.iter();
        reached.filter(|(node, _)| self.is_told_as_v2_gateway(**node)).map(|(_, (name, _))| name)
    }

    /// What the record of a node says.
    fn is_told_as_v2_gateway(&self, node: NodeId) -> bool {
        let record = self.database.get(node).and_then(|node| node.record.as_ref());
        let links = record.and_then(|record| record.links.as_ref());
        links.is_some_and(|links| links.flags.v2_gateway)
    }

    /// The sum of the costs of the way to `node`; `None` when there is none.
    #[must_use]
    pub fn cost_to(&self, node: NodeId) -> Option<u32> {
        self.routes.path(node).map(|path| path.cost)
    }

    /// The link by which a flow of `origin` goes to `node`; `None` when no link that is up leads there.
    #[must_use]
    pub fn next_hop(&self, node: NodeId, origin: NodeId, flow: u8) -> Option<LinkId> {
        self.next_hop_among(node, origin, flow, &self.adjacent)
    }

    /// The same for some of the links.
    pub(crate) fn next_hop_among(
        &self,
        node: NodeId,
        origin: NodeId,
        flow: u8,
        usable: &LinkSet,
    ) -> Option<LinkId> {
        self.routes.next_hop(self.name.id(), node, origin, flow, usable)
    }

    /// The links by which data may go.
    pub(crate) fn adjacent(&self) -> LinkSet {
        self.adjacent
    }

    /// The ids of the nodes that can be reached, ascending.
    pub(crate) fn reached_ids(&self) -> impl Iterator<Item = NodeId> {
        self.reached.keys().copied()
    }

    /// The other node of this name, if it can be reached.
    #[must_use]
    pub fn reached_name(&self, name: &str) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }

    /// The name of a node that is remembered, whether it can be reached or not.
    #[must_use]
    pub fn known_name(&self, node: NodeId) -> Option<&NodeName> {
        self.database.get(node).map(|node| &node.name)
    }

    /// The name of a node that can be reached, or of this one.
    #[must_use]
    pub fn name_of(&self, node: NodeId) -> Option<&NodeName> {
        if node == self.name.id() {
            return Some(&self.name);
        }
        self.reached.get(&node).map(|(name, _)| name)
    }

    /// The boot nonce of the newest life of a node that is remembered.
    pub(crate) fn life_of(&self, node: NodeId) -> Option<u32> {
        let record = self.database.get(node)?.record.as_ref()?;
        Some(record.incarnation.nonce())
    }

    /// The other nodes with members of `room` that can be reached, ascending.
    pub fn destinations(&self, room: &str) -> impl Iterator<Item = NodeId> {
        let nodes = self.holders.of(self.config.room_key.hash(room)).iter().copied();
        nodes.filter(|&node| self.routes.path(node).is_some())
    }

    /// How many nodes are remembered, this one and those out of reach among them.
    #[must_use]
    pub fn known_nodes(&self) -> usize {
        self.database.len()
    }

    /// How many rooms have members at other nodes.
    #[must_use]
    pub fn known_rooms(&self) -> usize {
        self.holders.len()
    }

    /// A number that two routers share when they know the same, but for chance: of records and rooms.
    #[must_use]
    pub fn digest(&self) -> u64 {
        crate::link_state::Digests::of(&self.database).root()
    }

    /// What it has counted.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    fn flags(&self) -> NodeFlags {
        let Config { overload, v2_gateway, .. } = self.config;
        NodeFlags { overload, v2_gateway, ..NodeFlags::default() }
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
