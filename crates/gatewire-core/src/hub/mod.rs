//! A server's connections and their rooms: who receives what.
//!
//! The hub knows each socket by a dense [`SocketKey`] and holds a handle of the caller's type `H` for
//! it. It does not own sessions: [`Hub::deliver`] calls a closure for each receiver, exactly once,
//! so that encoding, queueing and locking stay with the caller.
//!
//! # Invariants
//!
//! * Membership is a set: joining twice is joining once; only members leave.
//! * A room exists while it has members.
//! * Each receiver of a message is visited once, however many of its rooms are addressed.
//! * Join, leave and removal take constant time per room; a delivery to one room walks one
//!   contiguous list.

mod changes;
mod deliver;
mod rooms;
mod run;

use std::collections::HashMap;

use rustc_hash::FxHashMap;
use slab::Slab;

use crate::SocketId;
use rooms::{Membership, Room};

pub use changes::RoomChange;
pub use rooms::JoinError;
pub use run::PublishRun;

/// A socket's place in the hub. The key of a removed socket addresses nobody, even when another
/// socket has taken its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketKey {
    index: u32,
    /// Tells the sockets apart that had this place.
    generation: u32,
}

impl SocketKey {
    fn index(self) -> usize {
        self.index as usize
    }
}

/// The bounds of one socket's rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomLimits {
    /// The most rooms that one socket may be in: 128.
    pub max_rooms: usize,
    /// The longest room name in bytes: 255.
    pub max_name: usize,
}

impl Default for RoomLimits {
    fn default() -> Self {
        Self { max_rooms: 128, max_name: 255 }
    }
}

#[derive(Debug)]
struct Socket<H> {
    key: SocketKey,
    id: SocketId,
    handle: H,
    rooms: Vec<Membership>,
}

/// See the [module's documentation](self).
#[derive(Debug)]
pub struct Hub<H> {
    limits: RoomLimits,
    /// The name of this hub's node in its cluster.
    node: Option<Box<str>>,
    sockets: Slab<Socket<H>>,
    by_id: FxHashMap<SocketId, SocketKey>,
    /// How many sockets were inserted, modulo 2^32.
    generation: u32,
    rooms: Slab<Room<H>>,
    /// Peers choose these names: the hash is keyed at random, so that nobody can make them collide.
    /// Its order is never looked at, so nothing else depends on the key.
    by_name: HashMap<Box<str>, usize>,
    /// What became of rooms, if anybody wants to know.
    changes: Option<Vec<RoomChange>>,
}

impl<H: Clone> Hub<H> {
    /// A hub without sockets.
    #[must_use]
    pub fn new(limits: RoomLimits) -> Self {
        Self {
            limits,
            node: None,
            sockets: Slab::new(),
            by_id: FxHashMap::default(),
            generation: 0,
            rooms: Slab::new(),
            by_name: HashMap::new(),
            changes: None,
        }
    }

    /// Names the node that this hub is of: its sockets may be addressed as `node/session` from now on too.
    pub fn set_node(&mut self, name: &str) {
        self.node = Some(name.into());
    }

    /// Adds a socket. `None`: another has this id; draw a new one.
    pub fn insert(&mut self, id: SocketId, handle: H) -> Option<SocketKey> {
        if self.by_id.contains_key(&id) {
            return None;
        }
        let place = self.sockets.vacant_entry();
        let index = u32::try_from(place.key()).ok()?;
        self.generation = self.generation.wrapping_add(1);
        let key = SocketKey { index, generation: self.generation };
        place.insert(Socket { key, id, handle, rooms: Vec::new() });
        self.by_id.insert(id, key);
        Some(key)
    }

    /// Removes a socket from the hub and from its rooms; its handle.
    pub fn remove(&mut self, key: SocketKey) -> Option<H> {
        self.socket(key)?;
        self.leave_all(key);
        let socket = self.sockets.try_remove(key.index())?;
        self.by_id.remove(&socket.id);
        if self.sockets.is_empty() {
            // A storm of connections does not keep its memory.
            self.sockets = Slab::new();
            self.by_id.shrink_to_fit();
        }
        Some(socket.handle)
    }

    /// The socket with this id.
    #[must_use]
    pub fn find(&self, id: SocketId) -> Option<(SocketKey, &H)> {
        let key = *self.by_id.get(&id)?;
        Some((key, self.handle(key)?))
    }

    /// The socket with this address: a bare id, or one behind the name of [this node](Self::set_node). Those of
    /// other nodes, and texts that are no addresses, are nobody.
    #[must_use]
    pub fn find_address(&self, address: &str) -> Option<(SocketKey, &H)> {
        self.find(self.id_of(address)?)
    }

    /// The id that an address has at this node.
    fn id_of(&self, address: &str) -> Option<SocketId> {
        if let Ok(id) = address.parse() {
            return Some(id);
        }
        let (node, session) = address.split_once('/')?;
        if self.node.as_deref() == Some(node) { session.parse().ok() } else { None }
    }

    /// The handle of a socket.
    #[must_use]
    pub fn handle(&self, key: SocketKey) -> Option<&H> {
        self.socket(key).map(|socket| &socket.handle)
    }

    /// All sockets.
    pub fn iter(&self) -> impl Iterator<Item = (SocketKey, &H)> {
        self.sockets.iter().map(|(_, socket)| (socket.key, &socket.handle))
    }

    /// How many sockets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    fn socket(&self, key: SocketKey) -> Option<&Socket<H>> {
        self.sockets.get(key.index()).filter(|socket| socket.key == key)
    }
}
