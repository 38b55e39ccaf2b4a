//! The server of the scenarios. `interop/README.md` lists what it listens for.

mod order;
mod rooms;
mod streams;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gatewire::{Server, Socket};

use crate::{Outcome, input, wire};

/// The event name of as many bytes as fit: the length has 16 bits.
fn long_event() -> String {
    "n".repeat(65_535)
}

/// Listens on the ports, for version 1 and version 3, until its standard input ends.
pub(crate) async fn run(v1: &str, v3: &str) -> Outcome {
    let server = Server::builder().limits(wire::limits()).build();
    values::listen(&server);
    rooms::listen(&server);
    streams::listen(&server);
    lifecycle(&server);

    let v1 = wire::listen(&server, v1).await?;
    let v3 = server.listen(format!("127.0.0.1:{v3}")).await?;
    println!("listening {} {}", v1.port(), v3.port());

    let mut lines = input();
    while lines.next_line().await?.is_some() {}
    Ok(())
}

fn lifecycle(server: &Server) {
    let connects = Arc::new(AtomicI64::new(0));
    let disconnects = Arc::new(AtomicI64::new(0));
    let counted = Arc::clone(&connects);
    server.on_connect(move |socket| {
        counted.fetch_add(1, Ordering::Relaxed);
        order::listen(&socket);
        streams::listen_of(&socket);
        async {}
    });
    let counted = Arc::clone(&disconnects);
    server.on_disconnect(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        async {}
    });
    server.on("connects", move || connects.load(Ordering::Relaxed));
    server.on("disconnects", move || disconnects.load(Ordering::Relaxed));
    server.on("sockets", |socket: Socket| socket.server().len() as u64);
    server.on("hang up", |socket: Socket| socket.disconnect());
    server.on("shut down", |socket: Socket| {
        let server = socket.server();
        tokio::spawn(async move { server.close().await });
    });
}
