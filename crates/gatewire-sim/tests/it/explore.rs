//! Many seeds, and what is told of those that fail.

use std::cell::Cell;

use gatewire_sim::{
    Boot, Config, MOST_FAILURES, Report, Setup, Simulation, Topology, Violation, explore, seeds,
};

use crate::gossip;
use crate::probe::{A, B, Probe, exact, ms, probe, send};

#[test]
fn links_keep_their_promises_under_random_faults() {
    let summary = explore(seeds(60), gossip::scenario);
    summary.expect_no_violation();
    assert!(summary.faults > 0 && summary.events > summary.faults);
}

/// Fails for seeds of which `fails` says so, with a message on its way in the trace.
fn scenario(setup: Setup, fails: bool) -> Result<Report, Box<Violation>> {
    let config = Config { link: exact(), ..Config::default() };
    let make = |boot: Boot<Probe>| probe(boot);
    let mut simulation = Simulation::new(setup, &Topology::line(2), config, make);
    simulation.run_until_quiet(ms(5_000))?;
    send(&mut simulation, A, [5]);
    simulation.run_for(ms(100))?;
    simulation.check_now("seeds do not fail", |view| {
        let heard = view.node(B).is_some_and(|node| node.got() == [5]);
        if fails && heard { Err("it fails".to_owned()) } else { Ok(()) }
    })?;
    Ok(simulation.report())
}

#[test]
fn a_summary_counts_all_and_ends_in_one_line() {
    let summary = explore(0..36, |setup| scenario(setup, false));
    assert_eq!((summary.seeds, summary.violations, summary.checks), (36, 0, 36));
    assert_eq!(summary.simulated, ms(36 * 1_210));
    assert_eq!(summary.to_string(), "seeds 36, hours 0.01, faults 0, violations 0");
    summary.expect_no_violation();
}

#[test]
fn a_seed_that_fails_is_replayed_with_the_contents_of_messages() {
    let summary = explore(0..40, |setup| scenario(setup, setup.seed % 4 == 3));
    assert_eq!((summary.seeds, summary.violations), (40, 10));
    assert_eq!(summary.failures.len(), MOST_FAILURES);
    let failure = &summary.failures[1];
    assert_eq!((failure.seed, failure.repeats), (7, true));
    let text = failure.to_string();
    assert!(text.contains("0 -> 1 (link 0): odd, 100 B Number(5, 100)"), "{text}");
    assert!(text.ends_with("replay with SEED=7"), "{text}");
}

#[test]
#[should_panic(expected = "violation of `seeds do not fail`")]
fn a_summary_with_a_violation_can_be_made_a_panic() {
    explore(0..4, |setup| scenario(setup, setup.seed == 3)).expect_no_violation();
}

#[test]
fn a_scenario_that_panics_is_a_failed_seed() {
    let summary = explore(0..3, |setup| {
        assert_ne!(setup.seed, 1, "on purpose");
        scenario(setup, false)
    });
    assert_eq!((summary.seeds, summary.violations), (3, 1));
    assert!(summary.failures[0].text.contains("on purpose"));
    assert!(summary.failures[0].text.ends_with("replay with SEED=1"));
}

#[test]
fn a_failure_that_does_not_repeat_is_told_as_such() {
    let runs = Cell::new(0);
    let summary = explore(0..1, |setup| {
        runs.set(runs.get() + 1);
        scenario(setup, runs.get() == 1)
    });
    let failure = &summary.failures[0];
    assert!(!failure.repeats);
    assert!(failure.text.contains("it fails"), "the first run is told if the second passes");
    assert!(failure.to_string().ends_with("something is not simulated"));
}
