//! The rooms of this node's own members.

use std::collections::BTreeSet;
use std::time::Duration;

use gatewire_codec::v3::control::InterestChange;
use rustc_hash::FxHashMap;

use super::{MAX_ROOMS, RoomSet};
use crate::error::TooManyRooms;

/// Counts the members of each room, and collects what is to be told.
#[derive(Debug, Default)]
pub(crate) struct LocalRooms {
    members: FxHashMap<u64, usize>,
    /// Rooms that were joined or left since the last batch; what has become of them is looked up then.
    touched: BTreeSet<u64>,
    since: Option<Duration>,
}

/// How long changes are collected. Long enough that a thousand clients which reconnect are one
/// batch, short enough that nobody waits for a room.
const BATCH: Duration = Duration::from_millis(20);

impl LocalRooms {
    /// One member more.
    pub(crate) fn join(&mut self, now: Duration, room: u64) -> Result<(), TooManyRooms> {
        let rooms = self.members.len();
        let count = match self.members.get_mut(&room) {
            Some(count) => count,
            None if rooms >= MAX_ROOMS => return Err(TooManyRooms),
            None => self.members.entry(room).or_default(),
        };
        *count += 1;
        if *count == 1 {
            self.touch(now, room);
        }
        Ok(())
    }

    /// One member less; `false` when there is none.
    pub(crate) fn leave(&mut self, now: Duration, room: u64) -> bool {
        let Some(count) = self.members.get_mut(&room) else { return false };
        *count -= 1;
        if *count == 0 {
            self.members.remove(&room);
            self.touch(now, room);
        }
        true
    }

    /// Whether there is a member.
    pub(crate) fn contains(&self, room: u64) -> bool {
        self.members.contains_key(&room)
    }

    /// When the batch is to be told, if there is one.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.since.map(|since| since + BATCH)
    }

    /// What has changed against what was `told`. What was left comes first, so that whoever applies it
    /// piece by piece never has more rooms than the bound.
    pub(crate) fn take_changes(&mut self, told: &RoomSet) -> Vec<InterestChange> {
        self.since = None;
        let changes = std::mem::take(&mut self.touched).into_iter().map(|room| {
            let joined = self.members.contains_key(&room);
            InterestChange { joined, room }
        });
        let mut changes: Vec<InterestChange> =
            changes.filter(|change| change.joined != told.contains(change.room)).collect();
        changes.sort_by_key(|change| change.joined);
        changes
    }

    /// Nobody is told any more.
    pub(crate) fn drop_changes(&mut self) {
        (self.since, self.touched) = (None, BTreeSet::new());
    }

    fn touch(&mut self, now: Duration, room: u64) {
        self.touched.insert(room);
        self.since.get_or_insert(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::ZERO;

    #[test]
    fn only_the_first_and_the_last_member_are_told() {
        let (mut local, mut told) = (LocalRooms::default(), RoomSet::default());
        assert_eq!(local.join(START, 7), Ok(()));
        assert_eq!(local.join(START, 7), Ok(()));
        assert_eq!(local.due(), Some(BATCH));
        let changes = local.take_changes(&told);
        assert_eq!(changes, [InterestChange { joined: true, room: 7 }]);
        told.advance(1, changes);
        assert_eq!(local.due(), None);
        assert!(local.leave(START, 7));
        assert_eq!(local.due(), None);
        assert!(local.leave(START, 7));
        assert_eq!(local.take_changes(&told), [InterestChange { joined: false, room: 7 }]);
        assert!(!local.leave(START, 7));
    }

    #[test]
    fn who_joins_and_leaves_within_a_batch_is_not_told() {
        let mut local = LocalRooms::default();
        assert_eq!(local.join(START, 7), Ok(()));
        assert!(local.leave(START, 7));
        assert_eq!(local.take_changes(&RoomSet::default()), []);
    }
}
