//! The cheapest ways to other hosts.
//!
//! The originals draw a path as `host1, link, host2, ..`: from a host to a link for the link's cost in that direction,
//! and on to the host at its other end for 1. So an edge between hosts costs one more than the link. Hosts and
//! links have no names in common here, so one cannot be taken for the other. Only a host of which some link is
//! known that begins there can be reached: the others are only talked of.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use super::graph::{Cost, Edge};

/// The way to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// What all of it costs.
    pub(super) cost: Cost,
    /// The link with which it begins.
    pub(super) first: Arc<str>,
}

/// From one host to all others that can be reached.
pub(super) type Ways = BTreeMap<Arc<str>, Way>;

/// Dijkstra's algorithm. Of two ways of equal cost that counts which is found first: over hosts and links in the order of their
/// names.
pub(super) fn ways(edges: &BTreeMap<Edge, Cost>, from: &str) -> Ways {
    let sources: BTreeSet<&str> = edges.keys().map(|edge| &*edge.source).collect();
    let mut beginning: BTreeMap<&str, Vec<(&Edge, Cost)>> = BTreeMap::new();
    for (edge, cost) in edges {
        beginning.entry(&edge.source).or_default().push((edge, *cost));
    }
    let mut done: BTreeMap<&str, Option<Way>> = BTreeMap::new();
    let mut open: BinaryHeap<Reverse<Step<'_>>> = BinaryHeap::new();
    open.push(Reverse(Step { cost: Cost::ZERO, host: from, first: None }));
    while let Some(Reverse(Step { cost, host, first })) = open.pop() {
        if done.contains_key(host) {
            continue;
        }
        done.insert(host, first.map(|link| Way { cost, first: Arc::clone(link) }));
        for &(edge, link_cost) in beginning.get(host).into_iter().flatten() {
            if !done.contains_key(&*edge.destination) {
                let first = first.or(Some(&edge.link));
                let cost = cost.plus(link_cost).plus(Cost::ONE);
                open.push(Reverse(Step { cost, host: &edge.destination, first }));
            }
        }
    }
    let reached = done.into_iter().filter(|(host, _)| sources.contains(host));
    reached.filter_map(|(host, way)| Some((Arc::from(host), way?))).collect()
}

/// A way that may not be the cheapest one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Step<'a> {
    cost: Cost,
    host: &'a str,
    first: Option<&'a Arc<str>>,
}

impl Cost {
    const ZERO: Self = Self::unchecked(0.0);

    fn plus(self, other: Self) -> Self {
        Self::unchecked(self.value() + other.value())
    }
}
