//! A neighbour that knows the key and breaks the protocol: its link ends, and nothing else happens.

use std::time::Duration;

use bytes::BytesMut;
use gatewire::{DisconnectReason, Limits, LinkError, Router, RouterBuilder, RouterEvent};
use gatewire_cluster::Incarnation;
use gatewire_codec::Message;
use gatewire_codec::v3::control::{self, Control, RequestItem, SummaryEntry};
use gatewire_codec::v3::routed::{Carried, encode_routed};

use super::fake::{Fake, header, hello, keyed_with, named, record};
use super::{Node, close_all};
use crate::raw::Raw;
use crate::rig::{Record, Recorder, eventually, fence, record as note, within};

/// Kinds of the frames of routers.
const CONTROL: std::ops::RangeInclusive<u8> = 48..=56;
const ROUTED: u8 = 57;

/// Two nodes that are linked, and what a member on the second hears.
pub(super) struct Pair {
    pub(super) nodes: Vec<Node>,
    _member: gatewire::Client,
    heard: Record<String>,
}

impl Pair {
    pub(super) async fn new() -> Self {
        // A script answers no pings, and a busy machine takes its time.
        let mut limits = Limits::default();
        limits.ping_interval = Duration::from_secs(30);
        let patient = |builder: RouterBuilder| builder.limits(limits.clone());
        let first = keyed_with("first", &[], patient).await;
        let second = keyed_with("second", &[&first], patient).await;
        first.reaches(&[&second]).await;
        let member = crate::rig::dial_with(&second.server, |builder| {
            builder.psk("router", super::fake::key()).plain()
        })
        .await;
        let (recorder, heard): (Recorder<String>, _) = note();
        member.on("say", move |text: String| recorder.note(text));
        within(member.join("news")).await.expect("it may");
        first.knows("news", &[&second]).await;
        Self { nodes: vec![first, second], _member: member, heard }
    }

    pub(super) fn victim(&self) -> &Node {
        &self.nodes[0]
    }

    /// What the victim sends still comes.
    pub(super) async fn expect_works(&mut self, text: &str) {
        self.victim().router.to("news").emit("say", text).expect("queued");
        assert_eq!(self.heard.next().await, text);
    }

    pub(super) async fn close(self) {
        close_all(self.nodes).await;
    }
}

/// Xorshift, so that a seed repeats a run.
struct Dice(u64);

