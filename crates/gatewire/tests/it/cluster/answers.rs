//! Answers that come to the wrong one, or that are not all.

use std::sync::Arc;
use std::time::Duration;

use gatewire::{Client, Limits, RequestError, SocketAddress, SocketId};
use gatewire_cluster::Incarnation;
use gatewire_codec::{Message, ReceiverOutcome, ValueRef};
use tokio::sync::Notify;

use super::Node;
use super::fake::{Fake, key, keyed_with};
use crate::rig::{Record, dial_with, eventually, fence, record, within};

const LIFE: Incarnation = Incarnation::new(1, 1);
const NEXT_LIFE: Incarnation = Incarnation::new(2, 2);

/// A socket of the fake node.
fn socket(number: u8) -> SocketAddress {
    SocketAddress::new("fake", SocketId::from_bytes([number; 16])).expect("a name")
}

/// A script answers no pings, and a busy machine takes its time.
async fn patient(name: &str) -> Node {
    let mut limits = Limits::default();
    limits.ping_interval = Duration::from_secs(30);
    keyed_with(name, &[], |builder| builder.limits(limits)).await
}

async fn client(node: &Node) -> Client {
    dial_with(&node.server, |builder| builder.psk("router", key()).plain()).await
}

/// A client that answers `slow` when it is told to, and whatever comes behind that afterwards.
async fn slow_client(node: &Node) -> (SocketAddress, Client, Record<()>, Arc<Notify>) {
    let client = client(node).await;
    let (begun, begins) = record();
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    client.on("slow", move || {
        begun.note(());
        let gate = Arc::clone(&opened);
        async move { gate.notified().await }
    });
    client.on("quick", || ());
    (client.address().expect("online"), client, begins, gate)
}

#[tokio::test]
async fn a_new_life_takes_no_answer_to_a_request_of_its_former_one() {
    let mut old = 0;
    for _life in 0..2 {
        let node = patient("asker").await;
        let mut fake = Fake::neighbour(&node, "fake", LIFE).await;
        let router = node.router.clone();
        let asked = tokio::spawn(async move {
            router.to_socket(socket(1)).request::<String, _>("ask", ()).await
        });
        let new = fake.next_request().await;
        if old != 0 {
            let ack = |id, text| Message::Ack { id, value: ValueRef::String(text) };
            fake.answer("asker", &[ack(old, "old"), ack(new, "new")]).await;
            assert_eq!(within(asked).await.expect("no panic").as_deref(), Ok("new"));
        }
        old = new;
        node.close().await;
    }
}

#[tokio::test]
async fn what_a_life_asked_is_not_answered_to_the_next_one() {
    let node = patient("node").await;
    let mut fake = Fake::neighbour(&node, "fake", LIFE).await;
    let (slow, _client, mut begins, gate) = slow_client(&node).await;
    let other = client(&node).await;
    other.on("quick", || ());
    fake.request(("node", LIFE.nonce(), 1), 5, std::slice::from_ref(&slow), "slow").await;
    begins.next().await;
    fake.be_neighbour_of("node", NEXT_LIFE).await;
    let address = other.address().expect("online");
    fake.request(("node", NEXT_LIFE.nonce(), 1), 6, &[address], "quick").await;
    assert_eq!(fake.next_answer().await, 6);
    gate.notify_one();
    // Answered behind the slow one.
    fake.request(("node", NEXT_LIFE.nonce(), 2), 7, &[slow], "quick").await;
    assert_eq!(fake.next_answer().await, 7);
    node.close().await;
}

#[tokio::test]
async fn a_late_request_of_a_former_life_is_not_refused_to_the_next_one() {
    let node = patient("node").await;
    let mut fake = Fake::neighbour(&node, "fake", LIFE).await;
    let (address, _client, _begins, _gate) = slow_client(&node).await;
    fake.be_neighbour_of("node", NEXT_LIFE).await;
    fake.request(("node", LIFE.nonce(), 1), 5, std::slice::from_ref(&address), "quick").await;
    eventually(|| node.router.counters().late == 1).await;
    fake.request(("node", NEXT_LIFE.nonce(), 1), 6, &[address], "quick").await;
    assert_eq!(fake.next_answer().await, 6);
    node.close().await;
}

#[tokio::test]
async fn a_node_that_has_asked_more_than_it_has_named_is_unreachable_in_the_report() {
    let node = patient("asker").await;
    let mut fake = Fake::neighbour(&node, "fake", LIFE).await;
    let router = node.router.clone();
    let asked = tokio::spawn(async move {
        router.to("nobody").to_socket(socket(1)).request::<i64, _>("ask", ()).await
    });
    let id = fake.next_request().await;
    let named = socket(1).to_string();
    let told = |outcome| Message::Outcome { id, socket_id: &named, outcome };
    let answered = ReceiverOutcome::Answered(ValueRef::Integer(7));
    let over = Message::Ack { id, value: ValueRef::Integer(2) };
    fake.answer("asker", &[told(ReceiverOutcome::Asked), told(answered), over]).await;
    let report = within(asked).await.expect("no panic").expect("it was asked");
    assert_eq!(report.received().count(), 1);
    assert_eq!(report.unreachable().collect::<Vec<_>>(), ["fake"]);
    assert!(!report.is_complete());
    node.close().await;
}

