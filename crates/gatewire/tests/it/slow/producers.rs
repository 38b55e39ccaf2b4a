//! Producers that wait for room instead of being refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use gatewire::{Client, EmitError, Limits, OutboxLimits, Overflow, Socket};
use tokio::task::JoinSet;

use super::reader::{FRAME, Found, MAX_BYTES, SlowReader, block};
use crate::rig::{
    build, connect, dial, dial_with, fence, fence_all, limits, record, serve, serve_with, within,
};

const MANY: u64 = 200_000;

/// Counts events whose numbers must come in order.
fn in_order(next: &Arc<AtomicU64>) -> impl Fn(u64) + Send + Sync + 'static + use<> {
    let next = Arc::clone(next);
    move |number| assert_eq!(next.fetch_add(1, Ordering::Relaxed), number)
}

#[tokio::test]
async fn a_client_that_waits_sends_200_000_events_and_all_arrive() {
    let server = serve().await;
    let next = Arc::new(AtomicU64::new(0));
    server.on("number", in_order(&next));
    let client = dial(&server).await;
    for number in 0..MANY {
        client.ready().await.expect("connected");
        client.emit("number", number).expect("there is room");
    }
    fence(&client).await;
    assert_eq!(next.load(Ordering::Relaxed), MANY);
    assert_eq!(client.counters().outbound.dropped_total(), 0);
    assert_eq!(server.counters().handler_panics, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_waits_sends_200_000_events_and_all_arrive() {
    let server = serve().await;
    let client = dial(&server).await;
    let next = Arc::new(AtomicU64::new(0));
    client.on("number", in_order(&next));
    let socket = server.sockets().pop().expect("a socket");
    for number in 0..MANY {
        socket.ready().await.expect("connected");
        socket.emit("number", number).expect("there is room");
    }
    fence_all(&server).await;
    assert_eq!(next.load(Ordering::Relaxed), MANY);
    assert_eq!(server.counters().outbound.dropped_total(), 0);
    assert_eq!(client.counters().handler_panics, 0);
}

/// With handlers that cannot keep up the peer's socket is not read, and the producer waits.
#[tokio::test]
async fn a_slow_handler_slows_a_producer_that_waits() {
    const COUNT: u64 = 2000;

    let server = serve().await;
    let next = Arc::new(AtomicU64::new(0));
    let check = in_order(&next);
    let check = Arc::new(check);
    server.on("block", move |block: Vec<u8>| {
        let check = Arc::clone(&check);
        async move {
            tokio::task::yield_now().await;
            check(u64::from_le_bytes(*block.first_chunk().expect("a number")));
        }
    });
    let client = dial(&server).await;
    let mut block = vec![0; 8192];
    for number in 0..COUNT {
        block[..8].copy_from_slice(&number.to_le_bytes());
        within(client.ready()).await.expect("connected");
        client.emit("block", &block).expect("there is room");
    }
    fence(&client).await;
    assert_eq!(next.load(Ordering::Relaxed), COUNT);
}

#[tokio::test]
async fn a_producer_waits_above_the_soft_mark_and_goes_on_below_it() {
    let (server, mut reader) = SlowReader::serve(Overflow::Disconnect).await;
    let (drained, mut drains) = record();
    server.on_drain(move |socket| drained.note(socket.id()));
    assert_eq!(reader.socket.ready().now_or_never(), Some(Ok(())));
    // Three quarters, and a frame or two above.
    let filled = reader.fill("block", MAX_BYTES / 4 * 3 + FRAME).await;
    drains.expect_nothing();
    let mut waiting = JoinSet::new();
    for _ in 0..10 {
        let socket = reader.socket.clone();
        waiting.spawn(async move { socket.ready().await });
    }
    tokio::task::yield_now().await;
    assert!(waiting.try_join_next().is_none());
    for number in 0..filled {
        assert_eq!(reader.find().await, Found::Block("block".to_owned(), number));
    }
    while let Some(ready) = within(waiting.join_next()).await {
        assert_eq!(ready.expect("no panic"), Ok(()));
    }
    assert_eq!(drains.next().await, reader.socket.id());
    drains.expect_nothing();
}

#[tokio::test]
async fn who_waits_for_a_connection_that_ends_is_told() {
    let (server, reader) = SlowReader::serve(Overflow::Disconnect).await;
    reader.fill("block", MAX_BYTES / 4 * 3 + FRAME).await;
    let mut waiting = JoinSet::new();
    for _ in 0..3 {
        let socket = reader.socket.clone();
        waiting.spawn(async move { socket.ready().await });
    }
    tokio::task::yield_now().await;
    drop(reader);
    while let Some(ready) = within(waiting.join_next()).await {
        assert_eq!(ready.expect("no panic"), Err(EmitError::Closed));
    }
    assert!(server.is_empty());
}

#[tokio::test]
async fn a_flush_waits_until_the_kernel_has_everything() {
    let server = serve().await;
    let client = build(&server, |builder| builder);
    connect(&client).await;
    for number in 0..30 {
        client.emit("block", block(number)).expect("there is room");
    }
    within(client.flush()).await.expect("connected");
    assert_eq!(client.queued_bytes(), 0);
    let outbound = client.counters().outbound;
    assert_eq!((outbound.done, outbound.queued), (30, 0));
}

/// The kernel takes it all: a bound that is short is no reason to call the peer slow.
async fn expect_a_burst_to_pass(max_bytes: usize, max_frames: usize) {
    const COUNT: u64 = 3000;

    let limits = limits(|limits| {
        limits.outbox = OutboxLimits { max_bytes, max_frames, overflow: Overflow::Disconnect };
    });
    let of_server = limits.clone();
    let server = serve_with(|builder| builder.limits(of_server)).await;
    let client = dial_with(&server, |builder| builder.limits(limits)).await;
    let (up, down) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    server.on("number", in_order(&up));
    client.on("number", in_order(&down));
    let socket = server.sockets().pop().expect("a socket");
    // Without a pause, from outside of any connection's task.
    for number in 0..COUNT {
        assert_eq!(client.emit("number", number), Ok(()), "{number}");
        match number % 3 {
            0 => assert_eq!(socket.emit("number", number), Ok(()), "{number}"),
            1 => assert_eq!(server.emit("number", number), Ok(())),
            _ => assert_eq!(server.to_socket(socket.id()).emit("number", number), Ok(())),
        }
    }
    fence(&client).await;
    fence_all(&server).await;
    assert_eq!(up.load(Ordering::Relaxed), COUNT);
    assert_eq!(down.load(Ordering::Relaxed), COUNT);
    // And from within one.
    server.on("burst", |socket: Socket, (): ()| {
        for number in COUNT..2 * COUNT {
            assert_eq!(socket.emit("number", number), Ok(()), "{number}");
        }
    });
    let answer = within(client.request::<(), _>("burst", ())).await;
    assert_eq!(answer, Ok(()));
    assert_eq!(down.load(Ordering::Relaxed), 2 * COUNT);
}

#[tokio::test]
async fn a_burst_beyond_the_bound_passes_while_the_kernel_takes_it() {
    expect_a_burst_to_pass(4096, 1 << 20).await;
    expect_a_burst_to_pass(64 << 10, 1 << 20).await;
    expect_a_burst_to_pass(4 << 20, 100).await;
}

/// Sends a block as soon as there is room.
async fn send_block(
    ready: impl Future<Output = Result<(), EmitError>>,
    emit: impl FnOnce() -> Result<(), EmitError>,
) {
    within(ready).await.expect("connected");
    emit().expect("there is room");
}

fn small_queues() -> Limits {
    limits(|limits| {
        limits.handler_queue = 4;
        let overflow = Overflow::Disconnect;
        limits.outbox = OutboxLimits { max_bytes: 64 << 10, max_frames: 1000, overflow };
    })
}

const ECHOES: u64 = 20_000;

/// Expects blocks with numbers in order.
fn blocks_in_order(next: &Arc<AtomicU64>) -> impl Fn(Vec<u8>) + Send + Sync + 'static + use<> {
    let check = in_order(next);
    move |block| check(u64::from_le_bytes(*block.first_chunk().expect("a number")))
}

fn numbered(number: u64) -> Vec<u8> {
    let mut block = vec![0; 2048];
    block[..8].copy_from_slice(&number.to_le_bytes());
    block
}

/// Both directions are as full as they can be. Neither side may wait for the other to read first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_by_the_server_at_full_speed_does_not_lock_up() {
    let server = serve_with(|builder| builder.limits(small_queues())).await;
    server.on("echo", |socket: Socket, block: Vec<u8>| async move {
        send_block(socket.ready(), || socket.emit("back", &block)).await;
    });
    let client = dial_with(&server, |builder| builder.limits(small_queues())).await;
    let echoes = Arc::new(AtomicU64::new(0));
    client.on("back", blocks_in_order(&echoes));
    for number in 0..ECHOES {
        let block = numbered(number);
        send_block(client.ready(), || client.emit("echo", &block)).await;
    }
    fence(&client).await;
    fence_all(&server).await;
    assert_eq!(echoes.load(Ordering::Relaxed), ECHOES);
}

/// The same the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_by_the_client_at_full_speed_does_not_lock_up() {
    let server = serve_with(|builder| builder.limits(small_queues())).await;
    let echoes = Arc::new(AtomicU64::new(0));
    server.on("back", blocks_in_order(&echoes));
    let client = dial_with(&server, |builder| builder.limits(small_queues())).await;
    client.on("echo", |client: Client, block: Vec<u8>| async move {
        send_block(client.ready(), || client.emit("back", &block)).await;
    });
    let socket = server.sockets().pop().expect("a socket");
    for number in 0..ECHOES {
        let block = numbered(number);
        send_block(socket.ready(), || socket.emit("echo", &block)).await;
    }
    fence_all(&server).await;
    fence(&client).await;
    assert_eq!(echoes.load(Ordering::Relaxed), ECHOES);
}
