//! What the codec promises, against golden frames and against arbitrary bytes.

mod framing;
mod golden;
mod legacy_reject;
mod legacy_rules;
mod legacy_vectors;
