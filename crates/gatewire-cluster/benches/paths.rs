//! What the shortest paths of one router cost, at 100, 1,000 and 10,000 nodes: ours, which gives costs and
//! first hops of all equal ways, and that of `petgraph`, which gives the costs alone.
//!
//! Degree 6: a ring, and random chords. Costs from 1 to 10.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use gatewire_cluster::paths::{Edge, Graph, Start, shortest_paths};
use gatewire_cluster::{LinkId, LinkSet};
use petgraph::graph::{NodeIndex, UnGraph};

const SIZES: [u32; 3] = [100, 1_000, 10_000];

/// Edges from one node to another, with their costs.
fn mesh(nodes: u32) -> Vec<(u32, u32, u16)> {
    let mut random = 1_u64;
    let mut below = |bound: u32| {
        // The generator of Knuth's MMIX; the high bits are the good ones.
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((random >> 33) % u64::from(bound)).expect("it is below a u32")
    };
    let mut edges = Vec::new();
    for node in 0..nodes {
        let chords = [(node + 1) % nodes, below(nodes), below(nodes)];
        for other in chords.into_iter().filter(|other| *other != node) {
            let cost = u16::try_from(below(10) + 1).expect("it is 10 at most");
            edges.push((node, other, cost));
        }
    }
    edges
}

fn ours(nodes: u32, edges: &[(u32, u32, u16)]) -> Graph {
    let mut out = vec![Vec::new(); nodes as usize];
    for &(one, other, cost) in edges {
        out[one as usize].push(Edge { to: other, cost });
        out[other as usize].push(Edge { to: one, cost });
    }
    let mut graph = Graph::new();
    for edges in out {
        graph.add_node(true, edges);
    }
    graph
}

fn theirs(edges: &[(u32, u32, u16)]) -> UnGraph<(), u32> {
    UnGraph::from_edges(edges.iter().map(|&(one, other, cost)| (one, other, u32::from(cost))))
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shortest_paths");
    group.sample_size(20).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    for nodes in SIZES {
        let edges = mesh(nodes);
        let graph = ours(nodes, &edges);
        let start = Start { node: 0, cost: 1, links: LinkSet::of(LinkId(0)) };
        group.bench_function(BenchmarkId::new("ours", nodes), |bencher| {
            bencher.iter(|| shortest_paths(black_box(&graph), &[start]));
        });
        let graph = theirs(&edges);
        let root = NodeIndex::new(0);
        group.bench_function(BenchmarkId::new("petgraph", nodes), |bencher| {
            bencher.iter(|| {
                petgraph::algo::dijkstra(black_box(&graph), root, None, |edge| *edge.weight())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
