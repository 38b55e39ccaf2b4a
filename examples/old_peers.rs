//! Clients of three wire versions in one room: those of `fast-tcp` (1), of `@gatejs/cluster` (2) and gatewire's own.
//!
//! ```text
//! cargo run -p gatewire-examples --example old_peers
//! ```
//!
//! The old ones are played by gatewire's client, which speaks their wires too; `cargo xtask interop` does it with the
//! package of npm.
//!
//! expect: version 1 hears: good morning
//! expect: version 2 hears: good morning
//! expect: the server knows a client of version 1
//! expect: the server knows a client of version 2
//! expect: the server knows a client of version 3
//! expect: version 1 is asked for 6 x 7 and says 42
//! expect: a name with a comma is refused: NotSent(Encode(Separator { field: Names }))

use std::error::Error;

use gatewire::legacy::{V2Key, V2Keys, V2Secret};
use gatewire::{Client, Server, Wire};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = V2Secret::new(*b"what the old services have");
    let keys = V2Keys::new().with(V2Key::new("services", secret.clone()));
    let server = Server::builder().v2_keys(keys).build();
    let v1 = server.listen_v1("127.0.0.1:0").await?;
    let v2 = server.listen_v2("127.0.0.1:0").await?;
    let v3 = server.listen("127.0.0.1:0").await?;

    let (seen, mut heard) = mpsc::unbounded_channel();
    let mut old = Vec::new();
    for (wire, address) in [(Wire::V1, v1), (Wire::V2, v2)] {
        let client = Client::builder().wire(wire).v2_key(secret.clone()).build(address);
        let seen = seen.clone();
        client.on("say", move |text: String| seen.send(format!("{wire} hears: {text}")).is_ok());
        client.on("product", |(): ()| 42);
        client.connect().await?;
        client.join("lobby").await?;
        old.push(client);
    }
    // A join of these versions is not confirmed. An answer from the server is, behind it.
    server.on("joined?", || true);
    for client in &old {
        client.request::<bool, _>("joined?", ()).await?;
    }

    let newer = Client::builder().connect(v3).await?;
    newer.to("lobby").emit("say", "good morning")?;
    let mut lines = [heard.recv().await, heard.recv().await];
    lines.sort();
    for line in lines.into_iter().flatten() {
        println!("{line}");
    }

    let mut sockets = server.sockets();
    sockets.sort_by_key(|socket| socket.wire().to_string());
    for socket in &sockets {
        println!("the server knows a client of {}", socket.wire());
    }
    let product: i64 = sockets[0].request("product", ()).await?;
    println!("{} is asked for 6 x 7 and says {product}", sockets[0].wire());

    // Their lists are commas between names.
    let refused = old[0].join("a,b").await.expect_err("no such name");
    println!("a name with a comma is refused: {refused:?}");

    for client in old.into_iter().chain([newer]) {
        client.close().await;
    }
    server.close().await;
    Ok(())
}
