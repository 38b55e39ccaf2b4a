//! Streams: one way to send many bytes.

mod closing;
mod early;
mod ends;
mod kit;
mod lost;
mod many;
mod one_peer;
mod slow;
mod unread;
