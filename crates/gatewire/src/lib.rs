//! Event messaging over TCP: named events with native data types, acknowledgements, rooms,
//! broadcast and client-to-client messages.
//!
//! ```
//! use gatewire::{Client, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::builder().bind("127.0.0.1:0").await?;
//! server.on("hello", |name: String| format!("hello {name}"));
//!
//! let client = Client::builder().connect(server.local_addr()).await?;
//! let greeting: String = client.request("hello", "alejandro").await?;
//! assert_eq!(greeting, "hello alejandro");
//! # client.close().await;
//! # server.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! * [`Server`] accepts connections; each is a [`Socket`] there. [`Client`] is the other end. Both emit
//!   and listen, ask and answer.
//! * Handlers are sync or async closures; see [`Handler`]. Messages of one connection are handled in
//!   order.
//! * `emit` never waits and never lies: `Ok` means queued within bounds, an error says why not. A
//!   [`Request`] always ends.
//! * A [`Router`] joins servers to a cluster: the same calls reach over all its nodes.
//! * Who may connect is a matter of [`keys`], who may do what of their permissions and of the application:
//!   [`authorize`].
//! * What is queued is bounded, what happens at the bound is documented in [`Limits`], and what is
//!   dropped is counted under a reason in [`Counters`].
//!
//! # Layers
//!
//! This crate owns sockets, tasks and time. The state machines are in `gatewire-core`, the bytes in
//! `gatewire-codec`, the object formats in crates of their own; each is used alone by somebody.
//!
//! # Features
//!
//! `json` (default), `msgpack`, `protobuf`, `avro`: re-export an object format. `tls` (default): TLS 1.3, see the
//! module `tls`. `key-file` (default): key rings from TOML, see [`keys`]. `legacy` (default): peers of wire versions 1
//! and 2, see the module `legacy`.

pub mod admission;
pub mod authorize;
mod client;
mod clock;
mod counters;
mod entropy;
mod error;
mod formats;
mod handler;
pub mod keys;
#[cfg(feature = "legacy")]
pub mod legacy;
mod limits;
mod net;
mod request;
mod room;
mod router;
mod server;
pub mod stream;
#[cfg(feature = "tls")]
pub mod tls;
mod to;
mod wire;

pub use client::{Client, ClientBuilder, OfflineQueue, WhenFull};
pub use counters::Counters;
pub use error::{ConnectError, DisconnectReason, EmitError, Error, RequestError};
pub use gatewire_cluster::{LinkError, NameError};
pub use gatewire_codec::{
    CloseCode, ErrorCode, FormatId, GoAwayCode, RejectCode, SocketAddress, SocketAddressError,
    StreamCode, Value, ValueRef,
};
pub use gatewire_core::fanout::SlowReceivers;
pub use gatewire_core::handshake::{HandshakeError, KeyRing, Psk, WeakKey};
pub use gatewire_core::hub::{JoinError, RoomLimits};
pub use gatewire_core::session::{OutboxLimits, Overflow, ProtocolError, StreamLimits};
pub use gatewire_core::{Backoff, DropReason, Ledger, SocketId};
pub use gatewire_format::{
    Format, FormatError, FormatFn, FromValue, IntoAnswer, IntoValue, Object, ObjectRef,
};
pub use handler::{Concurrent, Handler, HandlerId, Rejection, concurrent};
pub use limits::Limits;
pub use request::Request;
pub use room::{RoomAnswers, RoomReport, RoomRequest};
pub use router::{
    Cost, LinkInfo, MissedEvents, RoomWatch, Router, RouterBuilder, RouterCounters, RouterEvent,
    RouterEvents, StartError, Uplink,
};
pub use server::{Drain, Server, ServerBuilder, Socket};
pub use stream::{
    FanoutWriter, OpenFanout, OpenStream, Receipt, StreamError, StreamReader, StreamReport,
    StreamWriter,
};
pub use to::{To, ToSocket};
pub use wire::Wire;

#[cfg(feature = "avro")]
pub use gatewire_avro as avro;
#[cfg(feature = "json")]
pub use gatewire_json::Json;
#[cfg(feature = "msgpack")]
pub use gatewire_msgpack::MsgPack;
#[cfg(feature = "protobuf")]
pub use gatewire_protobuf as protobuf;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct RootReadme;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/cluster.md")]
struct ClusterPage;
