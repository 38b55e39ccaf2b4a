//! A gateway among routers of version 2.

mod cells;
mod counts;
mod links;
mod mesh;
mod messages;
mod network;
mod replay;
mod routing;
