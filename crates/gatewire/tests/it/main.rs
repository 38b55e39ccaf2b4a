//! The public API over real sockets.

mod basics;
