//! Keys on disk that change while clients work.

mod follow;
mod load;
mod order;
mod reload;
mod renewal;

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use gatewire::keys::{self, KeyFile};
use gatewire::{Psk, Server, ServerBuilder};

use crate::rig::serve_with;

/// The key that a test calls by this number.
fn key(byte: u8) -> Psk {
    Psk::new([byte; 32]).expect("a long key")
}

/// An entry of a key file.
fn entry(id: &str, byte: u8) -> String {
    let secret = keys::to_hex(&key(byte));
    format!("[[key]]\nid = \"{id}\"\nsecret = \"{}\"\n", secret.as_str())
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("gatewire-rotation-{}-{number}", process::id()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn keys(&self) -> PathBuf {
        self.0.join("keys.toml")
    }

    /// As careful operators do: another file takes the place of the old one.
    fn replace(&self, text: &str) {
        let new = self.0.join("keys.toml.new");
        fs::write(&new, text).expect("written");
        fs::rename(&new, self.keys()).expect("renamed");
    }

    fn open(&self) -> KeyFile {
        KeyFile::open(self.keys()).expect("a key file")
    }

    /// A server with these keys.
    async fn serve(
        &self,
        text: &str,
        change: impl FnOnce(KeyFile, ServerBuilder) -> ServerBuilder,
    ) -> Server {
        self.replace(text);
        serve_with(|builder| change(self.open(), builder)).await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of a temporary folder is the system's.
        let _removed = fs::remove_dir_all(&self.0);
    }
}
