//! A router that is a script: it knows the key, and says what it is told to.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use gatewire::keys::{KeyEntry, Patterns, Roles};
use gatewire::{CloseCode, KeyRing, Psk, Router, RouterBuilder, Server, SocketAddress};
use gatewire_cluster::{Incarnation, NodeName};
use gatewire_codec::v3::control::{
    self, Control, Hello, LinkState, NodeFlags, RequestItem, decode,
};
use gatewire_codec::v3::routed::{Carried, RoutedHeader, decode_routed, encode_routed, is_routed};
use gatewire_codec::{LENGTH_PREFIX, Message, Names, Target, ValueRef, split_frame, v3};

use super::Node;
use crate::raw::{Raw, frame, frame_of};

/// The key of the routers of these tests.
pub(super) fn key() -> Psk {
    Psk::new([9; 32]).expect("a long key")
}

fn ring() -> KeyRing {
    let names = Patterns::new(["*"]).expect("a pattern");
    let entry = KeyEntry::new("router", key()).roles(Roles::BOTH).node_names(names);
    KeyRing::new().with_entry(entry)
}

/// A node that takes neighbours with the key, over plain TCP.
pub(super) async fn keyed(name: &str) -> Node {
    keyed_with(name, &[], |builder| builder).await
}

pub(super) async fn keyed_with(
    name: &str,
    others: &[&Node],
    change: impl FnOnce(RouterBuilder) -> RouterBuilder,
) -> Node {
    let server = Server::builder().psk(ring()).plain().build();
    server.on("fence", || ());
    let mut builder = Router::builder(name).psk("router", key()).plain().serve(&server);
    for other in others {
        builder = builder.uplink(other.server.local_addr(), 10);
    }
    let router = change(builder).start().expect("the names are good");
    server.listen("127.0.0.1:0").await.expect("a free port");
    Node { router, server }
}

pub(super) fn named(name: &str) -> NodeName {
    NodeName::new("gatewire", name).expect("a name")
}

/// One end of a link.
pub(super) struct Fake {
    raw: Raw,
    name: NodeName,
    /// The numbers that it has given.
    numbers: BTreeMap<String, u32>,
    /// Those that it was given.
    told: BTreeMap<u32, String>,
}

impl Fake {
    /// A node that can be reached.
    pub(super) async fn neighbour(node: &Node, name: &str, life: Incarnation) -> Self {
        let mut fake = Self::join(node, name).await;
        fake.be_neighbour_of(node.router.name(), life).await;
        node.reaches_named(name).await;
        fake
    }

    /// Authenticated, and silent.
    pub(super) async fn dial(node: &Node, name: &str) -> Self {
        let key = Some(("router", key()));
        Self::of(Raw::dial_as_router(node.server.local_addr(), name, key).await, name)
    }

    /// The same, of a node that takes anybody.
    pub(super) async fn dial_open(node: &Node, name: &str) -> Self {
        Self::of(Raw::dial_as_router(node.server.local_addr(), name, None).await, name)
    }

    fn of(raw: Raw, name: &str) -> Self {
        Self { raw, name: named(name), numbers: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// The same, and it has said hello.
    pub(super) async fn join(node: &Node, name: &str) -> Self {
        let mut fake = Self::dial(node, name).await;
        fake.say(&Control::Hello(hello())).await;
        fake
    }

    pub(super) async fn say(&mut self, control: &Control<'_>) {
        let mut frame = BytesMut::new();
        control::encode(control, &mut frame).expect("within bounds");
        self.raw.try_write(&frame).await;
    }

    /// A frame of this kind with any body.
    pub(super) async fn say_bytes(&mut self, kind: u8, body: &[u8]) {
        let frame = frame_of(&[&[v3::VERSION, kind], body].concat());
        self.raw.try_write(&frame).await;
    }

    /// A sign of life.
    pub(super) async fn ping(&mut self) {
        self.raw.send(&Message::Ping { token: 1 }).await;
    }

    pub(super) async fn write(&mut self, frames: &[u8]) {
        self.raw.try_write(frames).await;
    }

    /// The number of a node, defined if it was not.
    pub(super) async fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).expect("few nodes");
        self.numbers.insert(name.to_owned(), number);
        self.say(&Control::NodeDef { number, id: named(name).id(), name }).await;
        number
    }

    /// Says of itself that it has a link to this node, so that messages of others may come this way.
    pub(super) async fn be_neighbour_of(&mut self, other: &str, incarnation: Incarnation) {
        let name = self.name.as_str().to_owned();
        let (node, neighbour) = (self.number(&name).await, self.number(other).await);
        let record = record(node, incarnation, 1, &[neighbour]);
        self.say(&Control::LinkState(record)).await;
    }

    /// Routes something to one node.
    pub(super) async fn route(&mut self, header: RoutedHeader, to: u32, payload: &[u8]) {
        let mut frame = BytesMut::new();
        encode_routed(&header, &[to], &[payload], &mut frame).expect("a short frame");
        self.raw.try_write(&frame).await;
    }

