//! The public API over real sockets.

mod anybody;
mod asked;
mod attacks;
mod auth;
mod authorize;
mod basics;
mod borrowing;
mod client_life;
mod cluster;
mod corpus;
mod faults;
mod key_changes;
mod keys;
mod legacy;
mod listeners;
mod liveness;
mod order;
mod permissions;
mod pressure;
#[expect(unreachable_pub, reason = "fuzz/ includes this folder as a public module")]
mod properties;
mod raw;
mod recognised;
mod requests;
mod rig;
mod rooms;
mod rotation;
mod server_life;
mod slow;
mod streams;
mod tls;
mod values;
