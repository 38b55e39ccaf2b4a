//! What the simulation itself costs: events per second for nodes that do next to nothing.
//!
//! `tokens`: messages that are passed on for ever, on rings of different sizes, so that the length
//! of the event queue shows. `timers`: nodes that wake and ask to be woken again. `seeds`: whole
//! small runs, with nodes to be made and links to come up.

use std::time::Duration;

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
    for (nodes, each) in [(4, 1), (100, 1), (100, 100), (10_000, 1)] {
        let mut simulation = ring(nodes, None);
        for node in 0..nodes {
            simulation.call(NodeIndex(node), "begin", |node, cx| {
                for _ in 0..each {
                    cx.send(node.links[0], Token);
                }
            });
        }
        // A token takes 2.6 ms per hop on average.
        let slice = Duration::from_nanos(2_600_000 * EVENTS / u64::from(nodes * each));
        let name = BenchmarkId::from_parameter(format!("{nodes} nodes, {each} each"));
        group.throughput(Throughput::Elements(EVENTS));
        group.bench_function(name, |bencher| {
            bencher.iter(|| simulation.run_for(slice).expect("nothing is checked"));
        });
    }
    group.finish();
}

fn timers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timers");
    for nodes in [4, 10_000] {
        let mut simulation = ring(nodes, Some(Duration::from_millis(1)));
        let slice = Duration::from_nanos(1_000_000 * EVENTS / u64::from(nodes));
        group.throughput(Throughput::Elements(EVENTS));
        group.bench_function(BenchmarkId::from_parameter(format!("{nodes} nodes")), |bencher| {
            bencher.iter(|| simulation.run_for(slice).expect("nothing is checked"));
        });
    }
    group.finish();
}

fn seeds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seeds");
    group.throughput(Throughput::Elements(1));
    group.bench_function("10 nodes come up", |bencher| bencher.iter(|| ring(10, None)));
    group.finish();
}

/// Events in one measured step, so many that the step's own cost vanishes.
const EVENTS: u64 = 100_000;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = tokens, timers, seeds
}
criterion_main!(benches);
