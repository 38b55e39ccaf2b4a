//! The deadline, and ends of connections in the middle.

use std::time::Duration;

use gatewire::{Client, RequestError, Value, concurrent};
use gatewire_codec::{Message, NackCode, Names, ReceiverOutcome, Target, ValueRef};
use tokio::sync::watch;

use super::{Room, Senders, address, received, room, serve_with, sorted};
use crate::raw::{Raw, RawListener};
use crate::rig::{Record, dial, limits, record, within};

/// Longer than the quick ones need for an answer on a busy machine; what is silent is silent for ever.
const SOON: Duration = Duration::from_secs(1);

/// A member that notes that it is asked, and answers when the gate is open.
async fn gated(room: &Room) -> (Client, Record<()>, watch::Sender<bool>) {
    let client = room.join().await;
    let (asked, asks) = record();
    let (open, gate) = watch::channel(false);
    let answer = move || {
        let (mut gate, asked) = (gate.clone(), asked.clone());
        async move {
            asked.note(());
            // An error: the test is over.
            let _open = gate.wait_for(|open| *open).await;
            7_u64
        }
    };
    client.on("ask", concurrent(8, answer));
    (client, asks, open)
}

#[tokio::test]
async fn a_silent_member_is_missing_by_name_at_the_deadline() {
    let room = room(2).await;
    let senders = Senders::of(&room.server).await;
    let (slow, _asks, _gate) = gated(&room).await;
    for request in senders.ask("ask") {
        let report = within(request.timeout(SOON)).await.expect("a report");
        assert_eq!(report.expected().len(), 3);
        assert_eq!(received(&report), sorted(room.addresses().into_iter().zip(0..)));
        assert_eq!(report.missing().collect::<Vec<_>>(), [&address(&slow)]);
        assert_eq!(report.failed().len(), 0);
        assert!(!report.is_complete());
    }
    room.close().await;
}

#[tokio::test]
async fn a_member_that_disconnects_is_missing_and_not_waited_for() {
    let room = room(1).await;
    let senders = Senders::of(&room.server).await;
    for turn in 0..3 {
        let (leaver, mut asks, _gate) = gated(&room).await;
        let gone = address(&leaver);
        let mut requests = senders.ask("ask").into_iter();
        let request = requests.nth(turn).expect("three senders").timeout(Duration::from_secs(60));
        let leave = async {
            asks.next().await;
            leaver.close().await;
        };
        let (report, ()) = within(async { tokio::join!(request, leave) }).await;
        let report = report.expect("a report");
        assert_eq!(received(&report), [(room.addresses().remove(0), 0)]);
        assert_eq!(report.missing().collect::<Vec<_>>(), [&gone]);
    }
    room.close().await;
}

#[tokio::test]
async fn a_dropped_request_is_forgotten() {
    let room = room(0).await;
    let senders = Senders::of(&room.server).await;
    let (slow, mut asks, gate) = gated(&room).await;
    for request in senders.ask("ask") {
        let mut answers = request.answers().expect("sent");
        asks.next().await;
        let next = futures_util::StreamExt::next(&mut answers);
        assert!(futures_util::FutureExt::now_or_never(next).is_none());
        drop(answers);
    }
    // The late answers meet nobody, and the next request gets its own.
    gate.send(true).expect("it waits");
    for request in senders.ask("ask") {
        let report = within(request).await.expect("a report");
        assert_eq!(report.into_received(), [(address(&slow), 7)]);
    }
    assert!(room.server.counters().inbound.is_balanced());
    room.close().await;
}

#[tokio::test]
async fn a_request_that_is_never_polled_is_not_sent() {
    let room = room(0).await;
    let (_member, mut asks, _gate) = gated(&room).await;
    drop(room.server.to("all").request::<u64, _>("ask", ()));
    crate::rig::fence_all(&room.server).await;
    asks.expect_nothing();
    room.close().await;
}

#[tokio::test]
async fn too_many_receivers_are_not_asked() {
    // A quarter of the frames of the queue.
    let small = limits(|limits| limits.outbox.max_frames = 12);
    let server = serve_with(|builder| builder.limits(small)).await;
    let room = Room::at(server, 3).await;
    let client = dial(&room.server).await;
    let ask = || client.to("all").request::<u64, _>("ask", ());
    assert_eq!(within(ask()).await.expect("a report").received().len(), 3);
    let (_member, mut asks, _gate) = gated(&room).await;
    let text = "a request may have 3 receivers at most".to_owned();
    assert_eq!(within(ask()).await, Err(RequestError::Denied(text.clone())));
    let mut answers = ask().answers().expect("sent");
    assert_eq!(within(futures_util::StreamExt::next(&mut answers)).await, None);
    assert_eq!(answers.error(), Some(RequestError::Denied(text)));
    asks.expect_nothing();
    room.close().await;
}

