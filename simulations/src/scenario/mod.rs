//! What befalls clusters.
//!
//! A scenario draws all from its seed and ends with its report, or with the first thing that was not
//! as it should be. Beside what holds whenever it is quiet ([`crate::invariants`]), those of one kind of
//! fault know how many frames it may cost, and how soon it has to be over.

mod links;
mod lives;
mod mixed;
mod rooms;
mod start;

use std::time::Duration;

use gatewire_sim::{Config, LinkConfig, Report, Rng, Setup};

use crate::cluster::Cluster;
use crate::mutant::Mutant;
use crate::world::Passed;

/// Which run of a scenario.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The seed, and what is remembered for the case that something is wrong.
    pub setup: Setup,
    /// The rule of the protocol that is broken, if any.
    pub mutant: Option<Mutant>,
}

/// A scenario by its name.
pub struct Scenario {
    /// As the command line has it.
    pub name: &'static str,
    /// Runs it once.
    pub run: fn(Case) -> Passed<Report>,
}

/// All scenarios; the first one draws which of the others it is.
pub const SCENARIOS: [Scenario; 15] = [
    Scenario { name: "any", run: any },
    Scenario { name: "mixed", run: mixed::mixed },
    Scenario { name: "cold-start", run: start::cold_start },
    Scenario { name: "flaps", run: links::flaps },
    Scenario { name: "simultaneous-flaps", run: links::simultaneous_flaps },
    Scenario { name: "half-open", run: links::half_open },
    Scenario { name: "partitions", run: links::partitions },
    Scenario { name: "shed", run: links::shed },
    Scenario { name: "restarts", run: lives::restarts },
    Scenario { name: "namesakes", run: lives::namesakes },
    Scenario { name: "farewell", run: lives::farewell },
    Scenario { name: "storms", run: rooms::storms },
    Scenario { name: "unequal-rooms", run: rooms::unequal_rooms },
    Scenario { name: "forgotten", run: start::forgotten },
    Scenario { name: "hours", run: start::hours },
];

/// The scenario with this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// Three of four seeds are mixed ones, the others take turns.
fn any(case: Case) -> Passed<Report> {
    const MIXED: usize = 1;
    let turn = case.setup.seed / 4 % (SCENARIOS.len() - MIXED - 1) as u64;
    let turn = usize::try_from(turn).unwrap_or_default();
    let chosen = if case.setup.seed % 4 == 3 { MIXED + 1 + turn } else { MIXED };
    (SCENARIOS[chosen].run)(case)
}

/// The random numbers of a scenario, and a cluster of `nodes` drawn from them.
fn draw(case: Case, least: u64, most: u64) -> (Rng, Cluster) {
    let mut rng = Rng::new(case.setup.seed);
    let nodes = u32::try_from(rng.within(least..=most)).unwrap_or(u32::MAX);
    let cluster = Cluster::draw(nodes, &mut rng, case.mutant);
    (rng, cluster)
}

/// Links of one region, each loss of which is told at once unless a fault says otherwise.
fn config() -> Config {
    let latency = Duration::from_micros(200)..=LATENCY;
    let connect = Duration::from_millis(1)..=CONNECT;
    Config { link: LinkConfig { latency, connect, ..LinkConfig::default() }, ..Config::default() }
}

const fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count as u64)
}

/// The longest way of a frame over one link, and the longest time to a new connection.
const LATENCY: Duration = milliseconds(5);
const CONNECT: Duration = milliseconds(50);
/// For how long a lone change waits for others: of the own links, of routes, of rooms.
const QUIET: Duration = milliseconds(20);
/// The distance of two computations of routes.
const DISTANCE: Duration = milliseconds(50);

/// How soon a lone change of a link is known and acted on by all: its ends learn of it and wait for
/// others, their records travel, and routes are computed for the second one that comes.
fn longest_change(diameter: u32) -> Duration {
    LATENCY + QUIET + diameter * LATENCY + QUIET + DISTANCE
}
