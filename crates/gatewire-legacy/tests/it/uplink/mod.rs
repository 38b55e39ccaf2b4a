//! A gateway among routers of version 2.

mod cells;
mod corpus;
mod counts;
mod links;
mod mesh;
mod messages;
mod network;
mod property;
mod replay;
mod routing;
