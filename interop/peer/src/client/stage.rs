//! What a scenario is given: the server's address, clients, and someone who does what it cannot do by itself.

use std::future::Future;
use std::time::Duration;

use gatewire::{Client, FromValue, RequestError, Value};
use tokio::io::{BufReader, Lines, Stdin};
use tokio::sync::mpsc;

use crate::{Outcome, input, wire};

/// How often something is looked at that has to change.
const LOOK: Duration = Duration::from_millis(10);

pub(super) struct Stage {
    address: String,
    replies: Lines<BufReader<Stdin>>,
}

impl Stage {
    pub(super) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), replies: input() }
    }

    /// A client that is connected.
    pub(super) async fn connect(&self) -> Outcome<Client> {
        let client = self.client();
        client.connect().await?;
        Ok(client)
    }

    /// So many clients that are connected.
    pub(super) async fn connect_many<const N: usize>(&self) -> Outcome<[Client; N]> {
        let clients = std::array::from_fn(|_| self.client());
        for client in &clients {
            client.connect().await?;
        }
        Ok(clients)
    }

    /// A client that is not connected yet.
    pub(super) fn client(&self) -> Client {
        wire::builder().build(&self.address)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Asks for something to be done, and waits until it is.
    pub(super) async fn ask(&mut self, what: &str) -> Outcome {
        println!("{what}");
        match self.replies.next_line().await?.as_deref() {
            Some("done") => Ok(()),
            other => Err(format!("asked to {what}, the answer was {other:?}").into()),
        }
    }
}

/// What comes under one event, in order.
pub(super) struct Inbox<T> {
    values: mpsc::UnboundedReceiver<T>,
}

impl<T: FromValue + Send + 'static> Inbox<T> {
    pub(super) fn of(client: &Client, event: &str) -> Self {
        let (sender, values) = mpsc::unbounded_channel();
        client.on(event, move |value: T| {
            // Nobody waits for it any more.
            drop(sender.send(value));
        });
        Self { values }
    }

    pub(super) async fn next(&mut self) -> Outcome<T> {
        Ok(self.values.recv().await.ok_or("the client is gone")?)
    }

    /// The next `number` of them.
    pub(super) async fn take(&mut self, number: usize) -> Outcome<Vec<T>> {
        let mut taken = Vec::new();
        while taken.len() < number {
            taken.push(self.next().await?);
        }
        Ok(taken)
    }

    /// What has come and was not taken.
    pub(super) fn rest(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.values.try_recv().ok()).collect()
    }
}

/// When this returns the server has handled all that the client sent before, and sent it what came of that.
pub(super) async fn settle(client: &Client) -> Outcome {
    client.request::<Value, _>("echo", ()).await?;
    Ok(())
}

/// When this returns, everybody has what anybody sent.
pub(super) async fn settle_all(clients: &[Client]) -> Outcome {
    for client in clients.iter().chain(clients) {
        settle(client).await?;
    }
    Ok(())
}

/// How many members a room has at the server.
pub(super) async fn members(client: &Client, room: &str) -> Result<i64, RequestError> {
    client.request("members", room).await
}

/// Waits until the server answers this number.
pub(super) async fn until(client: &Client, event: &str, value: &str, number: i64) -> Outcome {
    loop {
        if client.request::<i64, _>(event, value).await? == number {
            return Ok(());
        }
        rest(LOOK).await;
    }
}

pub(super) fn rest(time: Duration) -> impl Future<Output = ()> {
    tokio::time::sleep(time)
}
