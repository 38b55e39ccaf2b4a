//! Clients that address each other: by id, several at once, with a request, and to nobody.
//!
//! ```text
//! cargo run -p gatewire-examples --example client_to_client
//! ```
//!
//! The server has no handler at all: it passes the messages on.
//!
//! expect: ben: ana waves at me
//! expect: ana: ben is 31
//! expect: ana: rejected: not for everybody
//! expect: ana: nobody listens for this event
//! expect: ana waves at both of us
//! expect: ana waves at both of us
//! expect: ana waves at all but eva
//! expect: ana waves at all but eva
//! expect: ana: no such socket
//! expect: the server passed on

use std::error::Error;

use gatewire::{Client, RequestError, Server, SocketId};
use tokio::sync::mpsc;

/// A client that hands on what is waved at it.
struct Person {
    client: Client,
    id: SocketId,
    waves: mpsc::UnboundedReceiver<String>,
}

impl Person {
    async fn connect(name: &'static str, server: &Server) -> Result<Self, Box<dyn Error>> {
        let client = Client::builder().build(server.local_addr());
        let (seen, waves) = mpsc::unbounded_channel();
        client.on("wave", move |text: String| {
            println!("{name}: {text}");
            seen.send(text).is_ok()
        });
        client.on("age", || 31);
        client.on("secret", || Err::<(), _>("not for everybody"));
        client.connect().await?;
        client.join("garden").await?;
        // The id of this session. It is drawn at random, and another one after a reconnect.
        let id = client.id().ok_or("not connected")?;
        Ok(Self { client, id, waves })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().bind("127.0.0.1:0").await?;
    let mut ana = Person::connect("ana", &server).await?;
    let mut ben = Person::connect("ben", &server).await?;
    let mut eva = Person::connect("eva", &server).await?;

    // How clients learn of each other's ids is the application's affair: see the example `chat`.
    ana.client.to_socket(ben.id).emit("wave", "ana waves at me")?;
    ben.waves.recv().await;

    // A request goes through the server to the other client, and its answer comes back.
    let age: u8 = ana.client.to_socket(ben.id).request("age", ()).await?;
    println!("ana: ben is {age}");
    for event in ["secret", "shoe size"] {
        let outcome = ana.client.to_socket(ben.id).request::<u8, _>(event, ()).await;
        println!("ana: {}", outcome.err().map_or_else(String::new, |error| error.to_string()));
    }

    // Several by id; whoever is addressed twice receives once.
    let both = ana.client.to_socket(ben.id).and().to_socket(eva.id).to_socket(ben.id);
    both.emit("wave", "ana waves at both of us")?;
    ben.waves.recv().await;
    eva.waves.recv().await;

    // A room (or everybody: `broadcast`), with an exception. The sender is left out unless it says
    // otherwise.
    let most = ana.client.to("garden").except(eva.id).include_self();
    most.emit("wave", "ana waves at all but eva")?;
    ben.waves.recv().await;
    ana.waves.recv().await;

    // An event to an id that is gone is nobody's. A request says so.
    eva.client.close().await;
    let gone = ana.client.to_socket(eva.id);
    gone.emit("wave", "is anybody there?")?;
    match gone.request::<u8, _>("age", ()).await {
        Err(error @ RequestError::NoSuchSocket) => println!("ana: {error}"),
        other => return Err(format!("unexpected: {other:?}").into()),
    }

    println!("the server passed on {} frames", server.counters().outbound.done);
    ana.client.close().await;
    ben.client.close().await;
    server.close().await;
    Ok(())
}
