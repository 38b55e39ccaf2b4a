//! The public API over real sockets.

mod auth;
mod basics;
mod borrowing;
mod client_life;
mod faults;
mod keys;
mod listeners;
mod liveness;
mod order;
mod pressure;
mod raw;
mod recognised;
mod requests;
mod rig;
mod rooms;
mod server_life;
mod slow;
mod streams;
mod tls;
mod values;
