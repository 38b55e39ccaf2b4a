//! The links of the old cluster.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::fact::LinkFact;

/// How many links a gateway has to neighbours. An old cluster that needs more hands a frame of each fact to all of them.
pub const MAX_LINKS: usize = 64;
/// How many directions of links are remembered: those of a full mesh of 128 hosts. The originals cannot address
/// broadcasts to more than some thirty.
pub const MAX_LINK_ENTRIES: usize = 16_384;
/// How many links are remembered that are gone. Late copies of what was told of one come within seconds; this many are
/// not lost in that time.
const MAX_GONE: usize = 4_096;

/// What a link costs in one direction: a finite number above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost(f64);

impl Cost {
    /// What links cost unless it is said otherwise.
    pub const ONE: Self = Self(1.0);

    /// `None`: it is not finite or not above zero. The originals die of such a cost.
    #[must_use]
    pub fn new(cost: f64) -> Option<Self> {
        (cost.is_finite() && cost > 0.0).then_some(Self(cost))
    }

    /// A sum of costs, or none at all.
    pub(super) const fn unchecked(cost: f64) -> Self {
        Self(cost)
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

impl From<u16> for Cost {
    /// Zero becomes one.
    fn from(cost: u16) -> Self {
        Self(f64::from(cost.max(1)))
    }
}

impl Eq for Cost {}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cost {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// One direction of a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) source: Arc<str>,
    pub(super) destination: Arc<str>,
    pub(super) link: Arc<str>,
}

impl Edge {
    pub(super) fn new(source: &str, destination: &str, link: &str) -> Self {
        Self { source: source.into(), destination: destination.into(), link: link.into() }
    }

    pub(super) fn of(fact: &LinkFact<'_>) -> Self {
        Self::new(&fact.source, &fact.destination, &fact.link)
    }

    /// What is told of it.
    pub(super) fn fact(&self, cost: Option<Cost>) -> LinkFact<'_> {
        LinkFact {
            source: (&*self.source).into(),
            destination: (&*self.destination).into(),
            link: (&*self.link).into(),
            cost: cost.map(Cost::value),
        }
    }
}

/// What became of a link that was told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    News,
    Known,
    /// It was gone before.
    Late,
    OverBound,
}

/// All links that are known, each direction by itself, and those that are gone.
#[derive(Debug, Default)]
pub(super) struct Graph {
    edges: BTreeMap<Edge, Cost>,
    gone: BTreeSet<Edge>,
    /// The same, the oldest first.
    gone_order: VecDeque<Edge>,
}

impl Graph {
    pub(super) fn edges(&self) -> &BTreeMap<Edge, Cost> {
        &self.edges
    }

    pub(super) fn insert(&mut self, edge: Edge, cost: Cost) -> Told {
        if self.gone.contains(&edge) {
            return Told::Late;
        }
        let room = self.edges.len() < MAX_LINK_ENTRIES;
        match self.edges.get_mut(&edge) {
            Some(known) if *known == cost => Told::Known,
            Some(known) => {
                *known = cost;
                Told::News
            }
            None if room => {
                self.edges.insert(edge, cost);
                Told::News
            }
            None => Told::OverBound,
        }
    }

    /// Whether it was there. From now on it is gone: a link's id is never used again.
    pub(super) fn remove(&mut self, edge: &Edge) -> bool {
        let was_there = self.edges.remove(edge).is_some();
        if self.gone.insert(edge.clone()) {
            self.gone_order.push_back(edge.clone());
            if self.gone_order.len() > MAX_GONE
                && let Some(oldest) = self.gone_order.pop_front()
            {
                self.gone.remove(&oldest);
            }
        }
        was_there
    }

    /// Drops the links of hosts to which no way leads. They are not gone: they may be told again.
    pub(super) fn retain_sources(&mut self, is_reachable: impl Fn(&str) -> bool) {
        self.edges.retain(|edge, _| is_reachable(&edge.source));
    }
}
