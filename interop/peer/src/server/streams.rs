//! Streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gatewire::{Object, Rejection, Server, Socket, StreamReader, Value};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::rooms::Receivers;
use crate::Outcome;
use crate::describe::describe;
use crate::pattern::{chunks, summary};

#[derive(Debug, Deserialize)]
struct Download {
    bytes: u64,
    answered: bool,
}

#[derive(Debug, Deserialize)]
struct Broadcast {
    bytes: u64,
    #[serde(flatten)]
    receivers: Receivers,
}

/// What is sent in front of the bytes.
#[derive(Debug, Serialize)]
struct Info {
    bytes: u64,
}

pub(super) fn listen(server: &Server) {
    let cut = Arc::new(AtomicI64::new(0));
    let counted = Arc::clone(&cut);
    server.on("upload", move |_: Value, stream: StreamReader| {
        let counted = Arc::clone(&counted);
        async move {
            let read = summary(stream).await;
            if read.is_err() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            read.map_err(Rejection::from)
        }
    });
    server.on("cut streams", move || cut.load(Ordering::Relaxed));
    server.on("upload described", |info: Value, stream: StreamReader| async move {
        summary(stream).await?;
        Ok::<_, Rejection>(describe(&info))
    });
    server.on("deposit", |socket: Socket, _: Value, stream: StreamReader| async move {
        socket.emit("deposited", summary(stream).await?)?;
        Ok::<_, Rejection>(())
    });
    server.on("download", |socket: Socket, Object(download): Object<Download>| {
        tokio::spawn(async move { report(send(&socket, &download).await) });
    });
    server.on("send stream", |socket: Socket, Object(order): Object<Broadcast>| {
        tokio::spawn(async move { report(broadcast(&socket.server(), &order).await) });
    });
}

/// What each connection has for itself.
pub(super) fn listen_of(socket: &Socket) {
    let released = Arc::new(Notify::new());
    let release = Arc::clone(&released);
    socket.on("release", move || release.notify_one());
    socket.on("upload slowly", move |_: Value, stream: StreamReader| {
        let released = Arc::clone(&released);
        async move {
            released.notified().await;
            summary(stream).await.map_err(Rejection::from)
        }
    });
}

async fn send(socket: &Socket, download: &Download) -> Outcome {
    let opening = socket.stream("file", Object(Info { bytes: download.bytes }));
    let opening = if download.answered { opening } else { opening.unanswered() };
    let mut stream = opening.await?;
    for chunk in chunks(download.bytes) {
        stream.send(chunk).await?;
    }
    let answer: Value = stream.finish().await?;
    if download.answered {
        socket.emit("download answered", answer)?;
    }
    Ok(())
}

async fn broadcast(server: &Server, order: &Broadcast) -> Outcome {
    let receivers = order.receivers.of(server);
    let mut stream = receivers.stream("file", Object(Info { bytes: order.bytes })).await?;
    for chunk in chunks(order.bytes) {
        stream.send(chunk).await?;
    }
    stream.finish().await?;
    Ok(())
}

/// A scenario sees that something did not come; here is why.
fn report(outcome: Outcome) {
    if let Err(error) = outcome {
        eprintln!("the server could not send a stream: {error}");
    }
}
