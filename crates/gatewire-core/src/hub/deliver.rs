//! From a target to its receivers.
//!
//! One room, or everyone, without exceptions is the common case and a plain walk. Anything else
//! marks the receivers in a bit set over the dense socket keys: first all that are addressed, then
//! the exceptions are cleared, then the set is walked once.

use gatewire_codec::{Names, Target};

use super::{Hub, SocketKey};

impl<H: Clone> Hub<H> {
    /// Calls `each` once for each receiver of a target; how many there were.
    ///
    /// `sender` is the socket that publishes: it receives only if the target includes it or names its
    /// id. A socket is named by its id, also behind the name of [this node](Self::set_node). Unknown rooms,
    /// unknown ids, sockets of other nodes and texts that are no ids address nobody.
    pub fn deliver(
        &self,
        target: &Target<'_>,
        sender: Option<SocketKey>,
        mut each: impl FnMut(SocketKey, &H),
    ) -> usize {
        let skipped = if target.include_self { None } else { sender };
        let mut count = 0;
        let mut visit = |socket: SocketKey, handle: &H| {
            if skipped != Some(socket) {
                each(socket, handle);
                count += 1;
            }
        };
        let plain = target.sockets.is_empty()
            && target.except_rooms.is_empty()
            && target.except_sockets.is_empty();
        if plain && target.everyone {
            for (_, entry) in &self.sockets {
                visit(entry.key, &entry.handle);
            }
        } else if plain && target.rooms.len() == 1 {
            let room = target.rooms.iter().next().and_then(|name| self.room(name));
            for member in room.map_or(&[][..], |room| &room.members) {
                visit(member.socket, &member.handle);
            }
        } else {
            let receivers = self.resolve(target, skipped);
            for index in receivers.iter() {
                if let Some(entry) = self.sockets.get(index) {
                    each(entry.key, &entry.handle);
                    count += 1;
                }
            }
        }
        count
    }

    fn resolve(&self, target: &Target<'_>, skipped: Option<SocketKey>) -> BitSet {
        let mut set = BitSet::with_capacity(self.sockets.capacity());
        if target.everyone {
            for (index, _) in &self.sockets {
                set.insert(index);
            }
        }
        self.each_member(target.rooms, |member| {
            set.insert(member);
        });
        if let Some(sender) = skipped.filter(|sender| self.socket(*sender).is_some()) {
            set.remove(sender.index());
        }
        // A socket that is named by its id is meant, even if it is the sender.
        for socket in target.sockets.iter().filter_map(|id| self.index_of(id)) {
            set.insert(socket);
        }
        self.each_member(target.except_rooms, |member| set.remove(member));
        for socket in target.except_sockets.iter().filter_map(|id| self.index_of(id)) {
            set.remove(socket);
        }
        set
    }

    /// The members of each room, which is walked once however often it is named.
    fn each_member(&self, names: Names<'_>, mut each: impl FnMut(usize)) {
        let mut walked = BitSet::with_capacity(self.rooms.capacity());
        for index in names.iter().filter_map(|name| self.by_name.get(name)) {
            if walked.insert(*index) {
                self.rooms[*index].members.iter().for_each(|member| each(member.socket.index()));
            }
        }
    }

    fn index_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(&self.id_of(id)?).map(|key| key.index())
    }
}

/// A set of small numbers.
struct BitSet(Vec<u64>);

impl BitSet {
    fn with_capacity(numbers: usize) -> Self {
        Self(vec![0; numbers.div_ceil(64)])
    }

    /// `true`: it was not in it.
    fn insert(&mut self, number: usize) -> bool {
        let (Some(word), bit) = (self.0.get_mut(number / 64), 1 << (number % 64)) else {
            return false;
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn remove(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word &= !(1 << (number % 64));
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                Some(index * 64 + bit)
            })
        })
    }
}
