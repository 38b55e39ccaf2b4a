//! The systems under test, and the programs that load them.

use crate::command::Failure;

/// A system under test.
#[derive(Debug, PartialEq)]
pub(super) struct Peer {
    /// In the tables.
    pub(super) name: &'static str,
    /// In the command line. A system that is loaded in two ways is one choice.
    pub(super) choice: &'static str,
    pub(super) program: Program,
    /// What serves, if it is not the same.
    pub(super) server: Option<Program>,
    /// Commands that it needs at run time, beside its load program.
    pub(super) needs: &'static [&'static str],
}

/// A load program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// Of a member of the main workspace.
    Own { package: &'static str, binary: &'static str },
    /// Of a member of the peers' workspace, which nobody else compiles.
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
    OWN.iter().collect()
}

/// The peers of a list such as `nats,zmq`, or `all`.
pub(super) fn select(list: &str) -> Result<Vec<&'static Peer>, Failure> {
    if list == "all" {
        return Ok(OTHERS.iter().collect());
    }
    let mut found: Vec<&'static Peer> = Vec::new();
    for choice in list.split(',') {
        let mut peers = OTHERS.iter().filter(|peer| peer.choice == choice).peekable();
        if peers.peek().is_none() {
            let mut choices: Vec<_> = OTHERS.iter().map(|peer| peer.choice).collect();
            choices.dedup();
            return Err(Failure::new(format!(
                "there is no peer `{choice}`: there are {} and all",
                choices.join(", ")
            )));
        }
        let new: Vec<_> = peers.filter(|peer| !found.contains(peer)).collect();
        found.extend(new);
    }
    Ok(found)
}

static OWN: [Peer; 2] = [own_program(RAW, "load-raw"), own_program("gatewire", "load-gatewire")];

static OTHERS: [Peer; 10] = [
    foreign("nats", "nats", "peer-nats", "load-nats", &["nats-server"]),
    // The same server under a light driver.
    foreign("nats-raw", "nats", "peer-nats", "load-nats-raw", &["nats-server"]),
    foreign("zenoh", "zenoh", "peer-zenoh", "load-zenoh", &[]),
    // The same library with events there and back instead of queries.
    foreign("zenoh-ping", "zenoh", "peer-zenoh", "load-zenoh-ping", &[]),
    foreign("zmq", "zmq", "peer-zmq", "load-zmq", &[]),
    foreign("redis", "redis", "peer-redis", "load-redis", &["redis-server"]),
    foreign("socketioxide", "socketioxide", "peer-socketioxide", "load-socketioxide", &[]),
    // The same library with JSON text as payload, as its users mostly have it.
    foreign(
        "socketioxide-text",
        "socketioxide",
        "peer-socketioxide",
        "load-socketioxide-text",
        &[],
    ),
    Peer {
        name: "fast-tcp",
        choice: "fast-tcp",
        program: FAST_TCP,
        server: None,
        needs: &["node"],
    },
    // The same clients, whose server is gatewire.
    Peer {
        name: "fast-tcp-gatewire",
        choice: "fast-tcp",
        program: FAST_TCP,
        server: Some(Program::Own { package: "gatewire-load", binary: "load-fast-tcp" }),
        needs: &["node"],
    },
];

const FAST_TCP: Program =
    Program::Node { folder: "fast-tcp", script: "load.mjs", package: "fast-tcp" };

const fn own_program(name: &'static str, binary: &'static str) -> Peer {
    let program = Program::Own { package: "gatewire-load", binary };
    Peer { name, choice: name, program, server: None, needs: &[] }
}

const fn foreign(
    name: &'static str,
    choice: &'static str,
    package: &'static str,
    binary: &'static str,
    needs: &'static [&'static str],
) -> Peer {
    Peer { name, choice, program: Program::Foreign { package, binary }, server: None, needs }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(peers: &[&Peer]) -> Vec<&'static str> {
        peers.iter().map(|peer| peer.name).collect()
    }

    #[test]
    fn peers_are_chosen_once_each() {
        let chosen = select("zmq,nats,zmq").map(|peers| names(&peers));
        assert_eq!(chosen, Ok(vec!["zmq", "nats", "nats-raw"]));
        assert_eq!(select("all").map(|peers| peers.len()), Ok(OTHERS.len()));
        assert_eq!(names(&own()), ["raw", "gatewire"]);
    }

    #[test]
    fn an_unknown_peer_is_refused() {
        for wrong in ["kafka", "", "nats,", "raw"] {
            assert!(select(wrong).is_err(), "{wrong}");
        }
    }
}
