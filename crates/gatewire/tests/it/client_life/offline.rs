//! What is sent without a connection: the offline queue, its bounds, and no queue at all.

use gatewire::{
    Backoff, Client, DropReason, EmitError, Error, OfflineQueue, RequestError, Server, WhenFull,
};
use gatewire_codec::{Message, ValueRef};

use super::{AT_ONCE, HOUR, Life, record_life};
use crate::raw::RawListener;
use crate::rig::{build, connect, fence, limits, record, serve, serve_with, within};

#[tokio::test]
async fn what_is_sent_before_the_connection_comes_first_and_in_order() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.on("number", move |number: usize| seen.note(number));
    let client = build(&server, |builder| builder);
    let (seen, mut news) = record();
    client.on("news", move |number: usize| seen.note(number));
    for number in 0..900_usize {
        client.emit("number", number).expect("it waits");
    }
    client.broadcast().include_self().emit("news", 900).expect("it waits");
    assert!(client.queued_bytes() > 0);
    connect(&client).await;
    client.emit("number", 901).expect("queued");
    fence(&client).await;
    assert!(order.so_far().into_iter().eq((0..900).chain([901])));
    assert_eq!(news.next().await, 900);
    assert_eq!(client.queued_bytes(), 0);
}

#[tokio::test]
async fn a_failed_attempt_does_not_cost_what_waits() {
    let server = serve().await;
    let address = server.local_addr();
    server.close().await;
    let client = build(&server, |builder| builder);
    client.emit("number", 1).expect("it waits");
    within(client.connect()).await.expect_err("nobody listens");
    client.emit("number", 2).expect("it waits");

    let server = Server::builder().bind(address).await.expect("the port is free again");
    let (seen, mut order) = record();
    server.on("number", move |number: usize| seen.note(number));
    connect(&client).await;
    assert_eq!(order.next_many(2).await, [1, 2]);
}

#[tokio::test]
async fn a_full_queue_is_an_error_and_counted() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.on("number", move |number: usize| seen.note(number));
    let queue = OfflineQueue::new(10, 1 << 20, WhenFull::Error);
    let client = build(&server, |builder| builder.offline_queue(queue));
    for number in 0..10_usize {
        client.emit("number", number).expect("it waits");
    }
    for number in 10..13_usize {
        assert_eq!(client.emit("number", number), Err(EmitError::QueueFull));
    }
    let outbound = client.counters().outbound;
    assert_eq!((outbound.accepted, outbound.queued), (13, 10));
    assert_eq!(outbound.dropped(DropReason::QueueFull), 3);
    connect(&client).await;
    fence(&client).await;
    assert!(order.so_far().into_iter().eq(0..10));
}

#[tokio::test]
async fn a_queue_is_bounded_in_bytes_too() {
    let server = serve().await;
    let queue = OfflineQueue::new(1000, 4096, WhenFull::Error);
    let client = build(&server, |builder| builder.offline_queue(queue));
    client.emit("text", "x".repeat(4000)).expect("it waits");
    assert_eq!(client.emit("text", "x".repeat(100)), Err(EmitError::QueueFull));
    assert!(client.queued_bytes() <= 4096);
    client.emit("text", "x").expect("it fits");
}

#[tokio::test]
async fn the_oldest_go_when_a_client_wants_the_newest() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.on("number", move |number: u64| seen.note(number));
    let queue = OfflineQueue::new(100, 1 << 20, WhenFull::DropOldest);
    let client = build(&server, |builder| builder.offline_queue(queue));
    for number in 0..1000_u64 {
        client.emit("number", number).expect("it waits");
    }
    let outbound = client.counters().outbound;
    assert!(outbound.is_balanced(), "{outbound:?}");
    connect(&client).await;
    fence(&client).await;
    let received = order.so_far();
    let count = received.len() as u64;
    assert!((75..=100).contains(&count), "{count}");
    assert!(received.into_iter().eq(1000 - count..1000), "the newest, in order");
    assert_eq!(outbound.dropped(DropReason::Displaced), 1000 - count);
}

