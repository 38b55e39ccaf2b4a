//! What the state machines promise: by example, against reference models, and against arbitrary
//! bytes. Time is virtual everywhere.

mod handshake;
mod hub;
mod outbox;
mod pair;
mod property;
mod session;
