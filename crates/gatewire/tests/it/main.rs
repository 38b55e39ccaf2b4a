//! The public API over real sockets.

mod auth;
mod basics;
mod client_life;
mod faults;
mod listeners;
mod liveness;
mod order;
mod pressure;
mod raw;
mod requests;
mod rig;
mod rooms;
mod server_life;
mod slow;
mod values;
