//! From a room to the nodes that have members of it.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;

use gatewire_codec::v3::control::NodeId;
use rustc_hash::FxHashMap;

/// The nodes of each room. Most rooms have members at one node, which needs no list.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    rooms: FxHashMap<u64, Nodes>,
    /// The rooms of which changes are noted.
    watched: BTreeSet<u64>,
    touched: BTreeSet<u64>,
}

#[derive(Debug, PartialEq, Eq)]
enum Nodes {
    One(NodeId),
    /// Ascending, at least two.
    Many(Vec<NodeId>),
}

impl Holders {
    /// The nodes with members of `room`, ascending.
    pub(crate) fn of(&self, room: u64) -> &[NodeId] {
        match self.rooms.get(&room) {
            None => &[],
            Some(Nodes::One(node)) => std::slice::from_ref(node),
            Some(Nodes::Many(nodes)) => nodes,
        }
    }

    pub(crate) fn add(&mut self, room: u64, node: NodeId) {
        self.touch(room);
        match self.rooms.entry(room) {
            Entry::Vacant(place) => {
                place.insert(Nodes::One(node));
            }
            Entry::Occupied(mut place) => match place.get_mut() {
                Nodes::One(other) if *other == node => {}
                Nodes::One(other) => {
                    let nodes = vec![node.min(*other), node.max(*other)];
                    place.insert(Nodes::Many(nodes));
                }
                Nodes::Many(nodes) => {
                    if let Err(at) = nodes.binary_search(&node) {
                        nodes.insert(at, node);
                    }
                }
            },
        }
    }

    pub(crate) fn remove(&mut self, room: u64, node: NodeId) {
        self.touch(room);
        let Entry::Occupied(mut place) = self.rooms.entry(room) else { return };
        match place.get_mut() {
            Nodes::One(other) => {
                if *other == node {
                    place.remove();
                }
            }
            Nodes::Many(nodes) => {
                if let Ok(at) = nodes.binary_search(&node) {
                    nodes.remove(at);
                }
                if let [last] = nodes[..] {
                    place.insert(Nodes::One(last));
                }
            }
        }
    }

    /// Changes of `room` are noted from here on, and it counts as changed.
    pub(crate) fn watch(&mut self, room: u64) {
        self.watched.insert(room);
        self.touched.insert(room);
    }

    pub(crate) fn unwatch(&mut self, room: u64) {
        self.watched.remove(&room);
        self.touched.remove(&room);
    }

    /// Something has happened to `room`.
    pub(crate) fn touch(&mut self, room: u64) {
        if !self.watched.is_empty() && self.watched.contains(&room) {
            self.touched.insert(room);
        }
    }

    /// Something has happened that may concern all rooms.
    pub(crate) fn touch_all(&mut self) {
        self.touched.clone_from(&self.watched);
    }

    /// The watched rooms to which something has happened since the last call.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<u64> {
        std::mem::take(&mut self.touched)
    }

    /// How many rooms have members anywhere else.
    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holders_are_those_of_a_map_of_sets(
            steps in prop::collection::vec((any::<bool>(), 0..3_u64, 0..5_u64), 0..80),
        ) {
            let mut holders = Holders::default();
            let mut model: BTreeMap<u64, BTreeSet<NodeId>> = BTreeMap::new();
            for (add, room, node) in steps {
                let node = NodeId::from_bits(node);
                if add {
                    holders.add(room, node);
                    model.entry(room).or_default().insert(node);
                } else {
                    holders.remove(room, node);
                    model.entry(room).or_default().remove(&node);
                }
                for (room, nodes) in &model {
                    prop_assert!(holders.of(*room).iter().eq(nodes));
                }
            }
            model.retain(|_, nodes| !nodes.is_empty());
            prop_assert_eq!(holders.len(), model.len());
        }
    }
}
