//! Streams: one way to send many bytes.

mod closing;
mod early;
mod ends;
mod floods;
mod frames;
mod garbage;
mod handlers;
mod hostile;
mod kit;
mod lost;
mod many;
mod one_peer;
mod reconnect;
mod script;
mod slow;
mod told;
mod unread;
