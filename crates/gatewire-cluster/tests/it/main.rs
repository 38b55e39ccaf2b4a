//! What routers promise, in simulated clusters.

mod counts;
mod forward;
mod frames;
mod lives;
mod network;
mod random_faults;
mod rooms;
mod topology;
mod truth;
mod watch;
