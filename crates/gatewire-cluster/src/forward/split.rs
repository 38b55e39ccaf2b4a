//! A set of nodes, by the links that lead to them.

use gatewire_codec::v3::control::{NodeId, NodeNumber};

use crate::link_set::LinkId;

/// A set of nodes that was split. Its memory is kept for the next one.
#[derive(Debug, Default)]
pub struct Split {
    branches: Vec<Branch>,
    /// How many of them are in use.
    used: usize,
    /// Nodes to which no link leads.
    pub unreachable: Vec<NodeId>,
    /// Nodes that lie farther away than the frame may go.
    pub expired: Vec<NodeId>,
}

/// The nodes behind one link.
#[derive(Debug)]
pub struct Branch {
    /// The link.
    pub link: LinkId,
    nodes: Vec<NodeId>,
    /// As the link numbers them, ascending.
    numbers: Vec<NodeNumber>,
}

impl Branch {
    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The same as the link numbers them, ascending.
    #[must_use]
    pub fn numbers(&self) -> &[NodeNumber] {
        &self.numbers
    }
}

impl Split {
    /// One for each link.
    #[must_use]
    pub fn branches(&self) -> &[Branch] {
        &self.branches[..self.used]
    }

    /// Forgets all nodes.
    pub fn clear(&mut self) {
        self.used = 0;
        self.unreachable.clear();
        self.expired.clear();
    }

    pub(super) fn add(&mut self, link: LinkId, node: NodeId, number: NodeNumber) {
        let known = self.branches[..self.used].iter().position(|branch| branch.link == link);
        let at = known.unwrap_or_else(|| {
            if let Some(spare) = self.branches.get_mut(self.used) {
                spare.link = link;
                spare.nodes.clear();
                spare.numbers.clear();
            } else {
                self.branches.push(Branch { link, nodes: Vec::new(), numbers: Vec::new() });
            }
            self.used += 1;
            self.used - 1
        });
        self.branches[at].nodes.push(node);
        self.branches[at].numbers.push(number);
    }

    pub(super) fn sort(&mut self) {
        for branch in &mut self.branches[..self.used] {
            branch.numbers.sort_unstable();
            // A neighbour may name a node twice, and two numbers may mean one.
            branch.numbers.dedup();
        }
    }

    /// Nobody behind a link gets it.
    pub(super) fn expire(&mut self) {
        for branch in &self.branches[..self.used] {
            self.expired.extend_from_slice(&branch.nodes);
        }
        self.used = 0;
    }
}
