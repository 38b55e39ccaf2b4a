//! What a socket may do without being asked again, and until when.

use std::collections::HashMap;

use gatewire_core::Time;

use super::Action;

/// The most decisions that a socket remembers: its 128 rooms, and as many other actions.
const MAX_GRANTS: usize = 256;

/// The bytes of names that they may take together: 64 for each.
const MAX_NAMES: usize = 16 << 10;

/// The bytes of names that one may take: more than a room's name and an event's have in practice.
const MAX_NAME: usize = 1 << 10;

/// The decisions of one socket that hold for a time.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    /// By the action as bytes. Peers choose the names: the hash is keyed at random, so that nobody can make them
    /// collide. Its order is never looked at.
    until: HashMap<Box<[u8]>, Time>,
    /// The bytes of all keys.
    names: usize,
    /// The key of the action that is looked for, kept for its memory.
    key: Vec<u8>,
}

impl Grants {
    /// Whether an action was allowed for a time that is not over.
    pub(crate) fn hold(&mut self, action: &Action<'_>, now: Time) -> bool {
        if self.until.is_empty() || !self.write_key(action) {
            return false;
        }
        match self.until.get(&*self.key) {
            Some(until) if *until > now => true,
            Some(_) => {
                self.until.remove(&*self.key);
                self.names -= self.key.len();
                false
            }
            None => false,
        }
    }

    /// An action is allowed until then. At the bounds those that end first are forgotten.
    pub(crate) fn grant(&mut self, action: &Action<'_>, until: Time) {
        if !self.write_key(action) {
            return;
        }
        if self.until.insert(self.key.as_slice().into(), until).is_none() {
            self.names += self.key.len();
        }
        while self.until.len() > MAX_GRANTS || self.names > MAX_NAMES {
            let Some((first, _)) = self.until.iter().min_by_key(|(_, until)| **until) else {
                break;
            };
            let first = first.clone();
            self.until.remove(&first);
            self.names -= first.len();
        }
    }

    /// Gives the memory of those back that are over.
    pub(crate) fn release_memory(&mut self, now: Time) {
        self.until.retain(|_, until| *until > now);
        self.until.shrink_to_fit();
        self.names = self.until.keys().map(|key| key.len()).sum();
        self.key = Vec::new();
    }

    /// Two actions have one key if they are the same. `false`: the names are too long to be kept.
    fn write_key(&mut self, action: &Action<'_>) -> bool {
        let id;
        let (kind, target, event) = match *action {
            Action::Join { room } => (0, room.as_bytes(), ""),
            Action::Emit { event } => (1, &[][..], event),
            Action::EmitRoom { room, event } => (2, room.as_bytes(), event),
            Action::EmitSocket { socket, event } => {
                id = socket.to_bytes();
                (3, &id[..], event)
            }
            Action::Broadcast { event } => (4, &[][..], event),
            Action::Stream { event } => (5, &[][..], event),
        };
        // The longest target, whose length is written in front, fits two bytes.
        let Ok(length) = u16::try_from(target.len()) else { return false };
        self.key.clear();
        if target.len() + event.len() > MAX_NAME {
            return false;
        }
        self.key.push(kind);
        self.key.extend_from_slice(&length.to_le_bytes());
        self.key.extend_from_slice(target);
        self.key.extend_from_slice(event.as_bytes());
        true
    }
}

#[cfg(test)]
mod tests;
