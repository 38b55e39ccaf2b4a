//! Several routers in one process, over real sockets.

mod answers;
mod asked;
mod closing;
mod events;
mod fake;
mod hostile;
mod keys;
mod lies;
mod links;
mod messages;
mod requests;
mod streams;
mod timers;

use gatewire::keys::Roles;
use gatewire::{Client, Cost, KeyRing, Router, RouterBuilder, Server};

use crate::rig::{dial, within};

/// A node: a router and its server.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) router: Router,
    pub(crate) server: Server,
}

/// Clients and routers without a key, for these tests.
pub(crate) fn open() -> KeyRing {
    KeyRing::open_to(Roles::BOTH)
}

/// The node `name`, with uplinks to `others`, each at a cost of 10.
pub(crate) async fn node(name: &str, others: &[&Node]) -> Node {
    node_with(name, others, |builder| builder).await
}

pub(crate) async fn node_with(
    name: &str,
    others: &[&Node],
    change: impl FnOnce(RouterBuilder) -> RouterBuilder,
) -> Node {
    let server = Server::builder().psk(open()).build();
    server.on("fence", || ());
    let mut builder = Router::builder(name).serve(&server);
    for other in others {
        builder = builder.uplink(other.server.local_addr(), Cost::Fixed(10));
    }
    let router = change(builder).start().expect("the names are good");
    server.listen("127.0.0.1:0").await.expect("a free port");
    Node { router, server }
}

impl Node {
    pub(crate) async fn client(&self) -> Client {
        dial(&self.server).await
    }

    /// Waits until this node reaches all of these.
    pub(crate) async fn reaches(&self, others: &[&Self]) {
        for other in others {
            self.reaches_named(other.router.name()).await;
        }
    }

    pub(crate) async fn reaches_named(&self, other: &str) {
        assert!(within(self.router.wait_for_node(other)).await);
    }

    /// Waits until this node knows that the others have members of a room.
    pub(crate) async fn knows(&self, room: &str, others: &[&Self]) {
        for other in others {
            assert!(within(self.router.wait_for_room(room, other.router.name())).await);
        }
    }

    pub(crate) async fn close(self) {
        within(self.router.close()).await;
        within(self.server.close()).await;
    }
}

/// Nodes in a line, each with the one before as its uplink; all reach each other.
pub(crate) async fn line(count: usize) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for number in 0..count {
        let before: Vec<&Node> = nodes.last().into_iter().collect();
        let node = node(&format!("n{number}"), &before).await;
        nodes.push(node);
    }
    all_reach(&nodes).await;
    nodes
}

pub(crate) async fn all_reach(nodes: &[Node]) {
    for from in nodes {
        for to in nodes.iter().filter(|to| to.router.name() != from.router.name()) {
            from.reaches(&[to]).await;
        }
    }
}

pub(crate) async fn close_all(nodes: Vec<Node>) {
    for node in nodes {
        node.close().await;
    }
}
