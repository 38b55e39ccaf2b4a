//! Clusters: routers joined by links, over which rooms, requests and streams reach as over one server.

mod ask;
mod builder;
mod closing;
mod control;
mod cost;
mod counters;
mod emit;
mod event;
mod forward;
mod gather;
mod inner;
mod link;
mod plane;
mod room_names;
mod share;
mod streams;
mod time;
mod uplink;
#[cfg(feature = "legacy")]
mod v2;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatewire_codec::SocketAddress;
use gatewire_core::handshake::Psk;
use gatewire_format::IntoValue;

use crate::error::EmitError;
use crate::net::link::HasLink;
use crate::to::{Origin, To, ToSocket};

pub(crate) use ask::{Asker, flow_of_socket};
pub use builder::{RouterBuilder, StartError};
use closing::Task;
pub use cost::Cost;
pub use counters::RouterCounters;
pub use event::{MissedEvents, RouterEvent, RouterEvents};
pub(crate) use inner::RouterInner;
pub(crate) use link::Admitted;
pub(crate) use streams::{Route, readers};
pub use uplink::Uplink;
pub(crate) use uplink::{Beginning, LinkRefused};
#[cfg(feature = "legacy")]
pub(crate) use v2::Shaken as V2Router;
#[cfg(feature = "legacy")]
pub use v2::V2Uplink;
pub use watch::RoomWatch;

/// One node of a cluster: it joins its servers to others.
///
/// Operators draw the graph: any, with a cost for each link. Routers find each other and the cheapest ways by
/// themselves. What a client, a server or a router emits to a room reaches the members on all nodes, once each, and
/// one copy crosses each link on the way.
///
/// A handle: clones are the same router. It runs until [`close`](Self::close), also when all handles are gone.
///
/// ```
/// use gatewire::keys::Roles;
/// use gatewire::{Client, KeyRing, Router, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Two nodes; the second has the first as its uplink. (Keys: see `Uplink::psk`.)
/// let open = KeyRing::open_to(Roles::BOTH);
/// let one = Server::builder().psk(open.clone()).build();
/// let router1 = Router::builder("host1").serve(&one).start()?;
/// one.listen("127.0.0.1:0").await?;
/// let two = Server::builder().psk(open).build();
/// let router2 = Router::builder("host2").serve(&two).uplink(one.local_addr(), 10).start()?;
/// two.listen("127.0.0.1:0").await?;
/// // Each finds its way by itself: the one for requests, the other one for answers.
/// router2.wait_for_node("host1").await;
/// router1.wait_for_node("host2").await;
///
/// // A client on each. The one asks the other as if they were on one server.
/// let ana = Client::builder().connect(one.local_addr()).await?;
/// ana.on("hello", |name: String| format!("hello {name}"));
/// let ben = Client::builder().connect(two.local_addr()).await?;
/// let address = ana.address().expect("it is connected");
/// assert!(address.to_string().starts_with("host1/"));
/// let answer: String = ben.to_socket(&address).request("hello", "ben").await?;
/// assert_eq!(answer, "hello ben");
/// # for client in [ana, ben] { client.close().await; }
/// # for router in [router1, router2] { router.close().await; }
/// # for server in [one, two] { server.close().await; }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Router {
    pub(crate) inner: Arc<RouterInner>,
}

