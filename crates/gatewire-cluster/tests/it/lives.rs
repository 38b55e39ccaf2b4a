//! Crashes, restarts, and two nodes of one name.

use std::time::Duration;

use gatewire_cluster::{Event, State};

use crate::network::{Network, Restart};
use crate::topology::ring;

const SECOND: Duration = Duration::from_secs(1);

#[track_caller]
fn check_restart(how: Restart) {
    for seed in 0..20 {
        let mut network = ring(seed, 5);
        network.join(2, "room 1");
        network.join(2, "room 2");
        network.run(5 * SECOND);
        network.check();
        network.restart(2, how);
        network.join(2, "room 3");
        network.run(10 * SECOND);
        network.check();
    }
}

#[test]
fn a_node_comes_back_with_its_counter() {
    check_restart(Restart::CounterKept);
}

#[test]
fn a_node_comes_back_without_its_counter() {
    check_restart(Restart::CounterLost);
}

#[test]
fn a_node_comes_back_with_a_clock_that_is_a_day_behind() {
    check_restart(Restart::ClockBack);
}

#[test]
fn a_node_that_is_behind_outbids_its_last_life() {
    let mut network = ring(1, 3);
    network.run(5 * SECOND);
    let before = network.router(0).incarnation();
    network.restart(0, Restart::ClockBack);
    assert!(network.router(0).incarnation() < before);
    network.run(5 * SECOND);
    let after = network.router(0).incarnation();
    assert!(after > before);
    assert!(network.places[0].events.contains(&Event::OutBid(after)));
    network.check();
}

#[test]
fn a_new_life_in_the_same_second_is_told_from_the_last_one() {
    // Counter lost, clock as before: only the nonce tells the two apart.
    for seed in 0..50 {
        let mut network = ring(seed, 3);
        network.join(0, "room 1");
        network.run(Duration::from_millis(500));
        network.restart(0, Restart::CounterLost);
        network.join(0, "room 2");
        network.run(10 * SECOND);
        network.check();
    }
}

/// A line a - b - c, and a second b at its end.
fn impostor(seed: u64) -> Network {
    let mut network = Network::new(seed);
    for name in ["a", "b", "c", "b"] {
        network.add_node(name);
    }
    network.add_cable(0, 1, 1);
    network.add_cable(1, 2, 1);
    network.join(1, "room 1");
    network.join(3, "room 1");
    network
}

#[test]
fn of_two_nodes_of_one_name_the_one_with_the_lower_nonce_stays() {
    for seed in 0..20 {
        let mut network = impostor(seed);
        network.run(5 * SECOND);
        let [one, other] = [1, 3].map(|node| network.router(node).incarnation().nonce());
        network.add_cable(2, 3, 1);
        network.run(60 * SECOND);
        let (stays, stops) = if one < other { (1, 3) } else { (3, 1) };
        assert!(network.places[stops].events.contains(&Event::NameTaken), "seed {seed}");
        assert!(!network.places[stays].events.contains(&Event::NameTaken), "seed {seed}");
        assert_eq!(network.router(stays).state(), State::Running);
        network.check();
    }
}

#[test]
fn a_life_that_ends_again_and_again_is_no_fight() {
    let mut network = ring(5, 4);
    network.run(SECOND);
    for _ in 0..10 {
        network.restart(1, Restart::ClockBack);
        network.run(2 * SECOND);
        assert_eq!(network.router(1).state(), State::Running);
    }
    network.run(10 * SECOND);
    network.check();
}
