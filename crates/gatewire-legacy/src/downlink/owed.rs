//! Answers that the peer owes.

use std::collections::BTreeMap;

/// What the session calls that which waits for an answer, by the id at the peer. Requests have a deadline; a stream may be
/// answered at any time, or never, so the two are bounded apart: neither takes the other's room.
#[derive(Debug, Default)]
pub(super) struct Owed {
    requests: BTreeMap<u32, u32>,
    streams: BTreeMap<u32, u32>,
}

/// Of each sort: more are forgotten, the oldest first. The session has stopped waiting for those long before, and an
/// answer to one is ignored then.
const MAX: usize = 1 << 16;

impl Owed {
    pub(super) fn request(&mut self, id: u32, near_id: u32) {
        insert(&mut self.requests, id, near_id);
    }

    pub(super) fn stream(&mut self, id: u32, near_id: u32) {
        insert(&mut self.streams, id, near_id);
    }

    /// Whether an answer with this id may come.
    pub(super) fn has(&self, id: u32) -> bool {
        self.requests.contains_key(&id) || self.streams.contains_key(&id)
    }

    /// What the session calls it, if it waits; then it does no more.
    pub(super) fn take(&mut self, id: u32) -> Option<u32> {
        self.requests.remove(&id).or_else(|| self.streams.remove(&id))
    }
}

fn insert(waiting: &mut BTreeMap<u32, u32>, id: u32, near_id: u32) {
    if waiting.len() >= MAX {
        // Those above the new one are from before the ids began anew.
        let oldest = waiting.range(id..).next().or_else(|| waiting.first_key_value());
        if let Some((&oldest, _)) = oldest {
            waiting.remove(&oldest);
        }
    }
    waiting.insert(id, near_id);
}
