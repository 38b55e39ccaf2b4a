//! The simulation as its user sees it: nodes are made, faults and invariants added, time passes.

mod run;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::clock::Time;
use crate::fault::Fault;
use crate::link::{Link, LinkConfig};
use crate::network::{Event, Network};
use crate::node::{Boot, Context, Node};
use crate::report::Report;
use crate::topology::{LinkIndex, NodeIndex, Topology};
use crate::trace::{TraceConfig, What};
use crate::view::{Slot, View};
use crate::violation::Violation;

/// Which run it is, and how much of it is remembered. A number alone is a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Where all that is random begins.
    pub seed: u64,
    /// The last events, for a violation.
    pub trace: TraceConfig,
}

impl From<u64> for Setup {
    fn from(seed: u64) -> Self {
        Self { seed, trace: TraceConfig::default() }
    }
}

/// What holds for a whole simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Each link, unless [`Simulation::set_link`] says otherwise.
    pub link: LinkConfig,
    /// A simulation is quiet when nothing has happened for so long, and nothing is on its way. It
    /// has to be longer than a node waits before it acts on something (a throttle, a batch), and
    /// shorter than the pauses between what it does for ever (a refresh, a ping).
    pub settle: Duration,
    /// A run with more events ends in a violation: something goes round for ever.
    pub max_events: u64,
}

/// Links as in [`LinkConfig::default`], quiet after 1 s, at most 100 million events.
impl Default for Config {
    fn default() -> Self {
        Self {
            link: LinkConfig::default(),
            settle: Duration::from_secs(1),
            max_events: 100_000_000,
        }
    }
}

/// Nodes, the links between them, and virtual time. See the [crate](crate) for an example.
///
/// The nodes are started by [`Simulation::new`]; time passes in the `run` methods. These end with
/// the first violation, and once there is one each further call returns it again.
pub struct Simulation<N: Node> {
    seed: u64,
    config: Config,
    nodes: Vec<Slot<N>>,
    network: Network<N::Message>,
    factory: Box<dyn FnMut(Boot<N>) -> N>,
    faults: Vec<Fault>,
    invariants: Vec<Invariant<N>>,
    /// When a node was called last, or a fault took effect.
    last_activity: Time,
    /// Whether the invariants were checked since then.
    was_quiet: bool,
}

struct Invariant<N: Node> {
    name: String,
    /// How often it is checked; `None` is when quiet.
    period: Option<Duration>,
    holds: Box<Holds<N>>,
}

