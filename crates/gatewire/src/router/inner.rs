//! What the tasks of a router share.
//!
//! [`Plane`] is under one lock. The tables are read for each message and written for each control frame, so it is an
//! `RwLock`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use gatewire_cluster::{self as cluster, NodeId, NodeName};
use gatewire_codec::CloseCode;
use gatewire_core::handshake::{KeyRing, Psk};
use gatewire_core::{SocketId, Time};
use gatewire_format::Formats;
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, broadcast, watch};

use super::ask::Asks;
use super::cost::Cost;
use super::counters::Counts;
use super::event::RouterEvent;
use super::forward::Origin;
use super::plane::Plane;
use super::room_names::RoomNames;
use super::share::Shares;
use super::uplink::LinkRefused;
use crate::clock::Clock;
use crate::entropy::random;
use crate::error::DisconnectReason;
use crate::handler::Handlers;
use crate::limits::Limits;
use crate::net::credentials::Credentials;
use crate::net::link::HasLink;
use crate::server;

/// See the [module's documentation](self).
pub(crate) struct RouterInner {
    pub(crate) name: NodeName,
    pub(super) cluster: String,
    /// What links cost that others have dialled.
    accept_cost: Cost,
    /// The name, as addresses share it.
    pub(crate) node: Arc<str>,
    pub(super) plane: RwLock<Plane>,
    /// Emptied when the router is closed: they hold it, and it them.
    pub(super) servers: RwLock<Vec<Arc<server::Inner>>>,
    /// The last sequence number of each flow of this node. Locked while a message is queued, so that the order of
    /// the numbers is that of the queue.
    pub(super) flows: Vec<Mutex<u64>>,
    /// How far the frames of each other node have come.
    pub(super) origins: Mutex<FxHashMap<NodeId, Origin>>,
    pub(super) asks: Mutex<Asks>,
    /// How many of those are of which client. Locked last of all.
    pub(super) shares: Shares,
    pub(super) clock: Clock,
    pub(super) formats: Formats,
    /// Of the links to neighbours.
    pub(super) limits: Limits,
    /// Nobody handles what a neighbour sends as if it were a client.
    pub(super) handlers: Handlers<()>,
    /// When the task that keeps time wakes, in nanoseconds of the clock.
    pub(super) armed: AtomicU64,
    pub(super) earlier: Notify,
    /// `None`: the router is closed.
    events: Mutex<Option<broadcast::Sender<RouterEvent>>>,
    /// Of the uplinks that have no key of their own.
    credentials: Mutex<Vec<Arc<Credentials>>>,
    /// How many want to know of each room.
    pub(super) watchers: Mutex<BTreeMap<String, usize>>,
    /// Counts changes of what can be reached, for those who wait for some.
    pub(super) reach: watch::Sender<u64>,
    pub(super) closing: watch::Sender<bool>,
    closed: AtomicBool,
    /// Tasks of links that run.
    pub(super) live: watch::Sender<usize>,
    pub(super) counts: Counts,
    pub(super) room_names: RoomNames,
    /// Routers of wire version 2, if this one is their gateway.
    #[cfg(feature = "legacy")]
    pub(super) old: Option<Arc<super::v2::V2Cluster>>,
}

impl RouterInner {
    pub(super) fn new(
        router: cluster::Router,
        servers: Vec<Arc<server::Inner>>,
        (cluster, formats, limits, accept_cost): (String, Formats, Limits, Cost),
        clock: Clock,
        #[cfg(feature = "legacy")] old: Option<Arc<super::v2::V2Cluster>>,
    ) -> Arc<Self> {
        let name = router.name().clone();
        Arc::new(Self {
            node: name.as_str().into(),
            name,
            cluster,
            accept_cost,
            plane: RwLock::new(Plane::new(router)),
            servers: RwLock::new(servers),
            flows: (0..=u8::MAX).map(|_| Mutex::new(0)).collect(),
            origins: Mutex::new(FxHashMap::default()),
            // An answer to the life before may still be on its way.
            asks: Mutex::new(Asks::behind(u32::from_le_bytes(random()))),
            shares: Shares::default(),
            clock,
            formats,
            limits,
            handlers: Handlers::new(),
            armed: AtomicU64::new(u64::MAX),
            earlier: Notify::new(),
            events: Mutex::new(Some(broadcast::Sender::new(super::event::WAITING))),
            credentials: Mutex::new(Vec::new()),
            watchers: Mutex::new(BTreeMap::new()),
            reach: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            closed: AtomicBool::new(false),
            live: watch::Sender::new(0),
            counts: Counts::default(),
            room_names: RoomNames::default(),
            #[cfg(feature = "legacy")]
            old,
        })
    }

