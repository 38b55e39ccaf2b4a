//! Gateways on wires of memory, and frames by hand.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use gatewire_codec::legacy::{Kind, Packet, Policy};
use gatewire_codec::{FormatId, LENGTH_PREFIX, Value, ValueRef, Version};
use gatewire_legacy::uplink::{
    Audience, CloseReason, Cost, Delivery, Gateway, LinkNumber, LinkUp, Output, Publication,
    PublishError, Published,
};

/// A frame as a test reads it: kind, policy, cells, JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) kind: Kind,
    pub(super) policy: Policy,
    pub(super) cells: String,
    pub(super) json: String,
}

impl Told {
    pub(super) fn read(frame: &[u8]) -> Self {
        let packet = Packet::decode_as(Version::V2, &frame[LENGTH_PREFIX..]).expect("a frame");
        let ValueRef::Object { bytes, .. } = packet.value else { panic!("no JSON: {packet:?}") };
        Self {
            kind: packet.kind,
            policy: packet.policy,
            cells: packet.cells.to_owned(),
            json: String::from_utf8(bytes.to_vec()).expect("JSON is text"),
        }
    }

    fn new(kind: Kind, policy: Policy, cells: &str, json: &str) -> Self {
        Self { kind, policy, cells: cells.to_owned(), json: json.to_owned() }
    }

    pub(super) fn add(kind: Kind, cells: &str, json: &str) -> Self {
        Self::new(kind, Policy::Add, cells, json)
    }

    pub(super) fn sub(kind: Kind, cells: &str, json: &str) -> Self {
        Self::new(kind, Policy::Sub, cells, json)
    }

    /// The frame without its length.
    pub(super) fn frame(&self) -> Bytes {
        let value = ValueRef::Object { format: FormatId::UNSPECIFIED, bytes: self.json.as_bytes() };
        frame(self.kind, self.policy, &self.cells, value)
    }
}

pub(super) fn frame(kind: Kind, policy: Policy, cells: &str, value: ValueRef<'_>) -> Bytes {
    let mut out = BytesMut::new();
    let packet = Packet { policy, cells, value, ..Packet::new(Version::V2, kind, 9) };
    packet.encode(&mut out).expect("it can be written");
    out.freeze().slice(LENGTH_PREFIX..)
}

pub(super) fn link_json(source: &str, destination: &str, link: &str, cost: u32) -> String {
    format!(
        r#"{{"source":"{source}","destination":"{destination}","link":"{link}","cost":{cost}}}"#
    )
}

pub(super) fn gone_json(source: &str, destination: &str, link: &str) -> String {
    format!(r#"{{"source":"{source}","destination":"{destination}","link":"{link}"}}"#)
}

pub(super) fn room_json(host: &str, room: &str, members: u64) -> String {
    format!(r#"{{"host":"{host}","room":"{room}","ref":{members}}}"#)
}

pub(super) fn rooms(names: &[&str]) -> Audience {
    Audience::Rooms(names.iter().map(|name| (*name).to_owned()).collect())
}

pub(super) fn sockets(ids: &[&str]) -> Audience {
    Audience::Sockets(ids.iter().map(|id| (*id).to_owned()).collect())
}

/// One gateway whose neighbours are played by the test.
pub(super) struct Alone {
    pub(super) gateway: Gateway,
}

impl Alone {
    pub(super) fn new(host: &str) -> Self {
        Self { gateway: Gateway::new(host).expect("a good name") }
    }

    /// A link to a neighbour, which tells its own direction of it.
    pub(super) fn linked_to(&mut self, host: &str) -> LinkNumber {
        let link = format!("{host}/down/xx/link");
        let up = LinkUp { link: &link, host, cost: Cost::ONE, last_message_id: 3 };
        let number = self.gateway.link_up(&up).expect("it comes up");
        let own = self.gateway.host().to_owned();
        self.hears(number, &Told::add(Kind::NewLink, host, &link_json(host, &own, &link, 1)));
        self.outputs();
        number
    }

    /// Another host behind a neighbour, linked both ways.
    pub(super) fn behind(&mut self, link: LinkNumber, near: &str, far: &str) {
        let id = format!("{far}/down/xx/{near}");
        for (source, destination) in [(near, far), (far, near)] {
            let json = link_json(source, destination, &id, 1);
            self.hears(link, &Told::add(Kind::NewLink, near, &json));
        }
        self.outputs();
    }

    pub(super) fn hears(&mut self, link: LinkNumber, told: &Told) {
        self.gateway.handle_frame(link, &told.frame());
    }

    pub(super) fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.gateway.poll_output()).collect()
    }

    /// What was sent since the last look, and to whom.
    pub(super) fn sent(&mut self) -> Vec<(LinkNumber, Told)> {
        let sent = self.outputs().into_iter().filter_map(|output| match output {
            Output::Send { link, frame } => Some((link, Told::read(&frame))),
            _ => None,
        });
        sent.collect()
    }

    pub(super) fn publish(
        &mut self,
        audience: &Audience,
        value: ValueRef<'_>,
    ) -> Result<Published, PublishError> {
        self.gateway.publish(&Publication { audience, event: "e", value, except: &[] })
    }

    pub(super) fn hosts(&mut self) -> Vec<String> {
        self.gateway.hosts().map(ToOwned::to_owned).collect()
    }

    pub(super) fn hosts_of(&self, room: &str) -> Vec<String> {
        self.gateway.hosts_of(room).map(ToOwned::to_owned).collect()
    }
}

