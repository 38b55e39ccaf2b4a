//! The server role.

use std::sync::Arc;

use gatewire::{KeyRing, Limits, Psk, Server};
use gatewire_harness::{
    Failure, Server as Role, Workload, exit_when_stdin_closes, ready, serve_line,
};

use super::{ASK, COUNT, KEY, KEY_ID, NEWS, REPORT, bulk, node};
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
pub async fn serve(role: &Role) -> Result<(), Failure> {
    if role.params.nodes() > 1 {
        return serve_line(role);
    }
    let mut limits = Limits::default();
    // All clients have the address of this machine.
    limits.admission.pending_per_source = limits.admission.pending;
    let mut builder = Server::builder().limits(limits);
    builder = match role.params.workload {
        Workload::Idle => builder.psk(KeyRing::new().with(KEY_ID, Psk::new(KEY)?)).plain(),
        Workload::Line => builder.psk(node::keys()),
        _ => builder,
    };
    let server = builder.build();
    register(&server);
    if role.params.workload == Workload::Line {
        node::join(&server, role)?;
    }

    let address = server.listen("127.0.0.1:0").await?;
    exit_when_stdin_closes();
    ready(address)?;
    std::future::pending().await
}

/// The handlers of all workloads.
pub(super) fn register(server: &Server) {
    let tally = Arc::new(Tally::default());
    let heard = Arc::clone(&tally);
    server.on(NEWS, move |payload: &[u8]| heard.check(payload));
    server.on(REPORT, move || tally.take().to_bytes());
    bulk::register(server);
    // The size that the workload names: another is refused, and the run fails.
    server.on(ASK, |payload: [u8; 16]| payload);
    let counted = server.clone();
    server.on(COUNT, move || u32::try_from(counted.len()).unwrap_or(u32::MAX));
}
