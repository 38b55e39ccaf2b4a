//! One flush per connection and batch.
//!
//! While a driver handles what one read gave it, emits from that thread only queue, and their
//! connections are noted here; when the batch ends each is flushed once. So a room message to 100
//! members that is followed by 50 more costs 100 writes, not 5,000, and a single one waits for
//! nothing but its handler.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::link::HasLink;

static NEXT_BATCH: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The number of this thread's batches. Drawn with the first.
    static NUMBER: u64 = NEXT_BATCH.fetch_add(1, Ordering::Relaxed);
    /// The same while there is a batch, else 0.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
    /// The connections to flush.
    static DIRTY: RefCell<Vec<Arc<dyn HasLink>>> = const { RefCell::new(Vec::new()) };
}

/// A batch on this thread. Ends, with its flushes, when dropped.
pub(crate) struct BatchScope {
    /// A batch within a batch (a runtime in a handler) leaves the flushes to the outer one.
    outermost: bool,
}

impl BatchScope {
    pub(crate) fn enter() -> Self {
        let outermost = CURRENT.get() == 0;
        if outermost {
            CURRENT.set(NUMBER.with(|number| *number));
        }
        Self { outermost }
    }
}

impl Drop for BatchScope {
    fn drop(&mut self) {
        if !self.outermost {
            return;
        }
        CURRENT.set(0);
        let mut dirty = DIRTY.take();
        for owner in dirty.drain(..) {
            owner.link().clear_dirty();
            owner.link().flush();
        }
        // Kept for the next batch: nothing else has been noted, since there was none.
        if dirty.capacity() <= KEEP {
            DIRTY.set(dirty);
        }
    }
}

/// The batch of this thread; 0: none.
pub(crate) fn current() -> u64 {
    CURRENT.get()
}

/// Notes a connection that this thread's batch is to flush at its end.
pub(crate) fn flush_at_end(owner: Arc<dyn HasLink>) {
    DIRTY.with_borrow_mut(|dirty| dirty.push(owner));
}

/// Connections that the list of a thread keeps room for.
const KEEP: usize = 1024;
