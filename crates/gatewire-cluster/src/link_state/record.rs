//! What a node says of its own links.

use std::time::Duration;

use gatewire_codec::v3::control::{Incarnation, NodeFlags, NodeId};

use crate::identity::NodeName;

/// The newest that is known of a node's links.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) incarnation: Incarnation,
    pub(crate) sequence: u64,
    /// When it holds no longer.
    pub(crate) expires: Duration,
    /// `None` for a purge: the node has left for good.
    pub(crate) links: Option<Links>,
}

/// The part of a record that a purge has not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    pub(crate) flags: NodeFlags,
    pub(crate) area: u16,
    /// By the neighbour's id, then by the cost.
    neighbours: Vec<Adjacency>,
}

/// One link of a record.
#[derive(Debug, Clone)]
pub(crate) struct Adjacency {
    pub(crate) node: NodeName,
    pub(crate) link: u8,
    pub(crate) cost: u16,
}

impl Record {
    /// By this, the higher is the newer.
    pub(crate) fn order(&self) -> (Incarnation, u64) {
        (self.incarnation, self.sequence)
    }

    /// What it says of links, unless it is a purge.
    pub(crate) fn links(&self) -> Option<&Links> {
        self.links.as_ref()
    }

    pub(crate) fn is_purge(&self) -> bool {
        self.links.is_none()
    }

    /// For how many whole seconds it holds from `now` on.
    pub(crate) fn lifetime_s(&self, now: Duration) -> u32 {
        u32::try_from(self.expires.saturating_sub(now).as_secs()).unwrap_or(u32::MAX)
    }
}

impl Links {
    pub(crate) fn new(flags: NodeFlags, area: u16, mut neighbours: Vec<Adjacency>) -> Self {
        neighbours.sort_by_key(|adjacency| (adjacency.node.id(), adjacency.cost, adjacency.link));
        Self { flags, area, neighbours }
    }

    /// All of them, by the neighbour's id.
    pub(crate) fn neighbours(&self) -> &[Adjacency] {
        &self.neighbours
    }

    /// What the cheapest link to `node` costs; `None` when none is listed.
    pub(crate) fn cost_to(&self, node: NodeId) -> Option<u16> {
        let first = self.neighbours.partition_point(|adjacency| adjacency.node.id() < node);
        let cheapest = self.neighbours.get(first)?;
        (cheapest.node.id() == node).then_some(cheapest.cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_parallel_links_the_cheapest_counts() {
        let name = |text| NodeName::new("c", text).unwrap();
        let adjacency = |text, link, cost| Adjacency { node: name(text), link, cost };
        let neighbours = vec![adjacency("a", 1, 9), adjacency("b", 2, 4), adjacency("a", 3, 5)];
        let links = Links::new(NodeFlags::default(), 0, neighbours);
        assert_eq!(links.cost_to(name("a").id()), Some(5));
        assert_eq!(links.cost_to(name("b").id()), Some(4));
        assert_eq!(links.cost_to(name("c").id()), None);
    }
}
