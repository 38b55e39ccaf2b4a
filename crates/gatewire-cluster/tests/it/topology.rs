//! Links and nodes that come and go.

use std::time::Duration;

use gatewire_cluster::Event;

use crate::network::{Network, Restart};

const SECOND: Duration = Duration::from_secs(1);

/// Nodes in a ring, each linked to the next for a cost of 10.
pub(crate) fn ring(seed: u64, nodes: usize) -> Network {
    let mut network = Network::new(seed);
    for node in 0..nodes {
        network.add_node(&format!("node {node}"));
    }
    for node in 0..nodes {
        network.add_cable(node, (node + 1) % nodes, 10);
    }
    network
}

#[test]
fn routers_that_start_together_know_all_others_within_a_second() {
    let mut network = ring(1, 12);
    network.run(SECOND);
    network.check();
    let up = network.places[0].events.iter().filter(|event| matches!(event, Event::NodeUp(_)));
    assert_eq!(up.count(), 11);
}

#[test]
fn a_link_that_is_cut_is_gone_around_and_used_again() {
    let mut network = ring(2, 6);
    network.run(20 * SECOND);
    let far = network.id(1);
    assert_eq!(network.router(0).cost_to(far), Some(10));
    network.cut(0);
    network.run(Duration::from_millis(100));
    assert_eq!(network.router(0).cost_to(far), Some(50));
    network.check();
    network.plug(0);
    network.run(SECOND);
    assert_eq!(network.router(0).cost_to(far), Some(10));
    network.check();
}

#[test]
fn a_link_that_flaps_costs_fewer_and_fewer_records() {
    let mut network = ring(3, 4);
    network.run(20 * SECOND);
    let before = network.router(0).statistics().originated;
    for _ in 0..600 {
        network.cut(0);
        network.run(Duration::from_millis(50));
        network.plug(0);
        network.run(Duration::from_millis(50));
    }
    let told = network.router(0).statistics().originated - before;
    assert!((10..=25).contains(&told), "{told} records in a minute of flapping");
    network.run(20 * SECOND);
    network.check();
}

#[test]
fn the_halves_of_a_partition_live_on_and_find_each_other_again() {
    let mut network = ring(4, 8);
    network.run(5 * SECOND);
    network.cut(0);
    network.cut(4);
    network.run(5 * SECOND);
    network.check();
    network.join(2, "room 1");
    network.join(7, "room 1");
    network.run(5 * SECOND);
    network.check();
    network.plug(4);
    network.run(5 * SECOND);
    network.check();
    let found: Vec<_> = network.router(0).destinations("room 1").collect();
    assert_eq!(found.len(), 2);
}

#[test]
fn what_both_ends_do_not_list_is_no_way() {
    let mut network = ring(10, 5);
    network.run(20 * SECOND);
    network.cut_half_open(0);
    network.run(Duration::from_millis(200));
    // Node 1 still lists its link to node 0, and frames would be lost on it.
    let target = network.id(0);
    assert_eq!(network.router(1).cost_to(target), Some(40));
    assert_eq!(network.router(2).cost_to(target), Some(30));
    network.check();
    network.run(10 * SECOND);
    network.check();
}

#[test]
fn a_node_that_crashes_is_no_way_and_told_of() {
    let mut network = ring(5, 5);
    network.run(20 * SECOND);
    network.crash(2);
    network.run(Duration::from_millis(200));
    network.check();
    let gone = network.id(2);
    assert_eq!(network.router(0).cost_to(gone), None);
    assert!(
        network.places[0]
            .events
            .iter()
            .any(|event| { matches!(event, Event::NodeDown(node) if node.id() == gone) })
    );
}

#[test]
fn a_node_out_of_reach_is_forgotten_after_ten_minutes() {
    let mut network = ring(6, 4);
    network.run(5 * SECOND);
    network.crash(2);
    network.run(9 * 60 * SECOND);
    assert_eq!(network.router(0).known_nodes(), 4);
    network.run(2 * 60 * SECOND);
    assert_eq!(network.router(0).known_nodes(), 3);
    network.check();
}

