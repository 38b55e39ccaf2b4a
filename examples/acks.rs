//! Requests: each ends in an answer or in one error, and the error says whether the handler can have
//! run. That decides whether it is safe to ask again.
//!
//! ```text
//! cargo run -p gatewire-examples --example acks
//! ```
//!
//! expect: client: the price of tea is 240
//! expect: client: rejected: there is no "gold" on the list
//! expect: client: nobody listens for this event
//! expect: client: the peer could not decode the value: expected string, found integer
//! expect: client: the handler panicked
//! expect: server: the client agrees to the new price: true
//! expect: client: no answer came in time; asking again
//! expect: client: order 7 was placed already
//! expect: server: 1 order in all
//! expect: client: the request was not sent: closed

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatewire::{Client, RequestError, Server, Socket, concurrent};
use tokio::sync::Notify;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    std::panic::set_hook(Box::new(|_| {})); // One handler panics on purpose, below.

    let server = Server::builder().bind("127.0.0.1:0").await?;
    // What goes wrong without a caller to tell is heard here.
    server.on_error(|socket, error| println!("server: {}: {error}", socket.peer_addr().ip()));

    // A handler that returns a `Result` answers with `Ok` and rejects with `Err`.
    server.on("price", |name: String| match name.as_str() {
        "tea" => Ok(240),
        other => Err(format!("there is no {other:?} on the list")),
    });
    server.on("broken", || -> bool { panic!("a bug in the handler") });

    // An async handler may ask the very client whose event it handles.
    server.on("new price", |socket: Socket, price: u32| async move {
        let agrees = socket.request::<bool, _>("agree?", price).await;
        println!("server: the client agrees to the new price: {}", agrees.unwrap_or(false));
    });

    // Orders are placed once, however often they come: each has a number that its client chose.
    // `concurrent`: a slow one does not keep the later messages of the same client waiting.
    let orders = Arc::new(Mutex::new(HashSet::new()));
    let stalled = Arc::new(Notify::new());
    let (placed, wake) = (Arc::clone(&orders), Arc::clone(&stalled));
    server.on(
        "order",
        concurrent(8, move |number: u32| {
            let (placed, wake) = (Arc::clone(&placed), Arc::clone(&wake));
            async move {
                let new = placed.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
                if new {
                    wake.notified().await; // The order is placed, but the answer hangs.
                }
                format!("order {number} was placed {}", if new { "now" } else { "already" })
            }
        }),
    );

    let client = Client::builder().build(server.local_addr());
    client.on("agree?", |price: u32| price < 300);
    client.connect().await?;

    // The answer has the type that is asked for.
    let price: u32 = client.request("price", "tea").await?;
    println!("client: the price of tea is {price}");

    // No answer: the handler refused, there is none, it takes another type, or it panicked.
    for (event, value) in [("price", "gold"), ("prize", "tea")] {
        tell(client.request(event, value).await);
    }
    tell(client.request("price", 5).await);
    tell(client.request("broken", ()).await);

    // The other way round: the server asks within its handler. This ends when that has ended.
    client.request::<(), _>("new price", 250).await?;

    println!("client: {}", place_order(&client, 7).await?);
    println!(
        "server: {} order in all",
        orders.lock().unwrap_or_else(PoisonError::into_inner).len()
    );
    stalled.notify_waiters();

    client.close().await;
    tell(client.request("price", "tea").await);
    server.close().await;
    Ok(())
}

/// `Timeout` and `MaybeDelivered` leave open whether the handler ran: ask again only where running
/// twice does no harm, as here. After `NotSent`, `NoSuchSocket` and `Busy` it did not run.
async fn place_order(client: &Client, number: u32) -> Result<String, RequestError> {
    for _ in 0..2 {
        let request = client.request("order", number).timeout(Duration::from_millis(250));
        match request.await {
            Err(error @ (RequestError::Timeout | RequestError::MaybeDelivered)) => {
                println!("client: {error}; asking again");
            }
            ended => return ended,
        }
    }
    client.request("order", number).await
}

fn tell(outcome: Result<u32, RequestError>) {
    match outcome {
        Ok(number) => println!("client: {number}"),
        Err(error) => println!("client: {error}"),
    }
}
