//! Which rooms come and go, for whoever tells others about them.

use super::Hub;

/// A room has got its first member, or lost its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomChange {
    /// The room.
    pub room: Box<str>,
    /// Whether it has members now.
    pub has_members: bool,
}

impl<H: Clone> Hub<H> {
    /// From here on changes are noted, to be [taken](Self::take_changes) after each call that may make
    /// some. The rooms that have members now are the first.
    pub fn note_changes(&mut self) {
        let rooms = self.by_name.keys();
        self.changes =
            Some(rooms.map(|room| RoomChange { room: room.clone(), has_members: true }).collect());
    }

    /// From here on nothing is noted any more.
    pub fn ignore_changes(&mut self) {
        self.changes = None;
    }

    /// What has changed since the last call, in order. Empty when nothing is noted.
    pub fn take_changes(&mut self) -> Vec<RoomChange> {
        match &mut self.changes {
            Some(changes) if !changes.is_empty() => std::mem::take(changes),
            _ => Vec::new(),
        }
    }

    pub(super) fn note(&mut self, room: &str, has_members: bool) {
        if let Some(changes) = &mut self.changes {
            changes.push(RoomChange { room: room.into(), has_members });
        }
    }
}
