//! Peers of wire versions 1 (`fast-tcp`) and 2 (`@gatejs/cluster`).
//!
//! So services that speak them can move one process at a time: a [`Server`](crate::Server) takes their clients beside
//! its own, in the same rooms, and a [`Client`](crate::Client) connects to their servers.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gatewire::legacy::{V2Key, V2Keys, V2Secret};
//! use gatewire::{Client, Server, Wire};
//!
//! let secret = V2Secret::new(*b"This is a test key");
//! let server = Server::builder()
//!     .v2_keys(V2Keys::new().with(V2Key::new("services", secret.clone())))
//!     .build();
//! server.on("hello", |name: String| format!("hello {name}"));
//! let v1 = server.listen_v1("127.0.0.1:0").await?;
//! let v2 = server.listen_v2("127.0.0.1:0").await?;
//!
//! let old = Client::builder().wire(Wire::V1).connect(v1).await?;
//! let newer = Client::builder().wire(Wire::V2).v2_key(secret).connect(v2).await?;
//! let greeting: String = old.request("hello", "ada").await?;
//! assert_eq!(greeting, "hello ada");
//! newer.join("readers").await?;
//! old.to("readers").emit("news", "from version 1 to version 2")?;
//! # old.close().await;
//! # newer.close().await;
//! # server.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is otherwise there
//!
//! `docs/protocol/v1.md` and `v2.md` have the whole; in short:
//!
//! * **Security** is that of the old wires: none in version 1, a key without encryption in version 2. Use them where
//!   nobody listens, and give these peers [permissions](crate::ServerBuilder::v1_permissions).
//! * **Objects** are JSON there. `MessagePack` is turned into it; formats that cannot be read without a schema are refused,
//!   and the error says so.
//! * **Integers** of more than 48 bits go as decimals or are refused: [`WideIntegers`].
//! * **Names** of rooms and sockets with `,` or `|`, and routed events with `|`, are refused by a client that speaks
//!   these versions.
//! * **Requests**: a [`Rejection`](crate::Rejection)'s value is the answer there, as Node's users do it. For any other
//!   refusal (no handler, a panic) those peers get an error text and no answer. Requests to other sockets do not exist.
//! * **Joins** are not confirmed: [`join`](crate::Client::join) is done when it is said.
//! * **Streams** have no flow control there: what is not read is kept up to
//!   [`stream_buffer`](LegacyOptions::stream_buffer) for the connection, then the peer is not read for
//!   [`stream_stall`](LegacyOptions::stream_stall) at most, then the stream is given up and its reader gets an error. What
//!   a stream to many came to is not told.
//! * **Heartbeats** do not exist: TCP probes find peers that vanished.

mod keys;
mod objects;
mod options;

pub use gatewire_legacy::downlink::WideIntegers;
pub use gatewire_legacy::handshake::V2Secret;
pub use gatewire_legacy::uplink::{Counters as V2Counters, NameError as V2NameError};
pub(crate) use keys::granting;
pub use keys::{V2Key, V2Keys};
pub(crate) use objects::{EndpointObjects, SharedObjects};
pub use options::LegacyOptions;

pub use crate::router::V2Uplink;

use std::sync::Arc;

use gatewire_codec::Version;
use gatewire_legacy::downlink::{Objects, Settings, Side, ValueRules};
use gatewire_legacy::handshake::HandshakeError as OldHandshakeError;

use crate::HandshakeError;
use crate::wire::Wire;

/// The version of the codec.
pub(crate) fn version_of(wire: Wire) -> Version {
    match wire {
        Wire::V1 => Version::V1,
        Wire::V2 => Version::V2,
        Wire::V3 => Version::V3,
    }
}

/// How a connection is translated.
pub(crate) fn settings(
    wire: Wire,
    side: Side,
    options: &LegacyOptions,
    max_frame: u32,
    objects: Arc<dyn Objects>,
) -> Settings {
    Settings {
        version: version_of(wire),
        side,
        max_frame,
        stream_buffer: options.stream_buffer,
        pad_streams: options.pad_streams,
        values: value_rules(options),
        objects,
    }
}

/// How values go.
pub(crate) fn value_rules(options: &LegacyOptions) -> ValueRules {
    ValueRules { wide_integers: options.wide_integers, object_format: options.object_format }
}

/// The same in the terms of version 3.
pub(crate) fn handshake_error(error: &OldHandshakeError) -> HandshakeError {
    match *error {
        OldHandshakeError::Malformed(error) => HandshakeError::Malformed(error),
        OldHandshakeError::Version { .. } => HandshakeError::Version,
        OldHandshakeError::Unexpected { found, expected } => {
            HandshakeError::Unexpected { found, expected }
        }
        OldHandshakeError::Proof => HandshakeError::Proof,
        OldHandshakeError::Role => HandshakeError::Role,
        OldHandshakeError::HostName => HandshakeError::NodeName,
        // `Refused`: its text is for the log.
        _ => {
            let code = gatewire_codec::RejectCode::NotAllowed;
            HandshakeError::Rejected { code, retry_after_s: 0 }
        }
    }
}
