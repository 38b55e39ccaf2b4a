//! A stream belongs to one connection: nothing of it goes on over the next.

use std::time::Duration;

use gatewire::{Backoff, Client, EmitError, RequestError, StreamError, StreamReader};
use gatewire_codec::{Message, ValueRef};
use tokio::sync::mpsc;

use super::frames::{ack, credit, data, finish, open};
use super::kit::{Pump, UNREAD, bytes, expect_balance};
use crate::raw::{Raw, RawListener};
use crate::rig::{connect, eventually, within};

/// A client of a script, whose readers the test gets, and its first connection.
async fn scene() -> (RawListener, Client, mpsc::UnboundedReceiver<StreamReader>, Raw) {
    let listener = RawListener::bind().await;
    let client = Client::builder()
        .reconnect(Backoff::Fixed(Duration::from_millis(1)))
        .build(listener.address());
    let (hand, readers) = mpsc::unbounded_channel();
    client.on("file", move |stream: StreamReader| {
        let hand = hand.clone();
        async move {
            hand.send(stream).expect("the test goes on");
            std::future::pending::<()>().await;
        }
    });
    let (_, raw) = tokio::join!(connect(&client), listener.accept(1));
    (listener, client, readers, raw)
}

/// The next frame is this event: what was sent before it, was nothing.
async fn expect_only(raw: &mut Raw, client: &Client, number: i64) {
    client.emit("mark", number).expect("queued");
    let value = ValueRef::Integer(number);
    raw.expect(&Message::Event { event: "mark", value }).await;
}

#[tokio::test]
async fn what_is_left_of_a_lost_connection_does_not_touch_the_next() {
    let (listener, client, mut readers, mut raw) = scene().await;
    // Streams in both directions, with something to tell: credit, and bytes that wait.
    let writers = [
        client.stream("up", ()).await.expect("opened"),
        client.stream("up", ()).await.expect("opened"),
        client.stream("up", ()).await.expect("opened"),
    ];
    for id in 1..=3 {
        raw.expect(&open(id, "up")).await;
        raw.send(&open(id, "file")).await;
        for chunk in bytes(256 << 10).chunks(64 << 10) {
            raw.send(&data(id, chunk)).await;
        }
    }
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(within(readers.recv()).await.expect("a reader"));
    }
    for reader in &old {
        eventually(|| reader.received() == 256 << 10).await;
    }
    drop(raw);

    let mut raw = listener.accept(2).await;
    eventually(|| client.is_connected()).await;
    // The ids of a new server begin anew, and meet those of before; the client's own go on.
    let mut writer = client.stream("up", ()).await.expect("opened");
    raw.expect(&open(4, "up")).await;
    for id in 1..=3 {
        raw.send(&open(id, "file")).await;
    }
    let mut new = Vec::new();
    for _ in 0..3 {
        new.push(within(readers.recv()).await.expect("a reader"));
    }
    expect_only(&mut raw, &client, 1).await;

    let [first, mut second, third] = writers;
    drop(first);
    assert_eq!(within(second.send(bytes(1000))).await, Err(StreamError::Disconnected));
    second.reset(gatewire::StreamCode::Other(70), "no more");
    assert_eq!(within(third.finish::<()>()).await, Err(StreamError::Disconnected));
    let mut old = old.into_iter();
    let mut read = old.next().expect("three");
    let mut length = 0;
    // What came can be read, and gives no credit to anybody.
    let error = loop {
        match within(read.chunk()).await {
            Ok(Some(chunk)) => length += chunk.len(),
            Ok(None) => panic!("an end that is none"),
            Err(error) => break error,
        }
    };
    assert_eq!((length, error), (256 << 10, StreamError::Disconnected));
    old.next().expect("three").stop();
    old.next().expect("three").reset(gatewire::StreamCode::Other(71), "no more");
    drop(read);
    expect_only(&mut raw, &client, 2).await;

    // All that is new lives.
    within(writer.send(bytes(1000))).await.expect("sent");
    raw.expect(&data(4, &bytes(1000))).await;
    let finished = tokio::spawn(writer.finish::<i64>());
    raw.expect(&finish(4, 1000)).await;
    raw.send(&ack(4, ValueRef::Integer(5))).await;
    assert_eq!(within(finished).await.expect("no panic"), Ok(5));
    for (id, reader) in (1..).zip(&mut new) {
        raw.send(&data(id, &bytes(10))).await;
        assert_eq!(within(reader.chunk()).await, Ok(Some(bytes(10))));
        raw.send(&finish(id, 10)).await;
        assert_eq!(within(reader.chunk()).await, Ok(None));
    }
    drop(raw);
    within(client.close()).await;
    expect_balance(&client.counters());
}

/// What waits in a stream is not sent over the next connection, nor does its credit count there.
#[tokio::test]
async fn bytes_that_wait_are_lost_with_their_connection() {
    let (listener, client, _readers, mut raw) = scene().await;
    let pump = Pump::start(client.stream("up", ()).await.expect("opened"), 4 << 20);
    raw.expect(&open(1, "up")).await;
    raw.send(&credit(1, 1 << 19)).await;
    eventually(|| pump.sent() == UNREAD + (256 << 10)).await;
    drop(raw);
    assert_eq!(pump.end().await, Err(StreamError::Disconnected));
    let mut raw = listener.accept(2).await;
    eventually(|| client.is_connected()).await;
    expect_only(&mut raw, &client, 1).await;
    let pump = Pump::start(client.stream("up", ()).await.expect("opened"), 4 << 20);
    pump.wait_until_stopped().await;
    drop(raw);
    assert!(pump.end().await.is_err());
    within(client.close()).await;
    expect_balance(&client.counters());
}

#[tokio::test]
async fn offline_no_stream_is_opened_and_nothing_waits() {
    let (listener, client, _readers, raw) = scene().await;
    drop(raw);
    eventually(|| !client.is_connected()).await;
    let hello = listener.accept_only().await;
    // Events wait, streams do not.
    client.emit("mark", 1).expect("queued");
    let queued = client.queued_bytes();
    let refused = RequestError::NotSent(EmitError::NotConnected);
    let id = gatewire::SocketId::from_bytes([1; 16]);
    for opened in [
        client.stream("up", ()).await.err(),
        client.to_socket(id).stream("up", ()).await.err(),
        client.to("all").stream("up", ()).await.err(),
    ] {
        assert_eq!(opened, Some(StreamError::Refused(refused.clone())));
    }
    assert_eq!(client.queued_bytes(), queued);
    drop(hello);
    let mut raw = listener.accept(2).await;
    raw.expect(&Message::Event { event: "mark", value: ValueRef::Integer(1) }).await;
    expect_only(&mut raw, &client, 2).await;
    drop(raw);
    within(client.close()).await;
    let closed = RequestError::NotSent(EmitError::Closed);
    assert_eq!(client.stream("up", ()).await.err(), Some(StreamError::Refused(closed)));
    expect_balance(&client.counters());
}
