//! Whether the peer is still there: pings, silence, idleness, and peers that only seem to be silent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewire::{Backoff, Client, CloseCode, DisconnectReason, Limits, Server};
use gatewire_codec::{Message, Names, Target, ValueRef};
use tokio::sync::Semaphore;

use crate::raw::{Raw, RawListener};
use crate::rig::{
    Record, connect, dial, fence, limits, record, record_ends, serve, serve_with, within,
};

/// Long enough that a busy machine answers in time.
const PING: Duration = Duration::from_millis(50);

/// Two pings without an answer, one interval apart, are a dead peer.
const DEAD_AFTER: Duration = Duration::from_millis(150);

fn short_pings() -> Limits {
    limits(|limits| limits.ping_interval = PING)
}

async fn serve_short_pings() -> Server {
    serve_with(|builder| builder.limits(short_pings())).await
}

#[tokio::test]
async fn a_silent_client_is_found_dead() {
    let server = serve_short_pings().await;
    let mut ends = record_ends(&server);
    let start = Instant::now();
    let mut raw = Raw::dial(server.local_addr()).await;
    raw.expect(&Message::Ping { token: 1 }).await;
    raw.expect(&Message::Ping { token: 2 }).await;
    raw.expect_end().await;
    assert_eq!(ends.next().await, (raw.id(), DisconnectReason::HeartbeatTimeout));
    let took = start.elapsed();
    assert!(took >= DEAD_AFTER, "{took:?}");
    assert!(server.is_empty());
}

#[tokio::test]
async fn a_silent_server_is_found_dead_and_left() {
    let listener = RawListener::bind().await;
    let client = Client::builder()
        .limits(short_pings())
        .reconnect(Backoff::Fixed(Duration::from_millis(1)))
        .build(listener.address());
    let (ended, mut ends) = record();
    client.on_disconnect(move |reason| ended.note(reason.clone()));
    let (_, mut first) = tokio::join!(connect(&client), listener.accept(1));
    first.expect(&Message::Ping { token: 1 }).await;
    first.expect(&Message::Ping { token: 2 }).await;
    first.expect_end().await;
    assert_eq!(ends.next().await, DisconnectReason::HeartbeatTimeout);
    let second = listener.accept(2).await;
    drop(second);
    client.close().await;
}

#[tokio::test]
async fn a_peer_that_answers_pings_lives() {
    let server = serve_short_pings().await;
    let mut raw = Raw::dial(server.local_addr()).await;
    for token in 1..=8 {
        raw.expect(&Message::Ping { token }).await;
        raw.send(&Message::Pong { token }).await;
    }
    assert_eq!(server.len(), 1);
}

#[tokio::test]
async fn any_message_and_any_byte_is_a_sign_of_life() {
    let server = serve_short_pings().await;
    let mut raw = Raw::dial(server.local_addr()).await;
    // A long frame, of which a byte comes after each ping.
    let frame =
        crate::raw::frame(&Message::Event { event: "long", value: ValueRef::String("xxx") });
    for (token, byte) in (1..).zip(&frame[..6]) {
        raw.expect(&Message::Ping { token }).await;
        raw.write(&[*byte]).await;
    }
    raw.write(&frame[6..]).await;
    for token in 7..=9 {
        raw.expect(&Message::Ping { token }).await;
        raw.send(&Message::Ack { id: 99, value: ValueRef::Empty }).await;
    }
    assert_eq!(server.len(), 1);
}

#[tokio::test]
async fn a_ping_is_answered_at_once_by_both_sides() {
    let server = serve().await;
    let mut raw = Raw::dial(server.local_addr()).await;
    for token in [0, 1, u64::MAX] {
        raw.send(&Message::Ping { token }).await;
        raw.expect(&Message::Pong { token }).await;
    }
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
    raw.send(&Message::Ping { token: 7 }).await;
    raw.expect(&Message::Pong { token: 7 }).await;
    drop(raw);
    client.close().await;
}

