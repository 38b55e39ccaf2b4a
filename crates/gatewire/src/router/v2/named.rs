//! Names of rooms that other nodes have told.

use std::collections::BTreeMap;
use std::time::Duration;

/// The names, whatever has become of the rooms, each with the time when it was told last.
///
/// There is a bound. Before it is reached, names are looked for whose rooms nobody has any more; how often, is measured by the
/// names that come, so that a look costs each of them little.
#[derive(Debug)]
pub(super) struct Named {
    told: BTreeMap<Box<str>, Duration>,
    bound: usize,
    /// How many have come since the last look, and were not known.
    since: usize,
}

/// What became of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    New,
    Known,
    /// There are as many as may be.
    Full,
}

/// For how long a name is kept in any case. That the room has a member is told by the hashes, by itself and maybe later.
pub(super) const AT_LEAST: Duration = Duration::from_secs(60);

impl Named {
    pub(super) fn new(bound: usize) -> Self {
        Self { told: BTreeMap::new(), bound, since: 0 }
    }

    pub(super) fn insert(&mut self, now: Duration, room: &str) -> Kept {
        if let Some(at) = self.told.get_mut(room) {
            *at = now;
            return Kept::Known;
        }
        self.since += 1;
        if self.told.len() >= self.bound {
            return Kept::Full;
        }
        self.told.insert(room.into(), now);
        Kept::New
    }

    pub(super) fn contains(&self, room: &str) -> bool {
        self.told.contains_key(room)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.told.keys().map(|room| &**room)
    }

    /// Whether to look for names that are of no use any more: an eighth of the places is left at most, and as many names
    /// have come since the last time.
    pub(super) fn is_crowded(&self) -> bool {
        let eighth = self.bound / 8;
        self.told.len() >= self.bound - eighth && self.since >= eighth
    }

    /// The names that need not be kept, if nobody has their rooms. That was the look.
    pub(super) fn take_old(&mut self, now: Duration) -> Vec<Box<str>> {
        self.since = 0;
        let is_old = |at: &Duration| now.saturating_sub(*at) >= AT_LEAST;
        self.told.iter().filter(|(_, at)| is_old(at)).map(|(room, _)| room.clone()).collect()
    }

    /// Forgets a name, unless it was told again since `now`, when it was old.
    pub(super) fn forget(&mut self, now: Duration, room: &str) -> bool {
        let is_old = |at: &Duration| now.saturating_sub(*at) >= AT_LEAST;
        self.told.get(room).is_some_and(is_old) && self.told.remove(room).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_through_when_an_eighth_has_come_and_an_eighth_is_left() {
        let mut named = Named::new(16);
        let mut looks = Vec::new();
        for room in 0..30 {
            let kept = named.insert(Duration::ZERO, &room.to_string());
            assert_eq!(kept, if room < 16 { Kept::New } else { Kept::Full });
            if named.is_crowded() {
                looks.push(room);
                assert!(named.take_old(Duration::ZERO).is_empty(), "all are young");
            }
        }
        assert_eq!(looks, (13..30).step_by(2).collect::<Vec<_>>());
    }

    #[test]
    fn a_name_that_is_told_again_is_young_again() {
        let mut named = Named::new(16);
        for room in ["a", "b"] {
            named.insert(Duration::ZERO, room);
        }
        assert_eq!(named.take_old(AT_LEAST), ["a".into(), "b".into()]);
        assert_eq!(named.insert(AT_LEAST, "a"), Kept::Known);
        assert!(!named.forget(AT_LEAST, "a"));
        assert!(named.forget(AT_LEAST, "b"));
        assert_eq!(named.iter().collect::<Vec<_>>(), ["a"]);
    }
}
