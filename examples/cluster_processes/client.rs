//! A client: it says what it reads, and prints what it hears.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::{Arc, Mutex, PoisonError};

use gatewire::{Client, Object, SocketAddress};
use tokio::sync::mpsc;

use crate::{Outcome, ROOM, keys, say};

/// Who says it, and where answers go: any type of serde travels as JSON unless told otherwise.
type Line = Object<(String, String, String)>;

/// Runs until its input ends, or its server.
pub(crate) async fn run(directory: &str, name: &str, address: &str) -> Outcome {
    let key = keys::secret(directory, keys::CLIENTS)?;
    let client = Client::builder().psk(keys::CLIENTS, key).no_reconnect().build(address);
    // Who has said something can be asked.
    let known = Arc::new(Mutex::new(HashMap::<String, SocketAddress>::new()));
    let (me, addresses) = (name.to_owned(), Arc::clone(&known));
    client.on("say", move |Object((from, address, text)): Line| {
        if let Ok(address) = address.parse::<SocketAddress>() {
            let node = address.node().unwrap_or("this node").to_owned();
            addresses.lock().unwrap_or_else(PoisonError::into_inner).insert(from.clone(), address);
            say(&me, format_args!("heard from {from} at {node}: {text}"));
        }
    });
    let me = name.to_owned();
    client.on("ask", move |Object((from, _, question)): Line| {
        say(&me, format_args!("asked by {from}: {question}"));
        "tea"
    });
    client.connect().await?;
    client.join(ROOM).await?;
    let own = client.address().ok_or("it is connected")?.to_string();
    say(name, format_args!("is {own}"));

    let line = |text: &str| Object((name.to_owned(), own.clone(), text.to_owned()));
    let mut lines = input();
    loop {
        let read = tokio::select! {
            read = lines.recv() => read,
            () = client.closed() => {
                say(name, "has lost its server");
                return Ok(());
            }
        };
        let Some(order) = read else { break };
        let mut words = order.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("say"), Some(first), rest) => {
                let text = [first, rest.unwrap_or_default()].join(" ");
                client.to(ROOM).emit("say", line(text.trim_end()))?;
            }
            (Some("ask"), Some(whom), Some(question)) => {
                let address =
                    known.lock().unwrap_or_else(PoisonError::into_inner).get(whom).cloned();
                let Some(address) = address else {
                    say(name, format_args!("{whom} has not said anything yet"));
                    continue;
                };
                let answer = client.to_socket(&address).request::<String, _>("ask", line(question));
                match answer.await {
                    Ok(answer) => say(name, format_args!("{whom} answers: {answer}")),
                    Err(error) => say(name, format_args!("{whom} does not answer: {error}")),
                }
            }
            _ => say(name, "say TEXT, or ask NAME TEXT"),
        }
    }
    client.close().await;
    say(name, "has left");
    Ok(())
}

/// The lines of the standard input. A thread waits for them, so that nobody else has to.
fn input() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Waits until there is no more input.
pub(crate) async fn input_ends() {
    let mut lines = input();
    while lines.recv().await.is_some() {}
}
