//! Requests: who may ask whom, with what closures, and each way in which a request can end.

mod closures;
mod ends;
mod lost;
mod many;
mod panics;
