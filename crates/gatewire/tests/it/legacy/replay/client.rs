//! Gatewire's client in the place of Node's.

use std::collections::BTreeMap;
use std::time::Duration;

use gatewire::legacy::V2Secret;
use gatewire::{Backoff, Client, ClientBuilder, ConnectError, HandshakeError, Wire};
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{ValueRef, Version};
use tokio::net::TcpListener;

use super::app::{Clients, act, listen};
use super::frames::{Numbers, Sent, with_text};
use super::recorded::{Entry, Session, session};
use crate::legacy::raw::Raw;
use crate::rig::{eventually, limits, within};

/// A meant difference: whether a frame on a connection is one that only one of the clients sends.
type Difference = fn(&str, &Packet<'_>) -> bool;

fn nothing(_: &str, _: &Packet<'_>) -> bool {
    false
}

struct Replay {
    listener: TcpListener,
    clients: Clients,
    conns: BTreeMap<String, Conn>,
    make: fn(ClientBuilder) -> ClientBuilder,
    version: Version,
    /// The script has begun.
    begun: bool,
    /// The connection is ended by the recording, not by its client.
    cut: bool,
    cut_at_end: bool,
    /// The event in front of which gatewire joins its rooms again.
    rejoins: Option<&'static str>,
    /// Frames that only gatewire sends, and how many there were.
    added: (Difference, usize),
    /// The step whose frames only Node's client sends.
    withheld: Option<&'static str>,
    withholds: bool,
}

struct Conn {
    raw: Raw,
    expected: Sent,
    got: Sent,
    numbers: Numbers,
}

impl Replay {
    async fn new(session: &Session, added: Difference) -> Self {
        Self::with(session, added, |builder| builder).await
    }

    async fn with(
        session: &Session,
        added: Difference,
        make: fn(ClientBuilder) -> ClientBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (clients, conns) = (Clients::new(), BTreeMap::new());
        let (version, added) = (session.version, (added, 0));
        Self {
            listener,
            clients,
            conns,
            make,
            version,
            begun: false,
            cut: false,
            cut_at_end: false,
            rejoins: None,
            added,
            withheld: None,
            withholds: false,
        }
    }

    /// The client of a connection. It is made before it connects, since its script may begin before.
    fn client(&mut self, conn: &str) -> Client {
        let name = conn.split('#').next().expect("a name");
        let client = self.clients.entry(name.to_owned()).or_insert_with(|| {
            let wire = if self.version == Version::V1 { Wire::V1 } else { Wire::V2 };
            let builder =
                Client::builder().wire(wire).v2_key(V2Secret::new(*b"This is a test key"));
            let builder = builder.reconnect(Backoff::Fixed(Duration::from_millis(20)));
            let address = self.listener.local_addr().expect("it listens");
            let client = (self.make)(builder).build(address);
            listen(&client);
            client
        });
        client.clone()
    }

    async fn run(&mut self, session: &Session) {
        for entry in &session.entries {
            match entry {
                Entry::Step(step) => {
                    self.settle().await;
                    self.begun = true;
                    self.withholds = self.withheld == Some(step.as_str());
                    self.cut = step == "connection is closed by the middle";
                    if step == "client emits before it is connected" {
                        self.client("client");
                    }
                    act(&self.clients, step).await;
                }
                Entry::Open(name) => self.open(name).await,
                Entry::Frame { conn, from_client: true, frame } => self.expect(conn, &frame[4..]),
                Entry::Frame { conn: name, from_client: false, frame } => {
                    let kind = Packet::decode(&frame[4..]).expect("a frame").kind;
                    // Node's client of version 1 sends what waits before it has an id, gatewire's behind that.
                    if (self.version, kind) != (Version::V1, Kind::Register) {
                        self.settle().await;
                    }
                    let conn = self.conns.get_mut(name).expect("it was opened");
                    let frame = conn.numbers.answer(&frame[4..]);
                    conn.raw.send(&frame).await;
                    if kind == Kind::Register {
                        let client = self.client(name);
                        eventually(|| client.is_connected()).await;
                    }
                }
                Entry::End { conn, .. } => self.end(conn).await,
            }
        }
    }

    async fn open(&mut self, name: &str) {
        let client = self.client(name);
        if !name.contains('#') {
            tokio::spawn(async move {
                within(client.connect()).await.expect("a connection");
                if client.queued_bytes() > 0 {
                    within(client.join("room1")).await.expect("joined");
                }
            });
        }
        let (stream, _) = within(self.listener.accept()).await.expect("a client");
        let (expected, got, numbers) = (Sent::default(), Sent::default(), Numbers::new());
        self.conns.insert(name.to_owned(), Conn { raw: Raw::new(stream), expected, got, numbers });
    }

    /// Takes note of what the recorded client sent.
    fn expect(&mut self, name: &str, frame: &[u8]) {
        if self.withholds {
            return;
        }
        let conn = self.conns.get_mut(name).expect("it was opened");
        if self.rejoins.is_some_and(|event| event == Packet::decode(frame).expect("a frame").event)
        {
            // Behind a frame that only gatewire sends.
            conn.numbers.skip();
        }
        let frame = conn.numbers.renumber(frame);
        conn.expected.push(&frame);
        if !self.begun && Packet::decode(&frame).expect("a frame").kind == Kind::JoinRoom {
            // Before the first step.
            let client = self.client(name);
            tokio::spawn(async move { within(client.join("room1")).await.expect("joined") });
        }
    }

    /// Waits until all servers have got what the recorded ones got, and sees that it is the same.
    async fn settle(&mut self) {
        for (name, conn) in &mut self.conns {
            while !conn.got.reaches(&conn.expected) {
                if !conn.read(name, &mut self.added).await {
                    break;
                }
            }
            let Conn { got, expected, .. } = conn;
            assert!(got.begins_with(expected), "{name}: {:?}", got.difference(expected));
        }
    }

    async fn end(&mut self, name: &str) {
        self.settle().await;
        let Some(mut conn) = self.conns.remove(name) else { return };
        let closing = if self.cut || self.cut_at_end {
            conn.raw.shutdown().await;
            None
        } else {
            let client = self.client(name);
            Some(tokio::spawn(async move { client.close().await }))
        };
        while conn.read(name, &mut self.added).await {}
        assert_eq!(conn.got.0, conn.expected.0, "{name} at the end");
        drop(conn);
        if let Some(closing) = closing {
            within(closing).await.expect("no panic");
        }
    }
}

impl Conn {
    /// Takes the next frame of gatewire's. `false`: there is none.
    async fn read(&mut self, name: &str, added: &mut (Difference, usize)) -> bool {
        let Some(frame) = self.raw.next().await else { return false };
        if (added.0)(name, &Packet::decode(&frame).expect("a frame")) {
            added.1 += 1;
        } else {
            self.got.push(&frame);
        }
        true
    }
}

/// Replays a session in which each frame is the same.
async fn replay(session: Session) {
    let mut replay = Replay::new(&session, nothing).await;
    replay.run(&session).await;
    assert!(replay.conns.is_empty());
}

macro_rules! same {
    ($($test:ident: $name:literal;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                replay(session!($name)).await;
            }
        )*
    };
}

