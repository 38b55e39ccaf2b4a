//! What the codec promises, against golden frames and against arbitrary bytes.

mod control;
mod corpus;
mod draft;
mod framing;
mod golden;
mod handshake;
mod legacy_model;
mod legacy_reject;
mod legacy_rules;
mod legacy_vectors;
#[expect(unreachable_pub, reason = "fuzz/ includes this file as a public module")]
mod properties;
mod round_trip;
mod routed;
mod strategy;
mod streams;
mod v3_vectors;
mod values;
