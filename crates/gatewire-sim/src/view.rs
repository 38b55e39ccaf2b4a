//! What an invariant sees: all nodes, and the network as it truly is.

use crate::clock::Time;
use crate::link::State;
use crate::network::Network;
use crate::node::Node;
use crate::report::Tally;
use crate::topology::{LinkIndex, NodeIndex};

/// A simulation at one moment, to be looked at.
pub struct View<'a, N: Node> {
    pub(crate) nodes: &'a [Slot<N>],
    pub(crate) network: &'a Network<N::Message>,
}

/// The place of a node.
pub(crate) enum Slot<N> {
    Running(N),
    /// It has crashed; this is how it was.
    Down(Option<N>),
}

impl<'a, N: Node> View<'a, N> {
    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.network.now
    }

    /// A node; `None` while it is down.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> Option<&'a N> {
        match self.nodes.get(index.at())? {
            Slot::Running(node) => Some(node),
            Slot::Down(_) => None,
        }
    }

    /// All nodes that run, in order.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeIndex, &'a N)> + use<'a, N> {
        (0..).map(NodeIndex).zip(self.nodes).filter_map(|(index, slot)| match slot {
            Slot::Running(node) => Some((index, node)),
            Slot::Down(_) => None,
        })
    }

    /// Whether there is a connection over this link, whatever its ends believe.
    #[must_use]
    pub fn is_connected(&self, link: LinkIndex) -> bool {
        self.network.links[link.at()].state == State::Connected
    }

    /// All links that have a connection, with their two ends, in order.
    pub fn connections(&self) -> impl Iterator<Item = (LinkIndex, [NodeIndex; 2])> + use<'a, N> {
        (0..).map(LinkIndex).zip(&self.network.links).filter_map(|(index, link)| {
            let [one, other] = &link.ends;
            (link.state == State::Connected).then_some((index, [one.node, other.node]))
        })
    }

    /// Which nodes that run can reach one another: groups in the order of their first nodes, and the
    /// nodes of a group in order.
    #[must_use]
    pub fn components(&self) -> Vec<Vec<NodeIndex>> {
        let mut neighbours = vec![Vec::new(); self.nodes.len()];
        for (_, [one, other]) in self.connections() {
            neighbours[one.at()].push(other);
            neighbours[other.at()].push(one);
        }
        let mut seen = vec![false; self.nodes.len()];
        let mut components = Vec::new();
        for (start, _) in self.nodes() {
            if seen[start.at()] {
                continue;
            }
            seen[start.at()] = true;
            let mut component = vec![start];
            let mut next = 0;
            while let Some(node) = component.get(next) {
                next += 1;
                for neighbour in &neighbours[node.at()] {
                    if !std::mem::replace(&mut seen[neighbour.at()], true) {
                        component.push(*neighbour);
                    }
                }
            }
            component.sort_unstable();
            components.push(component);
        }
        components
    }

    /// What was sent over a link towards its end at `to` since the begin, lost messages included.
    ///
    /// # Panics
    ///
    /// When the link has no end there.
    #[must_use]
    pub fn sent(&self, link: LinkIndex, to: NodeIndex) -> Tally {
        let link = &self.network.links[link.at()];
        link.ways[link.side(to)].sent
    }
}
