//! What a client tells its application about its connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use gatewire_core::SocketId;

use super::ClientInner;
use crate::error::{DisconnectReason, Error};

type Slot<F> = RwLock<Option<Arc<F>>>;

#[derive(Default)]
pub(crate) struct Lifecycle {
    connect: Slot<dyn Fn(SocketId) + Send + Sync>,
    disconnect: Slot<dyn Fn(&DisconnectReason) + Send + Sync>,
    reconnecting: Slot<dyn Fn(u32, Duration) + Send + Sync>,
    go_away: Slot<dyn Fn(Duration) + Send + Sync>,
    drain: Slot<dyn Fn() + Send + Sync>,
    error: Slot<dyn Fn(Error) + Send + Sync>,
}

fn set<F: ?Sized>(slot: &Slot<F>, handler: Arc<F>) {
    // Dropped when the lock is free again: it may hold what uses this client when it goes.
    let _replaced = slot.write().unwrap_or_else(PoisonError::into_inner).replace(handler);
}

/// Calls the handler, if there is one; whether there was. Its panic ends nothing but itself.
fn call<F: ?Sized>(slot: &Slot<F>, with: impl FnOnce(&F)) -> bool {
    let handler = slot.read().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(handler) = handler else { return false };
    if catch_unwind(AssertUnwindSafe(|| with(&handler))).is_err() {
        tracing::error!("a lifecycle handler of a gatewire client panicked");
    }
    true
}

impl Lifecycle {
    pub(super) fn set_connect(&self, handler: impl Fn(SocketId) + Send + Sync + 'static) {
        set(&self.connect, Arc::new(handler));
    }

    pub(super) fn set_disconnect(
        &self,
        handler: impl Fn(&DisconnectReason) + Send + Sync + 'static,
    ) {
        set(&self.disconnect, Arc::new(handler));
    }

    pub(super) fn set_reconnecting(&self, handler: impl Fn(u32, Duration) + Send + Sync + 'static) {
        set(&self.reconnecting, Arc::new(handler));
    }

    pub(super) fn set_go_away(&self, handler: impl Fn(Duration) + Send + Sync + 'static) {
        set(&self.go_away, Arc::new(handler));
    }

    pub(super) fn set_drain(&self, handler: impl Fn() + Send + Sync + 'static) {
        set(&self.drain, Arc::new(handler));
    }

    pub(super) fn set_error(&self, handler: impl Fn(Error) + Send + Sync + 'static) {
        set(&self.error, Arc::new(handler));
    }

    pub(super) fn connected(&self, id: SocketId) {
        call(&self.connect, |handler| handler(id));
    }

    pub(super) fn disconnected(&self, reason: &DisconnectReason) {
        tracing::debug!(%reason, "disconnected");
        call(&self.disconnect, |handler| handler(reason));
    }

    pub(super) fn reconnecting(&self, attempt: u32, delay: Duration) {
        call(&self.reconnecting, |handler| handler(attempt, delay));
    }

    pub(super) fn going_away(&self, window: Duration) {
        call(&self.go_away, |handler| handler(window));
    }

    pub(super) fn drained(&self) {
        call(&self.drain, |handler| handler());
    }
}

impl ClientInner {
    /// Counts, logs and hands on what no caller waits for.
    pub(super) fn report_error(&self, error: Error) {
        if matches!(error, Error::HandlerPanicked { .. }) {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        let text = error.to_string();
        if !call(&self.lifecycle.error, |handler| handler(error)) {
            tracing::warn!(error = text, "gatewire client");
        }
    }
}