#[tokio::test]
async fn without_a_queue_nothing_waits() {
    let listener = RawListener::bind().await;
    let client = Client::builder()
        .no_offline_queue()
        .reconnect(Backoff::Fixed(HOUR))
        .build(listener.address());
    let mut life = record_life(&client);
    let refused = async || {
        assert_eq!(client.emit("number", 1), Err(EmitError::NotConnected));
        assert_eq!(client.to("room").emit("number", 1), Err(EmitError::NotConnected));
        let asked = within(client.request::<(), _>("number", 1)).await;
        assert_eq!(asked, Err(RequestError::NotSent(EmitError::NotConnected)));
    };
    refused().await;
    let (id, mut raw) = tokio::join!(connect(&client), listener.accept(1));
    assert_eq!(life.next().await, Life::Connected(id));
    client.emit("number", 2).expect("sent");
    raw.expect(&Message::Event { event: "number", value: ValueRef::Integer(2) }).await;
    drop(raw);
    assert!(matches!(life.next().await, Life::Disconnected(_)));
    assert_eq!(life.next().await, Life::Reconnecting(1, HOUR));
    // The connection is lost, the client is not closed.
    refused().await;
    within(client.close()).await;
    assert_eq!(client.emit("number", 3), Err(EmitError::Closed));
}

#[tokio::test]
async fn volatile_events_do_not_wait_for_a_connection() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.on("number", move |number: usize| seen.note(number));
    let client = build(&server, |builder| builder);
    client.emit("number", 1).expect("it waits");
    client.emit_volatile("number", 2).expect("a drop is no error");
    client.broadcast().emit_volatile("number", 3).expect("a drop is no error");
    assert_eq!(client.counters().outbound.dropped(DropReason::Volatile), 2);
    connect(&client).await;
    client.emit_volatile("number", 4).expect("sent");
    fence(&client).await;
    assert_eq!(order.so_far(), [1, 4]);
}

#[tokio::test]
async fn what_waited_and_is_too_long_for_the_server_is_dropped_and_counted() {
    let server =
        serve_with(|builder| builder.limits(limits(|limits| limits.max_frame = 1000))).await;
    let (seen, mut order) = record();
    server.on("text", move |text: String| seen.note(text.len()));
    let client = build(&server, |builder| builder);
    for length in [1, 2000, 2] {
        client.emit("text", "x".repeat(length)).expect("it waits");
    }
    connect(&client).await;
    fence(&client).await;
    assert_eq!(order.so_far(), [1, 2]);
    assert_eq!(client.counters().outbound.dropped(DropReason::TooLarge), 1);
}

#[tokio::test]
async fn what_is_sent_between_two_connections_is_received_in_order() {
    let server = serve().await;
    let address = server.local_addr();
    let client = build(&server, |builder| builder.reconnect(AT_ONCE));
    let mut life = record_life(&client);
    connect(&client).await;
    fence(&client).await;
    within(server.close()).await;
    while !matches!(life.next().await, Life::Disconnected(_)) {}
    for number in 0..100_usize {
        client.emit("number", number).expect("it waits");
    }
    let server = Server::builder().bind(address).await.expect("the port is free again");
    let (seen, mut order) = record();
    server.on("number", move |number: usize| seen.note(number));
    assert!(order.next_many(100).await.into_iter().eq(0..100));
    // What happened in between was told.
    let refused = |life: &Life| matches!(life, Life::Error(Error::Connect(_)));
    let told = life.so_far();
    assert!(told.iter().all(|life| refused(life) || !matches!(life, Life::Error(_))), "{told:?}");
    client.close().await;
}

#[tokio::test]
async fn a_producer_can_wait_for_room_and_for_the_flush() {
    let server = serve().await;
    let queue = OfflineQueue::new(8, 1 << 20, WhenFull::Error);
    let client = build(&server, |builder| builder.offline_queue(queue));
    within(client.ready()).await.expect("there is room");
    for number in 0..7_usize {
        client.emit("number", number).expect("it waits");
    }
    let mut ready = Box::pin(client.ready());
    let mut flushed = Box::pin(client.flush());
    assert_eq!(futures_util::FutureExt::now_or_never(ready.as_mut()), None);
    assert_eq!(futures_util::FutureExt::now_or_never(flushed.as_mut()), None);
    connect(&client).await;
    assert_eq!(within(ready).await, Ok(()));
    assert_eq!(within(flushed).await, Ok(()));
    assert_eq!(client.queued_bytes(), 0);
    client.close().await;
    assert_eq!(within(client.ready()).await, Err(EmitError::Closed));
}
