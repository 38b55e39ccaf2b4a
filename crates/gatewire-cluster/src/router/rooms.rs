//! Which nodes have which rooms: telling the own ones, taking and handing on those of others.

use std::time::Duration;

use gatewire_codec::v3::control::{
    Control, Incarnation, InterestDelta, InterestSnapshot, NodeId, RequestItem,
};

use super::link::Partial;
use super::{Router, State};
use crate::error::LinkError;
use crate::identity::NodeName;
use crate::interest::{Difference, LONGEST_DELTA, MAX_ROOMS, RoomSet};
use crate::link_set::LinkId;
use crate::link_state::Record;
use crate::rules::ASKING_AGAIN;

/// How many rooms one part of a snapshot has: 60 KB if each takes ten bytes.
const SNAPSHOT_PART: usize = 6_000;

/// Rooms of a node that were asked for and have not come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Awaited {
    link: LinkId,
    /// What the neighbour has at least.
    order: (Incarnation, u64),
}

impl Router {
    /// Out of the cluster nobody is told of rooms any more.
    pub(super) fn drop_untold_rooms(&mut self) {
        if self.state != State::Running {
            self.local.drop_changes();
        }
    }

    /// Tells what has changed of the own rooms.
    pub(super) fn tell_rooms(&mut self) {
        let own = self.name.id();
        let node = self.database.get_mut(own).expect("the own node is always known");
        let changes = self.local.take_changes(&node.rooms);
        for changes in changes.chunks(LONGEST_DELTA) {
            let node = self.database.get_mut(own).expect("the own node is always known");
            let (incarnation, from) = node.rooms.order();
            node.rooms.advance(from + 1, changes.to_vec());
            self.flood_rooms(own, (incarnation, from), None);
        }
    }

    /// Hands on how the rooms of `node` have changed since `from`, to all links but `arrival`.
    pub(super) fn flood_rooms(
        &mut self,
        node: NodeId,
        from: (Incarnation, u64),
        arrival: Option<LinkId>,
    ) {
        for link in self.links_but(arrival) {
            self.send_rooms(link, node, from);
        }
    }

    /// Sends the rooms of `node` to one that has them as of `since`; nothing when that is as new.
    pub(super) fn send_rooms(&mut self, link: LinkId, id: NodeId, since: (Incarnation, u64)) {
        let Some(known) = self.database.get(id) else { return };
        let (incarnation, to) = known.rooms.order();
        // Version 0 needs no word: the record tells of the life, and a life begins without rooms.
        if (incarnation, to) <= since || to == 0 {
            return;
        }
        let name = known.name.clone();
        let changes = match known.rooms.difference_since(since.0, since.1) {
            Difference::Changes(changes)
                if changes.len() <= LONGEST_DELTA && changes.len() <= known.rooms.len() + 16 =>
            {
                Some(changes)
            }
            _ => None,
        };
        let Some(node) = self.number(link, &name) else { return };
        let Some(changes) = changes else { return self.send_snapshot(link, id, node) };
        let from = if since.0 == incarnation { since.1 } else { 0 };
        let delta = InterestDelta { node, incarnation, from, to, changes };
        self.send(link, &Control::InterestDelta(delta));
    }

    fn send_snapshot(&mut self, link: LinkId, id: NodeId, node: u32) {
        let Some(known) = self.database.get(id) else { return };
        let (incarnation, version) = known.rooms.order();
        let rooms = known.rooms.sorted();
        let parts = rooms.len().div_ceil(SNAPSHOT_PART).max(1);
        for part in 0..parts {
            let begin = part * SNAPSHOT_PART;
            let end = rooms.len().min(begin + SNAPSHOT_PART);
            let (last, rooms) = (part + 1 == parts, rooms[begin..end].to_vec());
            let snapshot = InterestSnapshot { node, incarnation, version, last, rooms };
            self.send(link, &Control::InterestSnapshot(snapshot));
        }
    }

    pub(super) fn handle_delta(
        &mut self,
        now: Duration,
        link: LinkId,
        delta: InterestDelta,
    ) -> Result<(), LinkError> {
        let name = self.meant(link, delta.node)?;
        let Some(before) = self.rooms_before(now, &name, delta.incarnation) else { return Ok(()) };
        let after = (delta.incarnation, delta.to);
        if after <= before {
            return Ok(());
        }
        let begins_life = delta.incarnation > before.0 && delta.from == 0;
        if !begins_life && before != (delta.incarnation, delta.from) {
            if let Some(item) = self.want_rooms(link, &name, after) {
                self.send(link, &Control::Request(vec![item]));
            }
            return Ok(());
        }
        let id = name.id();
        let Some(node) = self.database.get_mut(id) else { return Ok(()) };
        if begins_life {
            let old = std::mem::replace(&mut node.rooms, RoomSet::empty(delta.incarnation));
            for room in old.rooms() {
                self.holders.remove(room, id);
            }
        }
        if node.rooms.len_after(&delta.changes) > MAX_ROOMS {
            return Err(LinkError::TooManyRooms);
        }
        for change in &delta.changes {
            if change.joined {
                self.holders.add(change.room, id);
            } else {
                self.holders.remove(change.room, id);
            }
        }
        node.rooms.advance(delta.to, delta.changes);
        self.have_taken_rooms(id, (delta.incarnation, delta.from), link);
        Ok(())
    }

