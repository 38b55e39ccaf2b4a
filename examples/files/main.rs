//! Files over streams: upload with a progress bar, go on after a cut, broadcast to a room.
//!
//! ```text
//! cargo run -p gatewire-examples --example files
//! ```
//!
//! shows all of it within one process. With arguments it is a small tool for two machines:
//!
//! ```text
//! files serve 0.0.0.0:4000 inbox            takes uploads, into the directory inbox
//! files send HOST:4000 film.mkv             uploads; after a cut, once more: goes on where it was
//! files watch HOST:4000 cinema              takes what is sent to the room, into the directory cinema
//! files broadcast HOST:4000 cinema film.mkv sends to all in the room, and tells who got it
//! ```
//!
//! Read `send.rs` for the writer's end, `receive.rs` for the reader's, `store.rs` for what is kept on disk.
//! Whoever reads a file answers with its SHA-256, so the sender knows that it is the same.
//!
//! expect: ana     | notes.bin: the server has all 1.00 MiB, SHA-256 3bf6281d04cf3cf6
//! expect: ben     | film.bin: the connection is cut
//! expect: server  | film.bin: the connection ended before the stream did
//! expect: ben     | film.bin: the server has the beginning, going on there
//! expect: ben     | film.bin: the server has all 4.00 MiB, SHA-256 1e22ca96ad25db49
//! expect: cinema  | film.bin: 4.00 MiB, SHA-256 1e22ca96ad25db49
//! expect: cinema  | film.bin: 4.00 MiB, SHA-256 1e22ca96ad25db49
//! expect: ben     | film.bin: ana got it
//! expect: ben     | film.bin: eva did not get it: rejected: my disk is full
//! expect: ben     | film.bin: leo got it

mod demo;
mod receive;
mod send;
mod store;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use gatewire::{Client, Server};

use store::Store;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str =
    "files serve ADDR DIR | send ADDR PATH | watch ADDR ROOM | broadcast ADDR ROOM PATH";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments.as_slice() {
        [] => demo::run().await,
        ["serve", address, directory] => serve(address, directory).await,
        ["send", address, path] => send(address, path).await,
        ["watch", address, room] => watch(address, room).await,
        ["broadcast", address, room, path] => broadcast(address, room, path).await,
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("files: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: &str, directory: &str) -> Outcome {
    let server = Server::builder().build();
    receive::take_uploads(&server, Store::open(directory)?);
    println!("server  | listens at {}", server.listen(address).await?);
    tokio::signal::ctrl_c().await?;
    server.close().await;
    Ok(())
}

async fn send(address: &str, path: &str) -> Outcome {
    let client = Client::builder().connect(address).await?;
    send::upload(&client, "sender", Path::new(path)).await?;
    client.close().await;
    Ok(())
}

async fn watch(address: &str, room: &str) -> Outcome {
    // Handlers first: what comes right after the connection finds them.
    let client = Client::builder().build(address);
    receive::take_broadcasts(&client, room, Store::open(room)?);
    client.connect().await?;
    client.join(room).await?;
    tokio::signal::ctrl_c().await?;
    client.close().await;
    Ok(())
}

async fn broadcast(address: &str, room: &str, path: &str) -> Outcome {
    let client = Client::builder().connect(address).await?;
    let (report, hash) = send::broadcast(&client, room, Path::new(path)).await?;
    for receipt in report.receipts() {
        println!("sender  | {} {}", receipt.socket, send::fate(receipt, &hash));
    }
    println!("sender  | {} of {} got it", report.complete().count(), report.receipts().len());
    client.close().await;
    Ok(())
}
