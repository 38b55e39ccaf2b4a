//! The handshakes that are under way, by source and age.

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

/// As many entries as there are handshakes under way. A tree: what a stranger chooses must not be able to
/// fill one bucket of a hash table.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    all: BTreeSet<(Source, PendingId)>,
    begun: u64,
}

impl Handshakes {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many are from this source.
    pub(super) fn of(&self, source: Source) -> usize {
        self.all.range((source, PendingId(0))..=(source, PendingId(u64::MAX))).count()
    }

    pub(super) fn begin(&mut self, source: Source) -> Pending {
        let id = PendingId(self.begun);
        self.begun += 1;
        self.all.insert((source, id));
        Pending { source, id }
    }

    pub(super) fn end(&mut self, source: Source, id: PendingId) {
        self.all.remove(&(source, id));
    }

    /// Takes out the oldest handshake of the source that has the most, if that has more than `own`. Of
    /// sources that have equally many it is the one whose oldest is the oldest.
    ///
    /// Looks at all of them: a thousand take some microseconds, less than it costs the peer to connect.
    pub(super) fn evict(&mut self, own: usize) -> Option<PendingId> {
        let mut found: Option<(usize, Source, PendingId)> = None;
        let mut rest = self.all.iter().copied().peekable();
        while let Some((source, oldest)) = rest.next() {
            let mut count = 1;
            while rest.next_if(|(other, _)| *other == source).is_some() {
                count += 1;
            }
            let better = match found {
                None => true,
                Some((most, _, id)) => count > most || (count == most && oldest < id),
            };
            if better {
                found = Some((count, source, oldest));
            }
        }
        let (_, source, id) = found.filter(|(most, ..)| *most > own)?;
        self.all.remove(&(source, id));
        Some(id)
    }
}
