//! What routers should know, computed from the network itself.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use gatewire_sim::{LinkIndex, NodeIndex, View};

use crate::cluster::Cluster;
use crate::station::Station;

/// The cluster as it truly is at one moment: who takes part, and over which links.
pub struct Truth {
    /// Of each node the neighbours and what the way to them costs, one for each link.
    neighbours: Vec<Vec<(NodeIndex, u32)>>,
    links: Vec<bool>,
    /// Those that take part and can reach one another.
    components: Vec<Vec<NodeIndex>>,
    /// Of each node the component, if it takes part.
    component_of: Vec<Option<usize>>,
}

impl Truth {
    /// Looks at all nodes and connections.
    #[must_use]
    pub fn of(view: &View<'_, Station>, cluster: &Cluster) -> Self {
        let nodes = cluster.topology().node_count() as usize;
        let takes_part = |node| view.node(node).is_some_and(Station::takes_part);
        let mut neighbours = vec![Vec::new(); nodes];
        let mut links = vec![false; cluster.topology().links().len()];
        for (link, [one, other]) in view.connections() {
            if takes_part(one) && takes_part(other) && !cluster.is_between_namesakes(link) {
                links[at(link.0)] = true;
                let cost = cluster.cost(link);
                neighbours[at(one.0)].push((other, cost));
                neighbours[at(other.0)].push((one, cost));
            }
        }
        let mut truth =
            Self { neighbours, links, components: Vec::new(), component_of: vec![None; nodes] };
        for node in cluster.topology().nodes().filter(|node| takes_part(*node)) {
            if truth.component_of[at(node.0)].is_none() {
                truth.add_component(node);
            }
        }
        truth
    }

    fn add_component(&mut self, first: NodeIndex) {
        let number = self.components.len();
        let mut component = vec![first];
        self.component_of[at(first.0)] = Some(number);
        let mut next = 0;
        while let Some(node) = component.get(next) {
            next += 1;
            for (neighbour, _) in &self.neighbours[at(node.0)] {
                if self.component_of[at(neighbour.0)].replace(number).is_none() {
                    component.push(*neighbour);
                }
            }
        }
        component.sort_unstable();
        self.components.push(component);
    }

    /// Groups of those that take part and can reach one another, in order.
    #[must_use]
    pub fn components(&self) -> &[Vec<NodeIndex>] {
        &self.components
    }

    /// All that `node` can reach, itself among them; nothing when it does not take part.
    #[must_use]
    pub fn component_of(&self, node: NodeIndex) -> &[NodeIndex] {
        self.component_of[at(node.0)].map_or(&[], |number| &self.components[number])
    }

    /// Whether frames go over this link, in both directions.
    #[must_use]
    pub fn carries(&self, link: LinkIndex) -> bool {
        self.links[at(link.0)]
    }

    /// The cost of the cheapest way from `from` to each node (Dijkstra, 1959).
    #[must_use]
    pub fn costs_from(&self, from: NodeIndex) -> Vec<Option<u32>> {
        self.search(from, |cost| cost)
    }

    /// The most links of a way with the fewest links, within a component.
    #[must_use]
    pub fn diameter(&self) -> u32 {
        let nodes = self.components.iter().flatten();
        nodes.flat_map(|node| self.search(*node, |_| 1)).flatten().max().unwrap_or_default()
    }

    /// How many frames it takes at most until all that `node` can reach have heard of something once:
    /// each link carries it in both directions, but for those by which each heard of it first.
    #[must_use]
    pub fn flood(&self, node: NodeIndex) -> u64 {
        let component = self.component_of(node);
        let ends: usize = component.iter().map(|node| self.neighbours[at(node.0)].len()).sum();
        (ends + 1).saturating_sub(component.len()) as u64
    }

    fn search(&self, from: NodeIndex, cost_of: impl Fn(u32) -> u32) -> Vec<Option<u32>> {
        let mut costs = vec![None; self.neighbours.len()];
        let mut heap = BinaryHeap::from([Reverse((0, from.0))]);
        while let Some(Reverse((cost, node))) = heap.pop() {
            let known = &mut costs[at(node)];
            if known.is_some() {
                continue;
            }
            *known = Some(cost);
            for (neighbour, more) in &self.neighbours[at(node)] {
                if costs[at(neighbour.0)].is_none() {
                    heap.push(Reverse((cost + cost_of(*more), neighbour.0)));
                }
            }
        }
        costs
    }
}

fn at(index: u32) -> usize {
    index as usize
}
