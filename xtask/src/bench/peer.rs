//! The systems under test, and which of the workloads each can do.

use crate::command::Failure;

/// A system under test.
#[derive(Debug, PartialEq)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) program: Program,
    /// Commands that it needs at run time, beside its load program.
    pub(super) needs: &'static [&'static str],
    /// What it is measured with. The others have no equivalent in it.
    pub(super) workloads: &'static [&'static str],
}

/// Its load program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// A member of the main workspace.
    Own { package: &'static str, binary: &'static str },
    /// A member of the peers' workspace, which nobody else compiles.
    Foreign { package: &'static str, binary: &'static str },
    /// A script for node, in its folder under [`FOLDER`], with packages of npm.
    Node { folder: &'static str, script: &'static str, package: &'static str },
}

/// Where the peers' workspace lies.
pub(super) const FOLDER: &str = "benches/peers";

/// The limit that all others are compared with.
pub(super) const RAW: &str = "raw";

/// What is always measured: the limit, and what this is all about.
pub(super) fn own() -> Vec<&'static Peer> {
    vec![&PEERS[0], &PEERS[1]]
}

/// The peers of a list such as `nats,zmq`, or `all`.
pub(super) fn select(list: &str) -> Result<Vec<&'static Peer>, Failure> {
    let others = &PEERS[2..];
    if list == "all" {
        return Ok(others.iter().collect());
    }
    let mut found: Vec<&'static Peer> = Vec::new();
    for name in list.split(',') {
        let Some(peer) = others.iter().find(|peer| peer.name == name) else {
            let names: Vec<_> = others.iter().map(|peer| peer.name).collect();
            return Err(Failure::new(format!(
                "there is no peer `{name}`: there are {} and all",
                names.join(", ")
            )));
        };
        if !found.contains(&peer) {
            found.push(peer);
        }
    }
    Ok(found)
}

const ALL: &[&str] = &["w1", "w2", "w3", "w3l", "w3s", "w4", "w5"];

static PEERS: [Peer; 8] = [
    Peer {
        name: RAW,
        program: Program::Own { package: "gatewire-load", binary: "load-raw" },
        needs: &[],
        workloads: ALL,
    },
    Peer {
        name: "gatewire",
        program: Program::Own { package: "gatewire-load", binary: "load-gatewire" },
        needs: &[],
        workloads: ALL,
    },
    Peer {
        name: "nats",
        program: Program::Foreign { package: "peer-nats", binary: "load-nats" },
        needs: &["nats-server"],
        workloads: ALL,
    },
    Peer {
        name: "zenoh",
        program: Program::Foreign { package: "peer-zenoh", binary: "load-zenoh" },
        needs: &[],
        workloads: ALL,
    },
    Peer {
        name: "zmq",
        program: Program::Foreign { package: "peer-zmq", binary: "load-zmq" },
        needs: &[],
        workloads: ALL,
    },
    Peer {
        name: "redis",
        program: Program::Foreign { package: "peer-redis", binary: "load-redis" },
        needs: &["redis-server"],
        workloads: ALL,
    },
    Peer {
        name: "socketioxide",
        program: Program::Foreign { package: "peer-socketioxide", binary: "load-socketioxide" },
        needs: &[],
        workloads: ALL,
    },
    Peer {
        name: "fast-tcp",
        program: Program::Node { folder: "fast-tcp", script: "load.mjs", package: "fast-tcp" },
        needs: &["node"],
        workloads: ALL,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(peers: &[&Peer]) -> Vec<&'static str> {
        peers.iter().map(|peer| peer.name).collect()
    }

    #[test]
    fn peers_are_named_once_each() {
        assert_eq!(select("zmq,nats,zmq").map(|peers| names(&peers)), Ok(vec!["zmq", "nats"]));
        assert_eq!(select("all").map(|peers| peers.len()), Ok(6));
        assert_eq!(names(&own()), ["raw", "gatewire"]);
    }

    #[test]
    fn an_unknown_peer_is_refused() {
        for wrong in ["kafka", "", "nats,", "raw"] {
            assert!(select(wrong).is_err(), "{wrong}");
        }
    }
}
