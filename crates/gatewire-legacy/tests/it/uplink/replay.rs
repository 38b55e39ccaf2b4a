//! Recorded sessions between originals, with a gateway in the place of each router in turn.
//!
//! It is given what that router received on each connection, in the recorded order, and what its clients did. What it
//! sends has to be what the router sent, byte for byte under the recorded message ids, but for the differences that are
//! listed for each session. Two things are compared without an order, since they are sets in which the originals have the order
//! of insertion: the links that are told one behind the other, and the hosts that a message is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use gatewire_codec::legacy::{Kind, Packet, Policy};
use gatewire_codec::{LENGTH_PREFIX, Message, Names, Target, Value, ValueRef, Version};
use gatewire_legacy::uplink::{Audience, Cost, Gateway, LinkNumber, LinkUp, Output, Publication};
use serde_json::Value as Json;

/// What originals sent and a gateway does not.
#[derive(Debug, Clone, Copy)]
enum Left {
    /// A copy of what it knew already.
    KnownFact,
}

struct Recording {
    name: &'static str,
    routers: &'static [&'static str],
    /// What a link costs at the dialling end, if not 1.
    dialled_cost: u16,
    /// Frames of the transcript, by their place there, that a gateway leaves out.
    left_out: &'static [(usize, Left)],
    /// Clients that close where the transcript has them, but reached the router behind this place.
    closed_behind: &'static [(&'static str, usize)],
}

#[test]
fn two_routers_rooms_messages_and_the_end_of_a_link() {
    replay(&Recording {
        name: "v2-uplink-two-routers",
        routers: &["host0", "host1", "host2"],
        dialled_cost: 10,
        left_out: &[(82, Left::KnownFact)],
        closed_behind: &[],
    });
}

#[test]
fn three_routers_in_a_line() {
    replay(&Recording {
        name: "v2-uplink-three-line",
        routers: &["host1", "host2", "host3"],
        dialled_cost: 1,
        left_out: &[(46, Left::KnownFact)],
        closed_behind: &[],
    });
}

/// Each link was told to both neighbours when it came up, and they tell it each other.
const RING: [(usize, Left); 13] = [
    (34, Left::KnownFact),
    (59, Left::KnownFact),
    (60, Left::KnownFact),
    (61, Left::KnownFact),
    (62, Left::KnownFact),
    (63, Left::KnownFact),
    (64, Left::KnownFact),
    (65, Left::KnownFact),
    (66, Left::KnownFact),
    (67, Left::KnownFact),
    (68, Left::KnownFact),
    (69, Left::KnownFact),
    (70, Left::KnownFact),
];

#[test]
fn three_routers_in_a_ring() {
    replay(&Recording {
        name: "v2-uplink-ring",
        routers: &["host1", "host2", "host3"],
        dialled_cost: 1,
        left_out: &RING,
        closed_behind: &[],
    });
}

#[test]
fn rooms_that_there_are_before_the_link() {
    replay(&Recording {
        name: "v2-uplink-late-rooms-sync",
        routers: &["host1", "host2"],
        dialled_cost: 1,
        left_out: &[],
        closed_behind: &[("a@host1", 46)],
    });
}

fn replay(recording: &Recording) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let text = fs::read_to_string(path.join(format!("{}.json", recording.name)));
    let session: Json = serde_json::from_str(&text.expect("the session is there")).expect("JSON");
    let transcript = session["transcript"].as_array().expect("a list");
    let last_frame = transcript.iter().rposition(|entry| entry.get("hex").is_some());
    let transcript = &transcript[..=last_frame.expect("there are frames")];
    let mut left_out = BTreeSet::new();
    for router in recording.routers {
        let mut run = Run::new(recording, router);
        for (at, entry) in transcript.iter().enumerate() {
            run.take(at, entry);
        }
        run.finish(&mut left_out);
    }
    let listed: BTreeSet<usize> = recording.left_out.iter().map(|(at, _)| *at).collect();
    assert_eq!(left_out, listed, "each difference is one");
}

/// A gateway in the place of one router.
struct Run<'a> {
    recording: &'a Recording,
    host: &'a str,
    gateway: Gateway,
    links: BTreeMap<String, Uplink>,
    clients: BTreeMap<String, Client>,
    /// What the router has sent on each link: the place in the transcript, and the frame.
    recorded: BTreeMap<String, Vec<(usize, Bytes)>>,
    sent: BTreeMap<String, Vec<Bytes>>,
}

#[derive(Default)]
struct Uplink {
    number: Option<LinkNumber>,
    /// Of the last frame that the router sent in the handshake.
    last_id: u32,
}

#[derive(Default)]
struct Client {
    id: String,
    rooms: BTreeSet<String>,
}

