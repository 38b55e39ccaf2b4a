//! The public API over real sockets.

mod basics;
mod listeners;
mod order;
mod raw;
mod requests;
mod rig;
mod rooms;
mod values;
