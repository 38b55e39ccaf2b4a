//! Servers that serve all versions, and clients of each.

use std::net::SocketAddr;

use gatewire::legacy::{V2Key, V2Keys, V2Secret};
use gatewire::{Client, ClientBuilder, Server, ServerBuilder, Wire};

use crate::rig::connect;

pub(super) const WIRES: [Wire; 3] = [Wire::V1, Wire::V2, Wire::V3];

pub(super) fn secret() -> V2Secret {
    V2Secret::new(*b"This is a test key")
}

/// A server with a listener for each version.
pub(super) struct Everything {
    pub(super) server: Server,
    addresses: [SocketAddr; 3],
}

impl Everything {
    pub(super) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(super) async fn with(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let keys = V2Keys::new().with(V2Key::new("services", secret()));
        let server = change(Server::builder().v2_keys(keys)).build();
        server.on("fence", || ());
        let v1 = server.listen_v1("127.0.0.1:0").await.expect("a free port");
        let v2 = server.listen_v2("127.0.0.1:0").await.expect("a free port");
        let v3 = server.listen("127.0.0.1:0").await.expect("a free port");
        Self { server, addresses: [v1, v2, v3] }
    }

    pub(super) fn address(&self, wire: Wire) -> SocketAddr {
        self.addresses[wire as usize]
    }

    /// A client that speaks this version, not connected yet.
    pub(super) fn build(
        &self,
        wire: Wire,
        change: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Client {
        let builder = Client::builder().wire(wire).v2_key(secret());
        let client = change(builder).build(self.address(wire));
        client.on("fence", || ());
        client
    }

    pub(super) async fn client(&self, wire: Wire) -> Client {
        self.client_with(wire, |builder| builder).await
    }

    pub(super) async fn client_with(
        &self,
        wire: Wire,
        change: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Client {
        let client = self.build(wire, change);
        connect(&client).await;
        client
    }
}
