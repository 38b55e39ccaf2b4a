//! The translator, under all that may be said to it.

pub(crate) mod bounds;
mod corpus;
#[expect(unreachable_pub, reason = "fuzz/ includes this folder as a public module")]
mod property;
mod rooms;
