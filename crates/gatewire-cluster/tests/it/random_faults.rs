//! Random clusters, random faults: when all is quiet again, everybody knows the truth.
//!
//! `SEED=n` runs one seed, `SEEDS=n` as many.

use std::time::Duration;

use crate::network::{Network, Restart};

/// What a run did.
#[derive(Debug, Default)]
struct Run {
    faults: u64,
    violations: Vec<String>,
}

/// How long it takes until nothing happens: twice the longest distance of two records, the distance of
/// routes behind it, and what a fight over a name takes.
const QUIET: Duration = Duration::from_secs(30);

fn run(seed: u64, prepare: impl Fn(&mut Network)) -> Run {
    let mut network = Network::new(seed.wrapping_mul(0x9e37_79b9).wrapping_add(1));
    prepare(&mut network);
    let nodes = 3 + network.random(8);
    for node in 0..nodes {
        network.add_node(&format!("node {node}"));
    }
    for node in 1..nodes {
        let other = network.random(node);
        let cost = [1, 2, 3, 4][network.random(4)];
        network.add_cable(node, other, cost);
    }
    for _ in 0..network.random(nodes) {
        let (one, other) = (network.random(nodes), network.random(nodes));
        let cost = [1, 2, 3, 4][network.random(4)];
        if one != other {
            network.add_cable(one, other, cost);
        }
    }
    let mut run = Run::default();
    for _ in 0..3 {
        for _ in 0..=network.random(12) {
            fault(&mut network);
            run.faults += 1;
            let pause = [0, 3, 30, 300, 3_000][network.random(5)];
            network.run(Duration::from_millis(pause));
        }
        network.run(QUIET);
        run.violations.extend(network.violations());
    }
    heal(&mut network);
    network.run(QUIET);
    run.violations.extend(network.violations());
    run
}

fn fault(network: &mut Network) {
    let cable = network.random(network.cables.len());
    let node = network.random(network.places.len());
    let alive = network.places[node].router.is_some();
    let how = [Restart::CounterKept, Restart::CounterLost, Restart::ClockBack];
    match network.random(10) {
        0 => network.cut(cable),
        1 => network.cut_half_open(cable),
        2 | 3 => network.plug(cable),
        4 => network.crash(node),
        5 | 6 => {
            let how = how[network.random(3)];
            network.restart(node, how);
        }
        7 if alive => network.leave_cluster(node),
        _ if !alive => network.restart(node, how[0]),
        _ => {
            let room = format!("room {}", network.random(9));
            if network.places[node].members.contains_key(&room) {
                network.leave(node, &room);
            } else {
                network.join(node, &room);
            }
        }
    }
}

fn heal(network: &mut Network) {
    for node in 0..network.places.len() {
        if network.places[node].router.is_none() {
            network.restart(node, Restart::CounterLost);
        }
    }
    for cable in 0..network.cables.len() {
        network.plug(cable);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Whether any of the first seeds has violations.
fn any_fails(seeds: u64, prepare: impl Fn(&mut Network)) -> bool {
    (0..seeds).any(|seed| !run(seed, &prepare).violations.is_empty())
}

#[test]
fn after_any_faults_everybody_knows_the_truth_of_its_component() {
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(300),
    };
    let mut faults = 0;
    for seed in seeds.clone() {
        let run = run(seed, |_| {});
        faults += run.faults;
        assert!(run.violations.is_empty(), "SEED={seed}: {:#?}", run.violations);
    }
    println!("seeds {}, faults {faults}, violations 0", seeds.count());
}

#[test]
fn an_answer_that_does_not_fit_any_more_is_asked_for_again() {
    // Two links came up at once, and the rooms came over both, of different age.
    assert_eq!(run(227, |_| {}).violations, Vec::<String>::new());
}

#[test]
fn without_summaries_on_link_up_some_never_learn() {
    assert!(any_fails(20, |network| network.lose_kinds = vec![51, 52]));
}

#[test]
fn without_records_nobody_learns() {
    assert!(any_fails(5, |network| network.lose_kinds = vec![50]));
}

#[test]
fn without_the_boot_nonce_some_keep_the_rooms_of_a_last_life() {
    assert!(any_fails(300, |network| network.nonce = Some(1)));
}
