//! Nodes that have links to routers of wire version 2.

use std::time::Duration;

use gatewire_cluster::Event;

use crate::network::Network;
use crate::topology::ring;

const QUIET: Duration = Duration::from_secs(10);

fn set(network: &mut Network, node: usize, is_one: bool) {
    let now = network.now;
    network.router(node).set_v2_gateway(now, is_one);
    network.settle_all();
}

fn gateways(network: &mut Network, node: usize) -> Vec<String> {
    network.router(node).v2_gateways().map(ToString::to_string).collect()
}

/// How often it was told at a node that there are others.
fn changes(network: &mut Network, node: usize) -> usize {
    let events = std::mem::take(&mut network.places[node].events);
    events.iter().filter(|event| **event == Event::V2GatewaysChanged).count()
}

#[test]
fn a_node_becomes_a_gateway_and_is_one_no_more_without_a_new_life() {
    let mut network = ring(1, 4);
    network.run(QUIET);
    for node in 0..4 {
        network.places[node].events.clear();
    }
    let life = network.router(1).incarnation();
    let name = network.places[1].name.clone();
    for (is_one, expected) in [(true, vec![name]), (false, vec![])] {
        set(&mut network, 1, is_one);
        // Saying it again is no change.
        set(&mut network, 1, is_one);
        network.run(QUIET);
        for node in [0, 2, 3] {
            assert_eq!(gateways(&mut network, node), expected);
            assert_eq!(changes(&mut network, node), 1);
        }
        assert_eq!(changes(&mut network, 1), 0, "it is no other one");
    }
    assert_eq!(network.router(1).incarnation(), life);
    network.check();
}

#[test]
fn that_a_node_is_a_gateway_no_more_is_told_soon_however_often_it_changed() {
    let mut network = ring(1, 3);
    network.run(QUIET);
    for _ in 0..20 {
        set(&mut network, 1, true);
        network.run(QUIET / 2);
        assert_eq!(gateways(&mut network, 0).len(), 1);
        set(&mut network, 1, false);
        network.run(Duration::from_millis(200));
        assert_eq!(gateways(&mut network, 0).len(), 0);
    }
}

#[test]
fn a_gateway_that_cannot_be_reached_is_none() {
    let mut network = ring(1, 3);
    set(&mut network, 1, true);
    network.run(QUIET);
    assert_eq!(gateways(&mut network, 0).len(), 1);
    network.leave_cluster(1);
    network.run(QUIET);
    assert_eq!(gateways(&mut network, 0).len(), 0);
}
