//! Nothing: the benches are in `benches/`. Run them with `cargo xtask bench`.
