//! Frames from links, and what they say of nodes.

use std::time::Duration;

use gatewire_codec::v3::control::{Control, Incarnation, LinkState, NodeId, Purge, decode};

use super::{Event, Router, State};
use crate::error::LinkError;
use crate::identity::NodeName;
use crate::link_set::LinkId;
use crate::link_state::{Accepted, Adjacency, Links, Record};
use crate::rules::{FLOODING, NEW_LIFE_WITHOUT_ROOMS};

/// What is longer than any record may hold is cut to this, so that a wrong lifetime does not last.
const LONGEST_LIFETIME_S: u32 = 2 * 60 * 60;

impl Router {
    /// Takes one frame of a link, without its length prefix.
    ///
    /// # Errors
    ///
    /// [`LinkError`] when the neighbour broke the protocol; then the connection is to be closed and
    /// [`link_down`](Self::link_down) to be called.
    pub fn handle_frame(
        &mut self,
        now: Duration,
        link: LinkId,
        frame: &[u8],
    ) -> Result<(), LinkError> {
        if self.state != State::Running {
            // Routed frames still come until the link is closed, and name nodes that were defined just now.
            return match decode(frame)? {
                Control::NodeDef { number, id, name } if self.links.contains_key(&link) => {
                    self.handle_definition(link, number, id, name)
                }
                _ => Ok(()),
            };
        }
        let adjacent = self.links.get(&link).ok_or(LinkError::UnknownLink { link })?.is_adjacent();
        let handled = match decode(frame)? {
            Control::Hello(hello) => self.handle_hello(now, link, &hello),
            _ if !adjacent => Err(LinkError::HelloExpected),
            Control::NodeDef { number, id, name } => self.handle_definition(link, number, id, name),
            Control::LinkState(record) => self.handle_record(now, link, &record),
            Control::Purge(purge) => self.handle_purge(now, link, purge),
            Control::Buckets(buckets) => self.handle_buckets(link, &buckets),
            Control::Summary { bucket, entries } => {
                self.handle_summary(now, link, bucket, &entries)
            }
            Control::Request(items) => self.handle_request(now, link, &items),
            Control::InterestDelta(delta) => self.handle_delta(now, link, delta),
            Control::InterestSnapshot(part) => self.handle_snapshot(now, link, part),
            Control::Cost(cost) => self.handle_cost(now, link, cost),
        };
        self.tell_watched();
        handled
    }

    /// The node that a neighbour means by a number.
    pub(super) fn meant(&self, id: LinkId, number: u32) -> Result<NodeName, LinkError> {
        let link = self.links.get(&id).ok_or(LinkError::UnknownLink { link: id })?;
        link.incoming.node(number).cloned()
    }

    /// The id of the node that a neighbour means by a number.
    pub(crate) fn meant_id(&self, id: LinkId, number: u32) -> Result<NodeId, LinkError> {
        let link = self.links.get(&id).ok_or(LinkError::UnknownLink { link: id })?;
        link.incoming.node(number).map(NodeName::id)
    }

    fn handle_definition(
        &mut self,
        id: LinkId,
        number: u32,
        node: NodeId,
        name: &str,
    ) -> Result<(), LinkError> {
        // A name that is known is shared, and need not be hashed again.
        let known = self.database.get(node).map(|node| node.name.clone());
        let named = match known.filter(|known| known.as_str() == name) {
            Some(known) => known,
            None => NodeName::new(&self.config.cluster, name)
                .ok()
                .filter(|named| named.id() == node)
                .ok_or(LinkError::WrongId { id: node })?,
        };
        let link = self.links.get_mut(&id).ok_or(LinkError::UnknownLink { link: id })?;
        link.incoming.define(number, named)
    }

    fn handle_record(
        &mut self,
        now: Duration,
        link: LinkId,
        told: &LinkState,
    ) -> Result<(), LinkError> {
        let name = self.meant(link, told.node)?;
        let mut neighbours = Vec::with_capacity(told.neighbours.len());
        for neighbour in &told.neighbours {
            let node = self.meant(link, neighbour.node)?;
            neighbours.push(Adjacency { node, link: neighbour.link, cost: neighbour.cost });
        }
        let links = Some(Links::new(told.flags, told.area, neighbours));
        let (incarnation, sequence) = (told.incarnation, told.sequence);
        let expires = expiry(now, told.lifetime_s);
        self.take_record(now, link, &name, Record { incarnation, sequence, expires, links });
        Ok(())
    }

    fn handle_purge(&mut self, now: Duration, link: LinkId, purge: Purge) -> Result<(), LinkError> {
        let name = self.meant(link, purge.node)?;
        let (incarnation, sequence) = (purge.incarnation, purge.sequence);
        let expires = expiry(now, purge.lifetime_s);
        self.take_record(now, link, &name, Record { incarnation, sequence, expires, links: None });
        Ok(())
    }

    /// Takes what is newer, and hands it on.
    fn take_record(&mut self, now: Duration, arrival: LinkId, name: &NodeName, record: Record) {
        let id = name.id();
        if id == self.name.id() {
            return self.meet_own(now, record.order(), record.is_purge());
        }
        if record.expires <= now {
            return;
        }
        let (incarnation, purged) = (record.incarnation, record.is_purge());
        let was_gateway = self.is_told_as_v2_gateway(id);
        match self.database.accept(now, name, record) {
            Accepted::Full => self.statistics.refused += 1,
            Accepted::NotNewer => self.statistics.records_old += 1,
            Accepted::Newer => {
                self.statistics.records_taken += 1;
                self.drop_old_rooms(id, incarnation, purged);
                let changed = self.is_told_as_v2_gateway(id) != was_gateway;
                if changed && self.reached.contains_key(&id) {
                    self.emit(Event::V2GatewaysChanged);
                }
                self.calculation.change(now);
                if FLOODING {
                    self.flood_record(now, id, Some(arrival));
                }
            }
        }
    }

    /// A new life begins without rooms, and one that has ended has none.
    fn drop_old_rooms(&mut self, id: NodeId, incarnation: Incarnation, purged: bool) {
        let Some(node) = self.database.get_mut(id) else { return };
        let (of, _) = node.rooms.order();
        if NEW_LIFE_WITHOUT_ROOMS && (of < incarnation || (purged && of == incarnation)) {
            let old = std::mem::take(&mut node.rooms);
            node.rooms = crate::interest::RoomSet::empty(incarnation);
            self.awaited.remove(&id);
            for room in old.rooms() {
                self.holders.remove(room, id);
            }
        }
    }

    /// Forgets the nodes whose time is over.
    pub(super) fn forget(&mut self, now: Duration) {
        if self.calculation.due().is_some() {
            // Some may be within reach again.
            self.calculate(now);
        }
        for (id, node) in self.database.forget_ended(now, self.name.id()) {
            self.forgot = Some(now);
            self.awaited.remove(&id);
            for room in node.rooms.rooms() {
                self.holders.remove(room, id);
            }
            self.calculation.change(now);
        }
    }
}

fn expiry(now: Duration, lifetime_s: u32) -> Duration {
    now + Duration::from_secs(u64::from(lifetime_s.min(LONGEST_LIFETIME_S)))
}
