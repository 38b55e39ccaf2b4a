//! Large clusters, and what they cost beside the figures of the design.
//!
//! Frames are counted as the design counts them: without definitions of numbers, which travel with what
//! uses them and are counted in bytes. Latencies are 0.2 to 5 ms, drawn anew for each frame, and links
//! come up in as much time. How long news take depends on these draws: the design's figure is what was
//! the worst once, so it is printed, and the longest that it can be is what must hold.

use std::time::Duration;

use gatewire_sim::{
    Config, Fault, LinkConfig, LinkIndex, NodeIndex, Report, Rng, Setup, Topology, Violation,
};

use crate::cluster::Cluster;
use crate::world::{Passed, World, news};

/// What something may cost.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    frames: u64,
    bytes: u64,
    /// From the first word of it until all have heard.
    spread: Duration,
}

/// The figures of the design for one size of cluster; 949 bytes are its 0.9 KB.
struct Figures {
    nodes: u32,
    /// One link goes or comes, in the whole cluster.
    change: Cost,
    /// One node tells of one room, in the whole cluster.
    join: Cost,
    /// All start at once, for each node.
    start: Cost,
}

const FIGURES: [Figures; 3] = [
    Figures {
        nodes: 10,
        change: cost(59, 4_500, 7),
        join: cost(31, 949, 7),
        start: cost(96, 10_000, 0),
    },
    Figures {
        nodes: 100,
        change: cost(599, 34_000, 16),
        join: cost(301, 9_000, 16),
        start: cost(883, 57_000, 0),
    },
    Figures {
        nodes: 1_000,
        change: cost(9_999, 840_000, 22),
        join: cost(5_001, 150_000, 22),
        start: cost(14_400, 1_100_000, 0),
    },
];

const fn cost(frames: u64, bytes: u64, milliseconds: u64) -> Cost {
    Cost { frames, bytes, spread: Duration::from_millis(milliseconds) }
}

/// Starts a cluster of `nodes` routers, lets rooms be joined and links go and come, and prints what it
/// costs.
///
/// # Errors
///
/// When it costs more than the design says, or somebody does not know the truth.
pub fn run(setup: Setup, nodes: u32) -> Result<Report, Box<Violation>> {
    let mut rng = Rng::new(setup.seed);
    let degree = if nodes < DENSE_FROM { 4 } else { 6 };
    let cluster = Cluster::new(Topology::random(nodes, degree, &mut rng), None);
    let figures = FIGURES.iter().find(|figures| figures.nodes == nodes);
    println!("{nodes} routers, {} links", cluster.topology().links().len());
    let mut world = World::new(setup, cluster, config());
    world.settle()?;
    let report = world.report();
    let each = u64::from(nodes);
    let start = Cost {
        frames: news(&report) / each,
        bytes: report.total().bytes / each,
        spread: Duration::ZERO,
    };
    compare(&mut world, "cold start, each node", start, figures.map(|figures| figures.start))?;
    world.rest()?;

    let (mut join, mut change) = (Cost::default(), Cost::default());
    for _ in 0..REPEATS {
        let node = NodeIndex(u32::try_from(rng.below(each)).unwrap_or_default());
        let room = rng.index(world.cluster().rooms().len());
        let told = measure(&mut world, |world| world.join(node, room))?;
        join = worse(join, told);
        let links = world.cluster().topology().links().len();
        let link = LinkIndex(u32::try_from(rng.index(links)).unwrap_or_default());
        let lost = measure(&mut world, |world| world.cut(link))?;
        change = worse(change, lost);
        world.inject(&Fault::Restore { link });
        world.rest()?;
    }
    compare(&mut world, "a room joined", join, figures.map(|figures| figures.join))?;
    compare(&mut world, "a link lost", change, figures.map(|figures| figures.change))?;
    let truth = world.truth();
    let (most, longest) = (2 * truth.flood(NodeIndex(0)), truth.diameter() * LATENCY);
    let spread = join.spread.max(change.spread);
    world.require("news travel without a rest", spread <= longest, || {
        format!("they took {spread:?}, and {longest:?} is the most")
    })?;
    world.require("a lost link costs two records", change.frames <= most, || {
        format!("{} frames, and {most} are enough", change.frames)
    })?;
    Ok(world.report())
}

/// What comes of something, until it is quiet and the throttles are at rest.
fn measure(world: &mut World, act: impl FnOnce(&mut World)) -> Passed<Cost> {
    let (before, from) = (world.report(), world.simulation.now());
    act(world);
    world.settle()?;
    let since = world.report().since(&before);
    let view = world.simulation.view();
    let heard = view.nodes().map(|(_, station)| station.heard_news()).max().unwrap_or(from);
    // Of a lost link the second end tells as soon as it knows.
    let lost = view.nodes().filter_map(|(_, station)| station.lost_link()).max();
    let told = lost.unwrap_or(from).max(from) + QUIET;
    let spread = heard - told;
    world.rest()?;
    Ok(Cost { frames: news(&since), bytes: since.total().bytes, spread })
}

/// Prints a row, and fails when it is above the figure.
fn compare(world: &mut World, what: &str, found: Cost, figure: Option<Cost>) -> Passed {
    println!("  {what:<22} {}", row(found));
    let Some(figure) = figure else { return Ok(()) };
    println!("  {:<22} {}", "  the design's figure", row(figure));
    let within = found.frames <= figure.frames && found.bytes <= figure.bytes;
    world.require("it costs what the design says", within, || format!("{what}: {}", row(found)))
}

fn row(Cost { frames, bytes, spread }: Cost) -> String {
    let row = format!("{frames:>7} frames {bytes:>9} bytes");
    if spread.is_zero() { row } else { format!("{row} {:>6.1} ms", spread.as_secs_f64() * 1e3) }
}

fn worse(one: Cost, other: Cost) -> Cost {
    Cost {
        frames: one.frames.max(other.frames),
        bytes: one.bytes.max(other.bytes),
        spread: one.spread.max(other.spread),
    }
}

fn config() -> Config {
    let latency = Duration::from_micros(200)..=LATENCY;
    let link = LinkConfig { latency: latency.clone(), connect: latency, ..LinkConfig::default() };
    Config { link, max_events: MOST_EVENTS, ..Config::default() }
}

/// The longest way over one link.
const LATENCY: Duration = Duration::from_millis(5);
/// From how many nodes on each has six links and not four, as in the design.
const DENSE_FROM: u32 = 1_000;
/// How many rooms are joined and links lost; the worst of them counts.
const REPEATS: usize = 5;
/// For how long a router waits before it tells of its links or rooms.
const QUIET: Duration = Duration::from_millis(20);
/// More than 3,000 routers need.
const MOST_EVENTS: u64 = 2_000_000_000;