impl Dice {
    /// From `SEED`, or from the time; printed, so that a failure can be repeated.
    fn new() -> Self {
        let fresh = || {
            let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
            u64::from(since.subsec_nanos()) << 20 | 1
        };
        let given = std::env::var("SEED").ok().map(|seed| seed.parse().expect("a number"));
        let seed = given.unwrap_or_else(fresh);
        println!("SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }

    /// Often a small one: such as are numbers that were given, counts, flags.
    fn byte(&mut self) -> u8 {
        let any = self.below(256).to_le_bytes()[0];
        match self.below(3) {
            0 => any % 4,
            1 => 255 - any % 4,
            _ => any,
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(48);
        (0..length).map(|_| self.byte()).collect()
    }
}

#[tokio::test]
async fn random_bodies_of_each_kind_end_the_link_and_nothing_else() {
    /// What is well-formed by chance is taken, so several are sent; what ends with a wrong kind always ends.
    const FRAMES: usize = 20;

    let mut pair = Pair::new().await;
    let mut dice = Dice::new();
    for kind in CONTROL.chain([ROUTED]) {
        for after_hello in [false, true] {
            let mut fake = match after_hello {
                false => Fake::dial(pair.victim(), "fake").await,
                true => Fake::join(pair.victim(), "fake").await,
            };
            for _ in 0..FRAMES {
                let body = dice.bytes();
                fake.say_bytes(kind, &body).await;
            }
            // Certainly wrong.
            fake.say_bytes(*CONTROL.end(), &[0xff]).await;
            fake.expect_protocol_error().await;
        }
        pair.expect_works(&format!("after kind {kind}")).await;
    }
    pair.close().await;
}

/// Frames that a router may send, one of each kind.
fn examples() -> Vec<BytesMut> {
    let life = Incarnation::new(1, 1);
    let (id, name) = (named("fake").id(), "fake");
    let entry = SummaryEntry {
        node: 0,
        incarnation: life,
        sequence: 1,
        interest_incarnation: life,
        interest_version: 1,
    };
    let change = control::InterestChange { joined: true, room: 7 };
    let changes = vec![change];
    let delta = control::InterestDelta { node: 0, incarnation: life, from: 0, to: 1, changes };
    let snapshot = control::InterestSnapshot {
        node: 0,
        incarnation: life,
        version: 2,
        last: true,
        rooms: vec![1, 2],
    };
    let purge = control::Purge { node: 0, incarnation: life, sequence: 2, lifetime_s: 60 };
    let wish = RequestItem::Record { node: 0 };
    let controls = [
        Control::Hello(hello()),
        Control::NodeDef { number: 0, id, name },
        Control::NodeDef { number: 1, id: named("first").id(), name: "first" },
        Control::LinkState(record(0, life, 1, &[1])),
        Control::Buckets(vec![(7, 7)]),
        Control::Summary { bucket: id.to_bits().to_le_bytes()[0], entries: vec![entry] },
        Control::Request(vec![wish]),
        Control::InterestDelta(delta),
        Control::InterestSnapshot(snapshot),
        Control::Purge(purge),
    ];
    let encoded = controls.iter().map(|control| {
        let mut frame = BytesMut::new();
        control::encode(control, &mut frame).expect("within bounds");
        frame
    });
    encoded.collect()
}

#[tokio::test]
async fn a_dialogue_with_damaged_bytes_never_hurts_more_than_its_link() {
    const DIALOGUES: usize = 60;

    let mut pair = Pair::new().await;
    let mut dice = Dice::new();
    let sound = examples();
    for dialogue in 0..DIALOGUES {
        let mut fake = Fake::dial(pair.victim(), "fake").await;
        for frame in &sound {
            let mut frame = frame.to_vec();
            if dice.below(4) == 0 {
                // Not the length: that would be a damaged stream, not a damaged frame.
                let at = 4 + dice.below(frame.len() - 4);
                frame[at] = dice.byte();
            }
            fake.write(&frame).await;
        }
        fake.say_bytes(*CONTROL.end(), &[0xff]).await;
        fake.last_words().await;
        if dialogue % 10 == 0 {
            pair.expect_works(&format!("after {dialogue}")).await;
        }
    }
    pair.expect_works("at the end").await;
    pair.close().await;
}

#[tokio::test]
async fn the_application_is_told_why_a_link_has_ended() {
    let pair = Pair::new().await;
    let mut events = pair.victim().router.events();
    let mut fake = Fake::join(pair.victim(), "fake").await;
    fake.say(&Control::Hello(hello())).await;
    fake.expect_protocol_error().await;
    let reason = loop {
        match within(events.next()).await.expect("none is missed").expect("it is open") {
            RouterEvent::LinkDown { node, reason } if node == "fake" => break reason,
            _ => {}
        }
    };
    assert_eq!(reason, DisconnectReason::Cluster(LinkError::HelloTwice));
    pair.close().await;
}

#[tokio::test]
async fn numbers_without_end_are_cut_off_and_hold_nobody_up() {
    /// One more than a link can have.
    const MOST: u32 = (1 << 18) + 1;

    let mut pair = Pair::new().await;
    let mut fake = Fake::join(pair.victim(), "fake").await;
    let id = named("first").id();
    let mut frames = BytesMut::new();
    for number in 0..MOST {
        let definition = Control::NodeDef { number, id, name: "first" };
        control::encode(&definition, &mut frames).expect("within bounds");
        if frames.len() > 1 << 20 {
            fake.write(&frames.split()).await;
            pair.expect_works(&format!("beside {number}")).await;
        }
    }
    fake.write(&frames).await;
    fake.expect_protocol_error().await;
    pair.expect_works("behind them").await;
    pair.close().await;
}

#[tokio::test]
async fn a_routed_frame_with_a_number_that_was_not_defined_ends_the_link() {
    let mut pair = Pair::new().await;
    for (origin_is_known, other) in [(false, 1), (true, 9)] {
        let mut fake = Fake::join(pair.victim(), "fake").await;
        let known = fake.number("first").await;
        let origin = if origin_is_known { known } else { other };
        let to = if origin_is_known { other } else { known };
        fake.route(header(Carried::Events, origin, 1, 1), to, b"").await;
        fake.expect_protocol_error().await;
    }
    pair.expect_works("behind them").await;
    pair.close().await;
}

#[tokio::test]
async fn a_frame_at_the_end_of_its_way_is_dropped_and_counted() {
    let mut pair = Pair::new().await;
    let mut fake = Fake::join(pair.victim(), "fake").await;
    let (origin, to) = (fake.number("fake").await, fake.number("second").await);
    for carried in [Carried::Events, Carried::Request, Carried::Answers, Carried::Stream] {
        let before = pair.victim().router.counters().expired;
        let mut header = header(carried, origin, 1, 1);
        header.ttl = 0;
        fake.route(header, to, b"anything").await;
        eventually(|| pair.victim().router.counters().expired == before + 1).await;
    }
    fake.expect_alive().await;
    pair.expect_works("beside it").await;
    pair.close().await;
}

#[tokio::test]
async fn contents_that_are_no_messages_are_dropped_and_counted() {
    let mut pair = Pair::new().await;
    let mut dice = Dice::new();
    let mut fake = Fake::join(pair.victim(), "fake").await;
    let (origin, to) = (fake.number("fake").await, fake.number("first").await);
    let mut sequence = 0;
    for _ in 0..50 {
        for carried in [Carried::Events, Carried::VolatileEvents, Carried::Request] {
            sequence += 1;
            // No flags, no target, and no frame that would be an event.
            let payload = [&[0xff][..], &dice.bytes()].concat();
            fake.route(header(carried, origin, 1, sequence), to, &payload).await;
        }
    }
    eventually(|| pair.victim().router.counters().malformed == sequence).await;
    fake.expect_alive().await;
    pair.expect_works("beside them").await;
    pair.close().await;
}

#[tokio::test]
async fn a_client_that_speaks_as_a_router_is_none() {
    let node = super::node("node", &[]).await;
    let mut heard = node.router.events();
    for frame in examples() {
        let mut client = Raw::dial(node.server.local_addr()).await;
        client.write(&frame).await;
        let mut routed = BytesMut::new();
        let header = header(Carried::Events, 0, 1, 1);
        encode_routed(&header, &[0], &[b""], &mut routed).expect("a short frame");
        client.try_write(&routed).await;
        // Whether it is heard out or cut off.
        client.try_write(&crate::raw::frame(&Message::Ping { token: 1 })).await;
        let _answer = client.read().await;
    }
    let honest = node.client().await;
    fence(&honest).await;
    assert_eq!((node.router.links(), node.router.nodes()), (vec![], vec![]));
    node.close().await;
    assert_eq!(within(heard.next()).await, Ok(None));
}

/// Two links with one name at both ends are two links; one more may come, and they end one by one.
#[tokio::test]
async fn many_links_of_one_neighbour_are_as_good_as_one_and_have_a_bound() {
    const MOST: usize = 256;

    let mut pair = Pair::new().await;
    let mut links = Vec::new();
    // One is that of the other node.
    for _ in 1..MOST {
        links.push(Fake::join(pair.victim(), "fake").await);
    }
    eventually(|| pair.victim().router.links().len() == MOST).await;
    pair.expect_works("beside them").await;
    let address = pair.victim().server.local_addr();
    let one_more = Router::builder("more").psk("router", super::fake::key()).plain();
    let one_more = one_more.uplink(address, 10).start().expect("a good name");
    let mut events = one_more.events();
    let refused = within(events.next()).await.expect("none is missed").expect("it is open");
    assert!(matches!(refused, RouterEvent::LinkFailed { .. }), "{refused:?}");
    within(one_more.close()).await;
    assert_eq!(pair.victim().router.links().len(), MOST);
    drop(links);
    eventually(|| pair.victim().router.links().len() == 1).await;
    pair.expect_works("behind them").await;
    pair.close().await;
}
