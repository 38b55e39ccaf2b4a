//! Peers of wire versions 1 and 2.

mod own;
mod replay;
mod rig;
mod routers;
