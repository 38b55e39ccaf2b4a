//! Names of rooms, for gateways to wire version 2.
//!
//! Nodes tell each other hashes of rooms. A gateway has to tell old hosts their names. So each node tells the gateways that it can reach
//! the names of its rooms: all of them once a gateway can be reached, then each that gets its first member. All of them again when
//! some may have been lost: a link of this node has ended, or did not take them. What has become of a room later the gateway
//! knows by its hash.
//!
//! On the wire names are events that address nobody, so a node that is no gateway, or of an earlier make, does nothing with
//! them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use gatewire_cluster::NodeId;
use gatewire_codec::v3::routed::{Carried, encode_target};
use gatewire_codec::{Target, ValueRef, v3};
use gatewire_core::hub::RoomChange;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::event::RouterEvent;
use super::forward::Scratch;
use super::inner::RouterInner;

/// What is to be told to gateways.
#[derive(Default)]
pub(super) struct RoomNames {
    pending: Mutex<Pending>,
    wake: Notify,
    /// Whether there are gateways.
    wanted: AtomicBool,
}

#[derive(Default)]
struct Pending {
    rooms: BTreeSet<Box<str>>,
    /// Nodes that went, and may have come back.
    gone: BTreeSet<String>,
    /// Names may have been lost on their way.
    lost: bool,
}

/// Names are sent in frames of about this many bytes: small beside what a link reads at least, 1 MiB.
const LONG: usize = 32 << 10;
/// How long names that could not be sent wait until all are told again, at first and at most: a queue that was full has
/// been written, or the link is being given up.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_AT_MOST: Duration = Duration::from_secs(64);

impl RoomNames {
    fn note(&self, note: impl FnOnce(&mut Pending)) {
        note(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }

    /// Rooms of one of this node's servers have got their first members, or lost their last. Its hub is locked.
    pub(super) fn rooms_changed(&self, changes: &[RoomChange]) {
        if self.wanted.load(Ordering::Acquire) {
            let joined = changes.iter().filter(|change| change.has_members);
            self.note(|pending| pending.rooms.extend(joined.map(|change| change.room.clone())));
        }
    }

    /// Others are gateways than before.
    pub(super) fn gateways_changed(&self) {
        self.wake.notify_one();
    }

    /// A link of this node has ended, maybe with names on it.
    pub(super) fn link_is_down(&self) {
        self.note(|pending| pending.lost = true);
    }

    /// The cluster has changed.
    pub(super) fn cluster_changed(&self, event: &RouterEvent) {
        match event {
            RouterEvent::NodeUp { .. } => self.gateways_changed(),
            RouterEvent::NodeDown { node } => self.note(|pending| {
                pending.gone.insert(node.clone());
            }),
            _ => {}
        }
    }
}

/// Those to whom some names could not be sent, until they are told all of them again.
struct Missed {
    nodes: BTreeSet<NodeId>,
    /// When that is.
    until: Option<Instant>,
    /// How long they wait the next time.
    pause: Duration,
}

impl Missed {
    fn none() -> Self {
        Self { nodes: BTreeSet::new(), until: None, pause: AGAIN }
    }

    /// Waits until there is something to tell.
    async fn wait(&self, wake: &Notify) {
        match self.until {
            // Either way what is due is looked at.
            Some(until) => drop(timeout_at(until, wake.notified()).await),
            None => wake.notified().await,
        }
    }

    /// Their time has come: they are as those who were told nothing.
    fn end(&mut self) {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            self.nodes.clear();
            self.until = None;
        }
    }

    fn add(&mut self, nodes: Vec<NodeId>) {
        if !nodes.is_empty() {
            self.nodes.extend(nodes);
            let until = Instant::now() + self.pause;
            if *self.until.get_or_insert(until) == until {
                self.pause = AGAIN_AT_MOST.min(2 * self.pause);
            }
        } else if self.nodes.is_empty() {
            self.pause = AGAIN;
        }
    }
}

