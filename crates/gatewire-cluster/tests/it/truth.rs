//! What routers should know when all is quiet, computed from the network itself.

use std::collections::{BTreeMap, BTreeSet};

use gatewire_cluster::NodeId;

use crate::network::Network;

impl Network {
    /// What is wrong with what the routers know; empty when nothing is.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let costs = self.true_costs();
        for from in self.alive() {
            self.check_nodes(from, &costs, &mut wrong);
            self.check_rooms(from, &costs, &mut wrong);
            for &to in costs[&from].keys().filter(|to| **to != from) {
                wrong.extend(self.follow(from, to, &costs));
            }
        }
        wrong
    }

    #[track_caller]
    pub(crate) fn check(&self) {
        let wrong = self.violations();
        assert!(wrong.is_empty(), "{} violations, first: {}", wrong.len(), wrong[0]);
    }

    pub(crate) fn alive(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|&node| self.places[node].router.is_some()).collect()
    }

    /// Known nodes, their costs, and nothing of the unreachable.
    fn check_nodes(
        &self,
        from: usize,
        costs: &BTreeMap<usize, BTreeMap<usize, u32>>,
        wrong: &mut Vec<String>,
    ) {
        let router = self.places[from].router.as_ref().expect("the node is alive");
        let expected: BTreeMap<NodeId, u32> = costs[&from]
            .iter()
            .filter(|(to, _)| **to != from)
            .map(|(&to, &cost)| (self.id(to), cost))
            .collect();
        let found: BTreeMap<NodeId, u32> = router
            .nodes()
            .map(|node| (node.id(), router.cost_to(node.id()).unwrap_or_default()))
            .collect();
        if found != expected {
            let name = &self.places[from].name;
            wrong.push(format!("{name} reaches {found:?}, and it should be {expected:?}"));
        }
    }

    fn check_rooms(
        &self,
        from: usize,
        costs: &BTreeMap<usize, BTreeMap<usize, u32>>,
        wrong: &mut Vec<String>,
    ) {
        let router = self.places[from].router.as_ref().expect("the node is alive");
        let rooms: BTreeSet<String> = (0..9).map(|room| format!("room {room}")).collect();
        for room in &rooms {
            let others = costs[&from].keys().filter(|to| **to != from);
            let members = others.filter(|to| self.places[**to].members.contains_key(room));
            let expected: BTreeSet<NodeId> = members.map(|&to| self.id(to)).collect();
            let found: BTreeSet<NodeId> = router.destinations(room).collect();
            if found != expected {
                let name = &self.places[from].name;
                wrong.push(format!("{name} finds {room} at {found:?}, and it is at {expected:?}"));
            }
        }
    }

    /// Goes from node to node as a message would; each step costs what it should.
    fn follow(
        &self,
        from: usize,
        to: usize,
        costs: &BTreeMap<usize, BTreeMap<usize, u32>>,
    ) -> Option<String> {
        let (origin, target) = (self.id(from), self.id(to));
        let mut at = from;
        let mut cost = 0;
        for _ in 0..=self.places.len() {
            if at == to {
                let best = costs[&from][&to];
                let sentence = format!("a way from {from} to {to} costs {cost}, not {best}");
                return (cost != best).then_some(sentence);
            }
            let router = self.places[at].router.as_ref()?;
            let Some(link) = router.next_hop(target, origin, 7) else {
                return Some(format!("no way from {from} to {to} at {at}"));
            };
            let cable = &self.cables[usize::from(link.0)];
            cost += u32::from(cable.costs[0].max(cable.costs[1]));
            at = if cable.ends[0] == at { cable.ends[1] } else { cable.ends[0] };
        }
        Some(format!("the way from {from} to {to} is a loop"))
    }

    /// The cost from each living node to each that it reaches (Bellman and Ford).
    fn true_costs(&self) -> BTreeMap<usize, BTreeMap<usize, u32>> {
        let mut all = BTreeMap::new();
        for from in self.alive() {
            let mut costs = BTreeMap::from([(from, 0)]);
            loop {
                let before = costs.clone();
                for cable in self.cables.iter().filter(|cable| self.carries(cable)) {
                    let cost = u32::from(cable.costs[0].max(cable.costs[1]));
                    for [one, other] in [cable.ends, [cable.ends[1], cable.ends[0]]] {
                        if let Some(&known) = costs.get(&one) {
                            let known = known + cost;
                            let best = costs.entry(other).or_insert(known);
                            *best = known.min(*best);
                        }
                    }
                }
                if costs == before {
                    break;
                }
            }
            all.insert(from, costs);
        }
        all
    }
}
