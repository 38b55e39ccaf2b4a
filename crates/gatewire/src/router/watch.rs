//! Rooms of which somebody wants to know where their members are.

use std::fmt;
use std::sync::{Arc, PoisonError};

use super::{Router, RouterInner};

impl Router {
    /// Waits until another node is known to have members of a room, or the router is closed: whether it is.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only waits.
    pub async fn wait_for_room(&self, room: &str, node: &str) -> bool {
        self.inner.watch_room(room, true);
        let _watch = Watch { router: &self.inner, room };
        self.wait_until(|| self.nodes_of(room).iter().any(|found| found == node)).await
    }

    /// [Events](Self::events) tell from now on which nodes have members of this room, until the guard is dropped, and
    /// first those that have some now: unless the room is watched already, then see [`nodes_of`](Self::nodes_of). (Nodes tell each other hashes of rooms, so only a room that is named can be
    /// watched; and how many members a node has, it tells nobody.)
    #[must_use = "the room is watched until this is dropped"]
    pub fn watch_room(&self, room: &str) -> RoomWatch {
        self.inner.watch_room(room, true);
        RoomWatch { router: Arc::clone(&self.inner), room: room.to_owned() }
    }
}

/// A room is [watched](Router::watch_room) as long as this lives.
pub struct RoomWatch {
    router: Arc<RouterInner>,
    room: String,
}

impl fmt::Debug for RoomWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RoomWatch").field(&self.room).finish()
    }
}

impl Drop for RoomWatch {
    fn drop(&mut self) {
        self.router.watch_room(&self.room, false);
    }
}

/// The same for a future.
struct Watch<'a> {
    router: &'a RouterInner,
    room: &'a str,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.router.watch_room(self.room, false);
    }
}

impl RouterInner {
    /// One more, or one less, wants to know of a room.
    pub(super) fn watch_room(&self, room: &str, more: bool) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let count = watchers.entry(room.to_owned()).or_default();
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
        match *count {
            0 => {
                watchers.remove(room);
                self.control(|plane, _| plane.router.unwatch(room));
            }
            1 if more => self.control(|plane, _| plane.router.watch(room)),
            _ => {}
        }
    }
}
