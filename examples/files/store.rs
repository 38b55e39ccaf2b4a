//! A directory for files that come in. What has come in part is kept apart, to be gone on with.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gatewire::{Rejection, StreamReader};
use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

/// See the module's documentation.
pub(crate) struct Store {
    directory: PathBuf,
    /// Files that are being written: each by one stream only.
    open: Mutex<HashSet<String>>,
    /// One of them is not any more.
    closed: Notify,
}

/// A file that is complete.
pub(crate) struct Received {
    pub(crate) length: u64,
    /// Its SHA-256.
    pub(crate) hash: String,
}

impl Store {
    pub(crate) fn open(directory: impl Into<PathBuf>) -> io::Result<Arc<Self>> {
        let directory = directory.into();
        std::fs::create_dir_all(directory.join(PARTS))?;
        Ok(Arc::new(Self { directory, open: Mutex::default(), closed: Notify::new() }))
    }

    /// How much there is of a file that is not complete. Waits until nobody writes it.
    pub(crate) async fn length_of_part(&self, name: &str) -> Result<u64, Rejection> {
        let name = file_name(name)?;
        loop {
            let closed = self.closed.notified();
            if !self.lock().contains(name) {
                break;
            }
            closed.await;
        }
        match fs::metadata(self.part(name)).await {
            Ok(part) => Ok(part.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a stream into a file, from this offset on. If it does not come to its end, what came is kept.
    pub(crate) async fn save(
        &self,
        name: &str,
        offset: u64,
        mut stream: StreamReader,
    ) -> Result<Received, Rejection> {
        let name = file_name(name)?;
        let _claim = self.claim(name)?;
        let part = self.part(name);
        let mut options = File::options();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&part).await?;
        let mut hash = Sha256::new();
        pass_over(&mut file, offset, &mut hash).await?;
        file.set_len(offset).await?;

        let written = write(&mut file, &mut stream, &mut hash).await;
        // In any case: the next attempt is told how much there is.
        file.flush().await?;
        let length = offset + written?;
        fs::rename(part, self.directory.join(name)).await?;
        Ok(Received { length, hash: in_hex(hash) })
    }

    /// The right to write a file.
    fn claim<'a>(&'a self, name: &'a str) -> Result<Claim<'a>, Rejection> {
        if self.lock().insert(name.to_owned()) {
            Ok(Claim { store: self, name })
        } else {
            Err(Rejection::new("somebody else sends it right now"))
        }
    }

    fn part(&self, name: &str) -> PathBuf {
        self.directory.join(PARTS).join(name)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Claim<'a> {
    store: &'a Store,
    name: &'a str,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.store.lock().remove(self.name);
        self.store.closed.notify_waiters();
    }
}

/// The last part of a path, whatever stands before it: whoever sends, nothing is written outside of the
/// directory.
fn file_name(path: &str) -> Result<&str, Rejection> {
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.filter(|name| *name != PARTS).ok_or_else(|| Rejection::new("that is no name of a file"))
}

/// Reads the beginning of a file, for its hash.
async fn pass_over(file: &mut File, length: u64, hash: &mut Sha256) -> Result<(), Rejection> {
    let mut beginning = file.take(length);
    let mut buffer = Vec::with_capacity(256 << 10);
    while beginning.read_buf(&mut buffer).await? > 0 {
        hash.update(&buffer);
        buffer.clear();
    }
    if beginning.limit() > 0 {
        return Err(Rejection::new("there is less of it here"));
    }
    Ok(())
}

/// Writes all of a stream, piece by piece; how much.
async fn write(
    file: &mut File,
    stream: &mut StreamReader,
    hash: &mut Sha256,
) -> Result<u64, Rejection> {
    let mut written = 0;
    // `None` is the end that the sender meant. Everything else is an error: a file that was cut off is
    // never taken for a whole one.
    while let Some(piece) = stream.chunk().await? {
        hash.update(&piece);
        file.write_all(&piece).await?;
        written += piece.len() as u64;
    }
    Ok(written)
}

pub(crate) fn in_hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The beginning of a hash, for people.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}

/// Where files are that have come in part.
const PARTS: &str = ".parts";
