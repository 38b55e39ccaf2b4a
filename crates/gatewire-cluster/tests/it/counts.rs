//! How many frames it takes, against the figures of the design. Definitions of numbers are counted in
//! bytes, not in frames: they travel with what uses them. Print all with
//! `cargo test -p gatewire-cluster --test it counts -- --nocapture`.

use std::time::Duration;

use crate::network::Network;

const SECOND: Duration = Duration::from_secs(1);

/// A ring with random chords: `nodes` nodes of degree 4 on average.
fn mesh(seed: u64, nodes: usize) -> Network {
    let mut network = Network::new(seed);
    for node in 0..nodes {
        network.add_node(&format!("node-{node}"));
    }
    for node in 0..nodes {
        network.add_cable(node, (node + 1) % nodes, 10);
    }
    while network.cables.len() < 2 * nodes {
        let (one, other) = (network.random(nodes), network.random(nodes));
        let there = |ends: [usize; 2]| network.cables.iter().any(|cable| cable.ends == ends);
        if one != other && !there([one, other]) && !there([other, one]) {
            network.add_cable(one, other, 10);
        }
    }
    network
}

/// Frames per node of a cold start, frames of a cut link, frames of a join.
#[track_caller]
fn check(nodes: usize, cold_most: u64, bytes_most: u64) {
    let links = 2 * nodes as u64;
    for seed in 1..=5 {
        let mut network = mesh(seed, nodes);
        network.run(30 * SECOND);
        network.check();
        let per_node = |count: u64| count / nodes as u64;
        let (cold, cold_bytes) = (per_node(network.news()), per_node(network.bytes));
        let kinds = format!("{:?}", network.frames);

        network.count_anew();
        network.cut(0);
        network.run(10 * SECOND);
        network.check();
        let (cut, cut_bytes) = (network.news(), network.bytes);
        // Two records, each over all links that are left.
        let cut_most = 2 * (2 * (links - 1) - nodes as u64 + 1);

        network.count_anew();
        network.join(nodes / 2, "room 1");
        network.run(10 * SECOND);
        network.check();
        let (join, join_bytes) = (network.news(), network.bytes);
        let join_most = 2 * (links - 1) - nodes as u64 + 1;

        println!(
            "{nodes} nodes, {links} links, seed {seed}: cold start {cold} frames and {cold_bytes} \
             bytes a node, a link cut {cut} and {cut_bytes}, a join {join} and {join_bytes}; {kinds}"
        );
        assert!(cut <= cut_most, "a cut took {cut} frames, and {cut_most} are enough");
        assert!(join <= join_most, "a join took {join} frames, and {join_most} are enough");
        assert!(cold <= cold_most, "a cold start took {cold} frames a node");
        assert!(cold_bytes <= bytes_most, "a cold start took {cold_bytes} bytes a node");
    }
}

#[test]
fn ten_routers_stay_within_the_figures_of_the_design() {
    check(10, 96, 10_000);
}

#[test]
fn a_hundred_routers_stay_within_the_figures_of_the_design() {
    check(100, 883, 57_000);
}
