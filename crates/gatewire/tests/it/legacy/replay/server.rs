//! Gatewire's server in the place of Node's.

use std::collections::BTreeMap;

use gatewire::legacy::{V2Key, V2Keys, V2Secret};
use gatewire::{Object, Router, Server, Socket, SocketId, StreamReader, Value};
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{ValueRef, Version};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::frames::{Numbers, Sent, fence, text_of, with_text};
use super::recorded::{Entry, Session, session};
use crate::legacy::raw::{Raw, encode, proof};
use crate::rig::within;

/// A meant difference: whether a frame on a connection is one that only one of the servers sends.
type Difference = Box<dyn FnMut(&str, &Packet<'_>) -> bool>;

fn nothing() -> Difference {
    Box::new(|_, _| false)
}

struct Replay {
    server: Server,
    address: std::net::SocketAddr,
    version: Version,
    secret: V2Secret,
    conns: BTreeMap<String, Conn>,
    /// Ids as they were recorded, and as gatewire gave them.
    ids: BTreeMap<String, String>,
    /// Frames that gatewire does not send, and how many there were.
    left_out: (Difference, usize),
    /// Frames that only gatewire sends, and how many there were.
    added: (Difference, usize),
    fences: u32,
    /// Whether gatewire sends a seed that is not recorded.
    seeds: bool,
    /// The connection that was registered last.
    last: Option<String>,
}

struct Conn {
    raw: Raw,
    expected: Sent,
    got: Sent,
    numbers: Numbers,
    seed: Vec<u8>,
    /// What gatewire calls it, once it is registered.
    id: String,
}

impl Conn {
    fn new(stream: TcpStream) -> Self {
        let (expected, got) = (Sent::default(), Sent::default());
        let (numbers, seed, id) = (Numbers::new(), Vec::new(), String::new());
        Self { raw: Raw::new(stream), expected, got, numbers, seed, id }
    }
}

impl Replay {
    async fn new(
        server: Server,
        session: &Session,
        (left_out, added): (Difference, Difference),
    ) -> Self {
        let version = session.version;
        listen(&server);
        let address = match version {
            Version::V1 => server.listen_v1("127.0.0.1:0").await,
            _ => server.listen_v2("127.0.0.1:0").await,
        };
        let address = address.expect("a free port");
        let secret = V2Secret::new(*b"This is a test key");
        let (conns, ids) = (BTreeMap::new(), BTreeMap::new());
        let (left_out, added) = ((left_out, 0), (added, 0));
        let (fences, last) = (u32::MAX / 2, None);
        Self {
            server,
            address,
            version,
            secret,
            conns,
            ids,
            left_out,
            added,
            fences,
            seeds: false,
            last,
        }
    }

    async fn run(&mut self, session: &Session) {
        for entry in &session.entries {
            match entry {
                Entry::Step(step) => {
                    self.settle().await;
                    self.step(step).await;
                }
                Entry::Open(name) => {
                    let stream = TcpStream::connect(self.address).await.expect("a server");
                    self.conns.insert(name.clone(), Conn::new(stream));
                    if self.seeds {
                        self.expect_seed(name).await;
                    }
                }
                Entry::Frame { conn, from_client: true, frame } => {
                    self.send(conn, &frame[4..]).await;
                }
                Entry::Frame { conn, from_client: false, frame } => {
                    self.expect(conn, &frame[4..]).await;
                }
                Entry::End { conn, from_client: true } => {
                    self.settle().await;
                    // The server may have ended it before.
                    if let Some(conn) = self.conns.get_mut(conn).filter(|conn| !conn.raw.ended) {
                        conn.raw.shutdown().await;
                    }
                }
                Entry::End { conn, from_client: false } => {
                    while self.read(conn).await {}
                    let conn = self.conns.remove(conn).expect("it was opened");
                    assert_eq!(conn.got.0, conn.expected.0, "at the end");
                }
            }
        }
    }

    /// Sends what the recorded client sent.
    async fn send(&mut self, name: &str, frame: &[u8]) {
        let packet = Packet::decode(frame).expect("a frame");
        let conn = self.conns.get_mut(name).expect("it was opened");
        let frame = match packet.kind {
            Kind::AuthHmac => with_text(frame, &proof(&conn.seed, self.secret.clone())),
            Kind::DataToSocket | Kind::StreamOpenToSocket | Kind::Stream | Kind::StreamClose => {
                let mut event = packet.event.to_owned();
                for (recorded, id) in &self.ids {
                    event = event.replace(recorded, id);
                }
                encode(&Packet { event: &event, ..packet })
            }
            _ => frame.to_vec(),
        };
        conn.raw.send(&frame).await;
        let joins = matches!(
            packet.kind,
            Kind::JoinRoom
                | Kind::LeaveRoom
                | Kind::LeaveAllRooms
                | Kind::DataToRoom
                | Kind::DataToSocket
                | Kind::DataBroadcast
        );
        if joins && !conn.id.is_empty() {
            // What other connections do then finds it done.
            self.fence(name).await;
        }
    }

    /// Gatewire's server sends a seed also without keys.
    async fn expect_seed(&mut self, name: &str) {
        let conn = self.conns.get_mut(name).expect("it was opened");
        let seed = conn.raw.next().await.expect("a seed");
        let packet = Packet::decode(&seed).expect("a frame");
        assert_eq!((packet.kind, packet.id), (Kind::AuthSeed, 2));
        conn.numbers.skip();
        self.added.1 += 1;
    }

    /// Takes note of what the recorded server sent.
    async fn expect(&mut self, name: &str, frame: &[u8]) {
        let packet = Packet::decode(frame).expect("a frame");
        if (self.left_out.0)(name, &packet) {
            self.left_out.1 += 1;
            return;
        }
        let conn = self.conns.get_mut(name).expect("it was opened");
        let frame = conn.numbers.renumber(frame);
        match packet.kind {
            Kind::AuthSeed => {
                let ours = conn.raw.next().await.expect("a frame");
                assert_eq!(ours.len(), frame.len());
                assert_eq!(with_text(&ours, ""), with_text(&frame, ""));
                assert!(text_of(&ours).bytes().all(|byte| byte.is_ascii_alphanumeric()));
                conn.seed = ours;
            }
            Kind::Register => {
                let ours = conn.raw.next().await.expect("a frame");
                assert_eq!(with_text(&ours, ""), with_text(&frame, ""));
                self.ids.insert(text_of(&frame), text_of(&ours));
                conn.id = text_of(&ours);
                self.last = Some(name.to_owned());
            }
            _ => conn.expected.push(&frame),
        }
    }

    /// Waits until all clients have got what the recorded ones got, and sees that it is the same.
    async fn settle(&mut self) {
        let names: Vec<String> = self.conns.keys().cloned().collect();
        for name in &names {
            while !self.conns[name].got.reaches(&self.conns[name].expected) && self.read(name).await
            {
            }
        }
        for name in &names {
            let Conn { raw, id, .. } = &self.conns[name];
            if !id.is_empty() && !raw.ended && !raw.shut {
                self.fence(name).await;
            }
            let conn = &self.conns[name];
            // The script may be a step ahead of what the recording has seen of it.
            assert!(
                conn.got.begins_with(&conn.expected),
                "{name}: {:?}",
                conn.got.difference(&conn.expected)
            );
        }
    }

    /// Takes the next frame of gatewire's. `false`: there is none.
    async fn read(&mut self, name: &str) -> bool {
        let conn = self.conns.get_mut(name).expect("it was opened");
        let Some(frame) = conn.raw.next().await else { return false };
        self.note(name, &frame);
        true
    }

    fn note(&mut self, name: &str, frame: &[u8]) {
        if (self.added.0)(name, &Packet::decode(frame).expect("a frame")) {
            self.added.1 += 1;
        } else {
            self.conns.get_mut(name).expect("it was opened").got.push(frame);
        }
    }

    /// Waits until the server has handled all that a client has sent.
    async fn fence(&mut self, name: &str) {
        self.fences += 1;
        let (id, version) = (self.fences, self.version);
        let conn = self.conns.get_mut(name).expect("it was opened");
        conn.raw.send(&fence(version, id)).await;
        loop {
            let conn = self.conns.get_mut(name).expect("it was opened");
            let frame = conn.raw.next().await.expect("an answer");
            let packet = Packet::decode(&frame).expect("a frame");
            if packet.kind == Kind::Ack && packet.id == id {
                return;
            }
            self.note(name, &frame);
        }
    }

    fn socket(&self, name: &str) -> Socket {
        let id = &self.conns[name].id;
        let id: SocketId = id.rsplit('/').next().expect("an id").parse().expect("an id");
        self.server.socket(&id).expect("connected")
    }

    /// Does what the script of the recorded server did.
    async fn step(&mut self, step: &str) {
        let server = &self.server;
        let last = || self.socket(self.last.as_deref().expect("a client"));
        match step {
            "server emits" => last().emit("from-server", Object(json!({"x": 1}))).expect("queued"),
            "server emits with ack, client answers" => {
                let socket = last();
                tokio::spawn(async move {
                    let answer = within(socket.request::<i64, _>("ask", 21)).await;
                    assert_eq!(answer, Ok(42));
                });
            }
            "server.close()" => self.server.close().await,
            "server emits to room1: arrives" => {
                server.to("room1").emit("r", "1").expect("queued");
            }
            "server emits to room1: nobody is in it any more" => {
                server.to("room1").emit("r", "2").expect("queued");
            }
            "server emits to all except a" => {
                server
                    .broadcast()
                    .except(self.socket("a").id())
                    .emit("srv", "all")
                    .expect("queued");
            }
            "server emits to room1" => server.to("room1").emit("srv-room", 1).expect("queued"),
            "server emits to socket c" => self.socket("c").emit("srv-sock", 1).expect("queued"),
            "server streams to client a" => {
                let open = self.socket("a").stream("img", "srv").unanswered();
                let mut writer = open.await.expect("a stream");
                writer.send("one").await.expect("sent");
                writer.send("two").await.expect("sent");
                writer.finish::<()>().await.expect("finished");
            }
            "server.stream broadcast" => {
                let mut writer =
                    server.broadcast().stream("img", "srv-all").await.expect("a stream");
                writer.send("zzz").await.expect("sent");
                writer.finish().await.expect("finished");
            }
            _ => {}
        }
    }
}

/// The handlers of the recorded server.
fn listen(server: &Server) {
    server.on("fence", || ());
    server.on("echo", |value: Value| value);
    server.on("sum", |Object(terms): Object<BTreeMap<String, i64>>| terms.values().sum::<i64>());
    server.on("sink", |_: Value, mut stream: StreamReader| async move {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("the whole stream");
    });
    server.on("stream-sha", |_: Value, mut stream: StreamReader| async move {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("the whole stream");
        let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
}

fn keys() -> V2Keys {
    V2Keys::new().with(V2Key::new("recorded", V2Secret::new(*b"This is a test key")))
}

fn server() -> Server {
    Server::builder().v2_keys(keys()).build()
}

/// Replays a session in which each frame is the same.
async fn replay(session: Session) {
    let mut replay = Replay::new(server(), &session, (nothing(), nothing())).await;
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
    a_queue_and_a_reconnect_of_version_1_are_the_same: "v1-queue-and-reconnect";
    a_queue_and_a_reconnect_of_version_2_are_the_same: "v2-queue-and-reconnect";
    every_sort_of_stream_of_version_1_is_the_same: "v1-streams";
    every_sort_of_stream_of_version_2_is_the_same: "v2-streams";
    long_streams_of_version_1_are_the_same: "v1-stream-big";
    long_streams_of_version_2_are_the_same: "v2-stream-big";
    the_end_of_a_server_of_version_1_is_the_same: "v1-server-close";
    the_end_of_a_server_of_version_2_is_the_same: "v2-server-close";
}

/// Who is in two of the rooms gets one copy, not two.
async fn rooms(session: Session) {
    let mut copies = 0;
    let second = Box::new(move |name: &str, packet: &Packet<'_>| {
        let copy = name == "c" && packet.event == "r12";
        copies += usize::from(copy);
        copy && copies == 2
    });
    let mut replay = Replay::new(server(), &session, (second, nothing())).await;
    replay.run(&session).await;
    assert_eq!(replay.left_out.1, 1);
}

#[tokio::test]
async fn rooms_of_version_1_are_the_same_but_for_a_second_copy() {
    rooms(session!("v1-rooms")).await;
}

#[tokio::test]
async fn rooms_of_version_2_are_the_same_but_for_a_second_copy() {
    rooms(session!("v2-rooms")).await;
}

/// Clients are not told of each join and leave anywhere.
#[tokio::test]
async fn a_client_on_a_router_sees_the_same_but_for_the_joins_of_others() {
    let session = session!("v2-router-downlink");
    let server = server();
    let router = Router::builder("host1").serve(&server).start().expect("a router");
    let told = Box::new(|_: &str, packet: &Packet<'_>| packet.event.starts_with("room/"));
    let mut replay = Replay::new(server, &session, (told, nothing())).await;
    replay.run(&session).await;
    assert_eq!(replay.left_out.1, 9);
    assert!(replay.ids.values().all(|id| id.starts_with("host1/")), "{:?}", replay.ids);
    router.close().await;
}

/// A server without keys sends a seed, so that Node's client does not wait for ever.
#[tokio::test]
async fn a_server_without_keys_sends_a_seed_to_a_client_that_waits() {
    let session = session!("v2-nopsk-node-client");
    let mut replay = Replay::new(Server::builder().build(), &session, (nothing(), nothing())).await;
    replay.seeds = true;
    replay.run(&session).await;
    assert_eq!(replay.added.1, 1);
}

#[tokio::test]
async fn a_client_that_speaks_first_is_registered_by_a_server_without_keys() {
    let session = session!("v2-nopsk-raw-downlink");
    let mut replay = Replay::new(Server::builder().build(), &session, (nothing(), nothing())).await;
    replay.seeds = true;
    replay.run(&session).await;
    assert_eq!(replay.added.1, 1);
}

/// Who does not know the key is told so before the end.
#[tokio::test]
async fn a_wrong_key_is_refused_with_a_text() {
    let session = session!("v2-wrong-psk");
    let text = Box::new(|_: &str, packet: &Packet<'_>| {
        packet.kind == Kind::Error && packet.value == ValueRef::String("authentication failed")
    });
    let mut replay = Replay::new(server(), &session, (nothing(), text)).await;
    replay.secret = V2Secret::new(*b"a wrong key");
    replay.run(&session).await;
    assert_eq!(replay.added.1, 4);
}
