//! The properties that the targets check, one module per crate under test.
//!
//! They live beside the tests of that crate, which check them with the stored inputs and with
//! random ones.

/// `gatewire-codec`.
#[path = "../../crates/gatewire-codec/tests/it/properties.rs"]
pub mod codec;

/// `gatewire-core`.
#[path = "../../crates/gatewire-core/tests/it/properties/mod.rs"]
pub mod session;

/// `gatewire-legacy`, between a session and a peer of version 1 or 2.
#[path = "../../crates/gatewire-legacy/tests/it/downlink/property/mod.rs"]
pub mod downlink;
/// `gatewire-legacy`, among routers.
#[path = "../../crates/gatewire-legacy/tests/it/uplink/property.rs"]
pub mod uplink;

/// `gatewire`.
#[cfg(feature = "server")]
#[path = "../../crates/gatewire/tests/it/properties/mod.rs"]
pub mod server;

/// What the tests of `gatewire` share with its properties.
#[cfg(feature = "server")]
#[path = "../../crates/gatewire/tests/it/anybody.rs"]
mod anybody;
