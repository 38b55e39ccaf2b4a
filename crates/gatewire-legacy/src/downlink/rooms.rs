//! Joins and leaves of this end.
//!
//! A Node router counts each JOIN and each LEAVE, whether it changes anything or not: a second JOIN makes a member that
//! never leaves, a LEAVE of who is no member takes another out, and of a room that nobody is in ends the processes of its
//! neighbours. So what would change nothing is not said in version 2. Version 1 has no routers, and its servers keep
//! sets.

use gatewire_codec::legacy::{self, Kind};
use gatewire_codec::{Message, Names, Version};
use rustc_hash::FxHashSet;

use super::{Side, Translator, Untranslatable};

/// The rooms that this end has joined on this connection: as many as its own application wants.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    joined: FxHashSet<Box<str>>,
}

impl Rooms {
    pub(super) fn clear(&mut self) {
        self.joined.clear();
    }

    /// Those of `names` that a JOIN or LEAVE changes something for, each once.
    fn changing<'n>(&self, names: Names<'n>, kind: Kind) -> Vec<&'n str> {
        let mut seen = FxHashSet::default();
        let changes = |name: &str| self.joined.contains(name) != (kind == Kind::JoinRoom);
        names.iter().filter(|name| changes(name) && seen.insert(*name)).collect()
    }

    fn change(&mut self, names: &[&str], kind: Kind) {
        for name in names {
            match kind {
                Kind::JoinRoom => self.joined.insert((*name).into()),
                _ => self.joined.remove(*name),
            };
        }
    }
}

impl Translator {
    /// Joins or leaves rooms. There is no confirmation there: the session gets one when it is said.
    pub(super) fn say_rooms(&mut self, id: u32, rooms: Names<'_>, kind: Kind) {
        match self.try_say_rooms(id, rooms, kind) {
            Ok(()) => self.confirm(id),
            Err(error) if id == 0 => self.refuse_near(&error.to_string()),
            Err(error) => self.refuse_near_request(id, &error.to_string()),
        }
    }

    fn try_say_rooms(
        &mut self,
        id: u32,
        rooms: Names<'_>,
        kind: Kind,
    ) -> Result<(), Untranslatable> {
        let counted = self.settings.version == Version::V2 && self.settings.side == Side::Client;
        let names: Vec<&str> = if counted {
            // Also those that are not said.
            legacy::check_names(rooms)?;
            self.rooms.changing(rooms, kind)
        } else {
            rooms.iter().collect()
        };
        if names.is_empty() {
            return Ok(());
        }
        let rooms = Names::from_slice(&names);
        let message = match kind {
            Kind::JoinRoom => Message::Join { id, rooms },
            _ => Message::Leave { id, rooms },
        };
        let frame_id = self.take_id();
        self.write(message, frame_id)?;
        if counted {
            self.rooms.change(&names, kind);
        }
        Ok(())
    }
}
