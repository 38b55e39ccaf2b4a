//! What is known of each node: its newest record, and its rooms.
//!
//! Each node originates one record of all its links, numbered by (incarnation, sequence). The database
//! keeps the highest that it has seen, and takes nothing else: so copies may come late, twice and by
//! any way, and all databases still end up the same. A node that leaves for good has a purge in the
//! place of its record, ordered in the same way, so that older copies find no room to come back.
//!
//! A record holds for its lifetime, 60 minutes, and its node renews it after 30. The lifetime counts
//! down as a record is handed on, in whole seconds and always down, so that one that nobody renews
//! dies everywhere. A node that has not been reachable for 10 minutes is forgotten sooner; until then it is
//! kept, unused, because a partition that heals is the usual end.
//!
//! The bound is a number of nodes. At the bound what is said of further nodes is not taken, and
//! counted.

mod digest;
mod record;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use gatewire_codec::v3::control::NodeId;

pub(crate) use digest::{Digests, Stamp, bucket};
pub(crate) use record::{Adjacency, Links, Record};

use crate::identity::NodeName;
use crate::interest::RoomSet;

/// For how long a record holds unless it is renewed.
pub(crate) const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// For how long a node that cannot be reached is kept.
pub(crate) const KEPT_UNREACHABLE: Duration = Duration::from_secs(10 * 60);

/// What is known of one node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: NodeName,
    /// None while only rooms have come.
    pub(crate) record: Option<Record>,
    pub(crate) rooms: RoomSet,
    /// Since when no path leads to it; `None` while one does.
    pub(crate) unreachable_since: Option<Duration>,
}

impl Node {
    /// What of it is newest here.
    pub(crate) fn stamp(&self) -> Stamp {
        let (incarnation, sequence) = self.record.as_ref().map(Record::order).unwrap_or_default();
        Stamp { incarnation, sequence, rooms: self.rooms.order() }
    }

    /// When it is to be forgotten, unless something happens before.
    fn end(&self) -> Option<Duration> {
        let expires = self.record.as_ref().map(|record| record.expires);
        let purged = self.record.as_ref().is_some_and(Record::is_purge);
        // A purge is of use as long as there may be older records.
        let unused = self.unreachable_since.filter(|_| !purged).map(|at| at + KEPT_UNREACHABLE);
        expires.into_iter().chain(unused).min()
    }
}

/// All nodes, this router's own among them.
#[derive(Debug)]
pub(crate) struct Database {
    nodes: BTreeMap<NodeId, Node>,
    most: usize,
    /// No node ends before.
    next_end: Option<Duration>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It is the newest now.
    Newer,
    /// One as new was there.
    NotNewer,
    /// There is no room for another node.
    Full,
}

impl Database {
    /// With room for `most` nodes.
    pub(crate) fn new(most: usize) -> Self {
        Self { nodes: BTreeMap::new(), most, next_end: None }
    }

