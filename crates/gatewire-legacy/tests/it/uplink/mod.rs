//! A gateway among routers of version 2.

mod cells;
mod corpus;
mod counts;
mod links;
mod mesh;
mod messages;
mod network;
#[expect(unreachable_pub, reason = "fuzz/ includes this file as a public module")]
mod property;
mod replay;
mod routing;