impl<'a> Run<'a> {
    fn new(recording: &'a Recording, host: &'a str) -> Self {
        Self {
            recording,
            host,
            gateway: Gateway::new(host).expect("a good name"),
            links: BTreeMap::new(),
            clients: BTreeMap::new(),
            recorded: BTreeMap::new(),
            sent: BTreeMap::new(),
        }
    }

    fn take(&mut self, at: usize, entry: &Json) {
        let text = |key: &str| entry.get(key).and_then(Json::as_str);
        if let Some(step) = text("step") {
            self.step(step);
        }
        if let Some(connection) = text("conn") {
            let frame = text("hex").map(unhex);
            let upwards = text("dir") == Some("c2s");
            match connection.strip_prefix("uplink ") {
                Some(ends) => {
                    let (dialler, acceptor) = ends.split_once("->").expect("two ends");
                    if dialler == self.host || acceptor == self.host {
                        let ours = (dialler == self.host) == upwards;
                        let peer = if dialler == self.host { acceptor } else { dialler };
                        let dials = dialler == self.host;
                        match frame {
                            Some(frame) => self.uplink(connection, (peer, dials), ours, at, &frame),
                            None if text("event") != Some("open") => self.link_ends(connection),
                            None => {}
                        }
                    }
                }
                None if connection.ends_with(&format!("@{}", self.host)) => match frame {
                    Some(frame) => self.client(connection, upwards, &frame),
                    None if text("event") == Some("fin") && upwards => {
                        let behind = |(client, _): &&(&str, usize)| *client == connection;
                        if !self.recording.closed_behind.iter().any(|of| behind(&of)) {
                            self.client_closes(connection);
                        }
                    }
                    None => {}
                },
                None => {}
            }
        }
        for (client, behind) in self.recording.closed_behind {
            if *behind == at && client.ends_with(&format!("@{}", self.host)) {
                self.client_closes(client);
            }
        }
        self.collect();
    }

    /// What an application did that is not to be seen on the wire.
    fn step(&mut self, step: &str) {
        if self.host != "host0" {
            return;
        }
        let client = match step {
            "host0 router.emit to the socket of client2" => ("host2/down/9U/OQ4eS2Xo", "c2"),
            _ if step.starts_with("host0 router.emit to the socket of client1") => {
                ("host1/down/S0/yz4ItPfn", "c1")
            }
            _ => return,
        };
        let json = format!(r#"{{"to":"{}"}}"#, client.1);
        let value = Value::Object {
            format: gatewire_codec::FormatId::JSON,
            bytes: json.into_bytes().into(),
        };
        let audience = Audience::Sockets(vec![client.0.to_owned()]);
        self.publish(&audience, "direct", value.as_ref(), &[]);
    }

    fn publish(
        &mut self,
        audience: &Audience,
        event: &str,
        value: ValueRef<'_>,
        except: &[String],
    ) {
        let publication = Publication { audience, event, value, except };
        self.gateway.publish(&publication).expect("it can be told");
    }

    fn uplink(
        &mut self,
        connection: &str,
        (peer, dials): (&str, bool),
        ours: bool,
        at: usize,
        frame: &Bytes,
    ) {
        let packet = read(frame);
        let link = self.links.entry(connection.to_owned()).or_default();
        match packet.kind {
            Kind::AuthSeed | Kind::AuthHmac | Kind::Uplink | Kind::Register => {
                if ours {
                    link.last_id = packet.id;
                }
                if let (Kind::Register, ValueRef::String(id)) = (packet.kind, packet.value) {
                    let of_first = connection == "uplink host1->host2";
                    let cost = if dials && of_first { self.recording.dialled_cost } else { 1 };
                    let up = LinkUp {
                        link: id,
                        host: peer,
                        cost: Cost::from(cost),
                        last_message_id: link.last_id,
                    };
                    link.number = Some(self.gateway.link_up(&up).expect("it comes up"));
                }
            }
            _ if ours => {
                let recorded = self.recorded.entry(connection.to_owned()).or_default();
                recorded.push((at, frame.clone()));
            }
            _ => {
                let number = link.number.expect("the handshake is done");
                self.gateway.handle_frame(number, &frame[LENGTH_PREFIX..]);
            }
        }
    }

    fn link_ends(&mut self, connection: &str) {
        if let Some(number) = self.links.get(connection).and_then(|link| link.number) {
            self.gateway.link_down(number);
        }
    }

    fn client(&mut self, connection: &str, upwards: bool, frame: &Bytes) {
        let packet = read(frame);
        let message = packet.to_message().expect("a message of a client");
        if !upwards {
            if let Message::Register { socket_id } = message {
                self.clients.entry(connection.to_owned()).or_default().id = socket_id.to_owned();
            }
            return;
        }
        match message {
            Message::Join { rooms, .. } => self.change_rooms(connection, rooms, true),
            Message::Leave { rooms, .. } => self.change_rooms(connection, rooms, false),
            Message::Publish { target, event, value, .. } => {
                let except = [self.clients[connection].id.clone()];
                self.publish(&audience(&target), event, value, &except);
            }
            _ => {}
        }
    }

    fn change_rooms(&mut self, connection: &str, rooms: Names<'_>, join: bool) {
        for room in rooms {
            let client = self.clients.get_mut(connection).expect("it is registered");
            if join {
                client.rooms.insert(room.to_owned());
            } else {
                client.rooms.remove(room);
            }
            self.count(room);
        }
    }

    fn client_closes(&mut self, connection: &str) {
        let client = self.clients.remove(connection).expect("it was registered");
        for room in client.rooms {
            self.count(&room);
        }
    }

    fn count(&mut self, room: &str) {
        let members = self.clients.values().filter(|client| client.rooms.contains(room)).count();
        self.gateway.set_room(room, members as u64).expect("a good name");
    }

    fn collect(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            match output {
                Output::Send { link, frame } => {
                    let link = self.links.iter().find(|(_, found)| found.number == Some(link));
                    let (connection, _) = link.expect("a link that is up");
                    self.sent.entry(connection.clone()).or_default().push(frame);
                }
                Output::CloseLink { reason, .. } => panic!("{reason}"),
                Output::Deliver(_) | Output::RoomChanged { .. } => {}
            }
        }
    }