/// Tells gateways of rooms, until the router is closed.
pub(super) async fn keep_told(router: Arc<RouterInner>) {
    let mut told = BTreeSet::new();
    let mut missed = Missed::none();
    while router.unless_closing(missed.wait(&router.room_names.wake)).await.is_some() {
        let names = &router.room_names;
        let pending = {
            let mut pending = names.pending.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *pending)
        };
        told.retain(|(_, name)| !pending.lost && !pending.gone.contains(name));
        missed.end();
        let mut gateways: BTreeSet<(NodeId, String)> = {
            let plane = router.plane();
            let gateways = plane.router.v2_gateways();
            gateways.map(|name| (name.id(), name.as_str().to_owned())).collect()
        };
        // What changes from here on is noted; so it is in the list below, or told later, or both.
        names.wanted.store(!gateways.is_empty(), Ordering::Release);
        gateways.retain(|(id, _)| !missed.nodes.contains(id));
        let (old, new): (Vec<_>, Vec<_>) =
            gateways.iter().partition(|gateway| told.contains(*gateway));
        let ids = |nodes: Vec<&(NodeId, String)>| -> Vec<NodeId> {
            nodes.iter().map(|(id, _)| *id).collect()
        };
        let mut lost = router.tell_names(ids(old), pending.rooms.iter().map(|room| &**room));
        if !new.is_empty() {
            let rooms: BTreeSet<String> =
                router.servers().iter().flat_map(|server| server.room_names()).collect();
            lost.extend(router.tell_names(ids(new), rooms.iter().map(String::as_str)));
        }
        told = gateways;
        told.retain(|(id, _)| !lost.contains(id));
        missed.add(lost);
    }
}

impl RouterInner {
    /// Tells nodes of rooms: which have not got all of them.
    fn tell_names<'a>(
        &self,
        mut nodes: Vec<NodeId>,
        rooms: impl Iterator<Item = &'a str>,
    ) -> Vec<NodeId> {
        let mut frames = BytesMut::new();
        let mut lost = Vec::new();
        for room in rooms {
            // An error: a name that is too long for an event, and for old hosts too.
            let _fits = v3::encode_event(room, ValueRef::Empty, &mut frames);
            if frames.len() >= LONG {
                self.send_names(&mut nodes, &frames, &mut lost);
                frames.clear();
            }
        }
        self.send_names(&mut nodes, &frames, &mut lost);
        lost
    }

    /// Sends names to nodes. Those to which that cannot be done are `lost`, and get no more.
    fn send_names(&self, nodes: &mut Vec<NodeId>, frames: &[u8], lost: &mut Vec<NodeId>) {
        if nodes.is_empty() || frames.is_empty() {
            return;
        }
        Scratch::with(|scratch| {
            let Scratch { split, bytes, long, .. } = scratch;
            encode_target(&Target::default(), bytes);
            let plane = self.plane();
            let to = nodes.iter().copied();
            let unsent = self.send(&plane, (Carried::Events, 0), to, split, &[bytes, frames], long);
            nodes.retain(|node| !unsent.nodes.contains(node));
            lost.extend(unsent.nodes);
        });
    }
}

/// Whether events address nobody: then they are names.
pub(super) fn are_names(target: &Target<'_>) -> bool {
    !target.everyone && target.rooms.is_empty() && target.sockets.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId::from_bits(7);

    #[tokio::test(start_paused = true)]
    async fn those_who_have_missed_some_wait_longer_each_time_and_others_do_not_wait() {
        let wake = Notify::new();
        let mut missed = Missed::none();
        for seconds in [1, 2, 4, 8, 16, 32, 64, 64] {
            let begin = Instant::now();
            missed.add(vec![NODE]);
            wake.notify_one();
            missed.wait(&wake).await;
            missed.end();
            assert!(missed.nodes.contains(&NODE));
            assert_eq!(begin.elapsed(), Duration::ZERO, "others have news");
            missed.wait(&wake).await;
            missed.end();
            assert!(missed.nodes.is_empty());
            assert_eq!(begin.elapsed().as_secs(), seconds);
        }
        // All were told.
        missed.add(Vec::new());
        missed.add(vec![NODE]);
        let begin = Instant::now();
        missed.wait(&wake).await;
        assert_eq!(begin.elapsed().as_secs(), 1);
    }
}
