//! What is said to gatewire about version 1.

use std::net::SocketAddr;
use std::time::Duration;

use gatewire::legacy::{LegacyOptions, WideIntegers};
use gatewire::{Backoff, Client, ClientBuilder, Limits, Server, Wire};

/// Soon, so that no scenario waits for long.
const RECONNECT: Backoff = Backoff::Fixed(Duration::from_millis(50));

pub(crate) async fn listen(server: &Server, port: &str) -> std::io::Result<SocketAddr> {
    server.listen_v1(format!("127.0.0.1:{port}")).await
}

/// A client of version 1.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder().wire(Wire::V1).reconnect(RECONNECT).limits(limits())
}

/// A client of version 1 that does not send integers outside of 48 bits.
pub(crate) fn builder_of_narrow_integers() -> ClientBuilder {
    builder().legacy(LegacyOptions::new().wide_integers(WideIntegers::Refuse))
}

/// fast-tcp has no limit of its own: ours is above the largest value that is sent around.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_frame = 4 << 20;
    limits
}

/// The id by which clients of version 1 address this one.
pub(crate) fn id(client: &Client) -> String {
    client.registered_id().as_deref().unwrap_or_default().to_owned()
}
