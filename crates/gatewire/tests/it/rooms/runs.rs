//! Many publishes in one read: the server takes them together, and nobody can tell.

use bytes::Bytes;
use gatewire::{Server, Socket};
use gatewire_codec::{Message, Names, Target, ValueRef, v3};

use crate::raw::{Raw, frame};
use crate::rig::serve;

/// What one write of a client holds.
#[derive(Default)]
struct Write(Vec<u8>);

impl Write {
    fn add(&mut self, message: &Message<'_>) -> &mut Self {
        self.0.extend_from_slice(&frame(message));
        self
    }

    fn publish(&mut self, target: Target<'_>, number: i64) -> &mut Self {
        let value = ValueRef::Integer(number);
        self.add(&Message::Publish { request: None, target, event: "news", value })
    }
}

fn to(room: &'static [&'static str]) -> Target<'static> {
    Target { rooms: Names::from_slice(room), ..Target::default() }
}

const RED: &[&str] = &["red"];
const BLUE: &[&str] = &["blue"];
const FENCE: Message<'static> =
    Message::Request { id: 9999, event: "fence", value: ValueRef::Empty };

/// The next frame as `event number`, or its kind.
async fn next(raw: &mut Raw) -> String {
    let frame: Bytes = raw.read().await.expect("a frame");
    match v3::decode(&frame).expect("a message") {
        Message::Event { event, value: ValueRef::Integer(number) } => format!("{event} {number}"),
        Message::Ack { id, .. } => format!("ack {id}"),
        other => other.kind().to_owned(),
    }
}

/// What comes before the answer to the fence.
async fn all(raw: &mut Raw) -> Vec<String> {
    raw.send(&FENCE).await;
    let mut seen = Vec::new();
    loop {
        match next(raw).await {
            fence if fence == "ack 9999" => return seen,
            other => seen.push(other),
        }
    }
}

async fn member_of(server: &Server, rooms: &[&str]) -> Raw {
    let raw = Raw::dial(server.local_addr()).await;
    let socket = server.socket(&raw.id()).expect("a socket");
    for room in rooms {
        socket.join(room).expect("joined");
    }
    raw
}

fn news(numbers: impl IntoIterator<Item = i64>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("news {number}")).collect()
}

/// Publishes are not overtaken by what handlers send that came behind them, nor by answers.
#[tokio::test]
async fn publishes_keep_their_place_among_all_that_a_client_sends() {
    const COUNT: i64 = 3000;

    let server = serve().await;
    server.on("tell", |socket: Socket, number: i64| {
        socket.server().to("red").emit("told", number).expect("sent");
    });
    server.on("ask", |socket: Socket, number: i64| {
        socket.to("red").include_self().emit("asked", number).expect("sent");
    });
    let mut member = member_of(&server, &["red", "blue"]).await;
    let mut sender = member_of(&server, &["red"]).await;

    let (mut write, mut expected) = (Write::default(), Vec::new());
    for number in 0..COUNT {
        let (id, value) = (u32::try_from(number + 1).expect("few"), ValueRef::Integer(number));
        // Runs of several lengths, ended by each other kind of frame.
        match (number * number) % 23 {
            1 => {
                write.add(&Message::Event { event: "tell", value });
                expected.push(format!("told {number}"));
            }
            2 => {
                write.add(&Message::Request { id: id + 10_000, event: "ask", value });
                expected.push(format!("asked {number}"));
            }
            3 => {
                write.publish(to(BLUE), number);
                expected.push(format!("news {number}"));
            }
            4 => {
                write.add(&Message::Ping { token: 1 });
            }
            _ => {
                write.publish(to(RED), number);
                expected.push(format!("news {number}"));
            }
        }
    }
    sender.write(&write.0).await;
    // The sender does not hear its own news, but what the handlers made of its events.
    let told = all(&mut sender).await;
    let told = told.iter().filter(|seen| seen.starts_with("told") || seen.starts_with("asked"));
    let expected_told = expected.iter().filter(|seen| !seen.starts_with("news"));
    assert!(told.eq(expected_told));
    assert_eq!(all(&mut member).await, expected);
    let outbound = server.counters().outbound;
    assert!(outbound.is_balanced() && outbound.dropped_total() == 0, "{outbound:?}");
}

