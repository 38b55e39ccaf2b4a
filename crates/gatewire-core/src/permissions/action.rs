//! What a peer wants to do, and the answer when it may not.

use std::fmt;

/// What a peer wants to do. A request counts as the message that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action<'a> {
    /// To be in a room. Needs `join`, and `max_rooms` has to leave a place. Joining a room twice is
    /// joining it once: do not ask for a room that the session is in.
    Join {
        /// Its name.
        room: &'a str,
        /// How many rooms the session is in already.
        joined: usize,
    },
    /// A message to the server. Needs `events`.
    Emit {
        /// Its event.
        event: &'a str,
    },
    /// A message to a room. Needs `emit_room` and `events`. One that goes to several rooms is asked for
    /// each of them.
    EmitRoom {
        /// The room's name.
        room: &'a str,
        /// The message's event.
        event: &'a str,
    },
    /// A message to another socket. Needs `emit_socket` and `events`.
    EmitSocket {
        /// Whether sender and receiver are in a room together. It is looked at only if
        /// [`asks_for_shared_room`](super::Permissions::asks_for_shared_room).
        shares_room: bool,
        /// The message's event.
        event: &'a str,
    },
    /// A message to all. Needs `broadcast` and `events`.
    Broadcast {
        /// Its event.
        event: &'a str,
    },
    /// A stream, whose target and event are asked for as those of a message are. Needs `stream`.
    Stream,
}

/// To which sockets a session may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmitSocket {
    /// To none.
    No,
    /// To those that are in a room with it.
    SameRoom,
    /// To each whose id it knows.
    Any,
}

impl EmitSocket {
    pub(super) fn permits(self, shares_room: bool) -> bool {
        match self {
            Self::No => false,
            Self::SameRoom => shares_room,
            Self::Any => true,
        }
    }
}

/// The key of a session does not permit what it wants. The session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    /// The permission that is missing, by the name that it has in a key file: `join`, `emit_room`,
    /// `emit_socket`, `broadcast`, `stream`, `events`; or the limit that is reached: `max_rooms`,
    /// `messages_per_s`, `bytes_per_s`.
    pub permission: &'static str,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.permission {
            "max_rooms" | "messages_per_s" | "bytes_per_s" => {
                write!(f, "the limit `{}` of the key is reached", self.permission)
            }
            permission => write!(f, "the key lacks the permission `{permission}`"),
        }
    }
}

impl std::error::Error for Denied {}