    pub(crate) fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(&id)
    }

    /// All nodes by their ids, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().map(|(&id, node)| (id, node))
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node, made if there is room for it.
    pub(crate) fn get_or_insert(&mut self, now: Duration, name: &NodeName) -> Option<&mut Node> {
        let full = self.nodes.len() >= self.most;
        match self.nodes.entry(name.id()) {
            Entry::Occupied(node) => Some(node.into_mut()),
            Entry::Vacant(_) if full => None,
            Entry::Vacant(place) => {
                let (name, rooms) = (name.clone(), RoomSet::default());
                let node = Node { name, record: None, rooms, unreachable_since: Some(now) };
                self.next_end = earlier(self.next_end, node.end());
                Some(place.insert(node))
            }
        }
    }

    /// Takes `record` when it is newer than what is there.
    pub(crate) fn accept(&mut self, now: Duration, name: &NodeName, record: Record) -> Accepted {
        let Some(node) = self.get_or_insert(now, name) else { return Accepted::Full };
        if node.record.as_ref().is_some_and(|old| old.order() >= record.order()) {
            return Accepted::NotNewer;
        }
        node.record = Some(record);
        let end = node.end();
        self.next_end = earlier(self.next_end, end);
        Accepted::Newer
    }

    /// Notes whether a path leads to the node.
    pub(crate) fn set_reachable(&mut self, now: Duration, id: NodeId, reachable: bool) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.unreachable_since = match node.unreachable_since {
            _ if reachable => None,
            None => Some(now),
            since => since,
        };
        let end = node.end();
        self.next_end = earlier(self.next_end, end);
    }

    /// When [`forget_ended`](Self::forget_ended) has something to look at.
    pub(crate) fn next_end(&self) -> Option<Duration> {
        self.next_end
    }

    /// Takes out all nodes whose time is over, but for `own`.
    pub(crate) fn forget_ended(&mut self, now: Duration, own: NodeId) -> Vec<(NodeId, Node)> {
        let over = |node: &Node| node.end().is_some_and(|end| end <= now);
        let ids: Vec<NodeId> =
            self.iter().filter(|(id, node)| *id != own && over(node)).map(|(id, _)| id).collect();
        let ended = ids.iter().filter_map(|id| self.nodes.remove_entry(id)).collect();
        let others = self.nodes.iter().filter(|(id, _)| **id != own);
        self.next_end = others.filter_map(|(_, node)| node.end()).min();
        ended
    }
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use gatewire_codec::v3::control::Incarnation;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn name(text: &str) -> NodeName {
        NodeName::new("c", text).unwrap()
    }

    fn record(counter: u32, sequence: u64, expires: Duration) -> Record {
        let links = Some(Links::default());
        Record { incarnation: Incarnation::new(counter, 0), sequence, expires, links }
    }

    #[test]
    fn only_what_is_newer_is_taken() {
        let mut database = Database::new(9);
        let accept = |database: &mut Database, counter, sequence| {
            database.accept(Duration::ZERO, &name("a"), record(counter, sequence, LIFETIME))
        };
        assert_eq!(accept(&mut database, 5, 2), Accepted::Newer);
        assert_eq!(accept(&mut database, 5, 2), Accepted::NotNewer);
        assert_eq!(accept(&mut database, 5, 1), Accepted::NotNewer);
        assert_eq!(accept(&mut database, 4, 9), Accepted::NotNewer);
        assert_eq!(accept(&mut database, 5, 3), Accepted::Newer);
        assert_eq!(accept(&mut database, 6, 1), Accepted::Newer);
    }

    #[test]
    fn a_full_database_takes_news_of_its_nodes_only() {
        let mut database = Database::new(1);
        let mut accept =
            |text, sequence| database.accept(MINUTE, &name(text), record(1, sequence, LIFETIME));
        assert_eq!(accept("a", 1), Accepted::Newer);
        assert_eq!(accept("b", 1), Accepted::Full);
        assert_eq!(accept("a", 2), Accepted::Newer);
    }

    #[test]
    fn a_node_is_forgotten_after_ten_minutes_out_of_reach_or_when_its_record_ends() {
        let own = name("own").id();
        let mut database = Database::new(9);
        for text in ["own", "reached", "lost"] {
            database.accept(Duration::ZERO, &name(text), record(1, 1, 60 * MINUTE));
        }
        database.set_reachable(MINUTE, name("reached").id(), true);
        assert_eq!(database.next_end(), Some(10 * MINUTE));
        assert!(database.forget_ended(9 * MINUTE, own).is_empty());
        let ended = database.forget_ended(10 * MINUTE, own);
        assert_eq!(ended.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [name("lost").id()]);
        assert_eq!(database.next_end(), Some(60 * MINUTE));
        let ended = database.forget_ended(60 * MINUTE, own);
        assert_eq!(ended.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [name("reached").id()]);
        assert_eq!(database.len(), 1);
    }

    #[test]
    fn a_purge_is_kept_for_its_whole_lifetime() {
        let mut database = Database::new(9);
        let purge = Record { links: None, ..record(1, 2, 60 * MINUTE) };
        database.accept(Duration::ZERO, &name("a"), purge);
        assert!(database.forget_ended(59 * MINUTE, name("own").id()).is_empty());
        assert_eq!(database.forget_ended(60 * MINUTE, name("own").id()).len(), 1);
    }
}
