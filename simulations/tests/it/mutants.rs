//! Each broken rule is found. `cargo xtask sim --mutants` does the same for those inside of the routers.

use gatewire_sim::explore;
use gatewire_simulations::Mutant;
use gatewire_simulations::scenario::{Case, named};

#[track_caller]
fn check(mutant: Mutant, scenario: &str, seeds: u64) {
    let scenario = named(scenario).expect("there is such a scenario");
    let run = |setup| (scenario.run)(Case { setup, mutant: Some(mutant) });
    let caught = (0..seeds).any(|seed| explore([seed], run).violations > 0);
    assert!(caught, "{mutant:?} is not caught in {seeds} seeds");
}

#[test]
fn without_summaries_on_link_up_some_never_learn() {
    check(Mutant::NoDigests, "cold-start", 5);
}

#[test]
fn without_the_boot_nonce_some_keep_the_rooms_of_a_last_life() {
    check(Mutant::ConstantNonce, "restarts", 200);
}

#[test]
fn without_requests_some_miss_what_others_know() {
    check(Mutant::NoRequests, "cold-start", 20);
}

#[test]
fn without_purges_those_who_left_are_remembered() {
    check(Mutant::NoPurges, "farewell", 5);
}

#[test]
fn without_a_new_link_what_was_thrown_away_stays_lost() {
    check(Mutant::NoReset, "shed", 20);
}

#[test]
fn without_an_order_events_overtake_each_other() {
    check(Mutant::NoOrder, "mixed", 100);
}
