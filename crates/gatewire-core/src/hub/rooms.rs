//! Membership, kept from both sides: a room lists its members, a socket its rooms, and each entry
//! knows its counterpart's place. So joins and leaves never search.

use std::fmt;

use super::{Hub, SocketKey};

/// A socket's side: "in room `room`, whose member list has it at `position`".
#[derive(Debug, Clone, Copy)]
pub(super) struct Membership {
    room: usize,
    position: usize,
}

/// A room's side: "socket `socket`, whose room list has it at `position`".
#[derive(Debug)]
pub(super) struct Member<H> {
    pub(super) socket: SocketKey,
    position: usize,
    pub(super) handle: H,
}

#[derive(Debug)]
pub(super) struct Room<H> {
    name: Box<str>,
    pub(super) members: Vec<Member<H>>,
}

/// Why a room was not joined. Membership is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinError {
    /// The name is empty or too long.
    BadName {
        /// The longest that is allowed, in bytes.
        max_name: usize,
    },
    /// The socket is in too many rooms.
    TooManyRooms {
        /// The most that are allowed.
        max_rooms: usize,
    },
    /// The socket is not in the hub.
    NoSuchSocket,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName { max_name } => write!(f, "a room name has 1 to {max_name} bytes"),
            Self::TooManyRooms { max_rooms } => {
                write!(f, "a socket can be in {max_rooms} rooms at most")
            }
            Self::NoSuchSocket => f.write_str("the socket is gone"),
        }
    }
}

impl std::error::Error for JoinError {}

/// A socket's place in a room.
enum Place {
    /// It has it.
    Taken,
    /// It may take it. `None`: the room has no members yet.
    Free { room: Option<usize> },
}

impl<H: Clone> Hub<H> {
    /// Whether [`join`](Self::join) would put the socket into the room. `false`: it is in it already.
    ///
    /// # Errors
    ///
    /// [`JoinError`], as the join would.
    pub fn may_join(&self, key: SocketKey, name: &str) -> Result<bool, JoinError> {
        Ok(matches!(self.place(key, name)?, Place::Free { .. }))
    }

    /// Puts a socket into a room. `false`: it was in it already.
    ///
    /// # Errors
    ///
    /// [`JoinError`].
    pub fn join(&mut self, key: SocketKey, name: &str) -> Result<bool, JoinError> {
        let Place::Free { room: known } = self.place(key, name)? else { return Ok(false) };
        let socket = self.sockets.get_mut(key.index()).ok_or(JoinError::NoSuchSocket)?;
        let room = known.unwrap_or_else(|| {
            let room = self.rooms.insert(Room { name: name.into(), members: Vec::new() });
            self.by_name.insert(name.into(), room);
            room
        });
        let members = &mut self.rooms[room].members;
        socket.rooms.push(Membership { room, position: members.len() });
        let position = socket.rooms.len() - 1;
        members.push(Member { socket: key, position, handle: socket.handle.clone() });
        if known.is_none() {
            self.note(name, true);
        }
        Ok(true)
    }

    /// What a socket finds that wants to be in a room.
    fn place(&self, key: SocketKey, name: &str) -> Result<Place, JoinError> {
        let (max_rooms, max_name) = (self.limits.max_rooms, self.limits.max_name);
        if name.is_empty() || name.len() > max_name {
            return Err(JoinError::BadName { max_name });
        }
        let socket = self.socket(key).ok_or(JoinError::NoSuchSocket)?;
        let room = self.by_name.get(name).copied();
        if room.is_some_and(|room| socket.rooms.iter().any(|other| other.room == room)) {
            return Ok(Place::Taken);
        }
        if socket.rooms.len() >= max_rooms {
            return Err(JoinError::TooManyRooms { max_rooms });
        }
        Ok(Place::Free { room })
    }

    /// Takes a socket out of a room. `false`: it was not in it.
    pub fn leave(&mut self, key: SocketKey, name: &str) -> bool {
        let Some(&room) = self.by_name.get(name) else { return false };
        let Some(socket) = self.socket(key) else { return false };
        let Some(index) = socket.rooms.iter().position(|other| other.room == room) else {
            return false;
        };
        self.unlink(key, index);
        true
    }

    /// Takes a socket out of all its rooms.
    pub fn leave_all(&mut self, key: SocketKey) {
        while let Some(last) = self.socket(key).and_then(|socket| socket.rooms.len().checked_sub(1))
        {
            self.unlink(key, last);
        }
    }

    /// Removes the membership at `index` of a socket's room list, and repairs the two entries that
    /// the removals moved.
    fn unlink(&mut self, key: SocketKey, index: usize) {
        let rooms = &mut self.sockets[key.index()].rooms;
        let Membership { room, position } = rooms.swap_remove(index);
        if let Some(&moved) = rooms.get(index) {
            self.rooms[moved.room].members[moved.position].position = index;
        }
        let members = &mut self.rooms[room].members;
        members.swap_remove(position);
        if let Some(moved) = members.get(position) {
            self.sockets[moved.socket.index()].rooms[moved.position].position = position;
        }
        if self.rooms[room].members.is_empty() {
            let gone = self.rooms.remove(room);
            self.by_name.remove(&gone.name);
            self.note(&gone.name, false);
        }
    }

    pub(super) fn room(&self, name: &str) -> Option<&Room<H>> {
        self.rooms.get(*self.by_name.get(name)?)
    }

    /// How many members a room has.
    #[must_use]
    pub fn room_len(&self, name: &str) -> usize {
        self.room(name).map_or(0, |room| room.members.len())
    }

    /// The rooms that have members, in no order.
    pub fn room_names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(|name| &**name)
    }

    /// How many rooms have members.
    #[must_use]
    pub fn room_count(&self) -> usize {
        self.rooms.len()
    }

    /// Whether a socket is in a room.
    #[must_use]
    pub fn is_member(&self, key: SocketKey, name: &str) -> bool {
        let Some(room) = self.by_name.get(name) else { return false };
        self.socket(key).is_some_and(|socket| socket.rooms.iter().any(|other| other.room == *room))
    }

    /// Whether two sockets are in a room together.
    #[must_use]
    pub fn share_room(&self, one: SocketKey, other: SocketKey) -> bool {
        let (Some(one), Some(other)) = (self.socket(one), self.socket(other)) else { return false };
        let in_other = |room| other.rooms.iter().any(|membership| membership.room == room);
        one.rooms.iter().any(|membership| in_other(membership.room))
    }

    /// The rooms that a socket is in, in no order.
    pub fn rooms_of(&self, key: SocketKey) -> impl Iterator<Item = &str> {
        let memberships = self.socket(key).map_or(&[][..], |socket| &socket.rooms);
        memberships.iter().map(|membership| &*self.rooms[membership.room].name)
    }

    /// The members of a room, in no order.
    pub fn members(&self, name: &str) -> impl Iterator<Item = (SocketKey, &H)> {
        let members = self.room(name).map_or(&[][..], |room| &room.members);
        members.iter().map(|member| (member.socket, &member.handle))
    }
}
