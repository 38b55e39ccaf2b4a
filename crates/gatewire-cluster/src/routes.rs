//! Which link leads to a node.
//!
//! An edge of the graph is there when both ends list each other: so the links of a node that has died
//! vanish with the first record of any neighbour, and what an old record says of a link that
//! is down is not believed. It costs the larger of what the two ends say.
//!
//! Among equal ways a flow takes the one that hash(this node, origin, flow) chooses. So a flow keeps its
//! path as long as the routes stay, and two routers in a row do not choose alike.
//!
//! The paths of one flow to several nodes make a tree: they do not meet again once they have parted. If a path to `d`
//! by link `a` and one to `e` by link `b` met at a node, that could be reached equally well by both links, and so could
//! `d` and `e` behind it. Both links were in both sets then, and of sets with the same two links [`LinkSet::choose`]
//! does not choose one here and the other there.

use gatewire_codec::v3::control::NodeId;
use rustc_hash::FxHashMap;

use crate::link_set::{LinkId, LinkSet};
use crate::link_state::{Database, Links, Record};
use crate::paths::{Edge, Graph, Path, Start, shortest_paths};
use crate::random::mix;
use crate::rules::BOTH_ENDS;

/// An own link over which frames can go.
pub(crate) struct OwnLink {
    pub(crate) link: LinkId,
    pub(crate) neighbour: NodeId,
    /// The larger of what the two ends say.
    pub(crate) cost: u16,
}

/// The way to each node that can be reached.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Routes {
    paths: FxHashMap<NodeId, Path>,
}

impl Routes {
    /// Computes all routes of the node `own`.
    pub(crate) fn compute(own: NodeId, links: &[OwnLink], database: &Database) -> Self {
        let others: Vec<(NodeId, &Links)> = database
            .iter()
            .filter(|(id, _)| *id != own)
            .filter_map(|(id, node)| Some((id, node.record.as_ref().and_then(Record::links)?)))
            .collect();
        let indices: FxHashMap<NodeId, u32> =
            others.iter().map(|(id, _)| *id).zip(0_u32..).collect();
        let paths =
            shortest_paths(&graph(&others, &indices), &starts(own, links, &others, &indices));
        let reached = others.iter().zip(paths).filter(|(_, path)| path.exists());
        Self { paths: reached.map(|((id, _), path)| (*id, path)).collect() }
    }

    /// The way to `node`, if there is one.
    pub(crate) fn path(&self, node: NodeId) -> Option<&Path> {
        self.paths.get(&node)
    }

    /// The link by which a flow of `origin` goes from the node `own` to `node`: one of `up`.
    pub(crate) fn next_hop(
        &self,
        own: NodeId,
        node: NodeId,
        origin: NodeId,
        flow: u8,
        up: &LinkSet,
    ) -> Option<LinkId> {
        let links = self.path(node)?.links.intersection(up);
        let hash = mix(mix(own.to_bits()) ^ mix(origin.to_bits() ^ u64::from(flow) << 48));
        links.choose(hash)
    }
}

/// The graph of all other nodes, with the edges that both ends list.
fn graph(others: &[(NodeId, &Links)], indices: &FxHashMap<NodeId, u32>) -> Graph {
    let mut graph = Graph::new();
    for &(id, links) in others {
        let edges = links.neighbours().chunk_by(|one, other| one.node == other.node);
        let edges = edges.filter_map(|parallel| {
            // The first of parallel links is the cheapest.
            let there = parallel.first()?;
            let &to = indices.get(&there.node.id())?;
            let back = others[to as usize].1.cost_to(id);
            let back = if BOTH_ENDS { back? } else { there.cost };
            Some(Edge { to, cost: there.cost.max(back) })
        });
        graph.add_node(!links.flags.overload, edges);
    }
    graph
}

