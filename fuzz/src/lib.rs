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
