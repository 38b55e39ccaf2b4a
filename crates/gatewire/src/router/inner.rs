//! What the tasks of a router share, and how the state machine of the cluster is driven.
//!
//! [`Plane`] is under one lock. The tables are read for each message and written for each control frame, so it is an
//! `RwLock`. What the state machine wants sent is queued while it is locked for writing: a number for a node is on
//! its way before anybody can use it in a message. Nothing is written to a socket under the lock, and no waiter is
//! completed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use gatewire_cluster::{self as cluster, LinkError, LinkId, NodeId, NodeName, Output};
use gatewire_codec::CloseCode;
use gatewire_core::handshake::{KeyRing, Psk};
use gatewire_core::hub::RoomChange;
use gatewire_core::{SocketId, Time};
use gatewire_format::Formats;
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::timeout_at;

use super::ask::Asks;
use super::cost::Cost;
use super::counters::Counts;
use super::event::RouterEvent;
use super::forward::Origin;
use super::link::RouterLink;
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
    armed: AtomicU64,
    earlier: Notify,
    /// `None`: the router is closed.
    events: Mutex<Option<broadcast::Sender<RouterEvent>>>,
    /// Of the uplinks that have no key of their own.
    credentials: Mutex<Vec<Arc<Credentials>>>,
    /// How many want to know of each room.
    watchers: Mutex<BTreeMap<String, usize>>,
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

/// The state machine, and the links by which its frames go.
pub(crate) struct Plane {
    pub(super) router: cluster::Router,
    links: Vec<Option<Arc<RouterLink>>>,
}

impl Plane {
    pub(super) fn link(&self, id: LinkId) -> Option<&Arc<RouterLink>> {
        self.links.get(usize::from(id.0))?.as_ref()
    }

    pub(super) fn links(&self) -> impl Iterator<Item = &Arc<RouterLink>> {
        self.links.iter().flatten()
    }

    /// A number that no link has.
    pub(super) fn free_link(&self) -> Option<LinkId> {
        let free = self.links.iter().position(Option::is_none).unwrap_or(self.links.len());
        u8::try_from(free).ok().map(LinkId)
    }

    pub(super) fn insert(&mut self, link: Arc<RouterLink>) {
        let at = usize::from(link.id.0);
        if self.links.len() <= at {
            self.links.resize(at + 1, None);
        }
        self.links[at] = Some(link);
    }

    pub(super) fn remove(&mut self, link: &Arc<RouterLink>) {
        if let Some(place) = self.links.get_mut(usize::from(link.id.0))
            && place.as_ref().is_some_and(|found| Arc::ptr_eq(found, link))
        {
            *place = None;
        }
    }
}

/// What is to be done behind a change, without the lock.
#[derive(Default)]
struct After {
    events: Vec<RouterEvent>,
    gone: Vec<NodeId>,
    reach: bool,
    taken: bool,
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
            plane: RwLock::new(Plane { router, links: Vec::new() }),
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

    /// The time of the state machine.
    fn elapsed(&self) -> Duration {
        self.now().elapsed()
    }

    /// The time of deadlines.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Lets the state machine change, and does what it wants.
    pub(super) fn control<R>(&self, change: impl FnOnce(&mut Plane, Duration) -> R) -> R {
        let now = self.elapsed();
        let (result, after, due) = {
            let mut plane = self.plane.write().unwrap_or_else(PoisonError::into_inner);
            let result = change(&mut plane, now);
            let after = self.carry_out(&mut plane);
            (result, after, plane.router.poll_timeout())
        };
        if let Some(due) = due {
            self.wake_by(due);
        }
        self.follow(after);
        result
    }

