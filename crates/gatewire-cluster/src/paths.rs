//! Shortest paths with all equal ways (Dijkstra, 1959).
//!
//! Nodes are dense indices, edges lie one after the other in one array, and a binary heap holds what
//! was reached and is not settled. A node is settled when it is taken from the heap: then its
//! distance is final. So are the links by which it is reached, because each edge costs at least 1: all
//! that lies before it on an equal path is nearer and was settled earlier. Entries that were overtaken
//! stay in the heap and are passed over.
//!
//! The router itself is no node of the graph. The search starts with its neighbours, each reached by the
//! links that lead there; a node takes over the links of those before it. That gives the first hop of
//! all equally short paths, which is all that forwarding needs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::link_set::LinkSet;

/// A graph whose nodes are numbered from 0 up.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Where the edges of each node begin, and at the end where the last ones end.
    begins: Vec<usize>,
    edges: Vec<Edge>,
    transit: Vec<bool>,
}

/// An edge from a node to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Where it leads.
    pub to: u32,
    /// What it costs, at least 1. A cost of 0 counts as 1.
    pub cost: u16,
}

impl Graph {
    /// A graph without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self { begins: vec![0], edges: Vec::new(), transit: Vec::new() }
    }

    /// Adds the next node. With `transit` false, no path goes through it. Edges that lead to nodes which
    /// are never added lead nowhere.
    pub fn add_node(&mut self, transit: bool, edges: impl IntoIterator<Item = Edge>) {
        self.edges.extend(edges);
        self.begins.push(self.edges.len());
        self.transit.push(transit);
    }

    /// How many nodes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.transit.len()
    }

    /// Whether it has no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transit.is_empty()
    }

    fn edges_of(&self, node: usize) -> &[Edge] {
        if self.transit[node] { &self.edges[self.begins[node]..self.begins[node + 1]] } else { &[] }
    }
}

/// A neighbour of the router, with which the search begins.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// The neighbour.
    pub node: u32,
    /// What it costs to get there, at least 1.
    pub cost: u16,
    /// The links that lead there at that cost.
    pub links: LinkSet,
}

/// The way to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    /// The sum of the costs.
    pub cost: u32,
    /// The links with which a path of that cost begins. Empty when there is no path.
    pub links: LinkSet,
}

impl Path {
    const NONE: Self = Self { cost: u32::MAX, links: LinkSet([0; 4]) };

    /// Whether there is one.
    #[must_use]
    pub fn exists(&self) -> bool {
        !self.links.is_empty()
    }
}

/// The shortest paths from the router to all nodes of `graph`. Starts at nodes that are not in it
/// are passed over. Paths of more than 2^32 - 2 in all count as none.
#[must_use]
pub fn shortest_paths(graph: &Graph, starts: &[Start]) -> Vec<Path> {
    let mut paths = vec![Path::NONE; graph.len()];
    let mut heap = BinaryHeap::new();
    for start in starts {
        let cost = u32::from(start.cost.max(1));
        reach(&mut paths, &mut heap, start.node, cost, &start.links);
    }
    while let Some(Reverse((cost, node))) = heap.pop() {
        let index = node as usize;
        if paths[index].cost < cost {
            continue;
        }
        let links = paths[index].links;
        for edge in graph.edges_of(index) {
            let cost = cost.saturating_add(u32::from(edge.cost.max(1)));
            reach(&mut paths, &mut heap, edge.to, cost, &links);
        }
    }
    paths
}

/// Notes a path to `node`, when it is as short as the shortest known.
fn reach(
    paths: &mut [Path],
    heap: &mut BinaryHeap<Reverse<(u32, u32)>>,
    node: u32,
    cost: u32,
    links: &LinkSet,
) {
    let Some(path) = paths.get_mut(node as usize) else { return };
    if cost < path.cost {
        *path = Path { cost, links: *links };
        heap.push(Reverse((cost, node)));
    } else if cost == path.cost && cost != u32::MAX {
        path.links.extend(links);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::link_set::LinkId;

    fn start(node: u32, cost: u16, link: u8) -> Start {
        Start { node, cost, links: LinkSet::of(LinkId(link)) }
    }

    fn graph(nodes: u32, edges: &[(u32, u32, u16)]) -> Graph {
        let mut graph = Graph::new();
        for node in 0..nodes {
            let out = edges.iter().filter(|edge| edge.0 == node);
            graph.add_node(true, out.map(|&(_, to, cost)| Edge { to, cost }));
        }
        graph
    }

    fn links(path: &Path) -> Vec<u8> {
        path.links.iter().map(|link| link.0).collect()
    }

    #[test]
    fn equal_paths_are_all_kept_and_longer_ones_are_not() {
        // 0 and 1 lead to 2 at equal cost, 3 leads there too, but for more.
        let graph = graph(5, &[(0, 2, 2), (1, 2, 1), (3, 2, 5), (2, 4, 1)]);
        let paths = shortest_paths(&graph, &[start(0, 1, 10), start(1, 2, 11), start(3, 1, 13)]);
        assert_eq!((paths[2].cost, links(&paths[2])), (3, vec![10, 11]));
        assert_eq!((paths[4].cost, links(&paths[4])), (4, vec![10, 11]));
        assert_eq!((paths[3].cost, links(&paths[3])), (1, vec![13]));
    }

    #[test]
    fn nothing_goes_through_a_node_that_asks_for_it() {
        let mut graph = Graph::new();
        graph.add_node(false, [Edge { to: 1, cost: 1 }]);
        graph.add_node(true, []);
        let paths = shortest_paths(&graph, &[start(0, 1, 0)]);
        assert!(paths[0].exists());
        assert!(!paths[1].exists());
    }

    #[test]
    fn what_is_not_in_the_graph_is_passed_over() {
        let graph = graph(1, &[(0, 7, 1)]);
        let paths = shortest_paths(&graph, &[start(0, 1, 0), start(9, 1, 1)]);
        assert_eq!(paths.len(), 1);
        assert_eq!(shortest_paths(&Graph::new(), &[start(0, 1, 0)]), []);
    }

    /// Bellman and Ford's way: relax everything until nothing changes.
    fn naive(nodes: u32, edges: &[(u32, u32, u16)], starts: &[Start]) -> Vec<Path> {
        let mut paths = vec![Path::NONE; nodes as usize];
        let better = |path: &mut Path, cost: u32, links: &LinkSet| {
            let before = *path;
            if cost < path.cost {
                *path = Path { cost, links: *links };
            } else if cost == path.cost {
                path.links.extend(links);
            }
            before != *path
        };
        for start in starts {
            better(&mut paths[start.node as usize], u32::from(start.cost), &start.links);
        }
        loop {
            let mut changed = false;
            for &(from, to, cost) in edges {
                let path = paths[from as usize];
                if path.exists() {
                    let cost = path.cost + u32::from(cost);
                    changed |= better(&mut paths[to as usize], cost, &path.links);
                }
            }
            if !changed {
                return paths;
            }
        }
    }

    proptest! {
        #[test]
        fn paths_are_those_of_the_simplest_algorithm(
            edges in prop::collection::vec((0..12_u32, 0..12_u32, 1..5_u16), 0..40),
            starts in prop::collection::vec((0..12_u32, 1..5_u16), 1..5),
        ) {
            let starts: Vec<Start> =
                (0..).zip(&starts).map(|(link, &(node, cost))| start(node, cost, link)).collect();
            let found = shortest_paths(&graph(12, &edges), &starts);
            prop_assert_eq!(found, naive(12, &edges, &starts));
        }
    }
}