/// A link to a neighbour, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkInfo {
    /// The neighbour.
    pub node: String,
    /// What the way over it costs: the larger of what the two ends say.
    pub cost: u16,
    /// The round trip, smoothed, once it was measured.
    pub round_trip: Option<Duration>,
    /// Frames with messages that this node has queued for it, openings of streams not among them. A frame carries the
    /// messages that one client has sent behind one another to the same receivers.
    pub frames_sent: u64,
    /// Frames with messages that have come over it, and openings of streams.
    pub frames_received: u64,
    /// Bytes that wait to be written to it.
    pub queued_bytes: usize,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl Router {
    /// The node of this name, unique in its cluster: 1 to 255 bytes, without `/`.
    pub fn builder(name: &str) -> RouterBuilder {
        RouterBuilder::new(name)
    }

    /// The node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.node
    }

    /// Emits an event to all sockets of all nodes that can be reached.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the value could not be encoded.
    pub fn emit(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.broadcast().emit(event, value)
    }

    /// Addresses all sockets of all nodes.
    pub fn broadcast(&self) -> To<'_> {
        To::everyone(Origin::Router(&self.inner))
    }

    /// Addresses the members of a room, wherever they are.
    pub fn to<'a>(&'a self, room: &'a str) -> To<'a> {
        To::nobody(Origin::Router(&self.inner)).to(room)
    }

    /// Addresses the members of several rooms, each socket once. No room is nobody.
    pub fn to_rooms<'a>(&'a self, rooms: impl IntoIterator<Item = &'a str>) -> To<'a> {
        To::nobody(Origin::Router(&self.inner)).to_rooms(rooms)
    }

    /// Addresses one socket by its address; by its id alone, if it is one of this node's.
    pub fn to_socket(&self, socket: impl Into<SocketAddress>) -> ToSocket<'_> {
        ToSocket::new(Origin::Router(&self.inner), socket.into())
    }

    /// The other nodes that can be reached now, in no order.
    #[must_use]
    pub fn nodes(&self) -> Vec<String> {
        let plane = self.inner.plane();
        plane.router.nodes().map(|name| name.as_str().to_owned()).collect()
    }

    /// What the cheapest way to another node costs; `None` when there is none.
    #[must_use]
    pub fn cost_to(&self, node: &str) -> Option<u32> {
        let node = self.inner.neighbour(node)?;
        self.inner.plane().router.cost_to(node.id())
    }

    /// Waits until a node can be reached, or the router is closed: whether it can.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only waits.
    pub async fn wait_for_node(&self, node: &str) -> bool {
        self.wait_until(|| self.cost_to(node).is_some()).await
    }

    /// The nodes that have members of a room, this one among them, as far as this node knows.
    #[must_use]
    pub fn nodes_of(&self, room: &str) -> Vec<String> {
        let nodes = self.inner.plane().router.nodes_of(room);
        nodes.iter().map(|name| name.as_str().to_owned()).collect()
    }

    async fn wait_until(&self, holds: impl Fn() -> bool) -> bool {
        let mut reach = self.inner.reach.subscribe();
        loop {
            // Before the question, so that nothing is missed behind it.
            reach.mark_unchanged();
            if holds() {
                return true;
            }
            let changed = self.inner.unless_closing(reach.changed()).await;
            if !matches!(changed, Some(Ok(()))) {
                return holds();
            }
        }
    }

    /// The links that are up.
    #[must_use]
    pub fn links(&self) -> Vec<LinkInfo> {
        let plane = self.inner.plane();
        let info = |link: &Arc<link::RouterLink>| {
            Some(LinkInfo {
                node: link.neighbour.as_str().to_owned(),
                cost: plane.router.link_cost(link.id)?,
                round_trip: link.round_trip(),
                frames_sent: link.routed_out.load(Ordering::Relaxed),
                frames_received: link.routed_in.load(Ordering::Relaxed),
                queued_bytes: link.link().queued_bytes(),
            })
        };
        plane.links().filter_map(info).collect()
    }

    /// What happens in the cluster from now on: links, nodes, and the rooms that are watched.
    #[must_use]
    pub fn events(&self) -> RouterEvents {
        RouterEvents { receiver: self.inner.subscribe() }
    }

    /// The key of uplinks that have none of their own, from the next time on at which they are dialled. Links that are up
    /// go on.
    #[expect(clippy::needless_pass_by_value, reason = "a key is given away")]
    pub fn set_key(&self, id: impl Into<String>, key: Psk) {
        self.inner.set_key(&id.into(), &key);
    }

    /// What was carried and what was dropped.
    #[must_use]
    pub fn counters(&self) -> RouterCounters {
        let lost: u64 = self.inner.plane().links().map(|link| link.dropped()).sum();
        let counters = self.inner.counts.read();
        RouterCounters { lost: counters.lost + lost, ..counters }
    }

    /// The counter of this life of the node, for [`RouterBuilder::last_boot_counter`].
    #[must_use]
    pub fn boot_counter(&self) -> u32 {
        self.inner.plane().router.incarnation().counter()
    }

    /// Leaves the cluster: the others are told, what is queued for them is written (2 s at most), and all links are
    /// closed. The servers go on, each by itself; [close](crate::Server::close) or
    /// [drain](crate::Server::drain) them too.
    ///
    /// # Cancel safety
    ///
    /// Leaving has begun when the future is first polled, and goes on without it.
    pub async fn close(&self) {
        Arc::clone(&self.inner).close().await;
    }
}