#[tokio::test]
async fn joins_and_leaves_between_publishes_take_effect_at_their_place() {
    let server = serve().await;
    let mut sender = member_of(&server, &[]).await;
    let with_self = Target { include_self: true, ..to(RED) };
    let rooms = Names::from_slice(RED);
    let mut write = Write::default();
    write.publish(with_self, 0).publish(with_self, 1);
    write.add(&Message::Join { id: 1, rooms });
    write.publish(with_self, 2).publish(with_self, 3);
    write.add(&Message::Leave { id: 2, rooms });
    write.publish(with_self, 4).publish(with_self, 5);
    write.add(&Message::Join { id: 3, rooms });
    write.publish(with_self, 6).publish(to(RED), 7).publish(with_self, 8);
    write.add(&Message::LeaveAll { id: 4 });
    write.publish(with_self, 9);
    sender.write(&write.0).await;
    let expected = ["ack 1", "news 2", "news 3", "ack 2", "ack 3", "news 6", "news 8", "ack 4"];
    assert_eq!(all(&mut sender).await, expected);
}

#[tokio::test]
async fn a_handler_changes_the_room_for_the_publishes_behind_it_only() {
    let server = serve().await;
    let mut member = member_of(&server, &["red"]).await;
    let id = member.id();
    server.on("leave", move |socket: Socket| {
        let other = socket.server().socket(&id).expect("a socket");
        assert!(other.leave("red"));
    });
    let mut sender = member_of(&server, &[]).await;
    let mut write = Write::default();
    write.publish(to(RED), 0).publish(to(RED), 1);
    write.add(&Message::Event { event: "leave", value: ValueRef::Empty });
    write.publish(to(RED), 2);
    sender.write(&write.0).await;
    all(&mut sender).await;
    assert_eq!(all(&mut member).await, news(0..2));
}

#[tokio::test]
async fn exceptions_hold_for_each_of_many_publishes() {
    let server = serve().await;
    let mut sender = member_of(&server, &["red"]).await;
    let mut one = member_of(&server, &["red"]).await;
    let mut two = member_of(&server, &["red", "blue"]).await;
    let (one_id, own_id) = (one.id().to_string(), sender.id().to_string());
    let (not_one, own) = ([one_id.as_str()], [own_id.as_str()]);
    let but_one = Target { except_sockets: Names::from_slice(&not_one), ..to(RED) };
    let but_blue = Target { except_rooms: Names::from_slice(BLUE), ..to(RED) };
    let with_self = Target { include_self: true, ..but_blue };
    let to_self = Target { sockets: Names::from_slice(&own), ..Target::default() };
    let everyone = Target { everyone: true, ..Target::default() };
    let mut write = Write::default();
    let groups = [but_one, but_blue, with_self, to_self, everyone];
    for (number, target) in (0..).step_by(100).zip(groups) {
        for number in number..number + 40 {
            write.publish(target, number);
        }
    }
    let of = |groups: &[i64]| news(groups.iter().flat_map(|group| group * 100..group * 100 + 40));
    sender.write(&write.0).await;
    assert_eq!(all(&mut sender).await, of(&[2, 3]));
    assert_eq!(all(&mut one).await, of(&[1, 2, 4]));
    assert_eq!(all(&mut two).await, of(&[0, 4]));
}

/// What is wrong inside one publish costs that one.
#[tokio::test]
async fn a_malformed_publish_between_others_is_refused_alone() {
    let server = serve().await;
    let mut member = member_of(&server, &["red"]).await;
    let mut sender = member_of(&server, &[]).await;
    let mut write = Write::default();
    write.publish(to(RED), 0).publish(to(RED), 1);
    let text = ValueRef::String("text");
    let message = Message::Publish { request: None, target: to(RED), event: "news", value: text };
    write.add(&message);
    *write.0.last_mut().expect("not empty") = 0xff;
    write.publish(to(RED), 2);
    sender.write(&write.0).await;
    assert_eq!(all(&mut sender).await, ["error"]);
    assert_eq!(all(&mut member).await, news(0..3));
}

/// Events of all lengths around the one up to which they are copied, and beyond a whole run.
#[tokio::test]
async fn long_and_short_publishes_arrive_whole_and_in_order() {
    let server = serve().await;
    let mut members = [member_of(&server, RED).await, member_of(&server, RED).await];
    let mut sender = member_of(&server, &[]).await;
    let lengths = [0, 900, 1010, 1011, 1012, 1100, 40_000, 3, 70_000, 200_000, 5, 30_000, 30_000];
    let payload = |turn: usize, length: usize| vec![u8::try_from(turn).expect("few"); length];
    let mut write = Write::default();
    for (turn, length) in lengths.iter().enumerate() {
        let bytes = payload(turn, *length);
        let (target, value) = (to(RED), ValueRef::Binary(&bytes));
        write.add(&Message::Publish { request: None, target, event: "news", value });
    }
    sender.write(&write.0).await;
    for member in &mut members {
        for (turn, length) in lengths.iter().enumerate() {
            let bytes = payload(turn, *length);
            let value = ValueRef::Binary(&bytes);
            member.expect(&Message::Event { event: "news", value }).await;
        }
    }
}
