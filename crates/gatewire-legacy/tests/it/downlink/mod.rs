//! The translator, under all that may be said to it.

mod corpus;
#[expect(unreachable_pub, reason = "fuzz/ includes this folder as a public module")]
mod property;