    fn finish(self, left_out: &mut BTreeSet<usize>) {
        let listed = |at: usize| self.recording.left_out.iter().any(|(left, _)| *left == at);
        for connection in self.links.keys() {
            let recorded = self.recorded.get(connection).into_iter().flatten();
            let (left, expected): (Vec<_>, Vec<_>) = recorded.partition(|(at, _)| listed(*at));
            left_out.extend(left.iter().map(|(at, _)| *at));
            let sent = self.sent.get(connection).cloned().unwrap_or_default();
            let ids: Vec<u32> = sent.iter().map(|frame| read(frame).id).collect();
            let first = self.links[connection].last_id + 1;
            assert_eq!(ids, (first..).take(ids.len()).collect::<Vec<_>>(), "ids count up");
            let ours = in_order(&sent);
            let theirs =
                in_order(&expected.iter().map(|(_, frame)| frame.clone()).collect::<Vec<_>>());
            let places: Vec<usize> = expected.iter().map(|(at, _)| *at).collect();
            let shown = |frames: &[Bytes]| -> Vec<String> {
                frames.iter().map(|frame| show(frame)).collect()
            };
            assert_eq!(
                shown(&ours),
                shown(&theirs),
                "{} as {} on {connection}, {places:?}",
                self.recording.name,
                self.host
            );
            assert_eq!(ours, theirs);
        }
    }
}

fn show(frame: &[u8]) -> String {
    let Packet { kind, policy, cells, value, .. } = read(frame);
    let ValueRef::Object { bytes, .. } = value else { return format!("{kind:?} {value:?}") };
    format!("{kind:?} {policy:?} {cells} {}", String::from_utf8_lossy(bytes))
}

fn audience(target: &Target<'_>) -> Audience {
    let owned = |names: Names<'_>| names.iter().map(ToOwned::to_owned).collect();
    if target.everyone {
        Audience::Everyone
    } else if target.rooms.is_empty() {
        Audience::Sockets(owned(target.sockets))
    } else {
        Audience::Rooms(owned(target.rooms))
    }
}

/// The frames under one id, sets among them in order.
fn in_order(frames: &[Bytes]) -> Vec<Bytes> {
    let mut ordered: Vec<Bytes> = frames.iter().map(|frame| plain(frame)).collect();
    let is_link = |frame: &Bytes| read(frame).kind == Kind::NewLink;
    for run in ordered.chunk_by_mut(|one, next| is_link(one) && is_link(next)) {
        run.sort();
    }
    ordered
}

fn plain(frame: &[u8]) -> Bytes {
    let packet = read(frame);
    let mut cells: Vec<&str> = packet.cells.split('|').collect();
    if packet.policy == Policy::Sub {
        cells.sort_unstable();
    }
    let cells = cells.join("|");
    let mut out = BytesMut::new();
    Packet { id: 1, cells: &cells, ..packet }.encode(&mut out).expect("it was a frame");
    out.freeze()
}

fn read(frame: &[u8]) -> Packet<'_> {
    Packet::decode_as(Version::V2, &frame[LENGTH_PREFIX..]).expect("a frame of version 2")
}

fn unhex(text: &str) -> Bytes {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(byte).collect()
}
