//! Attacks on the handshake, over plain TCP and over TLS, on both ends: what an attacker gets is no session, no
//! word with a handler, and no more to see than he may.

mod alike;
mod cut;
mod downgrade;
mod early;
mod kit;
mod replay;
mod rogue;
