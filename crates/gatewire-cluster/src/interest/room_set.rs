//! The rooms of one node, as of one version.

use std::collections::{BTreeMap, VecDeque};

use gatewire_codec::v3::control::{Incarnation, InterestChange};
use rustc_hash::FxHashSet;

/// How many changes one delta carries: 36 KiB, so that nothing waits long behind it.
pub(crate) const LONGEST_DELTA: usize = 4096;
/// How many changes are remembered for those who missed them. They take as much memory as that many
/// rooms; who missed more gets the whole set.
const LONGEST_LOG: usize = 4096;

/// A set with a version, and how it came to be.
#[derive(Debug, Default)]
pub(crate) struct RoomSet {
    incarnation: Incarnation,
    version: u64,
    rooms: FxHashSet<u64>,
    /// The last changes, each batch from where the one before ended.
    log: VecDeque<Batch>,
    /// How many changes the log has.
    logged: usize,
}

#[derive(Debug)]
struct Batch {
    from: u64,
    changes: Vec<InterestChange>,
}

/// What leads from one version to the newest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// These changes do.
    Changes(Vec<InterestChange>),
    /// Only the whole set does.
    Unknown,
}

impl RoomSet {
    /// The empty set of an incarnation.
    pub(crate) fn empty(incarnation: Incarnation) -> Self {
        Self { incarnation, ..Self::default() }
    }

    /// The set that a snapshot tells.
    pub(crate) fn snapshot(incarnation: Incarnation, version: u64, rooms: Vec<u64>) -> Self {
        let rooms = rooms.into_iter().collect();
        Self { incarnation, version, rooms, ..Self::default() }
    }

    /// By this, the higher is the newer.
    pub(crate) fn order(&self) -> (Incarnation, u64) {
        (self.incarnation, self.version)
    }

    pub(crate) fn contains(&self, room: u64) -> bool {
        self.rooms.contains(&room)
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// How many rooms it would have after these changes, each of another room.
    pub(crate) fn len_after(&self, changes: &[InterestChange]) -> usize {
        let real = |change: &&InterestChange| change.joined != self.contains(change.room);
        changes.iter().filter(real).fold(self.len(), |count, change| {
            if change.joined { count + 1 } else { count.saturating_sub(1) }
        })
    }

    /// Its rooms, in no order.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = u64> {
        self.rooms.iter().copied()
    }

    /// Its rooms, ascending.
    pub(crate) fn sorted(&self) -> Vec<u64> {
        let mut rooms: Vec<u64> = self.rooms().collect();
        rooms.sort_unstable();
        rooms
    }

    /// Goes on to version `to`.
    pub(crate) fn advance(&mut self, to: u64, changes: Vec<InterestChange>) {
        for change in &changes {
            if change.joined {
                self.rooms.insert(change.room);
            } else {
                self.rooms.remove(&change.room);
            }
        }
        let from = std::mem::replace(&mut self.version, to);
        self.logged += changes.len();
        self.log.push_back(Batch { from, changes });
        while self.logged > LONGEST_LOG || self.log.len() > LONGEST_LOG {
            let Some(oldest) = self.log.pop_front() else { break };
            self.logged -= oldest.changes.len();
        }
    }

    /// Begins a new incarnation with the same rooms.
    pub(crate) fn restamp(&mut self, incarnation: Incarnation) {
        self.incarnation = incarnation;
        self.version = u64::from(!self.rooms.is_empty());
        self.log.clear();
        self.logged = 0;
    }

    /// What leads from (`incarnation`, `version`) to this set: each room once.
    pub(crate) fn difference_since(&self, incarnation: Incarnation, version: u64) -> Difference {
        // Whoever has nothing of this incarnation has its version 0.
        let since = if incarnation == self.incarnation { version } else { 0 };
        let Some(first) = self.log.iter().position(|batch| batch.from == since) else {
            return Difference::Unknown;
        };
        let batches = self.log.iter().skip(first).flat_map(|batch| &batch.changes);
        let last: BTreeMap<u64, bool> =
            batches.map(|change| (change.room, change.joined)).collect();
        let changes = last.into_iter().map(|(room, joined)| InterestChange { joined, room });
        Difference::Changes(changes.collect())
    }

    /// What leads from this set to `newer`.
    pub(crate) fn difference_to(&self, newer: &Self) -> Vec<InterestChange> {
        let left = self.rooms.difference(&newer.rooms).map(|&room| (room, false));
        let joined = newer.rooms.difference(&self.rooms).map(|&room| (room, true));
        let mut changes: Vec<InterestChange> =
            left.chain(joined).map(|(room, joined)| InterestChange { joined, room }).collect();
        changes.sort_unstable_by_key(|change| change.room);
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Incarnation = Incarnation::new(1, 1);

    fn change(joined: bool, room: u64) -> InterestChange {
        InterestChange { joined, room }
    }

    #[test]
    fn a_difference_has_the_last_change_of_each_room() {
        let mut set = RoomSet::empty(LIFE);
        set.advance(1, vec![change(true, 1)]);
        set.advance(2, vec![change(true, 2)]);
        set.advance(4, vec![change(false, 1), change(true, 3)]);
        let since = |version| set.difference_since(LIFE, version);
        let last_two = vec![change(false, 1), change(true, 2), change(true, 3)];
        assert_eq!(since(1), Difference::Changes(last_two.clone()));
        assert_eq!(since(0), Difference::Changes(last_two));
        assert_eq!(since(3), Difference::Unknown);
        assert_eq!(set.difference_since(Incarnation::default(), 7), since(0));
    }

    #[test]
    fn what_is_too_long_ago_is_not_known() {
        let mut set = RoomSet::empty(LIFE);
        for version in 1..=LONGEST_LOG as u64 + 1 {
            set.advance(version, vec![change(true, version)]);
        }
        assert_eq!(set.difference_since(LIFE, 0), Difference::Unknown);
        assert!(matches!(set.difference_since(LIFE, 1), Difference::Changes(_)));
    }

    #[test]
    fn batches_without_changes_are_bounded_too() {
        let mut set = RoomSet::empty(LIFE);
        for version in 1..=2 * LONGEST_LOG as u64 {
            set.advance(version, Vec::new());
        }
        assert_eq!(set.log.len(), LONGEST_LOG);
    }

    #[test]
    fn a_difference_leads_from_one_set_to_the_other() {
        let one = RoomSet::snapshot(LIFE, 5, vec![1, 2, 3]);
        let other = RoomSet::snapshot(LIFE, 9, vec![2, 3, 4]);
        assert_eq!(one.difference_to(&other), [change(false, 1), change(true, 4)]);
    }

    #[test]
    fn a_new_incarnation_keeps_the_rooms_and_forgets_how_they_came() {
        let mut set = RoomSet::empty(LIFE);
        set.advance(1, vec![change(true, 1)]);
        let next = Incarnation::new(2, 1);
        set.restamp(next);
        assert_eq!((set.order(), set.sorted()), ((next, 1), vec![1]));
        assert_eq!(set.difference_since(next, 0), Difference::Unknown);
        let mut empty = RoomSet::empty(LIFE);
        empty.restamp(next);
        assert_eq!(empty.order(), (next, 0));
    }
}
