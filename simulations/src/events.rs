//! The data plane of a station: it publishes events and passes those of others on, as a server does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use gatewire_cluster::forward::{Arrived, OriginOrder, Passing, Split};
use gatewire_cluster::{LinkError, LinkId, NodeId};
use gatewire_codec::v3::routed::{Carried, encode_routed};
use gatewire_codec::{Names, Target};
use gatewire_sim::{NodeIndex, Time};

use crate::cluster::Room;
use crate::frame::{Frame, Kind};
use crate::ledger::{Copy, Fate, Ledger, Leg, Outcome};
use crate::mutant::Mutant;
use crate::station::{Cx, Station};

/// Whom an event is for.
#[derive(Debug, Clone, Copy)]
pub enum Audience {
    /// The members of a room.
    Room(Room),
    /// All.
    Everyone,
    /// A socket of a node.
    Socket(NodeIndex),
}

/// What a station keeps for its events.
pub(crate) struct Events {
    pub(crate) ledger: Rc<RefCell<Ledger>>,
    /// The sequence numbers of its flows.
    sequences: BTreeMap<u8, u64>,
    orders: BTreeMap<NodeId, OriginOrder>,
    /// The number that was delivered last, of each node and flow: what the order of delivery is compared with.
    delivered: BTreeMap<(u32, u8), u32>,
    /// When it publishes something by itself.
    pub(crate) due: Vec<Time>,
}

/// What an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Payload {
    publish: u32,
    origin: u32,
    flow: u8,
    number: u32,
}

impl Payload {
    fn write(self) -> BytesMut {
        let mut bytes = BytesMut::with_capacity(LENGTH);
        bytes.put_u32(self.publish);
        bytes.put_u32(self.origin);
        bytes.put_u32(self.number);
        bytes.put_u8(self.flow);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, flow] = *bytes;
        let word = u32::from_be_bytes;
        let (publish, origin, number) =
            (word([a, b, c, d]), word([e, f, g, h]), word([i, j, k, l]));
        Some(Self { publish, origin, flow, number })
    }
}

const LENGTH: usize = 13;

impl Events {
    pub(crate) fn new(ledger: &Rc<RefCell<Ledger>>) -> Self {
        Self {
            ledger: Rc::clone(ledger),
            sequences: BTreeMap::new(),
            orders: BTreeMap::new(),
            delivered: BTreeMap::new(),
            due: Vec::new(),
        }
    }
}

impl Station {
    /// Publishes an event to all nodes of its audience but this one, and gives its id.
    pub fn publish(&mut self, audience: Audience, flow: u8, cx: &mut Cx<'_>) -> Option<u32> {
        if !self.takes_part() {
            return None;
        }
        let published = self.try_publish(audience, flow, cx);
        self.flush(cx);
        published.map_err(|what| cx.violation(what)).ok()
    }

