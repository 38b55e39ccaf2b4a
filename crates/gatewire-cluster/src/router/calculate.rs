//! New routes, and what they mean for the nodes.

use std::collections::BTreeMap;
use std::time::Duration;

use gatewire_codec::v3::control::NodeId;

use super::{Event, Router, State};
use crate::identity::NodeName;
use crate::link_set::LinkSet;
use crate::link_state::LIFETIME;
use crate::routes::{OwnLink, Routes};
use crate::rules::RECHECKING;

/// From the moment when more can be reached to the comparison: so long that what is flooded has come, and
/// that a partition which heals is one comparison.
const RECHECK: Duration = Duration::from_secs(1);

impl Router {
    /// Computes all routes, and tells what has changed.
    pub(super) fn calculate(&mut self, now: Duration) {
        self.statistics.calculations += 1;
        let own = self.name.id();
        let links: Vec<OwnLink> = self
            .links
            .iter()
            .filter_map(|(&link, known)| {
                let cost = known.agreed_cost()?;
                Some(OwnLink { link, neighbour: known.neighbour.id(), cost })
            })
            .collect();
        let routes = Routes::compute(own, &links, &self.database);
        // Not before: a link may have the number of one that is lost, and whose ways are in the routes until now.
        self.adjacent = LinkSet::default();
        links.iter().for_each(|own| self.adjacent.insert(own.link));
        let reached: BTreeMap<NodeId, (NodeName, u32)> = self
            .database
            .iter()
            .filter(|(id, _)| routes.path(*id).is_some())
            .filter_map(|(id, node)| {
                let nonce = node.record.as_ref()?.incarnation.nonce();
                Some((id, (node.name.clone(), nonce)))
            })
            .collect();
        let ids: Vec<NodeId> = self.database.iter().map(|(id, _)| id).collect();
        for id in ids {
            self.database.set_reachable(now, id, id == own || reached.contains_key(&id));
        }
        self.define_nodes();
        let before = std::mem::replace(&mut self.reached, reached);
        self.by_name =
            self.reached.iter().map(|(id, (name, _))| (name.as_str().into(), *id)).collect();
        self.recheck_if_more_is_reached(now, &before);
        self.tell_nodes(&before);
        self.holders.touch_all();
        self.tell_watched();
        if routes != self.routes {
            self.routes = routes;
            self.emit(Event::RoutesChanged);
        }
    }

    /// Among what can be reached now may be what was forgotten here, and is nothing new to a neighbour.
    fn recheck_if_more_is_reached(
        &mut self,
        now: Duration,
        before: &BTreeMap<NodeId, (NodeName, u32)>,
    ) {
        let forgot = self.forgot.is_some_and(|at| now.saturating_sub(at) <= LIFETIME);
        if RECHECKING && forgot && self.reached.keys().any(|id| !before.contains_key(id)) {
            self.recheck.get_or_insert(now + RECHECK);
        }
    }

    /// Takes part no more: nobody can be reached from here.
    pub(super) fn stop(&mut self, state: State) {
        self.state = state;
        self.drop_untold_rooms();
        self.routes = Routes::default();
        self.by_name.clear();
        let before = std::mem::take(&mut self.reached);
        self.tell_nodes(&before);
        self.holders.touch_all();
        self.tell_watched();
    }

    fn tell_nodes(&mut self, before: &BTreeMap<NodeId, (NodeName, u32)>) {
        let is_in = |nodes: &BTreeMap<NodeId, (NodeName, u32)>, id: &NodeId, nonce: u32| {
            nodes.get(id).is_some_and(|(_, other)| *other == nonce)
        };
        let down = before.iter().filter(|(id, node)| !is_in(&self.reached, id, node.1));
        let up = self.reached.iter().filter(|(id, node)| !is_in(before, id, node.1));
        let down = down.map(|(_, node)| Event::NodeDown(node.0.clone()));
        let events: Vec<Event> =
            down.chain(up.map(|(_, node)| Event::NodeUp(node.0.clone()))).collect();
        for event in events {
            self.emit(event);
        }
    }
}
