//! Numbers for nodes on one link, so that a node costs one to three bytes in a frame, not nine.
//!
//! Each side numbers the nodes that it speaks of in the order of their first mention, from 0 up, and
//! defines each number before it uses it. The two directions know nothing of each other. Numbers
//! are never used again: they end with the link.

use gatewire_codec::v3::control::{NodeId, NodeNumber};
use rustc_hash::FxHashMap;

use crate::error::LinkError;
use crate::identity::NodeName;

/// How many nodes one direction of a link can number. Nodes come and go, so it is above the bound on
/// nodes known at one time; at the bound the link has to be made anew.
const MOST: usize = 1 << 18;

/// The numbers that this side gives.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    numbers: FxHashMap<NodeId, NodeNumber>,
}

/// The number of a node that is to be spoken of.
pub(crate) enum Number {
    /// The other side knows it.
    Known(NodeNumber),
    /// It has to be defined first.
    New(NodeNumber),
    /// There are no numbers left.
    Exhausted,
}

impl Outgoing {
    /// The number that a node has already.
    pub(crate) fn known(&self, id: NodeId) -> Option<NodeNumber> {
        self.numbers.get(&id).copied()
    }

    pub(crate) fn number(&mut self, id: NodeId) -> Number {
        if let Some(&number) = self.numbers.get(&id) {
            return Number::Known(number);
        }
        match NodeNumber::try_from(self.numbers.len()) {
            Ok(number) if self.numbers.len() < MOST => {
                self.numbers.insert(id, number);
                Number::New(number)
            }
            _ => Number::Exhausted,
        }
    }
}

/// The numbers that the other side gave.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    nodes: Vec<NodeName>,
}

impl Incoming {
    /// Takes a definition.
    pub(crate) fn define(&mut self, number: NodeNumber, node: NodeName) -> Result<(), LinkError> {
        if usize::try_from(number) != Ok(self.nodes.len()) {
            return Err(LinkError::NumberOutOfOrder { number });
        }
        if self.nodes.len() == MOST {
            return Err(LinkError::TooManyNumbers);
        }
        self.nodes.push(node);
        Ok(())
    }

    /// The node that `number` means.
    pub(crate) fn node(&self, number: NodeNumber) -> Result<&NodeName, LinkError> {
        let node = usize::try_from(number).ok().and_then(|number| self.nodes.get(number));
        node.ok_or(LinkError::UnknownNumber { number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_defined_at_its_first_mention_only() {
        let mut outgoing = Outgoing::default();
        let id = NodeId::from_bits;
        assert!(matches!(outgoing.number(id(9)), Number::New(0)));
        assert!(matches!(outgoing.number(id(8)), Number::New(1)));
        assert!(matches!(outgoing.number(id(9)), Number::Known(0)));
    }

    #[test]
    fn numbers_come_in_order_and_are_known_before_they_are_used() {
        let mut incoming = Incoming::default();
        let node = NodeName::new("c", "a").unwrap();
        let early = incoming.define(1, node.clone());
        assert_eq!(early, Err(LinkError::NumberOutOfOrder { number: 1 }));
        assert_eq!(incoming.node(0), Err(LinkError::UnknownNumber { number: 0 }));
        assert_eq!(incoming.define(0, node.clone()), Ok(()));
        assert_eq!(
            incoming.define(0, node.clone()),
            Err(LinkError::NumberOutOfOrder { number: 0 })
        );
        assert_eq!(incoming.node(0), Ok(&node));
    }
}