same! {
    every_type_and_answer_of_version_1_is_the_same: "v1-basic";
    every_type_and_answer_of_version_2_is_the_same: "v2-basic";
    every_sort_of_stream_of_version_1_is_the_same: "v1-streams";
    every_sort_of_stream_of_version_2_is_the_same: "v2-streams";
    long_streams_of_version_1_are_the_same: "v1-stream-big";
    long_streams_of_version_2_are_the_same: "v2-stream-big";
    rooms_of_version_1_are_the_same: "v1-rooms";
    rooms_of_version_2_are_the_same: "v2-rooms";
}

/// A router counts a second join of the same client, so gatewire does not send it.
#[tokio::test]
async fn a_router_of_version_2_is_a_server_like_others_but_for_the_second_join() {
    let session = session!("v2-router-downlink");
    let mut replay = Replay::new(&session, nothing).await;
    let again = "a joins room1 AGAIN: the count goes to 3";
    assert!(
        session.entries.iter().any(|entry| matches!(entry, Entry::Step(step) if step == again))
    );
    replay.withheld = Some(again);
    replay.run(&session).await;
    assert!(replay.conns.is_empty());
}

/// Rooms are joined again after a reconnect, before anything that waits is sent.
async fn reconnect(session: Session) {
    let rejoins = |name: &str, packet: &Packet<'_>| {
        name == "client#2"
            && packet.kind == Kind::JoinRoom
            && packet.value == ValueRef::String("room1")
    };
    let mut replay = Replay::new(&session, rejoins).await;
    replay.rejoins = Some("while-down");
    replay.run(&session).await;
    assert_eq!(replay.added.1, 1);
}

