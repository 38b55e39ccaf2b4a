//! Peers of wire versions 1 and 2.

mod own;
mod rig;
mod routers;
