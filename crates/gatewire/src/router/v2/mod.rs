//! Routers of wire version 2 at a router of version 3, which is then their gateway.
//!
//! To the old routers this node is one of them, and all that is behind it in the cluster of version 3 is on it: rooms, and
//! who gets a broadcast. What they send to it goes to all nodes; what is published on any node and concerns
//! old hosts comes here, since their rooms count as rooms of this node, and goes on to them. What has come from
//! one side never returns to it.
//!
//! ```text
//!  nodes of version 3                 gateway                             old routers
//!    publish -----------> arrived --> to_old_hosts --> Gateway::publish ------->
//!            <----------- to_nodes <-- take_from_old <-- Output::Deliver <-----
//!    rooms   <----------- join, leave <--- reconcile <--- Output::RoomChanged <-
//!            -----------> watch, hubs ---> reconcile ---> Gateway::set_room --->
//! ```
//!
//! **One of several.** Two gateways between the same two clusters would carry everything twice. Of those that reach each
//! other and have links to old routers, which their records tell, only the one with the smallest name is active: the
//! others keep their links up, announce nothing and carry nothing, but for messages to sockets of their own. So one cluster of version 3 has one old cluster. While a change is
//! not known to all gateways, a message may come twice or not at all. Each gateway is an old host to the others; what is for it
//! goes by version 3 alone, so nothing goes round between two.
//!
//! **Names of rooms.** Nodes tell each other hashes of rooms, and gateways the names too ([`super::room_names`]).
//!
//! **Locks.** The state is under one mutex, which is taken behind a hub's, the order of an origin and the plane; under it
//! only the queues of links are locked. What changes the cluster is done by one task that compares what is with what should be
//! ([`rooms`]), so nobody's order matters.

mod handle;
mod link;
mod messages;
mod named;
mod rooms;
mod uplink;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatewire_codec::{Message, split_frame, v3};
use gatewire_core::hub::RoomChange;
use gatewire_legacy::uplink::{
    Counters, Delivery, Gateway, LinkNumber, LinkRefused, NameError, Output,
};
use tokio::sync::Notify;

use super::Task;
use super::counters::Counts;
use super::event::RouterEvent;
use super::inner::RouterInner;
pub(crate) use link::{Shaken, V2Link};
use named::{Kept, Named};
pub use uplink::V2Uplink;
use uplink::keep_up;

/// The old cluster, as a router knows it.
pub(crate) struct V2Cluster {
    state: Mutex<State>,
    stale: Mutex<Stale>,
    wake: Notify,
}

struct State {
    machine: Gateway,
    links: BTreeMap<LinkNumber, Arc<V2Link>>,
    /// How many servers of this node have members of a room.
    local: BTreeMap<Box<str>, u64>,
    /// Rooms that other nodes have named, whatever has become of them.
    named: Named,
    /// Whether this gateway carries anything once it has links, see the [module's documentation](self).
    active: bool,
}

/// What has to be compared anew.
#[derive(Default)]
struct Stale {
    rooms: BTreeSet<String>,
    /// Which gateway is active.
    gateways: bool,
    /// Which names are of use.
    names: bool,
}

