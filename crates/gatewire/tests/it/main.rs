//! The public API over real sockets.

mod basics;
mod raw;
mod requests;
mod rig;
mod values;