#[tokio::test]
async fn a_client_that_vanishes_in_the_middle_hurts_nobody() {
    let room = room(1).await;
    let (slow, mut asks, gate) = gated(&room).await;
    let mut raw = Raw::dial(room.server.local_addr()).await;
    let target = Target { rooms: Names::from_slice(&["all"]), ..Target::default() };
    let value = ValueRef::Empty;
    for id in 1..=20 {
        raw.send(&Message::Publish { request: Some(id), target, event: "ask", value }).await;
    }
    asks.next().await;
    raw.break_off();
    gate.send(true).expect("it waits");
    let client = dial(&room.server).await;
    let report = within(client.to("all").request::<u64, _>("ask", ())).await.expect("a report");
    assert!(report.is_complete());
    assert_eq!(report.expected().len(), 2);
    within(slow.close()).await;
    room.close().await;
}

/// A script in the place of a server, and a client of it that asks.
async fn asked_by_script() -> (Raw, Client) {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let (connected, raw) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");
    (raw, client)
}

const NAMES: [&str; 2] = ["01010101010101010101010101010101", "02020202020202020202020202020202"];

async fn tell(raw: &mut Raw, socket_id: &str, outcome: ReceiverOutcome<'_>) {
    raw.send(&Message::Outcome { id: 1, socket_id, outcome }).await;
}

#[tokio::test]
async fn a_lost_connection_leaves_a_report_of_what_is_known() {
    let (mut raw, client) = asked_by_script().await;
    let request = client.to("all").request::<u64, _>("ask", ());
    let script = async {
        raw.read().await.expect("a publish");
        for name in NAMES {
            tell(&mut raw, name, ReceiverOutcome::Asked).await;
        }
        tell(&mut raw, NAMES[1], ReceiverOutcome::Answered(ValueRef::Integer(5))).await;
        drop(raw);
    };
    let (report, ()) = within(async { tokio::join!(request, script) }).await;
    let report = report.expect("a report");
    assert_eq!(received(&report), [(NAMES[1].parse().expect("an address"), 5)]);
    assert_eq!(report.missing().map(ToString::to_string).collect::<Vec<_>>(), [NAMES[0]]);
    within(client.close()).await;
}

#[tokio::test]
async fn a_connection_lost_before_anybody_is_known_is_an_error() {
    let (mut raw, client) = asked_by_script().await;
    let request = client.to("all").request::<u64, _>("ask", ());
    let script = async {
        raw.read().await.expect("a publish");
        drop(raw);
    };
    let (report, ()) = within(async { tokio::join!(request, script) }).await;
    assert_eq!(report, Err(RequestError::MaybeDelivered));
    let offline = within(client.to("all").request::<u64, _>("ask", ())).await;
    assert!(matches!(offline, Err(RequestError::NotSent(_))), "{offline:?}");
    within(client.close()).await;
}

#[tokio::test]
async fn a_report_is_not_complete_unless_the_server_says_that_it_was_all() {
    for (count, complete) in [(1, true), (2, false), (0, false)] {
        let (mut raw, client) = asked_by_script().await;
        let request = client.to("all").request::<u64, _>("ask", ());
        let script = async {
            raw.read().await.expect("a publish");
            tell(&mut raw, NAMES[0], ReceiverOutcome::Asked).await;
            tell(&mut raw, NAMES[0], ReceiverOutcome::Answered(ValueRef::Integer(5))).await;
            raw.send(&Message::Ack { id: 1, value: ValueRef::Integer(count) }).await;
        };
        let (report, ()) = within(async { tokio::join!(request, script) }).await;
        assert_eq!(report.expect("a report").is_complete(), complete, "{count}");
        within(client.close()).await;
    }
}

#[tokio::test]
async fn nodes_that_a_server_did_not_reach_are_named() {
    let (mut raw, client) = asked_by_script().await;
    let request = client.to("all").request::<u64, _>("ask", ());
    let far = format!("host2/{}", NAMES[0]);
    let script = async {
        raw.read().await.expect("a publish");
        tell(&mut raw, &far, ReceiverOutcome::Asked).await;
        tell(&mut raw, "host3", ReceiverOutcome::Unreachable).await;
        tell(&mut raw, &far, ReceiverOutcome::Answered(ValueRef::Integer(5))).await;
        raw.send(&Message::Ack { id: 1, value: ValueRef::Integer(1) }).await;
    };
    let (report, ()) = within(async { tokio::join!(request, script) }).await;
    let report = report.expect("a report");
    assert_eq!(report.unreachable().collect::<Vec<_>>(), ["host3"]);
    assert!(!report.is_complete());
    assert_eq!(report.into_received(), [(far.parse().expect("an address"), 5)]);
    // To one socket it is an answer.
    let one = client.to_socket(gatewire::SocketId::from_bytes([1; 16]));
    let script = async {
        raw.read().await.expect("a publish");
        let (code, value) = (NackCode::Unreachable, ValueRef::Empty);
        raw.send(&Message::Nack { id: 2, code, value }).await;
    };
    let request = one.request::<Value, _>("ask", ());
    let (asked, ()) = within(async { tokio::join!(request, script) }).await;
    assert_eq!(asked, Err(RequestError::Unreachable));
    within(client.close()).await;
}
