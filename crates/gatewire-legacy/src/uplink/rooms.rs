//! Which rooms have members on which hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many hosts may have rooms. The originals cannot address broadcasts to more than some thirty.
pub const MAX_HOSTS: usize = 1_024;
/// How many rooms one host may have: one for each of as many clients as a Node process serves.
pub const MAX_ROOMS_PER_HOST: usize = 65_536;
/// How many pairs of a room and a host are remembered, a few hundred bytes each.
pub const MAX_ENTRIES: usize = 1 << 20;
/// How many rooms a gateway itself stands for: as many as a node of version 3 may have.
pub const MAX_OWN_ROOMS: usize = 1 << 20;

/// What became of a count that was told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Counted {
    News,
    Known,
    OverBound,
}

/// The members of rooms on other hosts.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// Of each room the hosts, with as many members as they say; never 0.
    by_room: BTreeMap<Arc<str>, BTreeMap<Arc<str>, u64>>,
    by_host: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    entries: usize,
    /// Rooms that have got their first host, or lost the last.
    changes: Vec<(Arc<str>, bool)>,
}

impl Rooms {
    /// A host has so many members of a room, 0 for none.
    pub(super) fn set(&mut self, host: &str, room: &str, members: u64) -> Counted {
        if members == 0 {
            return self.remove(host, room);
        }
        if let Some(known) = self.by_room.get_mut(room).and_then(|hosts| hosts.get_mut(host)) {
            let news = std::mem::replace(known, members) != members;
            return if news { Counted::News } else { Counted::Known };
        }
        let of_host = self.by_host.get(host);
        if self.entries >= MAX_ENTRIES
            || of_host.map_or(self.by_host.len() >= MAX_HOSTS, |of| of.len() >= MAX_ROOMS_PER_HOST)
        {
            return Counted::OverBound;
        }
        let (room, host): (Arc<str>, Arc<str>) = (room.into(), host.into());
        self.by_host.entry(Arc::clone(&host)).or_default().insert(Arc::clone(&room));
        let hosts = self.by_room.entry(Arc::clone(&room)).or_default();
        hosts.insert(host, members);
        if hosts.len() == 1 {
            self.changes.push((room, true));
        }
        self.entries += 1;
        Counted::News
    }

    fn remove(&mut self, host: &str, room: &str) -> Counted {
        let Some(hosts) = self.by_room.get_mut(room) else { return Counted::Known };
        if hosts.remove(host).is_none() {
            return Counted::Known;
        }
        self.entries -= 1;
        if hosts.is_empty()
            && let Some((room, _)) = self.by_room.remove_entry(room)
        {
            self.changes.push((room, false));
        }
        if let Some(rooms) = self.by_host.get_mut(host) {
            rooms.remove(room);
            if rooms.is_empty() {
                self.by_host.remove(host);
            }
        }
        Counted::News
    }

    /// How many members a room has on a host.
    pub(super) fn members(&self, host: &str, room: &str) -> u64 {
        self.by_room.get(room).and_then(|hosts| hosts.get(host)).copied().unwrap_or_default()
    }

    /// Nothing is known of a host any more.
    pub(super) fn forget(&mut self, host: &str) {
        let rooms = self.by_host.get(host).cloned().unwrap_or_default();
        for room in rooms {
            self.remove(host, &room);
        }
    }

    /// The hosts that have rooms.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_host.keys()
    }

    /// The hosts that have members of a room.
    pub(super) fn hosts_of(&self, room: &str) -> impl Iterator<Item = (&Arc<str>, u64)> {
        self.by_room.get(room).into_iter().flatten().map(|(host, members)| (host, *members))
    }

    /// The rooms that have members.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_room.keys()
    }

    /// All counts: room, host, members.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, u64)> {
        let of_room = |(room, hosts)| Self::counts_of(room, hosts);
        self.by_room.iter().flat_map(of_room)
    }

    fn counts_of<'a>(
        room: &'a Arc<str>,
        hosts: &'a BTreeMap<Arc<str>, u64>,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>, u64)> {
        hosts.iter().map(move |(host, members)| (room, host, *members))
    }

    /// What has changed since the last call, in order.
    pub(super) fn take_changes(&mut self) -> Vec<(Arc<str>, bool)> {
        std::mem::take(&mut self.changes)
    }
}

/// What others say of neighbours' rooms, as far as it is not what these have said themselves.
///
/// A neighbour's own link keeps the order, so nothing is believed while it is up. But it may be dead and not known to be, and
/// when it has ended nobody tells again what was told meanwhile.
#[derive(Debug, Default)]
pub(super) struct Hearsay {
    by_host: BTreeMap<Arc<str>, BTreeMap<Arc<str>, u64>>,
    entries: usize,
}

impl Hearsay {
    /// Others say that a neighbour has so many members of a room; it has said `known`. `false`: that is not kept.
    pub(super) fn set(&mut self, host: &str, room: &str, members: u64, known: u64) -> bool {
        if members == known {
            self.confirm(host, room, members);
            return true;
        }
        let full = self.entries >= MAX_ENTRIES;
        let of_host = match self.by_host.get_mut(host) {
            Some(of_host) => of_host,
            None if full => return false,
            None => self.by_host.entry(host.into()).or_default(),
        };
        if let Some(said) = of_host.get_mut(room) {
            *said = members;
            return true;
        }
        if full || of_host.len() >= MAX_ROOMS_PER_HOST {
            return false;
        }
        of_host.insert(room.into(), members);
        self.entries += 1;
        true
    }

    /// A neighbour itself says so: if others have said the same, that is settled.
    pub(super) fn confirm(&mut self, host: &str, room: &str, members: u64) {
        let Some(of_host) = self.by_host.get_mut(host) else { return };
        if of_host.get(room) == Some(&members) {
            of_host.remove(room);
            self.entries -= 1;
            if of_host.is_empty() {
                self.by_host.remove(host);
            }
        }
    }

    /// What was said of a host that is a neighbour no more.
    pub(super) fn take(&mut self, host: &str) -> BTreeMap<Arc<str>, u64> {
        let of_host = self.by_host.remove(host).unwrap_or_default();
        self.entries -= of_host.len();
        of_host
    }
}
