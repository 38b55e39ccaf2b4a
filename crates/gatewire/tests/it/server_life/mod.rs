//! The life of a server: who gets in, what it counts, and how it ends.

mod accounts;
mod admission;
mod drain;
mod gate;
mod shutdown;