    /// Asks sockets, in the name of this node's life with that nonce.
    pub(super) async fn request(
        &mut self,
        (to, nonce, sequence): (&str, u32, u64),
        id: u32,
        addresses: &[SocketAddress],
        event: &str,
    ) {
        let sockets: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let target = Target { sockets: Names::from_strings(&sockets), ..Target::default() };
        let request = Message::Publish { request: Some(id), target, event, value: ValueRef::Empty };
        let name = self.name.as_str().to_owned();
        let (origin, to) = (self.number(&name).await, self.number(to).await);
        let header = header(Carried::Request, origin, nonce, sequence);
        self.route(header, to, &frame(&request)[LENGTH_PREFIX..]).await;
    }

    /// Answers requests of a node with these.
    pub(super) async fn answer(&mut self, to: &str, answers: &[Message<'_>]) {
        let name = self.name.as_str().to_owned();
        let (origin, to) = (self.number(&name).await, self.number(to).await);
        let payload: Vec<Bytes> = answers.iter().map(frame).collect();
        self.route(header(Carried::Answers, origin, 1, 1), to, &payload.concat()).await;
    }

    /// Reads until something comes that is routed, and is of this kind: its payload.
    async fn next_routed(&mut self, kind: Carried) -> Vec<u8> {
        loop {
            let frame = self.raw.read().await.expect("the link is up");
            if is_routed(frame[1]) {
                let routed = decode_routed(&frame).expect("a routed frame");
                if routed.header.carried == kind {
                    return routed.payload.to_vec();
                }
            }
        }
    }

    /// The id of the next request that comes.
    pub(super) async fn next_request(&mut self) -> u32 {
        let request = self.next_routed(Carried::Request).await;
        match v3::decode(&request) {
            Ok(Message::Publish { request: Some(id), .. }) => id,
            other => panic!("{other:?} is no request"),
        }
    }

    /// The id of the request that the next ACK or NACK answers.
    pub(super) async fn next_answer(&mut self) -> u32 {
        let answer = self.next_routed(Carried::Answers).await;
        let (frame, _) = split_frame(&answer, u32::MAX).expect("a frame").expect("a whole one");
        match v3::decode(frame) {
            Ok(Message::Ack { id, .. } | Message::Nack { id, .. }) => id,
            other => panic!("{other:?} is no answer"),
        }
    }

    /// Asks for a node's record.
    pub(super) async fn ask(&mut self, name: &str) -> (Incarnation, u64) {
        let node = self.number(name).await;
        self.say(&Control::Request(vec![RequestItem::Record { node }])).await;
        self.learn(name).await
    }

    /// Reads until a node's record comes: its life, and which record it is.
    pub(super) async fn learn(&mut self, name: &str) -> (Incarnation, u64) {
        loop {
            let frame = self.raw.read().await.expect("the link is up");
            match decode(&frame) {
                Ok(Control::NodeDef { number, name, .. }) => {
                    self.told.insert(number, name.to_owned());
                }
                Ok(Control::LinkState(record))
                    if self.told.get(&record.node).is_some_and(|found| found == name) =>
                {
                    return (record.incarnation, record.sequence);
                }
                _ => {}
            }
        }
    }

    /// Reads on until the other side hangs up: what it says last.
    pub(super) async fn last_words(&mut self) -> Option<(CloseCode, String)> {
        let mut last: Option<Bytes> = None;
        while let Some(frame) = self.raw.read().await {
            last = Some(frame);
        }
        match v3::decode(&last?) {
            Ok(Message::Close { code, text }) => Some((code, text.to_owned())),
            _ => None,
        }
    }

    pub(super) async fn expect_protocol_error(mut self) {
        let last = self.last_words().await;
        assert!(matches!(last, Some((CloseCode::Protocol, _))), "{last:?}");
    }

    /// The other side answers a PING behind all that was said: it has not hung up.
    pub(super) async fn expect_alive(&mut self) {
        const TOKEN: u64 = 77;
        self.raw.send(&Message::Ping { token: TOKEN }).await;
        loop {
            let frame = self.raw.read().await.expect("the link is up");
            match v3::decode(&frame) {
                Ok(Message::Pong { token: TOKEN }) => return,
                Ok(Message::Close { code, text }) => panic!("closed: {code:?} {text}"),
                _ => {}
            }
        }
    }
}

pub(super) fn hello() -> Hello {
    Hello { area: 0, cost: 10, oldest_version: 1, newest_version: 1, digest: 0, pacing_ms: 0 }
}

pub(super) fn record(
    node: u32,
    incarnation: Incarnation,
    sequence: u64,
    neighbours: &[u32],
) -> LinkState {
    let neighbours = (0..).zip(neighbours);
    let neighbours =
        neighbours.map(|(link, &node)| control::Neighbour { node, link, cost: 10 }).collect();
    let flags = NodeFlags::default();
    LinkState { node, incarnation, sequence, flags, lifetime_s: 3600, area: 0, neighbours }
}

/// Routes events of `origin`, in this life, as this one of its first flow.
pub(super) fn header(carried: Carried, origin: u32, nonce: u32, sequence: u64) -> RoutedHeader {
    RoutedHeader { carried, ttl: 8, flow: 0, origin, nonce, sequence }
}
