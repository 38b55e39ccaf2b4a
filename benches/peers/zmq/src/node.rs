//! A node of a line (`w6`): a proxy of XSUB and XPUB, whose XSUB is also connected to the XPUB of the node before it.

use gatewire_harness::{Failure, Server, exit_when_stdin_closes, ready_ends, serve_line};
use zmq::Context;

use crate::control::Endpoints;
use crate::server::room;

/// Serves until stdin is closed: one node, or a process for each of several.
pub(crate) fn serve(server: &Server) -> Result<(), Failure> {
    if server.params.nodes() > 1 {
        return serve_line(server);
    }
    let context = Context::new();
    let (publishers, subscribers, Endpoints { inward, outward }) = room(&context)?;
    if let Some(uplink) = &server.uplink {
        publishers.connect(&format!("tcp://{uplink}"))?;
    }
    exit_when_stdin_closes();
    ready_ends(&inward, &outward, &[])?;
    Ok(zmq::proxy(&publishers, &subscribers)?)
}
