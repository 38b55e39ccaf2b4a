//! Which rooms the two sides tell each other.
//!
//! One task compares: for each room that something was said of, whether old hosts have members and whether the cluster has, with
//! what the other side was told.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::{Stale, State, V2Cluster};
use crate::router::inner::RouterInner;

/// What this task has told the cluster.
#[derive(Default)]
struct Told {
    joined: BTreeSet<String>,
    watched: BTreeSet<String>,
    /// That this node is a gateway.
    gateway: bool,
}

/// Tells each side of the rooms of the other, until the router is closed.
pub(in crate::router) async fn keep_rooms(router: Arc<RouterInner>, old: Arc<V2Cluster>) {
    let mut told = Told::default();
    while router.unless_closing(old.wake.notified()).await.is_some() {
        let stale = std::mem::take(&mut *old.stale.lock().unwrap_or_else(PoisonError::into_inner));
        let Stale { mut rooms, gateways, names } = stale;
        if gateways {
            old.offer(&router, &mut told);
            if old.choose(&router) {
                rooms.extend(old.all_rooms());
                rooms.extend(told.joined.iter().cloned());
            }
        }
        if names {
            rooms.extend(old.forget_names(&router));
        }
        for room in &rooms {
            old.compare(&router, &mut told, room);
        }
        router.reach.send_modify(|count| *count += 1);
    }
}

impl V2Cluster {
    /// A node is a gateway as long as it has links to old routers: another one does not stand by for a node without.
    fn offer(&self, router: &RouterInner, told: &mut Told) {
        let has_links = !self.lock().links.is_empty();
        if std::mem::replace(&mut told.gateway, has_links) != has_links {
            router.control(|plane, now| plane.router.set_v2_gateway(now, has_links));
        }
    }

    /// Whether this gateway is active from now on: `true` if that has changed.
    fn choose(&self, router: &RouterInner) -> bool {
        let active = {
            let plane = router.plane();
            let smaller = |name: &str| name < &*router.node;
            !plane.router.v2_gateways().any(|name| smaller(name.as_str()))
        };
        let mut state = self.lock();
        std::mem::replace(&mut state.active, active) != active
    }

    fn all_rooms(&self) -> BTreeSet<String> {
        let state = self.lock();
        let local = state.local.keys().map(ToString::to_string);
        let theirs = state.machine.rooms().map(ToOwned::to_owned);
        local.chain(theirs).chain(state.named.iter().map(ToOwned::to_owned)).collect()
    }

    /// Forgets the names of rooms that nobody has any more: which.
    fn forget_names(&self, router: &RouterInner) -> Vec<String> {
        let now = router.elapsed();
        let mut rooms = self.lock().named.take_old(now);
        // One by one, as others want the plane too.
        rooms.retain(|room| router.plane().router.destinations(room).next().is_none());
        let mut state = self.lock();
        let is_unused = |state: &State, room: &str| {
            !state.local.contains_key(room) && state.machine.hosts_of(room).next().is_none()
        };
        rooms.retain(|room| is_unused(&state, room) && state.named.forget(now, room));
        rooms.into_iter().map(String::from).collect()
    }

    fn compare(&self, router: &RouterInner, told: &mut Told, room: &str) {
        let (theirs, named, active) = {
            let state = self.lock();
            let theirs = state.machine.hosts_of(room).next().is_some();
            (theirs, state.named.contains(room), state.active)
        };
        // To be watched before it is looked at: a change behind the look is told.
        if change(&mut told.watched, room, theirs || named) {
            router.watch_room(room, told.watched.contains(room));
        }
        if change(&mut told.joined, room, theirs && active) {
            let join = told.joined.contains(room);
            router.control(|plane, now| {
                if !join {
                    plane.router.leave(now, room);
                } else if let Err(error) = plane.router.join(now, room) {
                    tracing::error!(%error, room, "a room of old hosts was not told to the cluster");
                    router.counts.rooms_untold.fetch_add(1, Ordering::Relaxed);
                    told.joined.remove(room);
                }
            });
        }
        let nodes = router.plane().router.nodes_of(room);
        let remote = nodes.iter().filter(|name| name.as_str() != &*router.node).count();
        let (set, deliveries) = self.change(|state| {
            let local = state.local.get(room).copied().unwrap_or_default();
            let members = if state.active { local + remote as u64 } else { 0 };
            state.machine.set_room(room, members)
        });
        debug_assert!(deliveries.is_empty(), "a count delivers nothing");
        if let Err(error) = set {
            tracing::debug!(%error, room, "old hosts do not hear of a room");
        }
    }
}

/// Puts a room into a set or takes it out: whether that is a change.
fn change(set: &mut BTreeSet<String>, room: &str, member: bool) -> bool {
    if member { set.insert(room.to_owned()) } else { set.remove(room) }
}
