//! Members of the room: who reads and checks, and who does neither.

use std::future::pending;

use gatewire::{Client, Rejection, StreamReader};
use tokio::sync::mpsc;

use super::BULK;

/// At each multiple of this, the stream tells its offset in 8 bytes.
pub(super) const MARK_EVERY: usize = 4096;

/// Reads each stream, checks it, and tells.
pub(super) fn register(
    client: &Client,
    length: usize,
    done: mpsc::UnboundedSender<Result<(), String>>,
) {
    client.on(BULK, move |stream: StreamReader| {
        let done = done.clone();
        async move {
            let read = check(stream, length).await;
            // The driver may have failed for another reason.
            drop(done.send(read.clone()));
            read.map_err(Rejection::new)
        }
    });
}

/// Takes each stream and never reads it.
pub(super) fn register_stalled(client: &Client) {
    client.on(BULK, |stream: StreamReader| async move {
        pending::<()>().await;
        drop(stream);
    });
}

async fn check(mut stream: StreamReader, length: usize) -> Result<(), String> {
    let mut offset = 0_usize;
    while let Some(chunk) = stream.chunk().await.map_err(|error| error.to_string())? {
        let first = offset.next_multiple_of(MARK_EVERY);
        for mark in (first..offset + chunk.len()).step_by(MARK_EVERY) {
            // A mark that is cut in two is checked by its neighbours.
            let found = chunk.get(mark - offset..).and_then(|rest| rest.first_chunk());
            if found.is_some_and(|found| u64::from_le_bytes(*found) != mark as u64) {
                return Err(format!("wrong bytes at {mark}"));
            }
        }
        offset += chunk.len();
    }
    if offset == length { Ok(()) } else { Err(format!("{offset} bytes of {length}")) }
}
