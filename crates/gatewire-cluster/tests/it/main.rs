//! What routers promise, in simulated clusters.

mod forward;
mod frames;
mod gateways;
mod lives;
mod network;
mod rooms;
mod topology;
mod truth;
mod watch;
