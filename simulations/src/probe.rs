//! Events that are published at rest: each has to arrive everywhere, by the cheapest ways, on one tree.

use std::collections::BTreeSet;
use std::time::Duration;

use gatewire_cluster::NodeId;
use gatewire_sim::{LinkIndex, NodeIndex};

use crate::cluster::{Cluster, Room};
use crate::events::Audience;
use crate::ledger::{Fate, Outcome, Publish};
use crate::truth::Truth;
use crate::world::{Passed, World};

impl World {
    /// Publishes a few events while nothing else happens, and judges what became of them.
    ///
    /// # Errors
    ///
    /// What did not arrive as it should have.
    pub fn probe(&mut self) -> Passed {
        let truth = self.truth();
        let nodes = self.cluster().topology().node_count() as usize;
        let mut probes = Vec::new();
        for _ in 0..PROBES {
            let node = any_node(nodes, self.rng().index(nodes));
            let rooms = self.cluster().rooms().len();
            let room = self.rng().index(rooms);
            let audience = self.any_audience(room);
            let flow = u8::try_from(self.rng().below(FLOWS)).unwrap_or_default();
            if let Some(id) = self.publish(node, audience, flow) {
                let expected = self.expected(&truth, node, audience);
                probes.push((id, node, expected));
            }
        }
        let from = self.simulation.now();
        while self.cluster().ledger.borrow().is_open() && self.simulation.now() < from + LONGEST {
            self.simulation.run_for(STEP)?;
        }
        let cluster = self.cluster().clone();
        for (id, origin, expected) in probes {
            let publish = cluster.ledger.borrow_mut().close(id);
            self.simulation.check_now("what is published at rest arrives by one tree", |_| {
                let publish = publish.ok_or("nobody knows of it any more")?;
                judge(&publish, &expected, &truth.costs_from(origin), &cluster)
                    .map_err(|what| format!("publish {id} of {origin:?}: {what}"))
            })?;
        }
        Ok(())
    }

    /// A room in half of all cases.
    pub(crate) fn any_audience(&mut self, room: Room) -> Audience {
        let nodes = self.cluster().topology().node_count() as usize;
        match self.rng().below(4) {
            0 => Audience::Everyone,
            1 => Audience::Socket(any_node(nodes, self.rng().index(nodes))),
            _ => Audience::Room(room),
        }
    }

    /// Where an event has to arrive.
    fn expected(&self, truth: &Truth, origin: NodeIndex, audience: Audience) -> Vec<NodeIndex> {
        let view = self.simulation.view();
        let id = self.cluster().id(origin);
        let component = truth.component_of(origin).iter().copied();
        let others = component.filter(|node| self.cluster().id(*node) != id);
        let is_meant = |node: &NodeIndex| match audience {
            Audience::Everyone => true,
            Audience::Room(room) => view.node(*node).is_some_and(|at| at.has_members(room)),
            Audience::Socket(to) => self.cluster().id(*node) == self.cluster().id(to),
        };
        others.filter(is_meant).collect()
    }
}

fn judge(
    publish: &Publish,
    expected: &[NodeIndex],
    costs: &[Option<u32>],
    cluster: &Cluster,
) -> Outcome {
    let expected: BTreeSet<(NodeId, Option<u32>)> =
        expected.iter().map(|node| (cluster.id(*node), costs[node.0 as usize])).collect();
    for token in &publish.tokens {
        if token.fate() != Some(Fate::Delivered) {
            return Err(format!("for {:?} it is {:?}", token.node, token.fate()));
        }
    }
    let found: BTreeSet<(NodeId, Option<u32>)> =
        publish.tokens.iter().map(|token| (token.node, Some(token.cost))).collect();
    if found != expected {
        return Err(format!("it came to {found:?}, and was for {expected:?}, each with its cost"));
    }
    let links: BTreeSet<LinkIndex> = publish.copies.iter().map(|(link, _)| *link).collect();
    if links.len() < publish.copies.len() {
        return Err(format!("a link carried it twice: {:?}", publish.copies));
    }
    let nodes: BTreeSet<NodeIndex> = publish.copies.iter().map(|(_, to)| *to).collect();
    if nodes.len() < publish.copies.len() {
        return Err(format!("two copies came to one node: {:?}", publish.copies));
    }
    Ok(())
}

fn any_node(nodes: usize, index: usize) -> NodeIndex {
    NodeIndex(u32::try_from(index.min(nodes)).unwrap_or_default())
}

/// How many events are published at rest.
const PROBES: usize = 6;
/// Of how many flows.
const FLOWS: u64 = 4;
/// How long they may take: 29 links over the ocean, and queues of narrow links.
const LONGEST: Duration = Duration::from_secs(30);
/// How often it is looked whether all have arrived.
const STEP: Duration = Duration::from_millis(20);
