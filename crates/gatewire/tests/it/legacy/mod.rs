//! Peers of wire versions 1 and 2.

mod early;
mod own;
mod replay;
mod rig;
