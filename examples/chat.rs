//! A chat of four processes: one server and three clients, which talk over real sockets.
//!
//! ```text
//! cargo run -p gatewire-examples --example chat
//! ```
//!
//! The program starts itself once more for each client. The server passes on what goes to rooms, to
//! everybody, or from one client to another. Each line begins with the process that writes it.
//!
//! expect: server | eva entered (process
//! expect: heard from the server: everybody is here, 2 of you in the kitchen
//! expect: heard from ana: good morning
//! expect: ana    | asked by ben: tea or coffee?
//! expect: ben    | answered by ana alone: tea
//! expect: eva    | heard from ben: one tea for ana, please
//! expect: heard from eva: the tea is ready
//! expect: heard from eva: the tea is ready
//! expect: server | everybody left

use std::collections::HashMap;
use std::error::Error;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use gatewire::{Client, Object, Server, Socket, SocketId};
use tokio::sync::mpsc;

type Outcome = Result<(), Box<dyn Error>>;
/// Who says what: an object of any serde type travels as JSON unless told otherwise.
type Line = Object<(String, String)>;

fn line(from: &str, text: impl Into<String>) -> Line {
    Object((from.to_owned(), text.into()))
}

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let talk = async {
        match arguments.as_slice() {
            [name, address] => client(name, address).await,
            _ => server().await,
        }
    };
    // Who waits in vain ends all the same.
    tokio::time::timeout(std::time::Duration::from_secs(5), talk).await?
}

async fn server() -> Outcome {
    let server = Server::builder().bind("127.0.0.1:0").await?;
    let ids = Arc::new(Mutex::new(HashMap::<String, SocketId>::new()));
    let known = Arc::clone(&ids);
    let (enter, mut entered) = mpsc::unbounded_channel();
    server.on("enter", move |socket: Socket, Object((name, process)): Object<(String, u32)>| {
        println!("server | {name} entered (process {process})");
        known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, socket.id());
        enter.send(()).is_ok()
    });
    // What a handler returns is the answer; `Err` is a rejection.
    server.on("find", move |name: String| {
        let ids = ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.get(&name).copied().ok_or(format!("there is no {name}"))
    });
    server.on("goodbye", |socket: Socket| socket.server().emit("close", ()).is_ok());

    let mut clients = Vec::new();
    for name in ["ana", "ben", "eva"] {
        let address = server.local_addr().to_string();
        clients.push(Command::new(std::env::current_exe()?).args([name, &address]).spawn()?);
        entered.recv().await;
    }
    let cooks = server.members("kitchen").len();
    let text = format!("everybody is here, {cooks} of you in the kitchen");
    server.to("lobby").emit("say", line("the server", text))?;
    for mut client in clients {
        assert!(tokio::task::spawn_blocking(move || client.wait()).await??.success());
    }
    println!("server | everybody left");
    Ok(())
}

async fn client(name: &str, address: &str) -> Outcome {
    let client = Client::builder().build(address);
    let (hear, mut heard) = mpsc::unbounded_channel();
    let (close, mut closed) = mpsc::unbounded_channel();
    let me = format!("{name:<6} |");
    let myself = me.clone();
    client.on("say", move |Object((from, text)): Line| {
        println!("{me} heard from {from}: {text}");
        hear.send(()).is_ok()
    });
    client.on("ask", move |Object((from, text)): Line| {
        println!("{myself} asked by {from}: {text}");
        "tea"
    });
    client.on("close", move || close.send(()).is_ok());
    client.connect().await?;
    client.join("lobby").await?;
    client.join(if name == "ana" { "garden" } else { "kitchen" }).await?;
    client.request::<bool, _>("enter", Object((name.to_owned(), std::process::id()))).await?;
    heard.recv().await; // The server: everybody is here.
    if name == "ana" {
        client.to("lobby").emit("say", line(name, "good morning"))?; // To all but the sender.
    } else if name == "ben" {
        heard.recv().await; // Ana.
        let ana: SocketId = client.request("find", "ana").await?;
        let question = client.to_socket(ana).request("ask", line(name, "tea or coffee?"));
        let drink: String = question.await?;
        println!("ben    | answered by ana alone: {drink}");
        client.to("kitchen").emit("say", line(name, format!("one {drink} for ana, please")))?;
    } else {
        heard.recv().await; // Ana.
        heard.recv().await; // Ben, in the kitchen.
        client.broadcast().emit("say", line(name, "the tea is ready"))?;
        client.emit("goodbye", ())?; // Comes after it: one sender's messages keep their order.
    }
    closed.recv().await;
    client.close().await;
    Ok(())
}