#[tokio::test]
async fn a_queue_and_a_reconnect_of_version_1_are_the_same_but_for_the_rooms() {
    reconnect(session!("v1-queue-and-reconnect")).await;
}

#[tokio::test]
async fn a_queue_and_a_reconnect_of_version_2_are_the_same_but_for_the_rooms() {
    reconnect(session!("v2-queue-and-reconnect")).await;
}

/// The recording ends before the client would come back.
async fn server_close(session: Session) {
    let mut replay = Replay::with(&session, nothing, ClientBuilder::no_reconnect).await;
    let closes = |entry: &Entry| matches!(entry, Entry::Step(step) if step == "server.close()");
    assert!(session.entries.iter().any(closes));
    replay.cut_at_end = true;
    replay.run(&session).await;
    within(replay.client("client").closed()).await;
}

#[tokio::test]
async fn the_end_of_a_server_of_version_1_is_the_end_of_the_connection() {
    server_close(session!("v1-server-close")).await;
}

#[tokio::test]
async fn the_end_of_a_server_of_version_2_is_the_end_of_the_connection() {
    server_close(session!("v2-server-close")).await;
}

/// The application is told, at once, and does not try for ever. (The wrong key of the recording is not known.)
#[tokio::test]
async fn a_server_that_hangs_up_on_the_proof_is_an_error_that_says_so() {
    let session = session!("v2-wrong-psk");
    let mut replay = Replay::new(&session, nothing).await;
    let client = replay.client("client");
    let frames = session.entries.iter().filter_map(|entry| match entry {
        Entry::Frame { conn, from_client, frame } => {
            Some((conn.clone(), *from_client, frame[4..].to_vec()))
        }
        _ => None,
    });
    let frames: Vec<_> = frames.collect();
    for attempt in frames.chunks(3) {
        let [(conn, false, seed), (_, true, hmac), (_, true, downlink)] = attempt else {
            panic!("a seed, a proof and a role")
        };
        let connect = tokio::spawn({
            let client = client.clone();
            async move { client.connect().await }
        });
        let (stream, _) = within(replay.listener.accept()).await.expect("a client");
        let (mut raw, mut numbers) = (Raw::new(stream), Numbers::new());
        raw.send(seed).await;
        let proof = raw.next().await.expect("a proof");
        assert_eq!(with_text(&proof, ""), with_text(&numbers.renumber(hmac), ""), "{conn}");
        assert_eq!(raw.next().await, Some(numbers.renumber(downlink)), "{conn}");
        raw.shutdown().await;
        let refused = within(connect).await.expect("no panic");
        assert!(
            matches!(refused, Err(ConnectError::Handshake(HandshakeError::Proof))),
            "{refused:?}"
        );
    }
}

fn without_key(builder: ClientBuilder) -> ClientBuilder {
    drop(builder);
    let limits = limits(|limits| limits.handshake_timeout = Duration::from_millis(100));
    Client::builder().wire(Wire::V2).limits(limits)
}

#[tokio::test]
async fn a_client_without_a_key_speaks_first() {
    let session = session!("v2-nopsk-raw-downlink");
    let mut replay = Replay::with(&session, nothing, without_key).await;
    let client = replay.client("client");
    client.clone().on_connect(move |_| {
        let client = client.clone();
        tokio::spawn(async move {
            let echoed = within(client.request::<String, _>("echo", "hi")).await;
            assert_eq!(echoed.as_deref(), Ok("hi"));
        });
    });
    replay.run(&session).await;
    assert!(replay.conns.is_empty());
}

/// Where Node's client waits for ever, gatewire's says what it is, and gives up in time.
#[tokio::test]
async fn a_client_without_a_key_does_not_wait_for_ever() {
    let session = session!("v2-nopsk-node-client");
    let mut replay = Replay::with(&session, nothing, without_key).await;
    let client = replay.client("client");
    let connect = tokio::spawn(async move { client.connect().await });
    let (stream, _) = within(replay.listener.accept()).await.expect("a client");
    let mut raw = Raw::new(stream);
    let role = raw.next().await.expect("a role");
    assert_eq!(Packet::decode(&role).expect("a frame").kind, Kind::Downlink);
    let given_up = within(connect).await.expect("no panic");
    assert!(matches!(given_up, Err(ConnectError::Timeout)), "{given_up:?}");
    assert_eq!(raw.next().await, None);
}
