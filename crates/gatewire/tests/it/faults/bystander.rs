//! A server, and a client of it that nobody may disturb.

use gatewire::{Client, DisconnectReason, Server, ServerBuilder, SocketId};

use crate::raw::Raw;
use crate::rig::{Record, dial, fence, fence_all, record_ends, serve_with, within};

pub(crate) struct Scene {
    pub(crate) server: Server,
    bystander: Client,
    ends: Record<(SocketId, DisconnectReason)>,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let server = serve_with(change).await;
        let ends = record_ends(&server);
        server.on("add", |number: i64| number + 1);
        let bystander = dial(&server).await;
        within(bystander.join("room")).await.expect("joined");
        Self { server, bystander, ends }
    }

    /// Somebody to break the rules, after a right handshake.
    pub(crate) async fn intruder(&self) -> Raw {
        let raw = Raw::dial(self.server.local_addr()).await;
        let socket = self.server.socket(&raw.id()).expect("a socket");
        socket.join("room").expect("joined");
        raw
    }

    /// This connection ended for this reason, and nothing is left of it.
    pub(crate) async fn expect_end(&mut self, id: SocketId, reason: DisconnectReason) {
        self.expect_next_end(id, reason).await;
        self.expect_alone().await;
    }

    /// This connection ended for this reason; others are left.
    pub(crate) async fn expect_next_end(&mut self, id: SocketId, reason: DisconnectReason) {
        assert_eq!(self.ends.next().await, (id, reason));
    }

    /// The bystander is undisturbed, and the only one.
    pub(crate) async fn expect_alone(&mut self) {
        self.expect_undisturbed().await;
        let own = self.bystander.id().expect("connected");
        let ids = |sockets: Vec<gatewire::Socket>| -> Vec<SocketId> {
            sockets.iter().map(gatewire::Socket::id).collect()
        };
        assert_eq!(ids(self.server.sockets()), [own]);
        assert_eq!(ids(self.server.members("room")), [own]);
        let counters = self.server.counters();
        assert_eq!((counters.connections, counters.rooms), (1, 1));
        assert!(counters.inbound.is_balanced(), "{counters:?}");
        assert!(counters.outbound.is_balanced(), "{counters:?}");
    }

    pub(crate) async fn expect_undisturbed(&self) {
        assert_eq!(within(self.bystander.request::<i64, _>("add", 1)).await, Ok(2));
        fence(&self.bystander).await;
        fence_all_but_raw(self).await;
    }
}

/// Scripts do not answer on their own; only the bystander is asked.
async fn fence_all_but_raw(scene: &Scene) {
    if scene.server.len() == 1 {
        fence_all(&scene.server).await;
    }
}
