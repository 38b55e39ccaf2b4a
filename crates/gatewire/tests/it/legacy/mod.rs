//! Peers of wire versions 1 and 2.

mod defects;
mod early;
mod own;
mod raw;
mod replay;
mod rig;
mod routers;
