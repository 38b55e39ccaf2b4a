//! What must hold when nothing happens any more, whole or broken.
//!
//! Each check is a sentence that is true of a cluster at rest, or one that says where it is not. They
//! look at each component by itself: what cannot be reached must not matter.

use std::collections::BTreeSet;
use std::time::Duration;

use gatewire_cluster::{NodeId, NodeName, Router};
use gatewire_sim::{NodeIndex, View};

use crate::cluster::Cluster;
use crate::station::Station;
use crate::truth::Truth;

type Outcome = Result<(), String>;

/// All of the below.
///
/// # Errors
///
/// The first thing that is not as it should be.
pub fn everybody_knows_the_truth(view: &View<'_, Station>, cluster: &Cluster) -> Outcome {
    let truth = Truth::of(view, cluster);
    names_are_unique(&truth, cluster)?;
    memory_is_bounded(view, cluster)?;
    for component in truth.components() {
        let component = Component::new(view, cluster, component);
        component.databases_are_equal(view)?;
        component.rooms_are_where_their_members_are(cluster)?;
        for at in 0..component.stations.len() {
            let costs = truth.costs_from(component.stations[at].0);
            component.nodes_are_those_of_the_component(at, &costs, cluster)?;
            component.routes_lead_there(at, &costs, cluster, &truth)?;
        }
    }
    Ok(())
}

/// Of those that can reach one another no two have one name: one of them has stopped.
fn names_are_unique(truth: &Truth, cluster: &Cluster) -> Outcome {
    for component in truth.components() {
        let mut ids = BTreeSet::new();
        if let Some(second) = component.iter().find(|node| !ids.insert(cluster.id(**node))) {
            return Err(format!("{} lives twice", cluster.name(*second)));
        }
    }
    Ok(())
}

/// Nobody remembers more nodes or rooms than there are.
fn memory_is_bounded(view: &View<'_, Station>, cluster: &Cluster) -> Outcome {
    let (nodes, rooms) = (cluster.topology().node_count() as usize, cluster.rooms().len());
    for (index, station) in view.nodes() {
        let router = station.router();
        let (known_nodes, known_rooms) = (router.known_nodes(), router.known_rooms());
        if known_nodes > nodes || known_rooms > rooms {
            let name = cluster.name(index);
            return Err(format!(
                "{name} remembers {known_nodes} nodes and {known_rooms} rooms, of {nodes} and {rooms}"
            ));
        }
    }
    Ok(())
}

/// Nodes that take part and can reach one another.
struct Component<'a> {
    stations: Vec<(NodeIndex, &'a Station)>,
    /// Ascending.
    ids: Vec<NodeId>,
}

impl<'a> Component<'a> {
    fn new(view: &View<'a, Station>, cluster: &Cluster, nodes: &[NodeIndex]) -> Self {
        let station = |node: &NodeIndex| Some((*node, view.node(*node)?));
        let mut ids: Vec<NodeId> = nodes.iter().map(|node| cluster.id(*node)).collect();
        ids.sort_unstable();
        Self { stations: nodes.iter().filter_map(station).collect(), ids }
    }

    /// All have the same of each node. What is out of reach is forgotten after ten minutes, by each in
    /// its own time; so it counts until then, and again when all have forgotten it.
    fn databases_are_equal(&self, view: &View<'_, Station>) -> Outcome {
        let Some((first, station)) = self.stations.first() else { return Ok(()) };
        let mut forgotten = self.stations.iter().map(|(_, station)| station.router().known_nodes());
        let all_forgot = forgotten.all(|known| known == self.ids.len());
        if view.now().elapsed() > KEPT && !all_forgot {
            return Ok(());
        }
        let digest = station.router().digest();
        let other = self.stations.iter().find(|(_, other)| other.router().digest() != digest);
        other.map_or(Ok(()), |(other, _)| {
            Err(format!("the databases of {first:?} and {other:?} are not the same"))
        })
    }

    /// Each finds the members of each room at all others that have some, and nowhere else.
    fn rooms_are_where_their_members_are(&self, cluster: &Cluster) -> Outcome {
        let mut with_members = vec![0; self.stations.len()];
        for (number, room) in cluster.rooms().iter().enumerate() {
            let holders: Vec<bool> =
                self.stations.iter().map(|(_, station)| station.has_members(number)).collect();
            let mut expected: Vec<NodeId> = self
                .stations
                .iter()
                .zip(&holders)
                .filter(|(_, holds)| **holds)
                .map(|((index, _), _)| cluster.id(*index))
                .collect();
            expected.sort_unstable();
            for (at, (index, station)) in self.stations.iter().enumerate() {
                let own = cluster.id(*index);
                let others = expected.iter().copied().filter(|id| *id != own);
                if !station.router().destinations(room).eq(others.clone()) {
                    let found: Vec<NodeId> = station.router().destinations(room).collect();
                    let expected: Vec<NodeId> = others.collect();
                    return Err(format!(
                        "{index:?} finds {room} at {found:?}, and it is at {expected:?}"
                    ));
                }
                with_members[at] += usize::from(expected.len() > usize::from(holders[at]));
            }
        }
        for ((index, station), rooms) in self.stations.iter().zip(with_members) {
            let router = station.router();
            let all_forgot = router.known_nodes() == self.ids.len();
            let known = router.known_rooms();
            if known < rooms || (all_forgot && known > rooms) {
                return Err(format!("{index:?} remembers {known} rooms, and there are {rooms}"));
            }
        }
        Ok(())
    }