/// The neighbours that list this node, each with the cheapest of the links that lead there.
fn starts(
    own: NodeId,
    links: &[OwnLink],
    others: &[(NodeId, &Links)],
    indices: &FxHashMap<NodeId, u32>,
) -> Vec<Start> {
    let mut starts: Vec<Start> = Vec::new();
    for link in links {
        let Some(&node) = indices.get(&link.neighbour) else { continue };
        if others[node as usize].1.cost_to(own).is_some() || !BOTH_ENDS {
            starts.push(Start { node, cost: link.cost, links: LinkSet::of(link.link) });
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gatewire_codec::v3::control::{Incarnation, NodeFlags};

    use super::*;
    use crate::identity::NodeName;
    use crate::link_state::{Adjacency, LIFETIME};

    fn name(text: &str) -> NodeName {
        NodeName::new("c", text).unwrap()
    }

    /// Records of nodes with their neighbours and costs.
    fn database(records: &[(&str, &[(&str, u16)])]) -> Database {
        let mut database = Database::new(99);
        for (node, neighbours) in records {
            let adjacency =
                |&(text, cost): &(&str, u16)| Adjacency { node: name(text), link: 0, cost };
            let neighbours = neighbours.iter().map(adjacency).collect();
            let record = Record {
                incarnation: Incarnation::new(1, 1),
                sequence: 1,
                expires: LIFETIME,
                links: Some(Links::new(NodeFlags::default(), 0, neighbours)),
            };
            database.accept(Duration::ZERO, &name(node), record);
        }
        database
    }

    fn link(number: u8, neighbour: &str, cost: u16) -> OwnLink {
        OwnLink { link: LinkId(number), neighbour: name(neighbour).id(), cost }
    }

    fn cost(routes: &Routes, node: &str) -> Option<u32> {
        routes.path(name(node).id()).map(|path| path.cost)
    }

    #[test]
    fn a_link_counts_only_when_both_ends_list_it() {
        let own = name("own").id();
        let known: &[(&str, &[(&str, u16)])] =
            &[("a", &[("own", 1), ("b", 1)]), ("b", &[]), ("c", &[("b", 1)])];
        let routes = Routes::compute(own, &[link(0, "a", 1), link(1, "c", 1)], &database(known));
        assert_eq!(cost(&routes, "a"), Some(1));
        assert_eq!(cost(&routes, "b"), None);
        assert_eq!(cost(&routes, "c"), None);
    }

    #[test]
    fn an_edge_costs_the_larger_of_what_its_ends_say() {
        let own = name("own").id();
        let known: &[(&str, &[(&str, u16)])] =
            &[("a", &[("own", 1), ("b", 2)]), ("b", &[("a", 7)])];
        let routes = Routes::compute(own, &[link(0, "a", 1)], &database(known));
        assert_eq!(cost(&routes, "b"), Some(8));
    }

    #[test]
    fn a_flow_keeps_its_link_and_flows_spread_over_equal_ones() {
        let own = name("own").id();
        let target = name("a").id();
        let known: &[(&str, &[(&str, u16)])] = &[("a", &[("own", 1)])];
        let links = [link(0, "a", 1), link(1, "a", 1), link(2, "a", 9)];
        let routes = Routes::compute(own, &links, &database(known));
        let mut up = LinkSet::default();
        for number in 0..3 {
            up.insert(LinkId(number));
        }
        let hop = |flow, up: &LinkSet| routes.next_hop(own, target, own, flow, up);
        let origins = (0..5).map(NodeId::from_bits);
        let flows = origins.flat_map(|origin| (0..200).map(move |flow| (origin, flow)));
        let taken: Vec<_> = flows
            .filter_map(|(origin, flow)| routes.next_hop(own, target, origin, flow, &up))
            .collect();
        let second = taken.iter().filter(|link| **link == LinkId(1)).count();
        assert_eq!(taken.len(), 1000);
        assert!(!taken.contains(&LinkId(2)));
        assert!((400..600).contains(&second), "{second} of 1,000 took the second link");
        assert_eq!(hop(3, &up), hop(3, &up));
        assert_eq!(hop(3, &LinkSet::of(LinkId(1))), Some(LinkId(1)));
        assert_eq!(hop(3, &LinkSet::default()), None);
    }
}
