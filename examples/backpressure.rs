//! A receiver that does not keep up: what a sender can do, and what becomes of the messages.
//!
//! ```text
//! cargo run -p gatewire-examples --example backpressure
//! ```
//!
//! How much fits the kernel's buffers differs from machine to machine, and so do the numbers.
//!
//! expect: 1: the producer waits
//! expect: 1: the receiver is back, the producer goes on
//! expect: 2: volatile events are dropped
//! expect: 2: the connection is up: true
//! expect: 3: not sent: the peer reads too slowly
//! expect: 3: meanwhile another client is answered at once: pong
//! expect: client: disconnected: the peer closed the connection: slow consumer
//! expect: dropped as volatile:
//! expect: dropped because the queue was full: 1
//! expect: accepted == done + dropped + queued: true

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use gatewire::{Client, DropReason, Limits, Server, Socket};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut limits = Limits::default();
    limits.outbox.max_bytes = 1 << 20; // What waits for one connection: 1 MiB instead of 4.
    let server = Server::builder().limits(limits).bind("127.0.0.1:0").await?;
    server.on("ping", || "pong");
    let (connect, mut connected) = mpsc::unbounded_channel();
    server.on_connect(move |socket| {
        let _nobody_waits = connect.send(socket);
        async {}
    });

    // A client that takes blobs only while its gate is open. Behind a closed gate its queue of
    // messages fills up, then it does not read its socket, then the kernel's buffers are full, and
    // at last the server's queue for this one connection.
    let (gate, pass) = watch::channel(false);
    let client = Client::builder().no_reconnect().build(server.local_addr());
    client.on("blob", move |_blob: Bytes| {
        let mut pass = pass.clone();
        async move { pass.wait_for(|open| *open).await.is_ok() }
    });
    client.on("caught up?", || true);
    let (disconnect, mut disconnected) = mpsc::unbounded_channel();
    client.on_disconnect(move |reason| {
        let _nobody_waits = disconnect.send(reason.to_string());
    });
    client.connect().await?;
    let slow = connected.recv().await.ok_or("the server is gone")?;
    let blob = Bytes::from(vec![0; 64 << 10]);

    // 1. A producer that can wait does: `ready` ends when the queue is below three quarters.
    let mut sent = 0;
    while let Ok(ready) = timeout(Duration::from_millis(100), slow.ready()).await {
        ready?;
        slow.emit("blob", &blob)?;
        sent += 1;
    }
    println!("1: the producer waits: {sent} blobs sent, {} bytes queued", slow.queued_bytes());
    gate.send_replace(true);
    slow.ready().await?;
    println!("1: the receiver is back, the producer goes on");
    catch_up(&slow).await?;

    // 2. What is only worth something now is volatile: it is dropped and counted, nobody waits.
    gate.send_replace(false);
    let volatile = || server.counters().outbound.dropped(DropReason::Volatile);
    while volatile() < 10 {
        slow.emit_volatile("blob", &blob)?;
    }
    println!("2: volatile events are dropped while the receiver is behind");
    println!("2: the connection is up: {}", slow.is_connected());
    gate.send_replace(true);
    catch_up(&slow).await?;

    // 3. A producer that does neither: at the bound the server disconnects the slow receiver, which
    // may come back and catch up. `Limits::outbox` names other policies.
    gate.send_replace(false);
    let error = loop {
        if let Err(error) = slow.emit("blob", &blob) {
            break error;
        }
    };
    println!("3: not sent: {error}");
    // Nobody else notices: each connection has a queue of its own.
    let other = Client::builder().connect(server.local_addr()).await?;
    let answer: String = other.request("ping", ()).await?;
    println!("3: meanwhile another client is answered at once: {answer}");
    gate.send_replace(true);
    let reason = disconnected.recv().await.ok_or("the client is gone")?;
    println!("client: disconnected: {reason}");
    other.close().await;
    server.close().await;

    // Nothing is lost silently: each direction's account adds up.
    let sent = server.counters().outbound;
    println!("dropped as volatile: {}", sent.dropped(DropReason::Volatile));
    println!("dropped because the queue was full: {}", sent.dropped(DropReason::QueueFull));
    println!("accepted == done + dropped + queued: {}", sent.is_balanced());
    Ok(())
}

/// Waits until the receiver has handled all that was sent: requests keep their place in the order.
async fn catch_up(socket: &Socket) -> Result<(), Box<dyn Error>> {
    socket.request::<bool, _>("caught up?", ()).await?;
    Ok(())
}
