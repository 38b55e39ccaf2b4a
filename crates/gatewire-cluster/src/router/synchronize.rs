//! What two neighbours do to know the same, when a link comes up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gatewire_codec::v3::control::{Control, NodeId, RequestItem, SummaryEntry};

use super::Router;
use crate::error::LinkError;
use crate::identity::NodeName;
use crate::link_set::LinkId;
use crate::link_state::{Digests, Stamp, bucket};

impl Router {
    /// Step 1, at the side with the higher id: the digests of the buckets, unless all is equal.
    pub(super) fn compare(&mut self, link: LinkId, theirs: u64) {
        let digests = Digests::of(&self.database);
        if digests.root() != theirs {
            self.send(link, &Control::Buckets(digests.filled()));
        }
    }

    /// Step 1 with all neighbours.
    pub(super) fn compare_with_all(&mut self) {
        self.recheck = None;
        let filled = Digests::of(&self.database).filled();
        let adjacent = self.links.iter().filter(|(_, link)| link.is_adjacent());
        let links: Vec<LinkId> = adjacent.map(|(id, _)| *id).collect();
        for link in links {
            self.send(link, &Control::Buckets(filled.clone()));
        }
    }

    /// Step 2, at the other side: what is here, of each bucket that differs.
    pub(super) fn handle_buckets(
        &mut self,
        link: LinkId,
        theirs: &[(u8, u64)],
    ) -> Result<(), LinkError> {
        let mut differing: BTreeMap<u8, Vec<(NodeName, Stamp)>> = Digests::of(&self.database)
            .differing(theirs)
            .into_iter()
            .map(|bucket| (bucket, Vec::new()))
            .collect();
        for (id, node) in self.database.iter() {
            if let Some(nodes) = differing.get_mut(&bucket(id)) {
                nodes.push((node.name.clone(), node.stamp()));
            }
        }
        for (bucket, nodes) in differing {
            let mut entries = Vec::with_capacity(nodes.len());
            for (name, stamp) in nodes {
                let Some(node) = self.number(link, &name) else { return Ok(()) };
                let Stamp { incarnation, sequence, rooms } = stamp;
                let (interest_incarnation, interest_version) = rooms;
                entries.push(SummaryEntry {
                    node,
                    incarnation,
                    sequence,
                    interest_incarnation,
                    interest_version,
                });
            }
            self.send(link, &Control::Summary { bucket, entries });
        }
        Ok(())
    }

    /// Step 3, at the first side: asks for what is newer there, sends what is newer here.
    pub(super) fn handle_summary(
        &mut self,
        now: Duration,
        link: LinkId,
        summary: u8,
        entries: &[SummaryEntry],
    ) -> Result<(), LinkError> {
        let mut wanted = Vec::new();
        let mut told = BTreeSet::new();
        for entry in entries {
            let name = self.meant(link, entry.node)?;
            let id = name.id();
            if bucket(id) != summary {
                return Err(LinkError::WrongBucket);
            }
            if !told.insert(id) {
                return Err(LinkError::NamedTwice);
            }
            let theirs = Stamp {
                incarnation: entry.incarnation,
                sequence: entry.sequence,
                rooms: (entry.interest_incarnation, entry.interest_version),
            };
            self.settle(now, link, &name, theirs, &mut wanted);
        }
        let untold: Vec<NodeId> = self
            .database
            .iter()
            .map(|(id, _)| id)
            .filter(|id| bucket(*id) == summary && !told.contains(id))
            .collect();
        for id in untold {
            self.send_rooms(link, id, Stamp::default().rooms);
            self.send_record(now, link, id);
        }
        if !wanted.is_empty() {
            self.send(link, &Control::Request(wanted));
        }
        Ok(())
    }

    /// Step 4, at the other side; and whenever a change of rooms was missed.
    pub(super) fn handle_request(
        &mut self,
        now: Duration,
        link: LinkId,
        items: &[RequestItem],
    ) -> Result<(), LinkError> {
        // An item of two bytes is answered with all rooms of a node: with those of each once.
        let (mut records, mut rooms) = (BTreeSet::new(), BTreeSet::new());
        for item in items {
            match *item {
                RequestItem::Record { node } => {
                    let id = self.meant(link, node)?.id();
                    if !records.insert(id) {
                        return Err(LinkError::NamedTwice);
                    }
                    self.send_record(now, link, id);
                }
                RequestItem::Interest { node, incarnation, version } => {
                    let id = self.meant(link, node)?.id();
                    if !rooms.insert(id) {
                        return Err(LinkError::NamedTwice);
                    }
                    self.send_rooms(link, id, (incarnation, version));
                }
            }
        }
        Ok(())
    }

    /// Compares one node. What is newer there is `wanted`, what is newer here is sent.
    fn settle(
        &mut self,
        now: Duration,
        link: LinkId,
        name: &NodeName,
        theirs: Stamp,
        wanted: &mut Vec<RequestItem>,
    ) {
        let id = name.id();
        let ours = self.database.get(id).map(crate::link_state::Node::stamp).unwrap_or_default();
        // Rooms first: a record of a new life that comes before them would clear the old ones.
        if theirs.rooms > ours.rooms {
            self.awaited.remove(&id);
            wanted.extend(self.want_rooms(link, name, theirs.rooms));
        } else if theirs.rooms < ours.rooms {
            self.send_rooms(link, id, theirs.rooms);
        }
        if theirs.record() > ours.record() {
            let Some(node) = self.number(link, name) else { return };
            wanted.push(RequestItem::Record { node });
        } else if theirs.record() < ours.record() {
            self.send_record(now, link, id);
        }
    }
}
