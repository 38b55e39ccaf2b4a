//! What an event, a request and an answer can carry.

mod formats;
mod mismatch;
mod primitive;