type Holds<N> = dyn FnMut(&View<'_, N>) -> Result<(), String>;

impl<N: Node> Simulation<N> {
    /// Makes and starts the nodes of `topology` at [`Time::ZERO`]. Their links connect after their
    /// connect time. `factory` makes a node, here and after each crash.
    pub fn new(
        setup: impl Into<Setup>,
        topology: &Topology,
        config: Config,
        factory: impl FnMut(Boot<N>) -> N + 'static,
    ) -> Self {
        let Setup { seed, trace } = setup.into();
        let link = |ends: &[NodeIndex; 2]| Link::new(config.link.clone(), *ends);
        let links = topology.links().iter().map(link).collect();
        let mut simulation = Self {
            seed,
            network: Network::new(topology, links, seed, trace),
            nodes: topology.nodes().map(|_| Slot::Down(None)).collect(),
            config,
            factory: Box::new(factory),
            faults: Vec::new(),
            invariants: Vec::new(),
            last_activity: Time::ZERO,
            was_quiet: false,
        };
        for node in topology.nodes() {
            simulation.start(node, None, Duration::ZERO);
        }
        simulation
    }

    /// Gives one link a behaviour of its own, for all that is drawn from now on.
    pub fn set_link(&mut self, link: LinkIndex, config: LinkConfig) {
        self.network.links[link.at()].config = config;
    }

    /// Checks an invariant whenever the simulation becomes quiet (see [`Config::settle`]).
    pub fn check_when_quiet(
        &mut self,
        name: impl Into<String>,
        holds: impl FnMut(&View<'_, N>) -> Result<(), String> + 'static,
    ) {
        self.invariants.push(Invariant { name: name.into(), period: None, holds: Box::new(holds) });
    }

    /// Checks an invariant each `period` from now on, whatever happens meanwhile.
    pub fn check_every(
        &mut self,
        period: Duration,
        name: impl Into<String>,
        holds: impl FnMut(&View<'_, N>) -> Result<(), String> + 'static,
    ) {
        // A period of nothing would keep time from passing.
        let period = period.max(Duration::from_nanos(1));
        let number = self.invariants.len();
        let holds = Box::new(holds);
        self.invariants.push(Invariant { name: name.into(), period: Some(period), holds });
        self.network.queue.push(self.network.now + period, Event::Check(number));
    }

    /// Checks an invariant once, now.
    ///
    /// # Errors
    ///
    /// When it does not hold, or the run has failed before.
    pub fn check_now(
        &mut self,
        name: &str,
        holds: impl FnOnce(&View<'_, N>) -> Result<(), String>,
    ) -> Result<(), Box<Violation>> {
        self.network.accounts.checks += 1;
        if let Err(what) = holds(&self.view()) {
            self.network.violation(name, what);
        }
        self.verdict()
    }

    /// Lets `fault` happen at `at`, or now if that is past. Those of one time happen in the order of
    /// the calls.
    pub fn schedule(&mut self, at: Time, fault: Fault) {
        let number = self.faults.len();
        self.faults.push(fault);
        self.network.queue.push(at.max(self.network.now), Event::Fault(number));
    }

    /// Lets `fault` happen now.
    pub fn inject(&mut self, fault: &Fault) {
        self.apply(fault);
    }

    /// Calls a node from outside, as its application would; `label` is for the trace. `None` when it
    /// is down.
    pub fn call<R>(
        &mut self,
        node: NodeIndex,
        label: &'static str,
        call: impl FnOnce(&mut N, &mut Context<'_, N::Message>) -> R,
    ) -> Option<R> {
        if !self.network.hosts[node.at()].running {
            return None;
        }
        self.network.note(What::Call(node, label), 4, node.0, 0);
        self.with(node, call)
    }

    /// Runs until `limit`, whatever happens.
    ///
    /// # Errors
    ///
    /// The first violation: an invariant, a report of a node, a panic, or too many events.
    pub fn run_until(&mut self, limit: Time) -> Result<(), Box<Violation>> {
        self.guarded(|simulation| simulation.run(limit, false));
        self.verdict()
    }

    /// Runs for so long from now.
    ///
    /// # Errors
    ///
    /// As [`Simulation::run_until`].
    pub fn run_for(&mut self, duration: Duration) -> Result<(), Box<Violation>> {
        self.run_until(self.network.now + duration)
    }

    /// Runs until the simulation is quiet, and gives the time of the last event before: how long it
    /// took to settle. What is scheduled for later does not keep it from being quiet.
    ///
    /// # Errors
    ///
    /// As [`Simulation::run_until`], and when it is not quiet `within` so long from now.
    pub fn run_until_quiet(&mut self, within: Duration) -> Result<Time, Box<Violation>> {
        self.guarded(|simulation| {
            simulation.run(simulation.network.now + within, true);
            if !simulation.was_quiet {
                let what = format!("after {within:?} something still goes on");
                simulation.network.violation("becomes quiet", what);
            }
        });
        self.verdict().map(|()| self.last_activity)
    }

    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.network.now
    }

    /// All nodes and links, to be looked at.
    #[must_use]
    pub fn view(&self) -> View<'_, N> {
        View { nodes: &self.nodes, network: &self.network }
    }

    /// The accounts so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.network.accounts.report(self.seed, self.network.now)
    }

    /// Runs, and makes a panic a violation. The nodes may then be in any state, which is why nothing
    /// runs after a violation.
    fn guarded(&mut self, run: impl FnOnce(&mut Self)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(self))) {
            self.network.violation("does not panic", panic_message(panic.as_ref()));
        }
    }

    fn verdict(&self) -> Result<(), Box<Violation>> {
        let Some((invariant, what)) = &self.network.broken else { return Ok(()) };
        Err(Box::new(Violation {
            seed: self.seed,
            at: self.network.now,
            invariant: invariant.clone(),
            what: what.clone(),
            trace: self.network.trace.lines(),
            report: self.report(),
        }))
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without text").to_owned()
}
