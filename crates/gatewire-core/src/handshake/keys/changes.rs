//! What has changed from one key ring to the next.

use super::{Held, KeyRing};

/// The ids of keys that differ between two rings, each list sorted. Ids are no secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct KeyChanges {
    /// Keys that were not there before.
    pub added: Vec<String>,
    /// Keys with another secret, or about which something else is said now.
    pub changed: Vec<String>,
    /// Keys that are no longer there.
    pub removed: Vec<String>,
}

impl KeyChanges {
    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl Held {
    fn says_the_same(&self, other: &Self) -> bool {
        self.grant.is_of_the_same_key(&other.grant)
            && self.grant == other.grant
            && self.terms == other.terms
    }
}

impl KeyRing {
    /// What is other than in the ring `before`.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> KeyChanges {
        let mut changes = KeyChanges::default();
        for (id, held) in &*self.keys {
            match before.keys.get(id) {
                None => changes.added.push(id.to_string()),
                Some(old) if old.says_the_same(held) => {}
                Some(_) => changes.changed.push(id.to_string()),
            }
        }
        let gone = before.keys.keys().filter(|id| !self.contains(id));
        changes.removed.extend(gone.map(ToString::to_string));
        for list in [&mut changes.added, &mut changes.changed, &mut changes.removed] {
            list.sort_unstable();
        }
        changes
    }
}
