//! What the codec promises, against golden frames and against arbitrary bytes.

mod draft;
mod framing;
mod golden;
mod handshake;
mod legacy_reject;
mod legacy_rules;
mod legacy_vectors;
mod v3_vectors;
