//! One flush per connection and batch.
//!
//! While a driver handles what one read gave it, emits from that thread only queue, and their
//! connections are noted here; when the batch ends each is flushed once. So a room message to 100
//! members that is followed by 50 more costs 100 writes, not 5,000, and a single one waits for
//! nothing but its handler.

use std::cell::RefCell;
use std::sync::Arc;

use super::link::HasLink;

static NEXT_THREAD: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

thread_local! {
    static THREAD: u64 = NEXT_THREAD.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    /// The connections to flush; `None` outside of a batch.
    static DIRTY: RefCell<Option<Vec<Arc<dyn HasLink>>>> = const { RefCell::new(None) };
}

/// A batch on this thread. Ends, with its flushes, when dropped.
pub(crate) struct BatchScope {
    /// A batch within a batch (a runtime in a handler) leaves the flushes to the outer one.
    outermost: bool,
}

impl BatchScope {
    pub(crate) fn enter() -> Self {
        let outermost = DIRTY.with_borrow_mut(|dirty| {
            let outermost = dirty.is_none();
            if outermost {
                *dirty = Some(Vec::new());
            }
            outermost
        });
        Self { outermost }
    }
}

impl Drop for BatchScope {
    fn drop(&mut self) {
        if !self.outermost {
            return;
        }
        let dirty = DIRTY.with_borrow_mut(Option::take).unwrap_or_default();
        for owner in dirty {
            owner.link().clear_dirty();
            owner.link().flush();
        }
    }
}

/// Whether this thread is in a batch; if so, `owner` will be flushed at its end.
pub(crate) fn defer_flush(
    owner: impl FnOnce() -> Arc<dyn HasLink>,
    claim: impl FnOnce(u64) -> Claim,
) -> bool {
    DIRTY.with_borrow_mut(|dirty| match dirty {
        Some(list) => match claim(THREAD.with(|id| *id)) {
            Claim::Mine => {
                list.push(owner());
                true
            }
            Claim::MineAlready => true,
            Claim::Others => false,
        },
        None => false,
    })
}

/// Whose batch flushes a link.
pub(crate) enum Claim {
    Mine,
    MineAlready,
    Others,
}