impl V2Cluster {
    pub(super) fn new(host: &str) -> Result<Self, NameError> {
        let machine = Gateway::new(host)?;
        let (links, local, named) = (BTreeMap::new(), BTreeMap::new(), Named::new(MAX_NAMED));
        let stale = Stale { gateways: true, ..Stale::default() };
        Ok(Self {
            state: Mutex::new(State { machine, links, local, named, active: true }),
            stale: Mutex::new(stale),
            wake: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the state machine change, and does what it wants but for deliveries, which the caller gets.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> (R, Vec<Delivery>) {
        let (mut deliveries, mut rooms) = (Vec::new(), Vec::new());
        let result = {
            let mut state = self.lock();
            let result = change(&mut state);
            while let Some(output) = state.machine.poll_output() {
                match output {
                    Output::Send { link, frame } => {
                        if let Some(link) = state.links.get(&link) {
                            link.queue(frame);
                        }
                    }
                    Output::Deliver(delivery) => deliveries.push(delivery),
                    Output::RoomChanged { room, .. } => rooms.push(room),
                    Output::CloseLink { link, reason } => {
                        if let Some(link) = state.links.remove(&link) {
                            link.end(&reason.to_string());
                        }
                    }
                }
            }
            result
        };
        if !rooms.is_empty() {
            self.look_at(|stale| stale.rooms.extend(rooms.iter().map(ToString::to_string)));
        }
        (result, deliveries)
    }

    /// Has something compared.
    fn look_at(&self, note: impl FnOnce(&mut Stale)) {
        note(&mut self.stale.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }

    /// Rooms of one of this node's servers have got their first members, or lost their last. Its hub is locked.
    pub(super) fn rooms_changed(&self, changes: &[RoomChange]) {
        {
            let mut state = self.lock();
            for RoomChange { room, has_members } in changes {
                let count = state.local.entry(room.clone()).or_default();
                *count = if *has_members { *count + 1 } else { count.saturating_sub(1) };
                if *count == 0 {
                    state.local.remove(room);
                }
            }
        }
        self.look_at(|stale| {
            stale.rooms.extend(changes.iter().map(|change| change.room.to_string()));
        });
    }

    /// Another node has named its rooms. Names are kept: a room that has lost its members may have some at any time. How
    /// many were not.
    fn take_room_names(&self, now: Duration, mut events: &[u8]) -> usize {
        let (mut rooms, mut refused) = (Vec::new(), 0);
        let crowded = {
            let mut state = self.lock();
            while let Ok(Some((frame, behind))) = split_frame(events, u32::MAX) {
                events = behind;
                let Ok(Message::Event { event: room, .. }) = v3::decode(frame) else { continue };
                match state.named.insert(now, room) {
                    Kept::New => rooms.push(room.to_owned()),
                    Kept::Known => {}
                    Kept::Full => refused += 1,
                }
            }
            state.named.is_crowded()
        };
        self.look_at(|stale| {
            stale.rooms.extend(rooms);
            stale.names |= crowded;
        });
        refused
    }

    /// Others are gateways than before, or this one has links to old routers where it had none, or the other way round.
    pub(super) fn gateways_changed(&self) {
        self.look_at(|stale| stale.gateways = true);
    }

    /// The cluster has changed.
    pub(super) fn note(&self, event: &RouterEvent) {
        match event {
            RouterEvent::NodeUp { .. } | RouterEvent::NodeDown { .. } => {
                self.gateways_changed();
            }
            RouterEvent::RoomRegistered { room, .. }
            | RouterEvent::RoomUnregistered { room, .. } => {
                self.look_at(|stale| {
                    stale.rooms.insert(room.clone());
                });
            }
            _ => {}
        }
    }

    /// Version 3 reaches these nodes: should some be old hosts as well, as other gateways to the same old cluster are,
    /// they get nothing twice. The plane is locked.
    pub(super) fn leave_out(&self, nodes: impl Iterator<Item = Box<str>>) {
        let nodes = nodes.collect();
        self.lock().machine.leave_out(nodes);
    }

    /// The old hosts that can be reached.
    pub(super) fn hosts(&self) -> Vec<String> {
        self.lock().machine.hosts().map(ToOwned::to_owned).collect()
    }

    /// Whether a way leads to an old host of this name.
    pub(super) fn reaches(&self, name: &str) -> bool {
        self.lock().machine.reaches(name)
    }

    /// The old hosts with members of a room.
    pub(super) fn hosts_of(&self, room: &str) -> Vec<String> {
        self.lock().machine.hosts_of(room).map(ToOwned::to_owned).collect()
    }

    /// Whether an old router could come up under this name now.
    pub(crate) fn may_link(&self, link: &str, host: &str) -> Result<(), LinkRefused> {
        self.lock().machine.may_link(link, host)
    }

    pub(super) fn is_active(&self) -> bool {
        let state = self.lock();
        state.active && !state.links.is_empty()
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().machine.counters()
    }

    /// Ends the links for which this holds.
    pub(super) fn end_links(&self, why: &str, which: impl Fn(&V2Link) -> bool) {
        let links: Vec<_> = self.lock().links.values().cloned().collect();
        links.iter().filter(|link| which(link)).for_each(|link| link.end(why));
    }
}

/// How many names of rooms are kept that other nodes have told, as many as a node may have rooms. Before there are more, those
/// whose rooms nobody has are forgotten. Old hosts do not hear of further ones, which are counted.
const MAX_NAMED: usize = 1 << 20;

/// Starts what a gateway does by itself.
pub(super) fn start(router: &Arc<RouterInner>, uplinks: Vec<V2Uplink>) {
    let Some(old) = router.v2() else { return };
    old.look_at(|_| {});
    tokio::spawn(rooms::keep_rooms(Arc::clone(router), Arc::clone(old)));
    for uplink in uplinks {
        let (task, router, old) = (Task::begin(router), Arc::clone(router), Arc::clone(old));
        tokio::spawn(async move {
            keep_up(router, old, uplink).await;
            drop(task);
        });
    }
}

impl RouterInner {
    /// A node tells the names of its rooms.
    pub(super) fn take_room_names(&self, events: &[u8]) {
        if let Some(old) = self.v2() {
            let refused = old.take_room_names(self.elapsed(), events);
            Counts::add(&self.counts.room_names_refused, refused);
        }
    }

    /// The old cluster, if this router is its gateway.
    pub(crate) fn v2(&self) -> Option<&Arc<V2Cluster>> {
        self.old.as_ref()
    }
}

#[cfg(test)]
mod tests;
