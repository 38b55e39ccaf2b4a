//! How the state machine of the cluster is driven.
//!
//! What it wants sent is queued while it is locked for writing: a number for a node is on its way before anybody can use
//! it in a message. Nothing is written to a socket under the lock, and no waiter is completed.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatewire_cluster::{self as cluster, LinkError, NodeId, NodeName, Output};
use gatewire_codec::CloseCode;
use gatewire_core::hub::RoomChange;

use super::event::RouterEvent;
use super::inner::RouterInner;
use super::plane::Plane;
use crate::error::DisconnectReason;
use crate::net::link::HasLink;

const NAME_TAKEN: &str = "another node has this name";

/// What is to be done behind a change, without the lock.
#[derive(Default)]
struct After {
    events: Vec<RouterEvent>,
    gone: Vec<NodeId>,
    reach: bool,
    /// Others are gateways to version 2 than before.
    gateways: bool,
    taken: bool,
}

impl RouterInner {
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
        #[cfg(feature = "legacy")]
        if let Some(old) = &self.old
            && after.events.iter().any(is_of_nodes)
        {
            // With the lock: the last change is the last one told.
            old.leave_out(plane.router.nodes().map(|name| name.as_str().into()));
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
            cluster::Event::V2GatewaysChanged => {
                after.gateways = true;
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
        if after.gateways {
            self.room_names.gateways_changed();
            #[cfg(feature = "legacy")]
            if let Some(old) = &self.old {
                old.gateways_changed();
            }
        }
        if after.reach {
            self.reach.send_modify(|count| *count += 1);
        }
        if after.taken {
            self.end_links(CloseCode::GoingAway, NAME_TAKEN);
            #[cfg(feature = "legacy")]
            if let Some(old) = &self.old {
                old.end_links(NAME_TAKEN, |_| true);
            }
        }
    }
}

/// Whether other nodes are reached than before.
#[cfg(feature = "legacy")]
fn is_of_nodes(event: &RouterEvent) -> bool {
    matches!(event, RouterEvent::NodeUp { .. } | RouterEvent::NodeDown { .. })
}
