//! A server that goes away and comes back, and a client that lives through it.
//!
//! ```text
//! cargo run -p gatewire-examples --example reconnect
//! ```
//!
//! expect: client: connected
//! expect: server 1: received note 1
//! expect: client: the server goes away, come back within 50ms
//! expect: client: disconnected: the peer closed the connection: going away
//! expect: client: attempt 1 in
//! expect: client: no answer: the request was not sent: not connected
//! expect: client: 3 notes wait in the offline queue
//! expect: client: cannot connect
//! expect: client: connected
//! expect: server 2: received note 2
//! expect: server 2: received note 4
//! expect: client: news for the readers: I am back
//! expect: client: disconnected: the peer closed the connection: disconnected by the server
//! expect: client: stays away

use std::error::Error;
use std::time::Duration;

use gatewire::{Backoff, Client, Drain, Server};
use tokio::sync::mpsc;

/// Where the handlers say what they have seen, which is what the example waits for.
type Seeing = mpsc::UnboundedSender<&'static str>;

/// One thread, so that the lines come in the same order each time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (seeing, mut seen) = mpsc::unbounded_channel();
    let first = start_server(1, "127.0.0.1:0", &seeing).await?;
    let address = first.local_addr().to_string();

    // Real clients leave the back-off as it is: full jitter, so that they do not come back all at once.
    let backoff = Backoff::Fixed(Duration::from_millis(20));
    let client = Client::builder().reconnect(backoff).build(&address);
    listen(&client, &seeing);
    client.connect().await?;
    client.join("readers").await?;
    client.emit("note", "note 1")?;
    until(&mut seen, "note").await;

    // The server goes away: it accepts nobody any more, tells its clients, and closes.
    first.drain(Drain::over(Duration::from_millis(50))).await;
    until(&mut seen, "disconnected").await;

    // Without a connection requests end at once; events wait, up to 1,000 of them and 1 MiB.
    if let Err(error) = client.request::<String, _>("note", "is anybody there?").await {
        println!("client: no answer: {error}");
    }
    for number in 2..=4 {
        client.emit("note", format!("note {number}"))?;
    }
    println!("client: {} notes wait in the offline queue", client.counters().outbound.queued);
    until(&mut seen, "failed").await;

    // It comes back on the same port. The client has joined its rooms again before the notes come.
    let second = start_server(2, &address, &seeing).await?;
    for _ in 2..=4 {
        until(&mut seen, "note").await;
    }
    second.to("readers").emit("news", "I am back")?;
    until(&mut seen, "news").await;

    // A server that disconnects a client means it: this client does not come back.
    for socket in second.sockets() {
        socket.disconnect();
    }
    client.closed().await;
    println!("client: stays away");
    second.close().await;
    Ok(())
}

async fn start_server(number: u8, address: &str, seeing: &Seeing) -> std::io::Result<Server> {
    // Handlers first: a client that is back at once must not find a server without them.
    let server = Server::builder().build();
    let seeing = seeing.clone();
    server.on("note", move |text: String| {
        println!("server {number}: received {text}");
        seeing.send("note").is_ok()
    });
    server.listen(address).await?;
    Ok(server)
}

fn listen(client: &Client, seeing: &Seeing) {
    let (news, disconnected, failed) = (seeing.clone(), seeing.clone(), seeing.clone());
    client.on("news", move |text: String| {
        println!("client: news for the readers: {text}");
        news.send("news").is_ok()
    });
    client.on_connect(|_id| println!("client: connected"));
    client.on_go_away(|window| {
        println!("client: the server goes away, come back within {window:?}");
    });
    client.on_disconnect(move |reason| {
        println!("client: disconnected: {reason}");
        let _nobody_waits = disconnected.send("disconnected");
    });
    client.on_reconnecting(|attempt, delay| println!("client: attempt {attempt} in {delay:?}"));
    client.on_error(move |error| {
        println!("client: {error}");
        let _nobody_waits = failed.send("failed");
    });
}

/// Waits until `wanted` is seen, past everything else.
async fn until(seen: &mut mpsc::UnboundedReceiver<&str>, wanted: &str) {
    while seen.recv().await.is_some_and(|found| found != wanted) {}
}