    pub(super) fn handle_snapshot(
        &mut self,
        now: Duration,
        id: LinkId,
        part: InterestSnapshot,
    ) -> Result<(), LinkError> {
        let name = self.meant(id, part.node)?;
        let link = self.links.get_mut(&id).ok_or(LinkError::UnknownLink { link: id })?;
        let begun = link.partial.get_or_insert_with(|| Partial {
            node: name.id(),
            incarnation: part.incarnation,
            version: part.version,
            rooms: Vec::new(),
        });
        let same = begun.node == name.id()
            && (begun.incarnation, begun.version) == (part.incarnation, part.version);
        let ascending = match (begun.rooms.last(), part.rooms.first()) {
            (Some(last), Some(first)) => last < first,
            _ => true,
        };
        if !same || !ascending {
            return Err(LinkError::SnapshotOutOfOrder);
        }
        if begun.rooms.len() + part.rooms.len() > MAX_ROOMS {
            return Err(LinkError::TooManyRooms);
        }
        begun.rooms.extend(part.rooms);
        if part.last
            && let Some(whole) = link.partial.take()
        {
            self.take_snapshot(now, id, &name, whole);
        }
        Ok(())
    }

    fn take_snapshot(&mut self, now: Duration, link: LinkId, name: &NodeName, whole: Partial) {
        let after = (whole.incarnation, whole.version);
        let Some(before) = self.rooms_before(now, name, whole.incarnation) else { return };
        if after <= before {
            return;
        }
        let id = name.id();
        let Some(node) = self.database.get_mut(id) else { return };
        let rooms = RoomSet::snapshot(whole.incarnation, whole.version, whole.rooms);
        let changes = node.rooms.difference_to(&rooms);
        for change in &changes {
            if change.joined {
                self.holders.add(change.room, id);
            } else {
                self.holders.remove(change.room, id);
            }
        }
        if before.0 == whole.incarnation {
            // So that the way from the version before is known to those who have it.
            node.rooms.advance(whole.version, changes);
        } else {
            node.rooms = rooms;
        }
        self.have_taken_rooms(id, before, link);
    }

    /// What is known of the rooms of a node of which another one tells. `None` when that is of no
    /// use: the node is this one, has left, or is one too many.
    fn rooms_before(
        &mut self,
        now: Duration,
        name: &NodeName,
        incarnation: Incarnation,
    ) -> Option<(Incarnation, u64)> {
        if name.id() == self.name.id() {
            // Any newer life than this one; the same life is its own echo.
            self.meet_own(now, (incarnation, 0), false);
            return None;
        }
        let Some(node) = self.database.get_or_insert(now, name) else {
            self.statistics.refused += 1;
            return None;
        };
        let left = node.record.as_ref().filter(|record| Record::is_purge(record));
        if left.is_some_and(|purge| purge.incarnation >= incarnation) {
            return None;
        }
        Some(node.rooms.order())
    }

    fn have_taken_rooms(&mut self, id: NodeId, before: (Incarnation, u64), arrival: LinkId) {
        self.statistics.rooms_taken += 1;
        let Some(node) = self.database.get(id) else { return };
        let order = node.rooms.order();
        if self.awaited.get(&id).is_some_and(|awaited| awaited.order <= order) {
            self.awaited.remove(&id);
        }
        self.flood_rooms(id, before, Some(arrival));
    }

    /// The wish for rooms of which a neighbour has `order`, unless another one was asked for them. The same
    /// one is asked again: its answer may be what came, and not fit any more.
    pub(super) fn want_rooms(
        &mut self,
        link: LinkId,
        name: &NodeName,
        order: (Incarnation, u64),
    ) -> Option<RequestItem> {
        let id = name.id();
        let asked = self.awaited.get(&id).filter(|awaited| awaited.link != link || !ASKING_AGAIN);
        if asked.is_some_and(|awaited| awaited.order >= order) {
            return None;
        }
        let node = self.number(link, name)?;
        self.awaited.insert(id, Awaited { link, order });
        let known = self.database.get(id).map(|node| node.rooms.order());
        let (incarnation, version) = known.unwrap_or_default();
        Some(RequestItem::Interest { node, incarnation, version })
    }

    /// Asks all others for what was to come over a link that is gone.
    pub(super) fn ask_others(&mut self, gone: LinkId) {
        let lost: Vec<NodeId> =
            self.awaited.iter().filter(|(_, a)| a.link == gone).map(|(id, _)| *id).collect();
        for id in lost {
            self.awaited.remove(&id);
            let Some(node) = self.database.get(id) else { continue };
            let (name, (incarnation, version)) = (node.name.clone(), node.rooms.order());
            for link in self.links_but(None) {
                let Some(node) = self.number(link, &name) else { continue };
                let item = RequestItem::Interest { node, incarnation, version };
                self.send(link, &Control::Request(vec![item]));
            }
        }
    }
}
