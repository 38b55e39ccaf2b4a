//! A key file that is read again while its server runs.
//!
//! Whether it has changed is seen by reading it, not by its time, which an editor or a copy may keep, and
//! not by notices of the system, which are lost when a file is replaced by renaming another, or a folder of
//! links turned round. What counts is what it says: files beside it and variables are part of that.

use std::mem;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatewire_core::handshake::{KeyChanges, KeyRing};

use super::{Loaded, load};
use crate::keys::KeysError;

/// A key file, for a server that is to follow its changes.
///
/// ```
/// use std::time::Duration;
/// use gatewire::Server;
/// use gatewire::keys::{self, KeyFile};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("gatewire-doc-{}.toml", std::process::id()));
/// # let secret = keys::to_hex(&keys::generate());
/// # std::fs::write(&path, format!("[[key]]\nid = \"guests\"\nsecret = \"{}\"\n", secret.as_str()))?;
/// let file = KeyFile::open(&path)?.watch(Duration::from_secs(10));
/// let server = Server::builder().key_file(file).bind("127.0.0.1:0").await?;
/// // Or at a signal, without `watch`:
/// let changes = server.reload_keys().await?;
/// assert!(changes.is_empty());
/// # server.close().await;
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    /// What it said when it was read last.
    keys: KeyRing,
    every: Option<Duration>,
}

impl KeyFile {
    /// Reads a key file, as [`from_file`](super::from_file) does.
    ///
    /// # Errors
    ///
    /// [`KeysError`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeysError> {
        let path = path.into();
        let loaded = load(&path)?;
        loaded.warn_of_exposed();
        Ok(Self { path, keys: loaded.keys, every: None })
    }

    /// The server is to read the file again each time that so much time has passed (1 s at least), and to
    /// take it when it says something else. It is read twice, a second apart, and taken when both times it
    /// said the same: a file that is just being written is not. Each time costs reading and understanding
    /// the file, on a thread for blocking work.
    #[must_use]
    pub fn watch(mut self, every: Duration) -> Self {
        self.every = Some(every.max(SETTLE));
        self
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys that it had when it was read last.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// Reads the file again; what has changed. After an error the keys are those of before.
    ///
    /// Waits for the disk: do it in a blocking task.
    ///
    /// # Errors
    ///
    /// [`KeysError`]: it cannot be read or understood as a whole.
    pub fn reload(&mut self) -> Result<KeyChanges, KeysError> {
        self.take(Look(load(&self.path)))
    }

    /// How often a server is to look.
    pub(crate) fn every(&self) -> Option<Duration> {
        self.every
    }

    /// Reads the file and changes nothing.
    pub(crate) fn look(&self) -> Look {
        Look(load(&self.path))
    }

    pub(crate) fn take(&mut self, look: Look) -> Result<KeyChanges, KeysError> {
        let loaded = look.0?;
        loaded.warn_of_exposed();
        let before = mem::replace(&mut self.keys, loaded.keys);
        Ok(self.keys.changes_since(&before))
    }
}

/// What a file said when it was read.
pub(crate) struct Look(Result<Loaded, KeysError>);

impl Look {
    fn says(&self, keys: &KeyRing) -> bool {
        self.0.as_ref().is_ok_and(|loaded| loaded.keys.changes_since(keys).is_empty())
    }

    fn is_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Ok(_), Ok(other)) => self.says(&other.keys),
            (Err(error), Err(other)) => error == other,
            _ => false,
        }
    }
}

/// What is to be done after a look.
pub(crate) enum Verdict {
    /// Nothing, until it is time for the next.
    Wait,
    /// It says something new: look again soon.
    LookAgain,
    /// It has said so twice.
    Take(Look),
}

/// Tells new contents from those that are half written, and reports an error once.
#[derive(Default)]
pub(crate) struct Watch {
    /// What it said last, if that was new.
    new: Option<Look>,
    /// The error that was taken last.
    reported: Option<KeysError>,
}