/// Gateways and the frames between them.
pub(super) struct Network {
    pub(super) gateways: Vec<Gateway>,
    wires: BTreeMap<(usize, usize), VecDeque<Bytes>>,
    numbers: BTreeMap<(usize, usize), LinkNumber>,
    pub(super) deliveries: Vec<(usize, Delivery)>,
    pub(super) closed: Vec<CloseReason>,
    /// Frames that were carried.
    pub(super) frames: usize,
    links: usize,
}

impl Network {
    /// `host0`, `host1`, ..
    pub(super) fn new(hosts: usize) -> Self {
        Self::named((0..hosts).map(|at| format!("host{at}")))
    }

    pub(super) fn named(hosts: impl IntoIterator<Item = String>) -> Self {
        let gateway = |host: String| Gateway::new(&host).expect("a good name");
        Self {
            gateways: hosts.into_iter().map(gateway).collect(),
            wires: BTreeMap::new(),
            numbers: BTreeMap::new(),
            deliveries: Vec::new(),
            closed: Vec::new(),
            frames: 0,
            links: 0,
        }
    }

    pub(super) fn full_mesh(hosts: usize) -> Self {
        let mut network = Self::new(hosts);
        for a in 0..hosts {
            for b in 0..a {
                network.link(a, b);
                network.settle();
            }
        }
        network.frames = 0;
        network
    }

    pub(super) fn link(&mut self, a: usize, b: usize) {
        self.links += 1;
        let id = format!("host{b}/down/xx/{:08}", self.links);
        for (from, to) in [(a, b), (b, a)] {
            let host = self.gateways[to].host().to_owned();
            let up = LinkUp { link: &id, host: &host, cost: Cost::ONE, last_message_id: 3 };
            let number = self.gateways[from].link_up(&up).expect("it comes up");
            self.numbers.insert((from, to), number);
            self.wires.insert((from, to), VecDeque::new());
        }
        self.collect();
    }

    /// The link by which a gateway reaches a neighbour.
    pub(super) fn number(&self, at: usize, host: &str) -> LinkNumber {
        let to = self.gateways.iter().position(|gateway| gateway.host() == host);
        self.numbers[&(at, to.expect("there is one"))]
    }

    pub(super) fn has_link(&self, a: usize, b: usize) -> bool {
        self.numbers.contains_key(&(a, b))
    }

    pub(super) fn cut(&mut self, a: usize, b: usize) {
        for pair in [(a, b), (b, a)] {
            self.wires.remove(&pair);
            let number = self.numbers.remove(&pair).expect("it is up");
            self.gateways[pair.0].link_down(number);
        }
        self.collect();
    }

    /// Puts what the gateways want sent on the wires.
    pub(super) fn collect(&mut self) {
        for at in 0..self.gateways.len() {
            while let Some(output) = self.gateways[at].poll_output() {
                match output {
                    Output::Send { link, frame } => {
                        let pair = self
                            .numbers
                            .iter()
                            .find(|((from, _), number)| *from == at && **number == link);
                        if let Some(wire) = pair.and_then(|(pair, _)| self.wires.get_mut(pair)) {
                            wire.push_back(frame);
                        }
                    }
                    Output::Deliver(delivery) => self.deliveries.push((at, delivery)),
                    Output::RoomChanged { .. } => {}
                    Output::CloseLink { reason, .. } => self.closed.push(reason),
                }
            }
        }
    }

    /// Carries one frame of those wires that have some, the one that `choice` says. `false`: there is none.
    pub(super) fn step(&mut self, choice: usize) -> bool {
        let busy: Vec<_> =
            self.wires.iter().filter(|(_, wire)| !wire.is_empty()).map(|(pair, _)| *pair).collect();
        let Some(&(from, to)) = busy.get(choice % busy.len().max(1)) else { return false };
        let frame = self.wires.get_mut(&(from, to)).and_then(VecDeque::pop_front);
        let frame = frame.expect("the wire is busy");
        self.frames += 1;
        self.gateways[to].handle_frame(self.numbers[&(to, from)], &frame[LENGTH_PREFIX..]);
        self.collect();
        true
    }

    /// Carries all that is on its way, the wires in turn.
    pub(super) fn settle(&mut self) {
        self.collect();
        let mut choice = 0;
        while self.step(choice) {
            choice += 1;
            assert!(choice < 1_000_000, "it never becomes quiet");
        }
    }

    pub(super) fn publish(&mut self, from: usize, audience: &Audience) -> Published {
        let value = Value::String("hello".to_owned());
        let value = value.as_ref();
        let publication = Publication { audience, event: "e", value, except: &[] };
        let published = self.gateways[from].publish(&publication).expect("it is JSON");
        self.settle();
        published
    }

    /// How many copies each gateway got since the last look.
    pub(super) fn copies(&mut self) -> Vec<usize> {
        let mut copies = vec![0; self.gateways.len()];
        for (at, _) in self.deliveries.drain(..) {
            copies[at] += 1;
        }
        copies
    }
}
