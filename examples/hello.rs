//! A server and a client in one program: an event and a request, in both directions.
//!
//! ```text
//! cargo run -p gatewire-examples --example hello
//! ```
//!
//! expect: server: a client connected
//! expect: server: somebody left the note "no sugar, please"
//! expect: client: 20 + 22 is 42
//! expect: client: news from the server: the kettle is on
//! expect: server: the client's favourite tea is "earl grey"
//! expect: server: the client is gone: the peer closed the connection: closed

use std::error::Error;

use gatewire::{Client, Object, Server, Socket};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Port 0 is any free port; `local_addr` tells which.
    let server = Server::builder().bind("127.0.0.1:0").await?;

    // These run for each client: before any of its messages is handled, and after its end.
    server.on_connect(|_socket: Socket| async { println!("server: a client connected") });
    server.on_disconnect(|_socket, reason| async move {
        println!("server: the client is gone: {reason}");
    });

    // A handler is a closure. Its argument says which type of value it takes.
    server.on("note", |text: String| println!("server: somebody left the note {text:?}"));

    // What a handler returns is the answer, if one was asked for. Numbers, strings, bytes, booleans
    // and `()` are values by themselves; `Object` carries any serde type.
    server.on("add", |Object((a, b)): Object<(i64, i64)>| a + b);

    // A client registers its handlers, then connects: so no message comes too early.
    let client = Client::builder().build(server.local_addr());
    client.on("news", |text: String| println!("client: news from the server: {text}"));
    client.on("favourite tea", || "earl grey");
    client.connect().await?;

    // An event: queued at once, sent in order, not answered.
    client.emit("note", "no sugar, please")?;

    // A request: awaited, and it always ends - in the answer or in an error that says why not.
    let sum: i64 = client.request("add", Object((20, 22))).await?;
    println!("client: 20 + 22 is {sum}");

    // The other way round: to everybody, and a question to each client by its socket.
    server.emit("news", "the kettle is on")?;
    for socket in server.sockets() {
        let tea: String = socket.request("favourite tea", ()).await?;
        println!("server: the client's favourite tea is {tea:?}");
    }

    client.close().await;
    // Waits until all connections are closed, and `on_disconnect` has run for each.
    server.close().await;
    Ok(())
}
