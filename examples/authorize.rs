//! Who may do what: the server's application decides about each join and each message, at once or after
//! a look into its database.
//!
//! ```text
//! cargo run -p gatewire-examples --example authorize
//! ```
//!
//! A room for each document. Readers may join it, editors may send to it, and nobody may send to all.
//!
//! expect: server: looks up what ana may do with "plan"
//! expect: ana reads the plan
//! expect: server: looks up what ben may do with "plan"
//! expect: ben: denied: "plan" is not shared with ben
//! expect: ana reads the plan again
//! expect: server: looks up what eva may do with "plan"
//! expect: ana sees: eva added a line
//! expect: server: looks up what ana may do with "plan"
//! expect: ana: the peer refused: denied (ana may read "plan", not change it)
//! expect: ana: the peer refused: denied (send it to a document)

use std::error::Error;
use std::time::Duration;

use gatewire::authorize::{Action, Decision, Verdict};
use gatewire::{Client, KeyRing, Psk, Server, Socket};
use tokio::sync::mpsc;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(PartialEq, PartialOrd)]
enum Role {
    Reader,
    Editor,
}

/// In place of a database.
async fn look_up(user: &str, document: &str) -> Option<Role> {
    println!("server: looks up what {user} may do with {document:?}");
    tokio::task::yield_now().await;
    match (user, document) {
        ("ana", "plan") => Some(Role::Reader),
        ("eva", "plan") => Some(Role::Editor),
        _ => None,
    }
}

fn authorize(socket: &Socket, action: Action<'_>) -> Verdict {
    let (document, needed) = match action {
        Action::Join { room } => (room, Role::Reader),
        Action::EmitRoom { room, .. } => (room, Role::Editor),
        // Decided at once: nothing waits, and nothing is allocated.
        Action::Broadcast { .. } => return Decision::deny("send it to a document").into(),
        _ => return Decision::Allow.into(),
    };
    // The key that a client has proved to know says who it is. The later messages of this client wait for the
    // decision, so they stay in order; nobody else does.
    let (user, document) = (socket.key_id().to_owned(), document.to_owned());
    Verdict::later(async move {
        match look_up(&user, &document).await {
            Some(role) if role >= needed => Decision::AllowFor(MINUTE),
            Some(_) => Decision::deny(format!("{user} may read {document:?}, not change it")),
            None => Decision::deny(format!("{document:?} is not shared with {user}")),
        }
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // One key per user. Real ones are 32 random bytes, from a file or the environment.
    let mut keys = KeyRing::new();
    for user in ["ana", "ben", "eva"] {
        keys = keys.with(user, key(user)?);
    }
    let server = Server::builder().psk(keys).authorize(authorize).bind("127.0.0.1:0").await?;

    let ana = Client::builder().psk("ana", key("ana")?).build(server.local_addr());
    let (hear, mut heard) = mpsc::unbounded_channel();
    let told = hear.clone();
    ana.on("change", move |text: String| hear.send(format!("ana sees: {text}")).is_ok());
    ana.on_error(move |error| {
        let _over = told.send(format!("ana: {error}"));
    });
    ana.connect().await?;
    ana.join("plan").await?;
    println!("ana reads the plan");

    let ben = Client::builder().psk("ben", key("ben")?).connect(server.local_addr()).await?;
    if let Err(error) = ben.join("plan").await {
        println!("ben: {error}");
    }

    // Within the minute nobody is asked again.
    ana.leave("plan").await?;
    ana.join("plan").await?;
    println!("ana reads the plan again");

    let eva = Client::builder().psk("eva", key("eva")?).connect(server.local_addr()).await?;
    eva.to("plan").emit("change", "eva added a line")?;
    println!("{}", heard.recv().await.unwrap_or_default());

    // An event has no answer. What becomes of it is told to `on_error`.
    ana.to("plan").emit("change", "all is well")?;
    println!("{}", heard.recv().await.unwrap_or_default());
    ana.broadcast().emit("change", "hello")?;
    println!("{}", heard.recv().await.unwrap_or_default());

    for client in [ana, ben, eva] {
        client.close().await;
    }
    server.close().await;
    Ok(())
}

fn key(user: &str) -> Result<Psk, gatewire::WeakKey> {
    Psk::new(format!("the secret of {user}, and not a good one"))
}
