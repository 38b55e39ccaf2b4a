//! Routers that come to a server: neighbours of the router that the server belongs to.

use std::sync::{Arc, PoisonError};

use bytes::{Bytes, BytesMut};
use gatewire_codec::{RejectCode, SocketAddress};
use gatewire_core::handshake::{Established, Refusal};
use gatewire_core::hub::Hub;
use tokio::time::{Instant, timeout_at};

use super::gate::Live;
use super::{Inner, Socket, SocketInner};
use crate::error::ConnectError;
use crate::net::channel::Channel;
use crate::net::handshake;
use crate::router::{Admitted, Beginning, RouterInner};

/// A refused neighbour should wait this long.
const RETRY_S: u16 = 1;

impl Inner {
    /// The router that this server belongs to. `None`: it stands alone, maybe since its router was closed.
    pub(crate) fn router(&self) -> Option<&Arc<RouterInner>> {
        self.router.get().filter(|router| !router.is_closed())
    }

    /// Ends the links of neighbours that have come to this server.
    pub(super) fn end_neighbours(self: &Arc<Self>) {
        if let Some(router) = self.router() {
            router.end_links_of(self);
        }
    }

    /// A socket of this node.
    pub(crate) fn find_here(&self, address: &SocketAddress) -> Option<Socket> {
        match self.router() {
            Some(router) => router.find(address),
            None => self.addressed(address),
        }
    }

    /// What tells this process from others in a handshake.
    pub(crate) fn instance(&self) -> [u8; 16] {
        self.listener().instance
    }

    /// The server belongs to this router from now on. `false`: it belongs to one already.
    pub(crate) fn belong_to(&self, router: &Arc<RouterInner>) -> bool {
        if self.router.set(Arc::clone(router)).is_err() || !self.set_node(&router.node) {
            return false;
        }
        self.change_rooms(Hub::note_changes);
        true
    }

    /// A router is closed: if it was that of this server, nobody is told of rooms any more.
    pub(crate) fn stand_alone(&self, closed: &RouterInner) {
        if !self.router.get().is_some_and(|router| std::ptr::eq(&**router, closed)) {
            return;
        }
        let mut hub = self.hub.write().unwrap_or_else(PoisonError::into_inner);
        hub.ignore_changes();
    }

    /// The rooms that have members at this server.
    pub(crate) fn room_names(&self) -> Vec<String> {
        let hub = self.hub.read().unwrap_or_else(PoisonError::into_inner);
        hub.room_names().map(ToOwned::to_owned).collect()
    }

    /// Changes who is in which room, and tells the cluster.
    pub(super) fn change_rooms<R>(
        &self,
        change: impl FnOnce(&mut Hub<Arc<SocketInner>>) -> R,
    ) -> R {
        let mut hub = self.hub.write().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut hub);
        if let Some(router) = self.router() {
            // With the lock: what is told is in the order in which it happened.
            router.rooms_changed(hub.take_changes());
        }
        result
    }
}

/// A router has proven what it is: it is told, and its link begins.
pub(super) async fn begin(
    live: Live,
    mut channel: Channel,
    (accept, established, leftover): (Bytes, Established, BytesMut),
    deadline: Instant,
) -> Result<(), ConnectError> {
    let server = Arc::clone(&live.server);
    let beginning = match prepare(&server, &established) {
        Ok(beginning) => beginning,
        Err(code) => {
            let refusal = Refusal::with(code, RETRY_S);
            let told = timeout_at(deadline, handshake::refuse(&mut channel, refusal));
            return told.await.unwrap_or(Err(ConnectError::Timeout));
        }
    };
    let (router, beginning) = beginning;
    let told = timeout_at(deadline, channel.send(&accept));
    told.await.map_err(|_| ConnectError::Timeout)??;
    let connected = match beginning.connect(&router, channel, leftover) {
        Ok(connected) => connected,
        Err(refused) => {
            tracing::debug!(node = %router.name, %refused, "a neighbour was sent away");
            return Ok(());
        }
    };
    tokio::spawn(async move {
        connected.run().await;
        drop(live);
    });
    Ok(())
}

/// The router that gets a neighbour, and the neighbour; or what it is told.
fn prepare(
    server: &Arc<Inner>,
    established: &Established,
) -> Result<(Arc<RouterInner>, Beginning), RejectCode> {
    let router = server.router().ok_or(RejectCode::NotAllowed)?;
    let name = established.node_name.as_deref().and_then(|name| router.neighbour(name));
    let name = name.ok_or(RejectCode::NotAllowed)?;
    router.may_link(&name).map_err(crate::router::LinkRefused::code)?;
    let cost = router.accept_cost();
    let admitted = Some(Admitted {
        server: Arc::downgrade(server),
        key_id: established.key_id.clone(),
        grant: Arc::clone(&established.grant),
    });
    let max_frame = established.max_frame;
    Ok((Arc::clone(router), Beginning { name, cost, max_frame, admitted }))
}

#[cfg(test)]
mod tests;
