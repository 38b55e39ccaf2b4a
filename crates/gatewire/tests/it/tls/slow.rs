//! A peer that does not read.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::{Duration, Instant};

use gatewire::{Client, DisconnectReason, Overflow};

use super::kit::{Between, dial_tls, key, raw_client, serve_tls};
use crate::rig::{fence, limits, record, record_ends, within};

const STALL: Duration = Duration::from_millis(200);

/// Memory is bounded by the queue, and time by the stall limit, with what TLS holds back as part of it.
#[tokio::test]
async fn a_peer_that_does_not_read_is_cut_by_the_stall_limit() {
    const MAX: usize = 1 << 20;

    let server = serve_tls(|builder| {
        builder.limits(limits(|limits| {
            limits.write_stall = STALL;
            limits.outbox.max_bytes = MAX;
            limits.outbox.overflow = Overflow::DropNewest;
        }))
    })
    .await;
    let mut ends = record_ends(&server);
    let bystander = dial_tls(&server).await;
    let raw = raw_client(server.local_addr()).await;
    let socket = server.sockets().into_iter().find(|socket| Some(socket.id()) != bystander.id());
    let socket = socket.expect("the raw client's");
    let start = Instant::now();
    while socket.is_connected() && socket.queued_bytes() < MAX / 2 {
        let _unless_gone = socket.emit("block", vec![0_u8; 60_000]);
        tokio::task::yield_now().await;
    }
    assert!(socket.queued_bytes() <= MAX);
    assert_eq!(ends.next().await, (socket.id(), DisconnectReason::SlowConsumer));
    assert!(start.elapsed() >= STALL / 2, "{:?}", start.elapsed());
    fence(&bystander).await;
    drop(raw);
}

/// It is not only what waits in the queue that is waited for: the last of it is with TLS.
#[tokio::test]
async fn flush_waits_for_what_tls_holds_back() {
    let server = serve_tls(|builder| builder).await;
    let (heard, mut news) = record();
    server.on("news", move |bytes: &[u8]| heard.note(bytes.len()));
    let tap = Between::tap(server.local_addr(), usize::MAX).await;
    let client = within(Client::builder().psk("one", key()).connect(tap.address)).await;
    let client = client.expect("a connection");
    tap.stop();
    // Until the kernel is full and TLS as well.
    let mut count = 0;
    while client.queued_bytes() == 0 {
        client.emit("news", vec![0_u8; 10_000]).expect("queued");
        count += 1;
        tokio::task::yield_now().await;
    }
    let flushed = tokio::spawn({
        let client = client.clone();
        async move { client.flush().await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!flushed.is_finished());
    tap.go_on();
    assert_eq!(within(flushed).await.expect("no panic"), Ok(()));
    assert_eq!(client.queued_bytes(), 0);
    assert_eq!(news.next_many(count).await, vec![10_000; count]);
    client.close().await;
}

/// The queue is empty, and what waits is with TLS alone: when the kernel takes bytes again the connection reads first, and
/// reading sends what it finds.
#[tokio::test]
async fn flush_ends_when_tls_has_sent_what_it_held_back() {
    const NEVER: Duration = Duration::from_secs(3600);

    // Nothing else is sent that would end the flush too.
    let limits = limits(|limits| limits.ping_interval = NEVER);
    let server = serve_tls(|builder| builder.limits(limits.clone())).await;
    let (heard, mut news) = record();
    server.on("news", move |bytes: &[u8]| heard.note(bytes.len()));
    let tap = Between::tap(server.local_addr(), usize::MAX).await;
    let builder = Client::builder().psk("one", key()).limits(limits);
    let client = within(builder.connect(tap.address)).await.expect("a connection");
    tap.stop();
    let mut count = 0;
    let flushed = loop {
        client.emit("news", vec![0_u8; 10_000]).expect("queued");
        count += 1;
        let mut flush = Box::pin(client.flush());
        match poll_fn(|context| Poll::Ready(flush.as_mut().poll(context))).await {
            Poll::Ready(result) => assert_eq!(result, Ok(())),
            Poll::Pending => break flush,
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(client.queued_bytes(), 0);
    tap.go_on();
    assert_eq!(within(flushed).await, Ok(()));
    assert_eq!(news.next_many(count).await, vec![10_000; count]);
    client.close().await;
}
