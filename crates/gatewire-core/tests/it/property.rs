//! Random cases that can be repeated: a failing run prints its seed, `SEED=n` replays it, and
//! `CASES=n` runs longer than `cargo test` should.

use std::fmt::Debug;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs `property`, which panics when it does not hold, on `cases` random values.
#[track_caller]
pub(crate) fn check<S>(cases: u32, strategy: &S, property: impl Fn(S::Value))
where
    S: Strategy<Value: Debug>,
{
    let seed = variable("SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&u64::to_le_bytes(seed));
    let config = Config {
        cases: variable("CASES").unwrap_or(cases),
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let outcome = TestRunner::new_with_rng(config, rng).run(strategy, |value| {
        property(value);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}\nreplay with SEED={seed}");
    }
}

fn variable<N: FromStr>(name: &str) -> Option<N> {
    std::env::var(name).ok()?.parse().ok()
}
