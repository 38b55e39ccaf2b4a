//! The server of all runs: one namespace, one room.

use std::fmt::Display;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::serve::ListenerExt;
use bytes::Bytes;
use futures_util::FutureExt;
use gatewire_harness::{Failure, Received, Server, exit_when_stdin_closes};
use peer_wire::Body;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::{SocketIo, TransportType};
use tokio::net::TcpListener;

/// Serves until stdin is closed, on a multi-thread runtime as `#[tokio::main]` makes it.
///
/// # Errors
///
/// The loopback interface is not there.
pub fn serve(_server: &Server) -> Result<(), Failure> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let (layer, io) = SocketIo::builder()
            .transports([TransportType::Websocket])
            .max_buffer_size(MAX_BUFFER_SIZE)
            .max_payload(MAX_PAYLOAD)
            .build_layer();
        io.ns("/", connected);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                eprintln!("TCP_NODELAY cannot be set: {error}");
            }
        });
        exit_when_stdin_closes();
        gatewire_harness::ready(address)?;
        Ok(axum::serve(listener, Router::new().layer(layer)).await?)
    })
}

/// The handlers of one connection.
///
/// What a handler returns is spawned as a task, and tasks may run in another order. So all work is done before,
/// in the order of the events, and nothing is left to the task: the cheapest handler there is.
async fn connected(socket: SocketRef) {
    let checked = Arc::new(Checked::default());
    let (binary, text) = (Arc::clone(&checked), Arc::clone(&checked));
    socket.on("news", move |Data::<Bytes>(value)| {
        binary.take(value.len(), Body::read_binary(&value));
        ready(())
    });
    socket.on("text", move |Data::<String>(value)| {
        text.take(value.len(), Body::read_text(value.as_bytes()));
        ready(())
    });
    socket.on("count", move |ack: AckSender| {
        let Received { count, bytes, errors } = *checked.lock();
        report(ack.send(&[[count, bytes, errors]]))
    });
    socket.on("ask", |Data::<Bytes>(value), ack: AckSender| report(ack.send(&value)));
    socket.on("ask-text", |Data::<String>(value), ack: AckSender| report(ack.send(&value)));
    socket.on("join", |socket: SocketRef, ack: AckSender| {
        socket.join(ROOM);
        report(ack.send(&0))
    });
    socket.on("say", |socket: SocketRef, Data::<Bytes>(value)| {
        report(now(socket.within(ROOM).emit("news", &value)))
    });
    socket.on("say-text", |socket: SocketRef, Data::<String>(value)| {
        report(now(socket.within(ROOM).emit("text", &value)))
    });
}

/// What one connection has received.
#[derive(Debug, Default)]
struct Checked(Mutex<Received>);

impl Checked {
    fn lock(&self) -> MutexGuard<'_, Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a value of `size` bytes and compares its number with the one that must come.
    fn take(&self, size: usize, body: Option<Body>) {
        let mut received = self.lock();
        received.errors += u64::from(body.map(|body| body.number) != Some(received.count));
        received.count += 1;
        received.bytes += size as u64;
    }
}

/// The result of an emit to a room. Within one server it never waits.
fn now<E>(emit: impl Future<Output = Result<(), E>>) -> Result<(), E> {
    emit.now_or_never().expect("the local adapter does not wait")
}

/// What was not sent is missed by the driver; this says why.
fn report<E: Display>(sent: Result<(), E>) -> Ready<()> {
    if let Err(error) = sent {
        eprintln!("not sent: {error}");
    }
    ready(())
}

const ROOM: &str = "room";

/// Messages that may wait for one connection: more than are ever in flight.
const MAX_BUFFER_SIZE: usize = 200_000;

/// Bytes of one message.
const MAX_PAYLOAD: u64 = 1 << 20;
