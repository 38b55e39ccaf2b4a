//! Closing a client, whatever it is doing.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use gatewire::{Backoff, Client, CloseCode, ConnectError, DisconnectReason, EmitError};
use gatewire_codec::Message;

use super::{AT_ONCE, HOUR, Life, record_life};
use crate::raw::RawListener;
use crate::rig::{build, connect, dial, record, record_ends, serve, within};

/// Closed for good: nothing can be sent, and it cannot be connected.
async fn expect_closed(client: &Client) {
    assert!(!client.is_connected());
    assert_eq!(client.emit("event", ()), Err(EmitError::Closed));
    let connected = within(client.connect()).await;
    assert!(matches!(connected, Err(ConnectError::Closed)), "{connected:?}");
    within(client.close()).await;
    within(client.closed()).await;
    assert_eq!(client.counters().outbound.queued, 0);
    assert!(client.counters().outbound.is_balanced());
}

#[tokio::test]
async fn a_client_that_never_connected_can_be_closed() {
    let server = serve().await;
    let client = build(&server, |builder| builder);
    client.emit("event", ()).expect("it waits");
    within(client.close()).await;
    expect_closed(&client).await;
}

#[tokio::test]
async fn a_client_that_connects_can_be_closed() {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    client.emit("event", ()).expect("it waits");
    let close = async {
        let raw = listener.accept_only().await;
        client.close().await;
        raw
    };
    let (connected, mut raw) = within(async { tokio::join!(client.connect(), close) }).await;
    assert!(matches!(connected, Err(ConnectError::Closed)), "{connected:?}");
    // Perhaps a hello, and nothing else.
    while raw.read().await.is_some() {}
    expect_closed(&client).await;
}

#[tokio::test]
async fn a_connected_client_can_be_closed() {
    let server = serve().await;
    let mut ends = record_ends(&server);
    let client = build(&server, |builder| builder);
    let mut life = record_life(&client);
    let id = connect(&client).await;
    within(client.close()).await;
    let normal = DisconnectReason::ClosedByPeer { code: CloseCode::Normal, text: String::new() };
    assert_eq!(ends.next().await, (id, normal));
    let closed = Life::Disconnected(DisconnectReason::Closed);
    assert_eq!(life.so_far(), [Life::Connected(id), closed]);
    expect_closed(&client).await;
}

#[tokio::test]
async fn a_client_that_waits_to_reconnect_can_be_closed() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(Backoff::Fixed(HOUR)).build(listener.address());
    let mut life = record_life(&client);
    let (id, raw) = tokio::join!(connect(&client), listener.accept(1));
    drop(raw);
    let lost = Life::Disconnected(DisconnectReason::Lost);
    assert_eq!(life.next_many(2).await, [Life::Connected(id), lost]);
    client.emit("event", ()).expect("it waits");
    within(client.close()).await;
    expect_closed(&client).await;
}

#[tokio::test]
async fn a_client_that_reconnects_can_be_closed() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (_, raw) = tokio::join!(connect(&client), listener.accept(1));
    drop(raw);
    // It waits for the challenge.
    let mut raw = listener.accept_only().await;
    raw.read().await.expect("a hello");
    within(client.close()).await;
    raw.expect_end().await;
    expect_closed(&client).await;
}

#[tokio::test]
async fn what_was_emitted_before_the_close_is_received() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.on("number", move |number: usize| seen.note(number));
    let mut ends = record_ends(&server);
    let client = dial(&server).await;
    for number in 0..5000_usize {
        client.emit("number", number).expect("queued");
    }
    within(client.close()).await;
    assert_eq!(client.queued_bytes(), 0);
    ends.next().await;
    assert!(order.so_far().into_iter().eq(0..5000));
}

#[tokio::test]
async fn everything_large_that_was_emitted_before_the_close_is_received() {
    let server = serve().await;
    let (seen, mut lengths) = record();
    server.on("block", move |block: Vec<u8>| seen.note(block.len()));
    let mut ends = record_ends(&server);
    let client = dial(&server).await;
    let block = vec![7; 100_000];
    for _ in 0..35 {
        client.emit("block", &block).expect("queued");
    }
    within(client.close()).await;
    ends.next().await;
    assert_eq!(lengths.so_far(), [100_000; 35]);
}

#[tokio::test]
async fn closing_twice_at_once_is_closing_once() {
    let server = serve().await;
    let client = dial(&server).await;
    within(async { tokio::join!(client.close(), client.close(), client.closed()) }).await;
    expect_closed(&client).await;
}

#[tokio::test]
async fn a_handler_may_close_its_own_client() {
    let server = serve().await;
    let client = build(&server, |builder| builder);
    let (seen, mut closes) = record();
    client.on("go", move |client: Client, (): ()| {
        let seen = seen.clone();
        async move {
            client.close().await;
            seen.note(());
        }
    });
    connect(&client).await;
    server.emit("go", ()).expect("queued");
    closes.next().await;
    expect_closed(&client).await;
}

#[tokio::test]
async fn closing_goes_on_without_its_future() {
    let server = serve().await;
    let client = dial(&server).await;
    assert_eq!(client.close().now_or_never(), None);
    within(client.closed()).await;
    expect_closed(&client).await;
}

/// The peer takes nothing: the close waits for what is queued, but not for ever.
#[tokio::test]
async fn a_peer_that_does_not_read_cannot_hold_up_the_close() {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let (_, raw) = tokio::join!(connect(&client), listener.accept(1));
    let block = vec![0; 64 << 10];
    while client.emit("block", &block).is_ok() {}
    let start = Instant::now();
    within(client.close()).await;
    let took = start.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(5)).contains(&took), "{took:?}");
    drop(raw);
    expect_closed(&client).await;
}

#[tokio::test]
async fn the_close_is_the_last_frame() {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
    client.emit("event", ()).expect("queued");
    let closed = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    let event = Message::Event { event: "event", value: gatewire_codec::ValueRef::Empty };
    raw.expect(&event).await;
    assert_eq!(raw.expect_close(CloseCode::Normal).await, "");
    drop(raw);
    within(closed).await.expect("no panic");
}

/// The driver is busy with the end of the connection, and keeps the time nevertheless.
#[tokio::test]
async fn a_request_keeps_its_deadline_while_the_connection_closes() {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
    let request = client.request::<(), _>("wait", ()).timeout(Duration::from_millis(50));
    let close = async {
        raw.read().await.expect("a request");
        // The peer does not hang up: the client lingers.
        let start = Instant::now();
        client.close().await;
        start.elapsed()
    };
    let start = Instant::now();
    let request = async { (request.await, start.elapsed()) };
    let ((answer, took), closed) = within(async { tokio::join!(request, close) }).await;
    assert_eq!(answer, Err(gatewire::RequestError::Timeout));
    assert!(took < closed, "{took:?}, and the close {closed:?}");
}
