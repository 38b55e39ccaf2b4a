//! All of it in one process: a server and four clients.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gatewire::{Client, Object, Server, StreamReader, Value};

use crate::Outcome;
use crate::receive::{take_broadcasts, take_uploads};
use crate::send::{Announcement, Source, broadcast, fate, upload};
use crate::store::Store;

pub(crate) async fn run() -> Outcome {
    let directory = std::env::temp_dir().join(format!("gatewire-files-{}", std::process::id()));
    // Who waits in vain ends all the same.
    let outcome = tokio::time::timeout(Duration::from_secs(20), play(&directory)).await;
    std::fs::remove_dir_all(&directory)?;
    outcome?
}

async fn play(directory: &Path) -> Outcome {
    let server = Server::builder().build();
    take_uploads(&server, Store::open(directory.join("server"))?);
    let address = server.listen("127.0.0.1:0").await?.to_string();

    // Three are in the cinema. One of them can take nothing.
    let ana = Client::builder().build(&address);
    take_broadcasts(&ana, "cinema", Store::open(directory.join("ana"))?);
    let leo = Client::builder().build(&address);
    take_broadcasts(&leo, "cinema", Store::open(directory.join("leo"))?);
    let eva = Client::builder().build(&address);
    eva.on("file", |_: Value, _: StreamReader| Err::<(), _>("my disk is full"));
    for client in [&ana, &eva, &leo] {
        client.connect().await?;
        client.join("cinema").await?;
    }

    // A file is uploaded.
    upload(&ana, "ana", &made_up(directory, "notes.bin", 1)?).await?;

    // One is cut, and goes on over another connection.
    let film = made_up(directory, "film.bin", 4)?;
    cut(&address, &film).await?;
    let ben = Client::builder().connect(&address).await?;
    upload(&ben, "ben", &film).await?;

    // And to all in a room: what became of each?
    let (report, hash) = broadcast(&ben, "cinema", &film).await?;
    for (name, client) in [("ana", &ana), ("eva", &eva), ("leo", &leo)] {
        let receipt =
            report.receipts().iter().find(|receipt| Some(receipt.socket.session()) == client.id());
        println!("ben     | film.bin: {name} {}", fate(receipt.ok_or("not asked")?, &hash));
    }

    for client in [ana, ben, eva, leo] {
        client.close().await;
    }
    server.close().await;
    Ok(())
}

/// Sends half of a file, then loses the connection.
async fn cut(address: &str, path: &Path) -> Outcome {
    let client = Client::builder().connect(address).await?;
    let mut source = Source::open(path).await?;
    let announcement = Announcement { name: source.name.clone(), offset: 0 };
    let mut stream = client.stream("upload", Object(announcement)).await?;
    while let Some(piece) = source.next().await?
        && source.position < 2 << 20
    {
        stream.send(piece).await?;
    }
    println!("ben     | {}: the connection is cut", source.name);
    client.close().await;
    Ok(())
}

/// A file that looks random, of so many MiB.
fn made_up(directory: &Path, name: &str, mib: u32) -> Outcome<PathBuf> {
    let path = directory.join(name);
    let words = (0..mib << 18).map(|word| word.wrapping_mul(2_654_435_761));
    std::fs::write(&path, words.flat_map(u32::to_le_bytes).collect::<Vec<u8>>())?;
    Ok(path)
}