#[tokio::test]
async fn a_node_that_could_not_tell_of_one_receiver_tells_of_no_other() {
    let node = patient("node").await;
    let mut fake = Fake::neighbour(&node, "fake", LIFE).await;
    let (first, _first, mut first_begins, first_gate) = slow_client(&node).await;
    let (second, _second, mut second_begins, second_gate) = slow_client(&node).await;
    let both = [first, second.clone()];
    fake.request(("node", LIFE.nonce(), 1), 5, &both, "slow").await;
    first_begins.next().await;
    second_begins.next().await;
    drop(fake);
    eventually(|| node.router.nodes().is_empty()).await;
    first_gate.notify_one();
    eventually(|| node.router.counters().unreachable == 1).await;
    second_gate.notify_one();
    // Answered behind the slow one.
    within(node.server.to_socket(&second).request::<(), _>("quick", ())).await.expect("it answers");
    assert_eq!(node.router.counters().unreachable, 1);
    node.close().await;
}

#[tokio::test]
async fn receivers_at_other_nodes_count_for_the_client_that_asks() {
    /// Of one request.
    const MOST: u32 = 16_384;
    /// That have room, but for the last receiver: 65,535.
    const REQUESTS: u32 = 4;
    const AT_ONCE: usize = 1024;

    let node = patient("asker").await;
    let mut fake = Fake::neighbour(&node, "fake", LIFE).await;
    let client = client(&node).await;
    let ask = || {
        let client = client.clone();
        tokio::spawn(async move {
            let to = client.to("nobody").to_socket(socket(1));
            to.request::<i64, _>("ask", ()).timeout(Duration::from_secs(60)).await
        })
    };
    let name = |number: u32| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_le_bytes());
        SocketAddress::new("fake", SocketId::from_bytes(id)).expect("a name").to_string()
    };
    let names: Vec<String> = (0..MOST).map(name).collect();
    let mut waiting = Vec::new();
    for number in 1..=REQUESTS {
        let request = ask();
        let id = fake.next_request().await;
        waiting.push((id, request));
        let left_out = usize::from(number == REQUESTS);
        for names in names[left_out..].chunks(AT_ONCE) {
            let outcome = ReceiverOutcome::Asked;
            let asked = |name| Message::Outcome { id, socket_id: name, outcome };
            let asked: Vec<_> = names.iter().map(|name| asked(name)).collect();
            fake.answer("asker", &asked).await;
            // The client has read it: it is not to be a slow one.
            fake.expect_alive().await;
            fence(&client).await;
        }
    }
    let one_more = ask();
    let id = fake.next_request().await;
    let outcome = ReceiverOutcome::Asked;
    let asked = |name| Message::Outcome { id, socket_id: name, outcome };
    fake.answer("asker", &[asked(&names[0]), asked(&names[1])]).await;
    let report = within(one_more).await.expect("no panic").expect("it was asked");
    assert_eq!(report.unreachable().collect::<Vec<_>>(), ["fake"]);
    assert_eq!(report.expected().len(), 1);
    assert!(waiting.iter().all(|(_, request)| !request.is_finished()));
    // There is no room to ask again, until some have ended.
    assert_eq!(within(ask()).await.expect("no panic").err(), Some(RequestError::Busy));
    let (id, first) = waiting.remove(0);
    let over = Message::Ack { id, value: ValueRef::Integer(MOST.into()) };
    fake.answer("asker", &[over]).await;
    let report = within(first).await.expect("no panic").expect("it was asked");
    assert_eq!(report.missing().count(), names.len());
    // The node has done all that follows from it.
    fake.expect_alive().await;
    let _again = ask();
    fake.next_request().await;
    node.close().await;
}

#[tokio::test]
async fn one_client_does_not_take_the_place_of_all_requests_to_other_nodes() {
    const SHARE: usize = 4096;

    let node = patient("asker").await;
    let mut fake = Fake::neighbour(&node, "fake", LIFE).await;
    let client = client(&node).await;
    let ask = |client: &Client| {
        let client = client.clone();
        tokio::spawn(async move {
            let request = client.to_socket(socket(1)).request::<(), _>("ask", ());
            request.timeout(Duration::from_secs(60)).await
        })
    };
    let mut waiting = Vec::new();
    for _ in 0..SHARE {
        let request = ask(&client);
        waiting.push((fake.next_request().await, request));
    }
    let one_more = within(ask(&client)).await.expect("no panic");
    assert_eq!(one_more, Err(RequestError::Busy));
    let many = client.to("nobody").to_socket(socket(1)).request::<(), _>("ask", ());
    let report = within(many).await.expect("this node was asked");
    assert_eq!(report.unreachable().collect::<Vec<_>>(), ["fake"]);
    // Another one has a share of its own, and a place comes back with the answer.
    let other = self::client(&node).await;
    let _of_other = ask(&other);
    fake.next_request().await;
    let (id, request) = waiting.pop().expect("there are many");
    fake.answer("asker", &[Message::Ack { id, value: ValueRef::Empty }]).await;
    assert_eq!(within(request).await.expect("no panic"), Ok(()));
    let _one_more = ask(&client);
    fake.next_request().await;
    node.close().await;
}
