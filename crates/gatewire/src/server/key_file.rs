//! A server that follows its key file.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use gatewire_core::handshake::KeyChanges;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use super::{Inner, Server};
use crate::keys::{KeyFile, KeysError, Look, SETTLE, Verdict, Watch};

/// What is known of the key file of a server.
#[derive(Default)]
pub(super) struct Followed {
    /// `None`: the server was given none.
    file: Option<Mutex<KeyFile>>,
    /// Whether it is looked at already: a server may begin to listen more than once.
    watched: std::sync::atomic::AtomicBool,
}

impl Followed {
    pub(super) fn new(file: Option<KeyFile>) -> Self {
        Self { file: file.map(Mutex::new), ..Self::default() }
    }

    fn with<R>(&self, f: impl FnOnce(&mut KeyFile) -> R) -> Option<R> {
        let file = self.file.as_ref()?;
        // A panic cannot leave it half read: it is replaced as a whole.
        Some(f(&mut file.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Server {
    /// Reads the key file again and takes its keys, as [`set_keys`](Self::set_keys) does; what has changed.
    /// The file is taken as it is at this moment: write another and rename it, so that it is never half there.
    ///
    /// At the signal that asks servers to read their files again:
    ///
    /// ```no_run
    /// # #[cfg(unix)]
    /// # async fn example(server: gatewire::Server) -> std::io::Result<()> {
    /// use tokio::signal::unix::{SignalKind, signal};
    ///
    /// let mut hangup = signal(SignalKind::hangup())?;
    /// tokio::spawn(async move {
    ///     while hangup.recv().await.is_some() {
    ///         // What is wrong is in the log, and the keys are those of before.
    ///         let _ = server.reload_keys().await;
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeysError`]: it cannot be read or understood, or the server was not given one
    /// ([`ServerBuilder::key_file`](crate::ServerBuilder::key_file)). The keys stay as they are. It is counted
    /// (`Counters::key_reloads_failed`), logged, and told to [`on_keys_reloaded`](Self::on_keys_reloaded).
    ///
    /// # Cancel safety
    ///
    /// Once polled it goes on without the future.
    pub async fn reload_keys(&self) -> Result<KeyChanges, KeysError> {
        let server = Arc::clone(&self.inner);
        done(spawn_blocking(move || server.take_keys(KeyFile::look)).await)
            .unwrap_or_else(|| Err(KeysError::no_file()))
    }

    /// Called each time that the keys were read again, by [`reload_keys`](Self::reload_keys) or because the
    /// file had changed: with what has changed, or why the old keys stay. Replaces the one before. Must not
    /// block.
    pub fn on_keys_reloaded(
        &self,
        handler: impl Fn(Result<&KeyChanges, &KeysError>) + Send + Sync + 'static,
    ) {
        self.inner.lifecycle.set_keys_reloaded(handler);
    }
}

impl Inner {
    /// Begins to look at the key file now and then, if that was asked for.
    pub(super) fn follow_key_file(self: &Arc<Self>) {
        let every = self.key_file.with(|file| file.every()).flatten();
        let Some(every) = every else { return };
        if self.key_file.watched.swap(true, Ordering::Relaxed) {
            return;
        }
        let server = Arc::clone(self);
        tokio::spawn(async move {
            let looks = async {
                let mut watch = Watch::default();
                let mut pause = every;
                loop {
                    sleep(pause).await;
                    let again = server.look_at_key_file(&mut watch).await;
                    pause = if again { SETTLE } else { every };
                }
            };
            // `None`: the server was closed.
            let _closed: Option<()> = server.while_open(looks).await;
        });
    }

    /// One look at the key file; whether another is to follow soon.
    async fn look_at_key_file(self: &Arc<Self>, watch: &mut Watch) -> bool {
        let server = Arc::clone(self);
        let mut weighing = std::mem::take(watch);
        let looked = spawn_blocking(move || {
            let verdict = server
                .key_file
                .with(|file| weighing.weigh(file.look(), file.keys()))
                .unwrap_or(Verdict::Wait);
            let again = matches!(verdict, Verdict::LookAgain);
            if let Verdict::Take(look) = verdict {
                // What is wrong was counted, logged and told.
                let _taken = server.take_keys(|_| look);
            }
            (weighing, again)
        });
        let (weighed, again) = done(looked.await).unwrap_or_default();
        *watch = weighed;
        again
    }

    /// Takes what the key file said. The file stays locked, so that two of these leave the later keys.
    fn take_keys(
        self: &Arc<Self>,
        look: impl FnOnce(&KeyFile) -> Look,
    ) -> Result<KeyChanges, KeysError> {
        let taken = self.key_file.with(|file| {
            let changes = file.take(look(file))?;
            self.set_keys(file.keys());
            Ok(changes)
        });
        let taken = taken.unwrap_or_else(|| Err(KeysError::no_file()));
        match &taken {
            Ok(changes) => {
                let KeyChanges { added, changed, removed, .. } = changes;
                let (added, changed, removed) = (added.len(), changed.len(), removed.len());
                tracing::info!(added, changed, removed, "the keys were read again");
            }
            Err(error) => {
                self.key_reloads_failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "the keys were not replaced");
            }
        }
        self.keys_reloaded(taken.as_ref());
        taken
    }
}

/// What a task gave. `None`: the runtime goes down.
fn done<T>(joined: Result<T, JoinError>) -> Option<T> {
    match joined {
        Ok(output) => Some(output),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}