    /// Rooms of a hub have got their first members, or lost their last. The hub is locked, so that the order of
    /// two changes is that in which they are told.
    pub(crate) fn rooms_changed(&self, changes: Vec<RoomChange>) {
        if changes.is_empty() {
            return;
        }
        self.room_names.rooms_changed(&changes);
        #[cfg(feature = "legacy")]
        if let Some(old) = &self.old {
            old.rooms_changed(&changes);
        }
        self.control(|plane, now| {
            for RoomChange { room, has_members } in changes {
                if !has_members {
                    plane.router.leave(now, &room);
                } else if let Err(error) = plane.router.join(now, &room) {
                    // Its members hear what is emitted on this node.
                    tracing::error!(%error, room = &*room, "a room was not told to the cluster");
                    self.counts.rooms_untold.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }

    fn carry_out(&self, plane: &mut Plane) -> After {
        let mut after = After::default();
        while let Some(output) = plane.router.poll_output() {
            match output {
                Output::Send { link, frame } => {
                    if let Some(link) = plane.link(link) {
                        link.send_ahead(&frame);
                    }
                }
                Output::Event(event) => self.note(plane, event, &mut after),
            }
        }
        after
    }

    fn note(&self, plane: &Plane, event: cluster::Event, after: &mut After) {
        let text = |name: NodeName| name.as_str().to_owned();
        let told = match event {
            cluster::Event::NodeUp(name) => {
                after.reach = true;
                RouterEvent::NodeUp { node: text(name) }
            }
            cluster::Event::NodeDown(name) => {
                after.reach = true;
                after.gone.push(name.id());
                RouterEvent::NodeDown { node: text(name) }
            }
            cluster::Event::RoomRegistered { room, node, nodes } => {
                after.reach = true;
                RouterEvent::RoomRegistered { room: room.into(), node: text(node), nodes }
            }
            cluster::Event::RoomUnregistered { room, node, nodes } => {
                after.reach = true;
                RouterEvent::RoomUnregistered { room: room.into(), node: text(node), nodes }
            }
            cluster::Event::NameTaken => {
                after.taken = true;
                RouterEvent::NameTaken
            }
            cluster::Event::LinkExhausted(link) => {
                if let Some(link) = plane.link(link) {
                    link.link().end_for(DisconnectReason::Cluster(LinkError::TooManyNumbers));
                }
                return;
            }
            // Routes are looked up for each message; incarnations are not kept.
            _ => return,
        };
        after.events.push(told);
    }

    fn follow(&self, after: After) {
        for node in after.gone {
            self.fail_asks(node);
        }
        for event in after.events {
            tracing::debug!(node = %self.name, ?event, "the cluster has changed");
            self.room_names.cluster_changed(&event);
            #[cfg(feature = "legacy")]
            if let Some(old) = &self.old {
                old.note(&event);
            }
            self.tell(event);
        }
        if after.reach {
            self.reach.send_modify(|count| *count += 1);
        }
        if after.taken {
            self.end_links(CloseCode::GoingAway, "another node has this name");
        }
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

    /// One more, or one less, wants to know of a room.
    pub(super) fn watch_room(&self, room: &str, more: bool) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let count = watchers.entry(room.to_owned()).or_default();
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
        match *count {
            0 => {
                watchers.remove(room);
                self.control(|plane, _| plane.router.unwatch(room));
            }
            1 if more => self.control(|plane, _| plane.router.watch(room)),
            _ => {}
        }
    }

    /// Closes all links.
    pub(super) fn end_links(&self, code: CloseCode, text: &str) {
        let links: Vec<_> = self.plane().links().cloned().collect();
        for link in links {
            link.link().end(DisconnectReason::Closed, code, text);
        }
    }

    /// The task that keeps time wakes at this time at the latest.
    pub(super) fn wake_by(&self, due: Duration) {
        if nanos(due) < self.armed.load(Ordering::Acquire) {
            self.earlier.notify_one();
        }
    }

    /// Does what is due, until the router is closed.
    pub(super) async fn keep_time(self: Arc<Self>) {
        let mut closing = self.closing.subscribe();
        loop {
            // Whoever has something earlier from here on leaves word, so nothing is missed while this looks.
            self.armed.store(u64::MAX, Ordering::Release);
            let mut due = self.plane().router.poll_timeout().unwrap_or(Duration::MAX);
            due = due.min(self.asks_due().elapsed()).min(self.elapsed() + FAR);
            self.armed.store(nanos(due), Ordering::Release);
            let wait = async {
                match self.clock.instant(Time::from_elapsed(due)) {
                    // Either way what is due is looked at.
                    Some(instant) => drop(timeout_at(instant, self.earlier.notified()).await),
                    None => self.earlier.notified().await,
                }
            };
            tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => return,
                () = wait => {}
            }
            self.control(|plane, now| plane.router.handle_timeout(now));
            self.expire_asks();
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
    pub(super) fn is_running(&self) -> bool {
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

/// Longer than anything waits: the state machine renews its record each half hour.
const FAR: Duration = Duration::from_secs(60 * 60);

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
