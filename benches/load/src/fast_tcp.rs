//! The server for clients of `fast-tcp` on Node (wire version 1), as gatewire is in its place.
//!
//! It answers what `benches/peers/fast-tcp/server.js` answers, so that the same driver loads both: what a service gains
//! of which only the server is exchanged.

use std::collections::BTreeMap;
use std::sync::Arc;

use gatewire::{Limits, Object, Server};
use gatewire_harness::{Failure, Server as Role, Workload, exit_when_stdin_closes, ready};

use crate::tally::Tally;

/// What the driver does.
const DRIVEN: [Workload; 6] = [
    Workload::Events,
    Workload::Requests,
    Workload::FanOut,
    Workload::FanOutLatency,
    Workload::Bulk,
    Workload::Idle,
];

/// The server role: listens on a free loopback port, says so, and serves until stdin is closed.
///
/// # Errors
///
/// It cannot listen or say so; or the driver has nothing of this kind.
///
/// # Panics
///
/// Called inside of a runtime: it brings its own.
#[tokio::main]
pub async fn serve(role: &Role) -> Result<(), Failure> {
    if !DRIVEN.contains(&role.params.workload) {
        return Err(Failure::new("not supported: fast-tcp's load program has no such workload"));
    }
    let mut limits = Limits::default();
    // All clients have the address of this machine.
    limits.admission.pending_per_source = limits.admission.pending;
    let server = Server::builder().limits(limits).build();

    // One client is heard; the others are members of a room.
    let tally = Arc::new(Tally::default());
    let heard = Arc::clone(&tally);
    server.on("news", move |payload: &[u8]| heard.check(payload));
    server.on("count", move || {
        let heard = tally.heard();
        Object(BTreeMap::from([
            ("count", heard.count),
            ("bytes", heard.bytes),
            ("errors", heard.errors),
        ]))
    });
    server.on("ask", |payload: Vec<u8>| payload);

    let address = server.listen_v1("127.0.0.1:0").await?;
    exit_when_stdin_closes();
    ready(address)?;
    std::future::pending().await
}
