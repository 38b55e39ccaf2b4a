//! The server role.

use std::sync::Arc;

use bytes::Bytes;
use gatewire::Server;
use gatewire_harness::{Failure, Server as Role, exit_when_stdin_closes, ready};

use super::{ASK, NEWS, REPORT};
use crate::tally::Tally;

/// The server role: listens on a free loopback port, says so, and serves until stdin is closed.
///
/// # Errors
///
/// It cannot listen or say so.
///
/// # Panics
///
/// Called inside of a runtime: it brings its own.
#[tokio::main]
pub async fn serve(_role: &Role) -> Result<(), Failure> {
    let server = Server::builder().build();
    listen_for_events(&server);
    server.on(ASK, |payload: Bytes| payload);

    let address = server.listen("127.0.0.1:0").await?;
    exit_when_stdin_closes();
    ready(address)?;
    std::future::pending().await
}

fn listen_for_events(server: &Server) {
    let tally = Arc::new(Tally::default());
    let heard = Arc::clone(&tally);
    server.on(NEWS, move |payload: Bytes| heard.check(&payload));
    server.on(REPORT, move || tally.take().to_bytes());
}
