//! Rooms of which the application wants to know where they have members.
//!
//! Rooms of other nodes are known by their hashes alone, so nobody can list them; but who names a room can be told
//! of it. What was told last is kept for each, and compared when something that concerns it has changed.

use std::collections::BTreeMap;

use gatewire_codec::v3::control::NodeId;

use super::{Event, Router};
use crate::identity::NodeName;

/// A room that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    name: Box<str>,
    /// The nodes that were told to have members.
    nodes: BTreeMap<NodeId, NodeName>,
}

impl Router {
    /// From here on events tell which nodes have members of `room`; those that have some now are told as well.
    /// A room that is watched already stays so, and nothing is told again.
    pub fn watch(&mut self, room: &str) {
        let hash = self.config.room_key.hash(room);
        self.watched
            .entry(hash)
            .or_insert_with(|| Watched { name: room.into(), nodes: BTreeMap::new() });
        self.holders.watch(hash);
        self.tell_watched();
    }

    /// No events tell of `room` any more.
    pub fn unwatch(&mut self, room: &str) {
        let hash = self.config.room_key.hash(room);
        self.holders.unwatch(hash);
        self.watched.remove(&hash);
    }

    /// The nodes with members of a room, this one among them, that can be reached.
    #[must_use]
    pub fn nodes_of(&self, room: &str) -> Vec<NodeName> {
        self.holding(self.config.room_key.hash(room)).into_values().collect()
    }

    fn holding(&self, room: u64) -> BTreeMap<NodeId, NodeName> {
        let others = self.holders.of(room).iter();
        let mut nodes: BTreeMap<NodeId, NodeName> =
            others.filter_map(|node| Some((*node, self.reached.get(node)?.0.clone()))).collect();
        if self.local.contains(room) {
            nodes.insert(self.name.id(), self.name.clone());
        }
        nodes
    }

    /// Tells what has changed of the rooms that were touched.
    pub(super) fn tell_watched(&mut self) {
        for hash in self.holders.take_touched() {
            let now = self.holding(hash);
            let Some(room) = self.watched.get_mut(&hash) else { continue };
            let name = room.name.clone();
            let before = std::mem::replace(&mut room.nodes, now.clone());
            let mut count = before.len();
            let mut events = Vec::new();
            for (_, node) in before.iter().filter(|(id, _)| !now.contains_key(id)) {
                count -= 1;
                let (room, node) = (name.clone(), node.clone());
                events.push(Event::RoomUnregistered { room, node, nodes: count });
            }
            for (_, node) in now.iter().filter(|(id, _)| !before.contains_key(id)) {
                count += 1;
                let (room, node) = (name.clone(), node.clone());
                events.push(Event::RoomRegistered { room, node, nodes: count });
            }
            for event in events {
                self.emit(event);
            }
        }
    }
}