    fn try_publish(&mut self, audience: Audience, flow: u8, cx: &mut Cx<'_>) -> Outcome<u32> {
        let mut nodes = Vec::new();
        let cluster = Rc::clone(&self.cluster);
        let mut addressed = |target: &Target<'_>| {
            self.router.addressed(target, &mut nodes, |_| {});
        };
        match audience {
            Audience::Room(room) => {
                let rooms = [cluster.rooms()[room].as_str()];
                addressed(&Target { rooms: Names::from_slice(&rooms), ..Target::default() });
            }
            Audience::Everyone => addressed(&Target { everyone: true, ..Target::default() }),
            Audience::Socket(node) => {
                let address = format!("{}/session", cluster.name(node).as_str());
                let sockets = [address.as_str()];
                addressed(&Target { sockets: Names::from_slice(&sockets), ..Target::default() });
            }
        }
        let own = cx.node();
        let (publish, number) = self.events.ledger.borrow_mut().open(own, flow, &nodes);
        let payload = Payload { publish, origin: own.0, flow, number }.write();
        let mut split = Split::default();
        let id = self.router.name().id();
        self.router.split((id, flow), nodes.into_iter(), None, &mut split);
        if !split.branches().is_empty() {
            let sequence = self.events.sequences.entry(flow).or_default();
            *sequence += 1;
            let passing = self.router.begin(Carried::Events, flow, *sequence);
            self.pass(publish, &passing, &split, &payload, cx)?;
        }
        self.account(publish, &split, own)?;
        Ok(publish)
    }

    /// Sends a copy for each branch.
    fn pass(
        &mut self,
        publish: u32,
        passing: &Passing,
        split: &Split,
        payload: &[u8],
        cx: &mut Cx<'_>,
    ) -> Outcome {
        let own = cx.node();
        for branch in split.branches() {
            let link = self.cluster.link_at(own, branch.link).ok_or("it has no such link")?;
            let header = self.router.header(passing, branch.link);
            let Some(header) = header.filter(|_| !self.sheds(link, Kind::ROUTED)) else {
                let mut ledger = self.events.ledger.borrow_mut();
                ledger.end(publish, own, branch.nodes(), Fate::Refused)?;
                continue;
            };
            let (to, cost) = (self.cluster.far_end(link, own), self.cluster.cost(link));
            let leg = Leg { link, from: own, to, cost };
            let copy =
                self.events.ledger.borrow_mut().send(publish, leg, branch.nodes(), header.ttl)?;
            let mut bytes = BytesMut::new();
            encode_routed(&header, branch.numbers(), &[payload], &mut bytes)
                .map_err(|error| error.to_string())?;
            let copy = Copy::new(&self.events.ledger, publish, copy);
            let after_gap = self.has_lost(link);
            // A write into a connection that is gone drops the copy, which tells.
            let _sent = cx.send(link, Frame::routed(bytes.freeze(), after_gap, copy));
        }
        Ok(())
    }

    /// Accounts for whom no branch goes on, and for all: nobody is forgotten.
    fn account(&mut self, publish: u32, split: &Split, own: NodeIndex) -> Outcome {
        let mut ledger = self.events.ledger.borrow_mut();
        ledger.end(publish, own, &split.unreachable, Fate::Unreachable)?;
        ledger.end(publish, own, &split.expired, Fate::Expired)?;
        ledger.leave(publish, own)
    }

    /// A neighbour has sent a copy. The inner error is the neighbour's, the outer one this station's.
    pub(crate) fn take_copy(
        &mut self,
        id: LinkId,
        bytes: &[u8],
        copy: Copy,
        cx: &mut Cx<'_>,
    ) -> Outcome<Result<(), LinkError>> {
        let mut split = Split::default();
        let arrived = match self.router.arrive(id, bytes, &mut split) {
            Ok(arrived) => arrived,
            // The copy is dropped here, and counts as lost.
            Err(error) => return Ok(Err(error)),
        };
        let own = cx.node();
        let publish = copy.arrive();
        let payload = Payload::read(arrived.payload).filter(|payload| payload.publish == publish);
        let payload = payload.ok_or("a payload has changed on its way")?;
        self.pass(publish, &arrived.passing, &split, arrived.payload, cx)?;
        if arrived.here {
            let fate = self.deliver(&arrived, payload)?;
            let id = self.router.name().id();
            self.events.ledger.borrow_mut().end(publish, own, &[id], fate)?;
        }
        self.account(publish, &split, own)?;
        Ok(Ok(()))
    }

    fn deliver(&mut self, arrived: &Arrived<'_>, payload: Payload) -> Outcome<Fate> {
        let Passing { origin, nonce, flow, sequence, .. } = arrived.passing;
        let order = self.events.orders.entry(origin).or_insert_with(|| OriginOrder::new(nonce));
        let admitted = !arrived.outlived && order.admit(nonce, flow, sequence);
        if !admitted && self.cluster.mutant != Some(Mutant::NoOrder) {
            return Ok(Fate::Late);
        }
        let Payload { origin, flow, number, publish } = payload;
        let last = self.events.delivered.entry((origin, flow)).or_default();
        if number <= *last {
            return Err(format!(
                "publish {publish}, number {number} of node {origin} and flow {flow}, is \
                 delivered behind number {last}"
            ));
        }
        *last = number;
        Ok(Fate::Delivered)
    }

    /// Something has changed, so something may be published while others do not know of it yet.
    pub(crate) fn be_moved(&mut self, cx: &mut Cx<'_>) {
        if !self.cluster.traffic.get() || self.events.due.len() >= MOST_DUE {
            return;
        }
        if cx.rng().chance(MOVED) {
            let after = cx.rng().duration(&(Duration::ZERO..=SOON));
            self.events.due.push(cx.now() + after);
        }
    }

    /// Publishes what is due.
    pub(crate) fn publish_what_is_due(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let before = self.events.due.len();
        self.events.due.retain(|due| *due > now);
        for _ in self.events.due.len()..before {
            let audience = self.any_audience(cx);
            // A few flows, so that one overtakes another where it can.
            let flow = if cx.rng().chance(800_000) { 1 } else { 2 };
            self.publish(audience, flow, cx);
        }
    }

    fn any_audience(&self, cx: &mut Cx<'_>) -> Audience {
        let (rooms, nodes) = (self.cluster.rooms().len(), self.cluster.topology().node_count());
        match cx.rng().below(10) {
            0..6 => Audience::Room(cx.rng().index(rooms)),
            6 | 7 => Audience::Everyone,
            _ => Audience::Socket(NodeIndex(narrow(cx.rng().below(u64::from(nodes))))),
        }
    }
}

fn narrow(index: u64) -> u32 {
    u32::try_from(index).unwrap_or_default()
}

/// How often a change moves a station to publish, of a million; and how soon: within the time in which the others
/// hear of the change and act on it.
const MOVED: u32 = 250_000;
const SOON: Duration = Duration::from_millis(60);
/// How many of them may be waiting.
const MOST_DUE: usize = 4;
