//! What is said to gatewire about version 1.

use std::net::SocketAddr;
use std::time::Duration;

use gatewire::{Backoff, Client, ClientBuilder, Limits, Server, ToSocket};

/// Soon, so that no scenario waits for long.
const RECONNECT: Backoff = Backoff::Fixed(Duration::from_millis(50));

pub(crate) async fn listen(server: &Server, port: &str) -> std::io::Result<SocketAddr> {
    server.listen(format!("127.0.0.1:{port}")).await
}

/// A client of version 1.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder().reconnect(RECONNECT).limits(limits())
}

/// fast-tcp has no limit of its own: ours is above the largest value that is sent around.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_frame = 4 << 20;
    limits
}

/// The id by which clients of version 1 address this one.
pub(crate) fn id(client: &Client) -> String {
    client.id().map(|id| id.to_string()).unwrap_or_default()
}

/// Another client, by such an id.
pub(crate) fn to_id<'a>(client: &'a Client, id: &str) -> ToSocket<'a> {
    client.to_socket(id.parse::<gatewire::SocketId>().expect("an id"))
}

/// A stream whose reader is not asked for an answer.
pub(crate) fn unanswered<V>(stream: gatewire::OpenStream<'_, V>) -> gatewire::OpenStream<'_, V> {
    stream
}

/// A client of version 1 that does not send integers outside of 48 bits.
pub(crate) fn builder_of_narrow_integers() -> ClientBuilder {
    builder()
}

/// Several other clients, by such ids.
pub(crate) fn to_ids<'a>(client: &'a Client, ids: &[&str]) -> gatewire::To<'a> {
    let mut ids = ids.iter();
    let first = to_id(client, ids.next().expect("an id")).and();
    ids.fold(first, |to, id| to.to_socket(id.parse::<gatewire::SocketId>().expect("an id")))
}