    pub(super) fn plane(&self) -> RwLockReadGuard<'_, Plane> {
        self.plane.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of deadlines.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(super) fn tell(&self, event: RouterEvent) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(events) = &*events {
            // An error: nobody listens.
            let _listeners = events.send(event);
        }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<RouterEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        match &*events {
            Some(events) => events.subscribe(),
            // Of a closed router: one that ends at once.
            None => broadcast::channel(1).1,
        }
    }

    pub(super) fn end_events(&self) {
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Closes all links.
    pub(super) fn end_links(&self, code: CloseCode, text: &str) {
        let links: Vec<_> = self.plane().links().cloned().collect();
        for link in links {
            link.link().end(DisconnectReason::Closed, code, text);
        }
    }

    /// An uplink goes by the router's own key.
    pub(super) fn share_key(&self, credentials: &Arc<Credentials>) {
        let mut all = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::clone(credentials));
    }

    pub(super) fn set_key(&self, id: &str, key: &Psk) {
        let all = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().for_each(|credentials| credentials.set_key(id.to_owned(), key.clone()));
    }

    /// The keys of a server have changed. Those that it had before:
    pub(crate) fn check_keys(&self, server: &Arc<server::Inner>, before: &KeyRing) {
        let links: Vec<_> = self.plane().links().cloned().collect();
        for link in links.iter().filter(|link| link.is_admitted_by(server)) {
            link.check_key(Some(before));
        }
    }

    /// Ends the links of neighbours that have come to this server.
    pub(crate) fn end_links_of(&self, server: &Arc<server::Inner>) {
        let links: Vec<_> = self.plane().links().cloned().collect();
        for link in links.iter().filter(|link| link.is_admitted_by(server)) {
            link.link().end(DisconnectReason::Closed, CloseCode::GoingAway, "");
        }
        #[cfg(feature = "legacy")]
        if let Some(old) = &self.old {
            old.end_links("its server is closed", |link| link.is_of(server));
        }
    }

    /// The longest frame that the next neighbour on the way to a node reads.
    pub(super) fn longest_to(&self, node: NodeId) -> usize {
        let plane = self.plane();
        let link = plane.router.next_hop(node, self.name.id(), 0);
        let link = link.and_then(|link| plane.link(link));
        link.map_or(usize::MAX, |link| link.max_frame as usize)
    }

    /// Whether it takes part in its cluster.
    pub(crate) fn is_running(&self) -> bool {
        self.plane().router.state() == cluster::State::Running && !*self.closing.borrow()
    }

    /// Whether it is over, and its servers stand alone.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// What a link costs that this neighbour has dialled.
    pub(crate) fn accept_cost(&self) -> Cost {
        self.accept_cost
    }

    /// Whether a link to this neighbour could come up now.
    pub(crate) fn may_link(&self, neighbour: &NodeName) -> Result<(), LinkRefused> {
        let plane = self.plane();
        let id = plane.free_link().ok_or(LinkRefused::TooMany)?;
        plane.router.may_link(id, neighbour).map_err(LinkRefused::Cluster)
    }

    /// The servers of this node.
    pub(super) fn servers(&self) -> Vec<Arc<server::Inner>> {
        self.servers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The router is closed: its servers are none of its own any more.
    pub(super) fn forget_servers(&self) {
        self.closed.store(true, Ordering::Release);
        let servers =
            std::mem::take(&mut *self.servers.write().unwrap_or_else(PoisonError::into_inner));
        servers.iter().for_each(|server| server.stand_alone(self));
    }

    /// A socket of this node.
    pub(super) fn socket(&self, id: SocketId) -> Option<server::Socket> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers.iter().find_map(|server| server.socket(id))
    }
}
