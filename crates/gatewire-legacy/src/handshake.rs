//! How a connection of version 1 or 2 begins.