    /// Each reaches all others for the cost of the cheapest way, has told so, and reaches nobody else.
    fn nodes_are_those_of_the_component(
        &self,
        at: usize,
        costs: &[Option<u32>],
        cluster: &Cluster,
    ) -> Outcome {
        let (index, station) = self.stations[at];
        let (own, router) = (cluster.id(index), station.router());
        let others = || self.ids.iter().copied().filter(|id| *id != own);
        if !router.nodes().map(NodeName::id).eq(others()) {
            let (found, expected) = (router.nodes().count(), self.ids.len() - 1);
            return Err(format!("{index:?} reaches {found} nodes, and they are {expected} others"));
        }
        if !station.told().iter().copied().eq(others()) {
            return Err(format!("the events of {index:?} tell of other nodes than it reaches"));
        }
        for to in cluster.topology().nodes().filter(|to| cluster.id(*to) != own) {
            let (id, expected) = (cluster.id(to), costs[to.0 as usize]);
            // The second node of a name that is reached.
            if expected.is_none() && self.ids.binary_search(&id).is_ok() {
                continue;
            }
            let found = router.cost_to(id);
            if found != expected {
                return Err(format!("{index:?} reaches {to:?} for {found:?}, not {expected:?}"));
            }
            if expected.is_none() && router.next_hop(id, own, 0).is_some() {
                return Err(format!("{index:?} has a way to {to:?}, which cannot be reached"));
            }
        }
        Ok(())
    }

    /// Whatever goes from here to another node arrives there, for what it should cost. So it meets no
    /// loop: each link costs at least 1.
    fn routes_lead_there(
        &self,
        at: usize,
        costs: &[Option<u32>],
        cluster: &Cluster,
        truth: &Truth,
    ) -> Outcome {
        let from = self.stations[at].0;
        // In a large cluster each first step is looked at, which by induction shows the same.
        let most = if self.stations.len() > FOLLOWED { 1 } else { self.stations.len() };
        for (to, _) in self.stations.iter().filter(|(to, _)| *to != from) {
            let flow = u8::try_from((from.0 * 31 + to.0) % FLOWS).unwrap_or_default();
            let mut place = from;
            let mut cost = 0;
            for _ in 0..most {
                if place == *to {
                    break;
                }
                let step = self.step(place, from, *to, flow, cluster, truth);
                let (next, more) =
                    step.ok_or_else(|| format!("no way from {from:?} to {to:?} at {place:?}"))?;
                place = next;
                cost += more;
            }
            let rest = if place == *to { Some(0) } else { self.cost_from(place, *to, cluster) };
            if rest.map(|rest| rest + cost) != costs[to.0 as usize] {
                let best = costs[to.0 as usize];
                return Err(format!(
                    "the way from {from:?} to {to:?} is at {place:?} after {cost} of {best:?}"
                ));
            }
        }
        Ok(())
    }

    /// Where the router at `place` sends a flow, and what that costs.
    fn step(
        &self,
        place: NodeIndex,
        from: NodeIndex,
        to: NodeIndex,
        flow: u8,
        cluster: &Cluster,
        truth: &Truth,
    ) -> Option<(NodeIndex, u32)> {
        let router = self.router(place)?;
        let link = router.next_hop(cluster.id(to), cluster.id(from), flow)?;
        let link = cluster.link_at(place, link).filter(|link| truth.carries(*link))?;
        Some((cluster.far_end(link, place), cluster.cost(link)))
    }

    /// In a large cluster, what is left of a way after its first step. It is compared with the truth of
    /// its own place when that is looked at. In a small one a way that is not there by now is a loop.
    fn cost_from(&self, place: NodeIndex, to: NodeIndex, cluster: &Cluster) -> Option<u32> {
        let large = self.stations.len() > FOLLOWED;
        self.router(place).filter(|_| large)?.cost_to(cluster.id(to))
    }

    fn router(&self, node: NodeIndex) -> Option<&Router> {
        let at = self.stations.binary_search_by_key(&node, |(index, _)| *index).ok()?;
        Some(self.stations[at].1.router())
    }
}

/// For how long what cannot be reached is kept, as `gatewire-cluster` says under its limits.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// Up to how many nodes each route is followed to its end.
const FOLLOWED: usize = 64;
/// How many flows are tried, over all pairs of nodes.
const FLOWS: u32 = 1 << 14;
