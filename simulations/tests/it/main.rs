//! A few seeds of each scenario, and whether the checks find what is wrong.

mod events;
mod mutants;
mod runs;
