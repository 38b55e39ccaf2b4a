//! Rooms: who is in them, and who receives what is sent to them.

mod bounds;
mod crowd;
mod membership;
mod party;
mod rejoin;
mod runs;
mod targets;
