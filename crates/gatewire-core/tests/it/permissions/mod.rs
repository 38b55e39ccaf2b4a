//! Who may do what, and how much of it.

mod actions;
mod patterns;
mod rates;
