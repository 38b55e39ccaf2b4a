//! The writer's end: a file goes into a stream.

use std::io;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use gatewire::{Client, Object, Receipt, StreamReport, Value};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::Outcome;
use crate::store::{in_hex, short};

/// What is sent in front of the bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) name: String,
    /// Where the bytes begin.
    pub(crate) offset: u64,
}

/// As much as waits in a stream: so one read fills it.
const PIECE: usize = 256 << 10;

/// Uploads a file, or what the server does not have of it yet.
pub(crate) async fn upload(client: &Client, who: &str, path: &Path) -> Outcome {
    let mut source = Source::open(path).await?;
    let name = source.name.clone();
    let offset: u64 = client.request("have", name.as_str()).await?;
    if offset > 0 && source.skip(offset).await? {
        println!("{who:<7} | {name}: the server has the beginning, going on there");
    }
    let announcement = Announcement { name: name.clone(), offset: source.position };
    let mut stream = client.stream("upload", Object(announcement)).await?;
    while let Some(piece) = source.next().await? {
        // Waits while the server is behind: never more than 256 KiB wait here.
        stream.send(piece).await?;
    }
    // What the server's handler returns.
    let theirs: String = stream.finish().await?;
    let length = HumanBytes(source.position);
    let ours = source.finish();
    if theirs != ours {
        return Err(format!(
            "{name}: the server has another file, SHA-256 {theirs}; send it again"
        )
        .into());
    }
    println!("{who:<7} | {name}: the server has all {length}, SHA-256 {}", short(&ours));
    Ok(())
}

/// Sends a file to all members of a room: what became of each, and the hash that all should answer.
pub(crate) async fn broadcast(
    client: &Client,
    room: &str,
    path: &Path,
) -> Outcome<(StreamReport, String)> {
    let mut source = Source::open(path).await?;
    let mut stream = client.to(room).stream("file", source.name.as_str()).await?;
    while let Some(piece) = source.next().await? {
        stream.send(piece).await?;
    }
    // One that is too slow, refuses or is lost ends alone: the others get the file.
    Ok((stream.finish().await?, source.finish()))
}

/// What became of one receiver.
pub(crate) fn fate(receipt: &Receipt, hash: &str) -> String {
    match &receipt.outcome {
        Ok(Value::String(theirs)) if theirs == hash => "got it".to_owned(),
        Ok(other) => format!("got something else: {other:?}"),
        Err(error) => format!("did not get it: {error}"),
    }
}

/// A file that is read, hashed, and shown in a progress bar.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) position: u64,
    length: u64,
    file: File,
    hash: Sha256,
    bar: ProgressBar,
}

impl Source {
    pub(crate) async fn open(path: &Path) -> Outcome<Self> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or("the path has no file name")?.to_owned();
        let file = File::open(path).await?;
        let length = file.metadata().await?.len();
        // Hidden if nobody looks: stderr is a file or a pipe.
        let bar = ProgressBar::new(length).with_style(ProgressStyle::with_template(
            "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go",
        )?);
        Ok(Self { name, position: 0, length, file, hash: Sha256::new(), bar })
    }

    /// Passes over the beginning, which the other end has: it counts for the hash. Not if it has more than
    /// there is: then it has another file.
    async fn skip(&mut self, offset: u64) -> io::Result<bool> {
        if offset > self.length {
            return Ok(false);
        }
        while self.position < offset {
            self.read(offset - self.position).await?;
        }
        Ok(true)
    }

    /// The next bytes; `None`: there are no more.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let left = self.length - self.position;
        if left == 0 { Ok(None) } else { self.read(left).await.map(Some) }
    }

    async fn read(&mut self, most: u64) -> io::Result<Bytes> {
        let mut piece = BytesMut::with_capacity(PIECE);
        (&mut self.file).take(most.min(PIECE as u64)).read_buf(&mut piece).await?;
        if piece.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        self.hash.update(&piece);
        self.position += piece.len() as u64;
        self.bar.set_position(self.position);
        Ok(piece.freeze())
    }

    /// The SHA-256 of what was read.
    fn finish(self) -> String {
        self.bar.finish_and_clear();
        in_hex(self.hash)
    }
}
