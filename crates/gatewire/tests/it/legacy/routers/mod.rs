//! Routers as gateways to hosts of version 2.

mod cable;
mod links;
mod messages;
mod raw;
mod rooms;
mod several;

use std::net::SocketAddr;

use gatewire::keys::Roles;
use gatewire::legacy::{V2Key, V2Keys, V2Uplink};
use gatewire::{Client, Router, RouterBuilder, Server};

use super::rig::secret;
use crate::cluster::{Node, node_with, open};
use crate::rig::{Record, dial, record, within};

/// A gateway to which old routers may come.
pub(super) struct Gateway {
    pub(super) node: Node,
    pub(super) v2: SocketAddr,
}

/// A gateway with uplinks of version 3 to `others`.
pub(super) async fn gateway(name: &str, others: &[&Node]) -> Gateway {
    gateway_with(name, others, |builder| builder).await
}

pub(super) async fn gateway_with(
    name: &str,
    others: &[&Node],
    change: impl FnOnce(RouterBuilder) -> RouterBuilder,
) -> Gateway {
    gateway_at(name, others, ([127, 0, 0, 1], 0).into(), change).await
}

/// A gateway that listens for old routers at this address.
pub(super) async fn gateway_at(
    name: &str,
    others: &[&Node],
    v2: SocketAddr,
    change: impl FnOnce(RouterBuilder) -> RouterBuilder,
) -> Gateway {
    let keys = V2Keys::new()
        .with(V2Key::new("routers", secret()).roles(Roles::ROUTER))
        .with(V2Key::new("clients", client_secret()));
    let server = Server::builder().psk(open()).v2_keys(keys).build();
    server.on("fence", || ());
    let mut builder = Router::builder(name).serve(&server);
    for other in others {
        builder = builder.uplink(other.server.local_addr(), 10);
    }
    let router = change(builder).start().expect("a good name");
    server.listen("127.0.0.1:0").await.expect("a free port");
    let v2 = server.listen_v2(v2).await.expect("a free port");
    Gateway { node: Node { router, server }, v2 }
}

pub(super) fn client_secret() -> gatewire::legacy::V2Secret {
    gatewire::legacy::V2Secret::new(*b"a key of clients")
}

/// A node that has a gateway as its old uplink.
pub(super) async fn dialler(name: &str, others: &[&Node], to: &Gateway) -> Node {
    let uplink = V2Uplink::to(to.v2).secret(secret());
    let node = node_with(name, others, |builder| builder.v2_uplink(uplink)).await;
    assert!(within(node.router.wait_for_v2_host(to.node.router.name())).await);
    assert!(within(to.node.router.wait_for_v2_host(name)).await);
    node
}

/// A client that notes its events "say" and "end".
pub(super) async fn listener(node: &Node) -> (Client, Record<String>) {
    let client = dial(&node.server).await;
    let (recorder, seen) = record();
    let ends = recorder.clone();
    client.on("say", move |text: String| recorder.note(text));
    client.on("end", move |(): ()| ends.note("end".to_owned()));
    (client, seen)
}

/// What a client has seen up to the next end.
pub(super) async fn up_to_end(seen: &mut Record<String>) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match within(seen.next()).await {
            end if end == "end" => return all,
            text => all.push(text),
        }
    }
}
