//! The reader's end: handlers that take streams.

use std::sync::Arc;

use gatewire::{Client, Object, Rejection, Server, StreamReader};
use indicatif::HumanBytes;

use crate::send::Announcement;
use crate::store::{Received, Store, short};

/// Makes a server take uploads. They may be cut and go on later.
pub(crate) fn take_uploads(server: &Server, store: Arc<Store>) {
    let parts = Arc::clone(&store);
    // How much there is of a file, so that its sender goes on there.
    server.on("have", move |name: String| {
        let parts = Arc::clone(&parts);
        async move { parts.length_of_part(&name).await }
    });
    // A handler that takes a stream runs beside the other messages of its connection, for as long as it
    // takes. What it returns is the answer that `finish` gives the sender.
    server.on("upload", move |Object(file): Object<Announcement>, stream: StreamReader| {
        let store = Arc::clone(&store);
        async move { save(&store, "server", &file.name, file.offset, stream).await }
    });
}

/// Makes a client take what is sent to a room that it joins.
pub(crate) fn take_broadcasts(client: &Client, room: &str, store: Arc<Store>) {
    let room = room.to_owned();
    client.on("file", move |name: String, stream: StreamReader| {
        let (store, room) = (Arc::clone(&store), room.clone());
        async move { save(&store, &room, &name, 0, stream).await }
    });
}

/// The answer is the SHA-256 of the whole file. The sender is told of an error too, if it is still there.
async fn save(
    store: &Store,
    who: &str,
    name: &str,
    offset: u64,
    stream: StreamReader,
) -> Result<String, Rejection> {
    let saved = store.save(name, offset, stream).await;
    match &saved {
        Ok(Received { length, hash }) => {
            println!("{who:<7} | {name}: {}, SHA-256 {}", HumanBytes(*length), short(hash));
        }
        Err(error) => println!("{who:<7} | {name}: {error}"),
    }
    Ok(saved?.hash)
}
