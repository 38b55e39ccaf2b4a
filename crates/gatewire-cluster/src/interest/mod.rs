//! Which nodes have members of which rooms.
//!
//! Each node has a set of rooms, those with at least one local member; how many members there are
//! nobody else learns. The set has a version. A node collects what changes for 20 ms, raises the version
//! and tells the difference; who has the version before applies it and hands it on, who has an older
//! one asks. When the difference is not known any more, or is the longer story, the whole set is sent.
//! Version 0 of an incarnation is the empty set, so a new life needs no word to forget the old one's
//! rooms.
//!
//! Rooms are told as 64-bit hashes, keyed for the cluster, so that nobody outside can make rooms collide. A
//! collision between two rooms costs a message that finds no member, never a wrong delivery: messages
//! carry the room's name.
//!
//! The bound is [`MAX_ROOMS`] for each node. The node itself refuses a room more; a neighbour that tells of
//! more breaks the protocol.

mod holders;
mod local;
mod room_set;

use std::fmt;

use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;

pub(crate) use holders::Holders;
pub(crate) use local::LocalRooms;
pub(crate) use room_set::{Difference, LONGEST_DELTA, RoomSet};

/// In how many rooms a node can have members. They take 8 MB in a snapshot, and up to 20 MB of memory
/// at each node of the cluster.
pub const MAX_ROOMS: usize = 1 << 20;

/// The key with which the rooms of a cluster are hashed: the same at all its nodes, and secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RoomKey([u8; 16]);

impl RoomKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The key that follows from the name of the cluster and a secret of it, which may be empty: the first half of
    /// SHA-256 over `"gatewire rooms" 00 | u64 length of the name | name | secret`.
    ///
    /// Without a secret, whoever knows the name can make rooms whose hashes collide. That costs messages that find no
    /// member, and time to look them up; it never delivers a message to somebody else.
    #[must_use]
    pub fn derive(cluster: &str, secret: &[u8]) -> Self {
        let mut hash = Sha256::new_with_prefix(b"gatewire rooms\0");
        hash.update((cluster.len() as u64).to_le_bytes());
        hash.update(cluster);
        hash.update(secret);
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Self(key)
    }

    /// SipHash-1-3 (Aumasson and Bernstein, 2012) of the room's name.
    #[must_use]
    pub fn hash(&self, room: &str) -> u64 {
        SipHasher13::new_with_key(&self.0).hash(room.as_bytes())
    }
}

impl fmt::Debug for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomKey(..)")
    }
}
