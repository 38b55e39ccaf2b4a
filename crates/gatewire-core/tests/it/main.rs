//! What the state machines promise: by example, against reference models, and against arbitrary
//! bytes. Time is virtual everywhere.

mod admission;
mod backoff;
mod corpus;
mod fanout;
mod garbage;
mod gather;
mod handshake;
mod heartbeat;
mod hub;
mod id;
mod ledger;
mod outbox;
mod pair;
mod permissions;
#[expect(unreachable_pub, reason = "fuzz/ includes this folder as a public module")]
mod properties;
mod property;
mod requests;
mod session;
mod streams;
mod time;
