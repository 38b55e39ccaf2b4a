//! Frames to links: numbers for nodes, and what goes to all.

use std::time::Duration;

use bytes::BytesMut;
use gatewire_codec::v3::control::{
    Control, LinkState, Neighbour, NodeId, NodeNumber, Purge, encode,
};

use super::{Event, Output, Router};
use crate::identity::NodeName;
use crate::link_set::LinkId;
use crate::numbers::Number;
use crate::rules::NUMBERING;

impl Router {
    /// Appends a frame to a link.
    pub(super) fn send(&mut self, link: LinkId, control: &Control<'_>) {
        let mut frame = BytesMut::new();
        encode(control, &mut frame).expect("names and lists are within their bounds here");
        self.outputs.push_back(Output::Send { link, frame: frame.freeze() });
    }

    /// The number of a node on a link, defined first if need be. `None` when the link is not up, or has
    /// no numbers left; then it is of no use any more.
    pub(super) fn number(&mut self, id: LinkId, node: &NodeName) -> Option<NodeNumber> {
        let link = self.links.get_mut(&id)?;
        match link.outgoing.number(node.id()) {
            Number::Known(number) => Some(number),
            Number::New(number) => {
                let definition = Control::NodeDef { number, id: node.id(), name: node.as_str() };
                self.send(id, &definition);
                Some(number)
            }
            Number::Exhausted => {
                self.emit(Event::LinkExhausted(id));
                None
            }
        }
    }

    /// The number of a node on a link, if it is defined there.
    pub(crate) fn known_number(&self, link: LinkId, node: NodeId) -> Option<NodeNumber> {
        self.links.get(&link)?.outgoing.known(node)
    }

    /// Defines all nodes on the links by which data may go: frames that are routed define none.
    pub(super) fn define_nodes(&mut self) {
        if !NUMBERING {
            return;
        }
        let nodes: Vec<NodeName> = self
            .database
            .iter()
            .filter(|(_, node)| node.record.is_some())
            .map(|(_, node)| node.name.clone())
            .collect();
        for link in self.adjacent.iter().collect::<Vec<_>>() {
            for node in &nodes {
                if self.number(link, node).is_none() {
                    break;
                }
            }
        }
    }

    /// All links but `arrival`.
    pub(super) fn links_but(&self, arrival: Option<LinkId>) -> Vec<LinkId> {
        self.links.keys().copied().filter(|&link| Some(link) != arrival).collect()
    }

    /// Hands the record of `node` on to all links but that of its arrival.
    pub(super) fn flood_record(&mut self, now: Duration, node: NodeId, arrival: Option<LinkId>) {
        for link in self.links_but(arrival) {
            self.send_record(now, link, node);
        }
    }

    /// Sends the record of `node`, or its purge, if there is one that holds for a second more.
    pub(super) fn send_record(&mut self, now: Duration, link: LinkId, node: NodeId) {
        let known = self.database.get(node);
        let Some((name, record)) =
            known.and_then(|node| Some((node.name.clone(), node.record.clone()?)))
        else {
            return;
        };
        let lifetime_s = record.lifetime_s(now);
        if lifetime_s == 0 {
            return;
        }
        let Some(node) = self.number(link, &name) else { return };
        let (incarnation, sequence) = record.order();
        let Some(links) = record.links() else {
            let purge = Purge { node, incarnation, sequence, lifetime_s };
            return self.send(link, &Control::Purge(purge));
        };
        let mut neighbours = Vec::with_capacity(links.neighbours().len());
        for adjacency in links.neighbours() {
            let Some(node) = self.number(link, &adjacency.node) else { return };
            neighbours.push(Neighbour { node, link: adjacency.link, cost: adjacency.cost });
        }
        let (flags, area) = (links.flags, links.area);
        let record = LinkState { node, incarnation, sequence, flags, lifetime_s, area, neighbours };
        self.send(link, &Control::LinkState(record));
    }
}
