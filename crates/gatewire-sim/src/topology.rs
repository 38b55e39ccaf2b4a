//! Which nodes there are, and which links join them.

use std::collections::VecDeque;

use crate::rng::Rng;

/// A node of a simulation, from 0. It stays the same over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u32);

/// A link of a simulation, from 0. It stays the same when it is lost and comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkIndex(pub u32);

impl NodeIndex {
    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

impl LinkIndex {
    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

/// A graph of nodes and links. Two nodes may share several links; no link joins a node to itself.
///
/// ```
/// use gatewire_sim::{NodeIndex, Rng, Topology};
///
/// assert_eq!(Topology::ring(6).diameter(), Some(3));
/// assert_eq!(Topology::grid(4, 3).links().len(), 17);
/// let random = Topology::random(100, 4, &mut Rng::new(1));
/// assert_eq!((random.links().len(), random.is_connected()), (200, true));
/// let own = Topology::new(3).link(NodeIndex(0), NodeIndex(1)).link(NodeIndex(0), NodeIndex(1));
/// assert!(!own.is_connected());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    nodes: u32,
    links: Vec<[NodeIndex; 2]>,
}

impl Topology {
    /// So many nodes and no link.
    #[must_use]
    pub fn new(nodes: u32) -> Self {
        Self { nodes, links: Vec::new() }
    }

    /// The same with one more link, whose index is the number of links before.
    ///
    /// # Panics
    ///
    /// When a node does not exist, or both are one.
    #[must_use]
    pub fn link(mut self, one: NodeIndex, other: NodeIndex) -> Self {
        self.add(one.0, other.0);
        self
    }

    /// Each node linked to the next.
    #[must_use]
    pub fn line(nodes: u32) -> Self {
        let mut line = Self::new(nodes);
        for next in 1..nodes {
            line.add(next - 1, next);
        }
        line
    }

    /// A line whose ends are linked, from three nodes on.
    #[must_use]
    pub fn ring(nodes: u32) -> Self {
        let mut ring = Self::line(nodes);
        if nodes > 2 {
            ring.add(nodes - 1, 0);
        }
        ring
    }

    /// A ring with one link across it, from four nodes on.
    #[must_use]
    pub fn ring_with_chord(nodes: u32) -> Self {
        let mut ring = Self::ring(nodes);
        if nodes > 3 {
            ring.add(0, nodes / 2);
        }
        ring
    }

    /// Node 0 linked to each other node.
    #[must_use]
    pub fn star(nodes: u32) -> Self {
        let mut star = Self::new(nodes);
        for leaf in 1..nodes {
            star.add(0, leaf);
        }
        star
    }

    /// Each node linked to each other.
    #[must_use]
    pub fn full(nodes: u32) -> Self {
        let mut full = Self::new(nodes);
        for one in 0..nodes {
            for other in one + 1..nodes {
                full.add(one, other);
            }
        }
        full
    }

    /// A rectangle; the node in column `x` of row `y` is `y * width + x`.
    #[must_use]
    pub fn grid(width: u32, height: u32) -> Self {
        let mut grid = Self::new(width * height);
        for node in 0..width * height {
            if (node + 1) % width != 0 {
                grid.add(node, node + 1);
            }
            if node + width < width * height {
                grid.add(node, node + width);
            }
        }
        grid
    }

    /// A random connected graph: a random tree, and then links between random nodes, no two of them
    /// alike, until there are `nodes * degree / 2` or no pair is left.
    #[must_use]
    pub fn random(nodes: u32, degree: u32, rng: &mut Rng) -> Self {
        let mut graph = Self::new(nodes);
        let mut order: Vec<u32> = (0..nodes).collect();
        rng.shuffle(&mut order);
        for (joined, &node) in order.iter().enumerate().skip(1) {
            graph.add(order[rng.index(joined)], node);
        }
        let pairs = u64::from(nodes) * u64::from(nodes.saturating_sub(1)) / 2;
        let wanted = (u64::from(nodes) * u64::from(degree) / 2).min(pairs);
        let mut neighbours = vec![Vec::new(); order.len()];
        for [one, other] in &graph.links {
            neighbours[one.at()].push(other.0);
            neighbours[other.at()].push(one.0);
        }
        while (graph.links.len() as u64) < wanted {
            let (one, other) = (rng.index(order.len()), rng.index(order.len()));
            let (first, second) = (order[one], order[other]);
            if first != second && !neighbours[first as usize].contains(&second) {
                neighbours[first as usize].push(second);
                neighbours[second as usize].push(first);
                graph.add(first, second);
            }
        }
        graph
    }

    /// How many nodes there are.
    #[must_use]
    pub fn node_count(&self) -> u32 {
        self.nodes
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        (0..self.nodes).map(NodeIndex)
    }

    /// The two ends of each link, in the order of their indices.
    #[must_use]
    pub fn links(&self) -> &[[NodeIndex; 2]] {
        &self.links
    }

    /// The first link between two nodes, if there is one.
    #[must_use]
    pub fn between(&self, one: NodeIndex, other: NodeIndex) -> Option<LinkIndex> {
        let position =
            self.links.iter().position(|ends| *ends == [one, other] || *ends == [other, one])?;
        u32::try_from(position).ok().map(LinkIndex)
    }

    /// Whether there is a path from each node to each other.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.diameter().is_some()
    }

    /// The most links on a shortest path between two nodes; `None` when there are nodes without a
    /// path between them. The time it takes grows with nodes times links.
    #[must_use]
    pub fn diameter(&self) -> Option<u32> {
        let mut neighbours = vec![Vec::new(); self.nodes as usize];
        for [one, other] in &self.links {
            neighbours[one.at()].push(*other);
            neighbours[other.at()].push(*one);
        }
        let mut longest = 0;
        for start in self.nodes() {
            longest = longest.max(farthest(start, &neighbours)?);
        }
        Some(longest)
    }

    fn add(&mut self, one: u32, other: u32) {
        assert!(one < self.nodes && other < self.nodes, "a link needs two nodes of the topology");
        assert_ne!(one, other, "a link joins two different nodes");
        self.links.push([NodeIndex(one), NodeIndex(other)]);
    }
}

/// The most links from `start` to any node; `None` when one cannot be reached.
fn farthest(start: NodeIndex, neighbours: &[Vec<NodeIndex>]) -> Option<u32> {
    let mut distances = vec![None; neighbours.len()];
    distances[start.at()] = Some(0);
    let mut next = VecDeque::from([(start, 0)]);
    let mut last = 0;
    while let Some((node, distance)) = next.pop_front() {
        last = distance;
        for neighbour in &neighbours[node.at()] {
            let known = &mut distances[neighbour.at()];
            if known.is_none() {
                *known = Some(distance + 1);
                next.push_back((*neighbour, distance + 1));
            }
        }
    }
    distances.iter().all(Option::is_some).then_some(last)
}