#[test]
fn records_are_renewed_as_long_as_their_nodes_live() {
    let mut network = ring(7, 4);
    network.join(1, "room 1");
    network.run(60 * SECOND);
    network.count_anew();
    network.run(5 * 3600 * SECOND);
    network.check();
    // Each node renews its record each 27 to 33 minutes; a record takes 2E - N + 1 frames.
    let renewals = network.messages();
    assert!((4 * 9 * 5..=4 * 12 * 5).contains(&renewals), "{renewals} frames in five hours");
}

#[test]
fn who_leaves_for_good_is_gone_at_once_and_may_come_back() {
    let mut network = ring(8, 5);
    network.run(20 * SECOND);
    network.join(3, "room 1");
    network.run(SECOND);
    network.leave_cluster(3);
    network.run(Duration::from_millis(100));
    network.check();
    network.run(5 * SECOND);
    network.restart(3, Restart::ClockBack);
    network.run(5 * SECOND);
    network.check();
    assert_eq!(network.router(0).destinations("room 1").count(), 0);
}

#[test]
fn parallel_links_are_both_used_when_they_cost_the_same() {
    let mut network = Network::new(9);
    network.add_node("a");
    network.add_node("b");
    network.add_cable(0, 1, 10);
    network.add_cable(0, 1, 10);
    network.add_cable(0, 1, 20);
    network.run(5 * SECOND);
    network.check();
    let (a, b) = (network.id(0), network.id(1));
    let mut used: Vec<u8> =
        (0..100).filter_map(|flow| network.router(0).next_hop(b, a, flow)).map(|l| l.0).collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used, [0, 1]);
    network.cut(0);
    network.cut(1);
    // Before anything was computed anew, no link that is down is chosen.
    assert_eq!(network.router(0).next_hop(b, a, 1), None);
    network.run(5 * SECOND);
    assert_eq!(network.router(0).cost_to(b), Some(20));
}

#[test]
fn parallel_links_of_unequal_ends_cost_the_same_to_everybody() {
    // a = b by two cables, each dear at one end; and a way around by c and d.
    let mut network = Network::new(11);
    for name in ["a", "b", "c", "d"] {
        network.add_node(name);
    }
    for costs in [[1, 10], [10, 1]] {
        let cable = network.add_cable(0, 1, 1);
        network.cables[cable].costs = costs;
    }
    network.add_cable(0, 2, 1);
    network.add_cable(2, 3, 2);
    network.add_cable(3, 1, 3);
    network.run(5 * SECOND);
    // Who takes the cheapest of each end sends from c to a, which sends back to c.
    network.check();
    let b = network.id(1);
    assert_eq!(network.router(0).cost_to(b), Some(6));
    assert_eq!(network.router(2).cost_to(b), Some(5));
}

#[test]
fn who_forgot_a_node_before_its_neighbour_did_learns_of_it_again() {
    let mut network = Network::new(12);
    for name in ["a", "b", "x", "y"] {
        network.add_node(name);
    }
    network.add_cable(0, 1, 10);
    let bridge = network.add_cable(1, 2, 10);
    network.add_cable(2, 3, 10);
    network.join(3, "room 1");
    network.run(20 * SECOND);
    network.cut(bridge);
    network.run(5 * 60 * SECOND);
    // b learns of x and y from a, and keeps them for ten minutes from now on.
    network.restart(1, Restart::CounterKept);
    network.run(7 * 60 * SECOND);
    assert_eq!([network.router(0).known_nodes(), network.router(1).known_nodes()], [2, 4]);
    network.plug(bridge);
    network.run(5 * SECOND);
    // To b nothing of y is new, so there is nothing that it would hand on.
    network.check();
}
