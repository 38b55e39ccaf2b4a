//! TLS over real sockets: what works over plain TCP works over it, and who is not who he should be is refused.

mod ends;
mod keys;
pub(crate) mod kit;
mod refused;
mod replaced;
mod slow;
mod talk;
mod verify;