#[tokio::test]
async fn who_is_idle_for_too_long_is_disconnected_though_it_lives() {
    let limits = short_pings();
    let idle = Some(PING * 20);
    let server = serve_with(|builder| builder.limits(limits).idle_timeout(idle)).await;
    let mut ends = record_ends(&server);
    let mut raw = Raw::dial(server.local_addr()).await;
    let mut pings = 0;
    let text = loop {
        let frame = raw.read().await.expect("a close comes before the end");
        match gatewire_codec::v3::decode(&frame).expect("a message") {
            Message::Ping { token } => {
                raw.send(&Message::Pong { token }).await;
                pings += 1;
            }
            Message::Close { code: CloseCode::IdleTimeout, text } => break text.to_owned(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(text, "");
    assert!(pings > 3, "{pings}");
    raw.expect_end().await;
    drop(raw);
    assert_eq!(ends.next().await.1, DisconnectReason::IdleTimeout);
}

#[tokio::test]
async fn events_joins_and_what_is_published_are_no_idleness() {
    let limits = short_pings();
    let idle = Some(PING * 10);
    let server = serve_with(|builder| builder.limits(limits).idle_timeout(idle)).await;
    let mut raw = Raw::dial(server.local_addr()).await;
    let room = &["room"];
    let value = ValueRef::Empty;
    let target = Target { everyone: true, ..Target::default() };
    let messages = [
        Message::Event { event: "event", value },
        Message::Join { id: 0, rooms: Names::from_slice(room) },
        Message::Publish { request: None, target, event: "event", value },
        Message::LeaveAll { id: 0 },
    ];
    for (token, message) in (1..).zip(messages.iter().cycle()).take(16) {
        raw.expect(&Message::Ping { token }).await;
        raw.send(message).await;
    }
    assert_eq!(server.len(), 1);
}

/// Lasts a few times as long as a peer without a sign of life is waited for.
async fn outlive_silent_peers(server: &Server, ends: &mut Record<End>) {
    for _ in 0..3 {
        let silent = Raw::dial(server.local_addr()).await;
        assert_eq!(ends.next().await, (silent.id(), DisconnectReason::HeartbeatTimeout));
    }
}

type End = (gatewire::SocketId, DisconnectReason);

/// A server that does not read, because its handler is behind, hears nothing. The peer is not dead
/// for that.
#[tokio::test]
async fn a_client_whose_messages_wait_for_a_slow_handler_is_not_dead() {
    let limits = limits(|limits| {
        limits.ping_interval = PING;
        limits.handler_queue = 2;
    });
    let server = serve_with(|builder| builder.limits(limits)).await;
    let mut ends = record_ends(&server);
    let gate = Arc::new(Semaphore::new(0));
    let (seen, mut order) = record();
    let handler_gate = Arc::clone(&gate);
    server.on("number", move |number: usize| {
        let (gate, seen) = (Arc::clone(&handler_gate), seen.clone());
        async move {
            gate.acquire().await.expect("it stays open").forget();
            seen.note(number);
        }
    });
    let client = dial(&server).await;
    for number in 0..10_usize {
        client.emit("number", number).expect("queued");
    }
    within(client.flush()).await.expect("written");
    outlive_silent_peers(&server, &mut ends).await;
    assert!(client.is_connected());
    gate.add_permits(10);
    assert!(order.next_many(10).await.into_iter().eq(0..10));
    fence(&client).await;
    // Read again, it is watched again.
    outlive_silent_peers(&server, &mut ends).await;
    assert_eq!(server.len(), 1);
}

#[tokio::test]
async fn a_server_whose_messages_wait_for_a_slow_handler_is_not_dead() {
    let listener = RawListener::bind().await;
    let limits = limits(|limits| {
        limits.ping_interval = PING;
        limits.handler_queue = 1;
    });
    let client = Client::builder().limits(limits).no_reconnect().build(listener.address());
    let gate = Arc::new(Semaphore::new(0));
    let (seen, mut order) = record();
    let handler_gate = Arc::clone(&gate);
    client.on("number", move |number: i64| {
        let (gate, seen) = (Arc::clone(&handler_gate), seen.clone());
        async move {
            gate.acquire().await.expect("it stays open").forget();
            seen.note(number);
        }
    });
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
    for number in 0..3 {
        raw.send(&Message::Event { event: "number", value: ValueRef::Integer(number) }).await;
    }
    // It does not read, and tells us all the while that it lives.
    for token in 1..=8 {
        raw.expect(&Message::Ping { token }).await;
    }
    gate.add_permits(3);
    assert_eq!(order.next_many(3).await, [0, 1, 2]);
    assert!(client.is_connected());
    // Now it reads, and silence is silence again.
    within(client.closed()).await;
    drop(raw);
}
