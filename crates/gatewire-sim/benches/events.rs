//! What the simulation itself costs: events per second for nodes that do next to nothing.
//!
//! `tokens`: messages that are passed on for ever, on rings of different sizes, so that the length
//! of the event queue shows. `timers`: nodes that wake and ask to be woken again. `seeds`: whole
//! small runs, with nodes to be made and links to come up.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gatewire_sim::{
    Boot, Config, Context, LinkIndex, Message, Node, NodeIndex, Simulation, Time, Topology,
};

#[derive(Debug)]
struct Token;

impl Message for Token {
    fn size(&self) -> usize {
        64
    }
}

/// Passes a token on to its other link; with a period it wakes, and does nothing else.
struct Trivial {
    links: Vec<LinkIndex>,
    period: Option<Duration>,
}

impl Node for Trivial {
    type Message = Token;

    fn start(&mut self, cx: &mut Context<'_, Token>) {
        self.handle_wake(cx);
    }

    fn handle_link_up(&mut self, link: LinkIndex, _cx: &mut Context<'_, Token>) {
        self.links.push(link);
    }

    fn handle_message(&mut self, link: LinkIndex, token: Token, cx: &mut Context<'_, Token>) {
        let onward = self.links.iter().find(|other| **other != link);
        cx.send(*onward.unwrap_or(&link), token);
    }

    fn handle_wake(&mut self, cx: &mut Context<'_, Token>) {
        if let Some(period) = self.period {
            cx.wake_at(cx.now() + period);
        }
    }
}

fn ring(nodes: u32, period: Option<Duration>) -> Simulation<Trivial> {
    let make = move |_: Boot<Trivial>| Trivial { links: Vec::new(), period };
    let config = Config { max_events: u64::MAX, ..Config::default() };
    let mut simulation = Simulation::new(1, &Topology::ring(nodes), config, make);
    simulation.run_until(Time::ZERO + Duration::from_millis(100)).expect("links come up");
    simulation
}

fn tokens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tokens");
    group.throughput(Throughput::Elements(1));
    for (nodes, each) in [(4, 1), (100, 1), (100, 100), (10_000, 1)] {
        let mut simulation = ring(nodes, None);
        for node in 0..nodes {
            simulation.call(NodeIndex(node), "begin", |node, cx| {
                for _ in 0..each {
                    cx.send(node.links[0], Token);
                }
            });
        }
        // About, for a message takes 2.6 ms on average; see `per_event` for the rest.
        let pace = Duration::from_nanos(2_600_000 / u64::from(nodes * each));
        let name = BenchmarkId::from_parameter(format!("{nodes} nodes, {each} each"));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|events| per_event(&mut simulation, pace, events));
        });
    }
    group.finish();
}

fn timers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timers");
    group.throughput(Throughput::Elements(1));
    for nodes in [4, 10_000] {
        let mut simulation = ring(nodes, Some(Duration::from_millis(1)));
        let pace = Duration::from_nanos(1_000_000 / u64::from(nodes));
        group.bench_function(BenchmarkId::from_parameter(format!("{nodes} nodes")), |bencher| {
            bencher.iter_custom(|events| per_event(&mut simulation, pace, events));
        });
    }
    group.finish();
}

/// How long `events` events take: about as many are run, counted, and the time is scaled to the
/// number that was asked for.
fn per_event(simulation: &mut Simulation<Trivial>, pace: Duration, events: u64) -> Duration {
    // So many that the begin and the end of a run do not show.
    let wanted = events.max(10_000);
    let slice = Duration::from_nanos(u64::try_from(pace.as_nanos()).unwrap_or(u64::MAX) * wanted);
    let before = simulation.report().events;
    let begin = Instant::now();
    simulation.run_for(slice).expect("nothing is checked");
    let elapsed = begin.elapsed();
    let counted = simulation.report().events - before;
    let nanos = elapsed.as_nanos() * u128::from(events) / u128::from(counted.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn seeds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seeds");
    group.throughput(Throughput::Elements(1));
    group.bench_function("10 nodes come up", |bencher| bencher.iter(|| ring(10, None)));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = tokens, timers, seeds
}
criterion_main!(benches);
