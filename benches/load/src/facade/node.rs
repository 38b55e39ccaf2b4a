//! A node of a line (`w6`): the server, and a router that joins it to the node before it.

use gatewire::{KeyRing, Router, Server, keys::Roles};
use gatewire_harness::{Failure, Server as Role};

/// What clients and other nodes need to prove: nothing.
pub(super) fn keys() -> KeyRing {
    KeyRing::open_to(Roles::BOTH)
}

/// Joins `server` to the cluster, before it listens. The node runs as long as this process does; the driver finds out
/// whether its link is up.
pub(super) fn join(server: &Server, role: &Role) -> Result<(), Failure> {
    let name = format!("node-{}", std::process::id());
    let mut router = Router::builder(&name).serve(server);
    if let Some(before) = &role.uplink {
        router = router.uplink(before, COST);
    }
    router.start()?;
    Ok(())
}

/// There is one way, whatever it costs.
const COST: u16 = 10;
