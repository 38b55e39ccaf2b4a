//! What a server tells its application about connections.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use gatewire_core::SocketId;

use super::{Inner, Socket};
use crate::error::{DisconnectReason, Error};
#[cfg(feature = "key-file")]
use crate::keys::{KeyChanges, KeysError};

type Done = Pin<Box<dyn Future<Output = ()> + Send>>;
type OnConnect = Arc<dyn Fn(Socket) -> Done + Send + Sync>;
type OnDisconnect = Arc<dyn Fn(Socket, DisconnectReason) -> Done + Send + Sync>;
type OnError = Arc<dyn Fn(&Socket, Error) + Send + Sync>;
type OnDrain = Arc<dyn Fn(&Socket) + Send + Sync>;

#[cfg(feature = "key-file")]
type OnKeysReloaded = Arc<dyn Fn(Result<&KeyChanges, &KeysError>) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Lifecycle {
    connect: RwLock<Option<OnConnect>>,
    disconnect: RwLock<Option<OnDisconnect>>,
    error: RwLock<Option<OnError>>,
    drain: RwLock<Option<OnDrain>>,
    #[cfg(feature = "key-file")]
    keys_reloaded: RwLock<Option<OnKeysReloaded>>,
}

fn set<T>(slot: &RwLock<Option<T>>, value: T) {
    // Dropped when the lock is free again: it may hold what uses this server when it goes.
    let _replaced = slot.write().unwrap_or_else(PoisonError::into_inner).replace(value);
}

fn copy<T: Clone>(slot: &RwLock<Option<T>>) -> Option<T> {
    slot.read().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Lifecycle {
    pub(super) fn set_connect<F>(&self, handler: impl Fn(Socket) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        set(&self.connect, Arc::new(move |socket| -> Done { Box::pin(handler(socket)) }));
    }

    pub(super) fn set_disconnect<F>(
        &self,
        handler: impl Fn(Socket, DisconnectReason) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let boxed = move |socket, reason| -> Done { Box::pin(handler(socket, reason)) };
        set(&self.disconnect, Arc::new(boxed));
    }

    pub(super) fn set_error(&self, handler: impl Fn(&Socket, Error) + Send + Sync + 'static) {
        set(&self.error, Arc::new(handler));
    }

    pub(super) fn set_drain(&self, handler: impl Fn(&Socket) + Send + Sync + 'static) {
        set(&self.drain, Arc::new(handler));
    }

    #[cfg(feature = "key-file")]
    pub(super) fn set_keys_reloaded(
        &self,
        handler: impl Fn(Result<&KeyChanges, &KeysError>) + Send + Sync + 'static,
    ) {
        set(&self.keys_reloaded, Arc::new(handler));
    }

    /// The application's future for a new socket. A panic of the closure itself is that future's.
    pub(super) fn connected(&self, socket: &Socket) -> Option<Done> {
        let handler = copy(&self.connect)?;
        let socket = socket.clone();
        Some(Box::pin(async move { handler(socket).await }))
    }

    pub(super) fn disconnected(&self, socket: Socket, reason: DisconnectReason) -> Option<Done> {
        let handler = copy(&self.disconnect)?;
        Some(Box::pin(async move { handler(socket, reason).await }))
    }
}

impl Inner {
    /// Counts, logs and hands on what no caller waits for.
    pub(crate) fn report(&self, id: SocketId, error: Error) {
        if matches!(error, Error::HandlerPanicked { .. }) {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        match (copy(&self.lifecycle.error), self.socket(id)) {
            (Some(handler), Some(socket)) => self.call("on_error", || handler(&socket, error)),
            _ => tracing::warn!(socket = %id, %error, "gatewire server"),
        }
    }

    /// Tells the application that a slow socket takes more again.
    pub(crate) fn drained(&self, id: SocketId) {
        if let (Some(handler), Some(socket)) = (copy(&self.lifecycle.drain), self.socket(id)) {
            self.call("on_drain", || handler(&socket));
        }
    }

    /// Tells the application that the key file was read again.
    #[cfg(feature = "key-file")]
    pub(super) fn keys_reloaded(&self, taken: Result<&KeyChanges, &KeysError>) {
        if let Some(handler) = copy(&self.lifecycle.keys_reloaded) {
            self.call("on_keys_reloaded", || handler(taken));
        }
    }

    /// Runs the application's closure. Its panic must not end the connection that it is told about.
    fn call(&self, name: &str, run: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            self.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!("{name} panicked");
        }
    }
}