impl Watch {
    /// `keys`: those that the file had when it was taken last.
    pub(crate) fn weigh(&mut self, look: Look, keys: &KeyRing) -> Verdict {
        if look.says(keys) {
            *self = Self::default();
            return Verdict::Wait;
        }
        if let Err(error) = &look.0
            && self.reported.as_ref() == Some(error)
        {
            self.new = None;
            return Verdict::Wait;
        }
        match self.new.take() {
            Some(before) if before.is_as(&look) => {
                self.reported = look.0.as_ref().err().cloned();
                Verdict::Take(look)
            }
            _ => {
                self.new = Some(look);
                Verdict::LookAgain
            }
        }
    }
}

/// How long a file is given to be written to its end: longer than a program or an editor pauses within that.
pub(crate) const SETTLE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::keys::KeysFault;

    fn text(ids: &[&str]) -> String {
        let entry =
            |id: &&str| format!("[[key]]\nid = \"{id}\"\nsecret = \"{}\"\n", "1f".repeat(16));
        ids.iter().map(entry).collect()
    }

    fn look(text: &str) -> Look {
        Look(parse(text, None))
    }

    fn keys() -> KeyRing {
        look(&text(&["one"])).0.expect("one key").keys
    }

    fn weigh(watch: &mut Watch, text: &str) -> &'static str {
        match watch.weigh(look(text), &keys()) {
            Verdict::Wait => "wait",
            Verdict::LookAgain => "look again",
            Verdict::Take(Look(Ok(_))) => "take",
            Verdict::Take(Look(Err(_))) => "report",
        }
    }

    #[test]
    fn what_is_new_is_taken_when_it_was_seen_twice() {
        let mut watch = Watch::default();
        assert_eq!(weigh(&mut watch, &text(&["one"])), "wait");
        assert_eq!(weigh(&mut watch, &text(&["one", "two"])), "look again");
        assert_eq!(weigh(&mut watch, &text(&["one", "two"])), "take");
    }

    /// The first half of a key file is a key file, with fewer keys.
    #[test]
    fn a_file_that_is_being_written_is_not_taken() {
        let mut watch = Watch::default();
        for ids in [&["two"][..], &["two", "three"]] {
            assert_eq!(weigh(&mut watch, &text(ids)), "look again");
        }
        assert_eq!(weigh(&mut watch, ""), "look again");
        // It is what it was, after all.
        assert_eq!(weigh(&mut watch, &text(&["one"])), "wait");
        assert_eq!(weigh(&mut watch, ""), "look again");
    }

    #[test]
    fn an_error_is_reported_once_until_there_is_another() {
        let mut watch = Watch::default();
        assert_eq!(weigh(&mut watch, "[["), "look again");
        assert_eq!(weigh(&mut watch, "[["), "report");
        assert_eq!(weigh(&mut watch, "[["), "wait");
        assert_eq!(weigh(&mut watch, ""), "look again");
        assert_eq!(weigh(&mut watch, ""), "report");
        assert_eq!(weigh(&mut watch, &text(&["one"])), "wait");
        assert_eq!(weigh(&mut watch, ""), "look again");
        assert_eq!(weigh(&mut watch, ""), "report");
    }

    #[test]
    fn comments_and_the_order_of_keys_are_no_change() {
        let two = look(&text(&["one", "two"])).0.expect("two keys").keys;
        assert!(look(&format!("# new\n{}", text(&["two", "one"]))).says(&two));
    }

    #[test]
    fn what_cannot_be_taken_leaves_the_keys_as_they_are() {
        let mut file = KeyFile { path: PathBuf::new(), keys: keys(), every: None };
        let error = file.take(look("")).expect_err("no key");
        assert_eq!(error.fault(), &KeysFault::NoKeys);
        assert!(file.reload().is_err(), "there is no such file");
        assert!(file.keys().changes_since(&keys()).is_empty());
    }
}
