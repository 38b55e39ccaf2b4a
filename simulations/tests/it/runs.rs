//! Scenarios hold, do something, and do it again the same way.

use gatewire_sim::{Report, Setup, explore, seeds};
use gatewire_simulations::scale;
use gatewire_simulations::scenario::{Case, SCENARIOS, named};

#[track_caller]
fn run(name: &str, seed: u64) -> Report {
    let scenario = named(name).expect("there is such a scenario");
    let case = Case { setup: Setup::from(seed), mutant: None };
    (scenario.run)(case).unwrap_or_else(|violation| panic!("{violation}"))
}

#[test]
fn each_scenario_holds_and_is_compared_with_the_truth() {
    for scenario in &SCENARIOS {
        let summary = explore(seeds(3), |setup| (scenario.run)(Case { setup, mutant: None }));
        summary.expect_no_violation();
        assert!(summary.checks >= summary.seeds, "{}: {summary}", scenario.name);
    }
}

#[test]
fn what_is_broken_is_compared_before_it_heals() {
    // Each round ends whole, and in most of them it is quiet before the repairs, too.
    let summary = explore(0..12, |setup| {
        let scenario = named("mixed").expect("there is such a scenario");
        (scenario.run)(Case { setup, mutant: None })
    });
    summary.expect_no_violation();
    assert!(summary.checks > 7 * summary.seeds, "{} checks", summary.checks);
    assert!(summary.faults > 20 * summary.seeds, "{} faults", summary.faults);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..4 {
        assert_eq!(run("mixed", seed), run("mixed", seed));
    }
    assert_ne!(run("mixed", 0).fingerprint, run("mixed", 1).fingerprint);
}

#[test]
fn ten_and_a_hundred_routers_cost_what_the_design_says() {
    for (nodes, most) in [(10, 5), (100, 1)] {
        explore(seeds(most), |setup| scale::run(setup, nodes)).expect_no_violation();
    }
}
