//! The handshakes that are under way, by source and age.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::source::Source;

/// A handshake that is under way: a place that [`Admission::establish`](super::Admission::establish) or
/// [`Admission::release`](super::Admission::release) takes back.
#[derive(Debug)]
#[must_use = "the place of a handshake must be given back"]
pub struct Pending {
    pub(super) source: Source,
    pub(super) id: PendingId,
}

impl Pending {
    /// What it is called when it is [evicted](super::Arrival::evicted).
    #[must_use]
    pub fn id(&self) -> PendingId {
        self.id
    }
}

/// Tells the handshakes of one server apart. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PendingId(u64);

/// As many entries as there are handshakes under way. Trees: what a stranger chooses must not be able to fill
/// one bucket of a hash table.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    all: BTreeSet<(Source, PendingId)>,
    /// The sources of these, the one to take a place from last.
    shares: BTreeSet<Share>,
    begun: u64,
}

/// How many handshakes a source has, and the oldest of them: that of equals counts as more which has the
/// older one.
type Share = (usize, Reverse<PendingId>, Source);

impl Handshakes {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many are from this source.
    pub(super) fn of(&self, source: Source) -> usize {
        self.from(source).count()
    }

    /// Those from this source, the oldest first. One source has few, so counting them is cheap.
    fn from(&self, source: Source) -> impl Iterator<Item = PendingId> {
        let all = (source, PendingId(0))..=(source, PendingId(u64::MAX));
        self.all.range(all).map(|(_, id)| *id)
    }

    fn share(&self, source: Source) -> Option<Share> {
        let oldest = self.from(source).next()?;
        Some((self.of(source), Reverse(oldest), source))
    }

    /// Changes what a source has.
    fn change(&mut self, source: Source, change: impl FnOnce(&mut BTreeSet<(Source, PendingId)>)) {
        if let Some(share) = self.share(source) {
            self.shares.remove(&share);
        }
        change(&mut self.all);
        self.shares.extend(self.share(source));
    }

    pub(super) fn begin(&mut self, source: Source) -> Pending {
        let id = PendingId(self.begun);
        self.begun += 1;
        self.change(source, |all| {
            all.insert((source, id));
        });
        Pending { source, id }
    }

    /// Whether it has not been evicted.
    pub(super) fn has(&self, pending: &Pending) -> bool {
        self.all.contains(&(pending.source, pending.id))
    }

    pub(super) fn end(&mut self, source: Source, id: PendingId) {
        self.change(source, |all| {
            all.remove(&(source, id));
        });
    }

    /// Takes out the oldest handshake of the source that has the most, if that has more than `own`. Of
    /// sources that have equally many it is the one whose oldest is the oldest.
    pub(super) fn evict(&mut self, own: usize) -> Option<PendingId> {
        let (most, Reverse(oldest), source) = *self.shares.last()?;
        if most <= own {
            return None;
        }
        self.end(source, oldest);
        Some(oldest)
    }
}
