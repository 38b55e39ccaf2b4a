//! One cluster in its simulation, and what can be done to it.

use std::rc::Rc;
use std::time::Duration;

use gatewire_sim::{
    Config, Fault, LinkIndex, Loss, Memory, NodeIndex, Report, Rng, Setup, Simulation, Time,
    Violation,
};

use crate::cluster::{Cluster, Room};
use crate::events::Audience;
use crate::frame::Kind;
use crate::invariants;
use crate::station::{Cx, Station};
use crate::truth::Truth;

/// How a run, or a part of it, goes on: until something is wrong.
pub type Passed<T = ()> = Result<T, Box<Violation>>;

/// A cluster that lives.
pub struct World {
    /// Time, links and faults.
    pub simulation: Simulation<Station>,
    cluster: Rc<Cluster>,
    /// For what is published at rest.
    rng: Rng,
}

impl World {
    /// All routers start now. Whenever it is quiet they are compared with the truth.
    #[must_use]
    pub fn new(setup: Setup, cluster: Cluster, config: Config) -> Self {
        let seed = setup.seed;
        let cluster = Rc::new(cluster);
        let shared = Rc::clone(&cluster);
        let make = move |boot| Station::boot(&shared, boot);
        let config = Config { settle: SETTLE, ..config };
        let mut simulation = Simulation::new(setup, cluster.topology(), config, make);
        let shared = Rc::clone(&cluster);
        simulation.check_when_quiet("everybody knows the truth", move |view| {
            invariants::everybody_knows_the_truth(view, &shared)
        });
        let shared = Rc::clone(&cluster);
        simulation.check_when_quiet("all that was published is accounted for", move |_| {
            let mut ledger = shared.ledger.borrow_mut();
            if ledger.is_open() {
                return Err("something is under way, and nothing moves".to_owned());
            }
            ledger.close_all();
            Ok(())
        });
        Self { simulation, cluster, rng: Rng::new(seed).fork(PURPOSE) }
    }

    /// What stays the same.
    #[must_use]
    pub fn cluster(&self) -> &Rc<Cluster> {
        &self.cluster
    }

    /// What is so, now.
    #[must_use]
    pub fn truth(&self) -> Truth {
        Truth::of(&self.simulation.view(), &self.cluster)
    }

    /// Runs until nothing happens any more, and gives the time of the last event.
    ///
    /// # Errors
    ///
    /// The violation of an invariant; also when something goes on for minutes.
    pub fn settle(&mut self) -> Passed<Time> {
        let settled = self.simulation.run_until_quiet(LONGEST_UNREST)?;
        if self.cluster.traffic.get() {
            self.probe()?;
        }
        Ok(settled)
    }

    /// From now on stations publish events whenever something changes; and what is published at rest has to arrive.
    pub fn carry_events(&mut self) {
        self.cluster.traffic.set(true);
    }

    /// Random numbers for what is published at rest.
    pub(crate) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// A node publishes an event, if it runs.
    pub fn publish(&mut self, node: NodeIndex, audience: Audience, flow: u8) -> Option<u32> {
        let publish = |station: &mut Station, cx: &mut Cx<'_>| station.publish(audience, flow, cx);
        self.simulation.call(node, "publish", publish).flatten()
    }

    /// Runs until it is quiet, and until what comes next is acted on without delay.
    ///
    /// # Errors
    ///
    /// As [`World::settle`].
    pub fn rest(&mut self) -> Passed {
        self.settle()?;
        self.simulation.run_for(REST)
    }

    /// Lets something happen now.
    pub fn inject(&mut self, fault: &Fault) {
        self.simulation.inject(fault);
    }

    /// Cuts a link, of which both ends learn at once.
    pub fn cut(&mut self, link: LinkIndex) {
        self.inject(&Fault::Cut { link, loss: Loss::Reset });
    }

    /// A node dies, and begins anew after a while.
    ///
    /// # Errors
    ///
    /// As [`World::settle`].
    pub fn restart(
        &mut self,
        node: NodeIndex,
        memory: Memory,
        clock_back: Duration,
        after: Duration,
    ) -> Passed {
        self.inject(&Fault::Crash { node, loss: Loss::Reset });
        self.simulation.run_for(after)?;
        self.inject(&Fault::Restart { node, memory, clock_back });
        Ok(())
    }

    /// A member joins a room at a node, if that runs.
    pub fn join(&mut self, node: NodeIndex, room: Room) {
        self.simulation.call(node, "join", |station, cx| station.join(room, cx));
    }

    /// A member leaves a room at a node, if there is one.
    pub fn leave(&mut self, node: NodeIndex, room: Room) {
        self.simulation.call(node, "leave", |station, cx| station.leave(room, cx));
    }

    /// A node leaves for good.
    pub fn leave_cluster(&mut self, node: NodeIndex) {
        self.simulation.call(node, "leave the cluster", Station::leave_cluster);
    }

    /// For so long a node throws away frames of these kinds that it has for a link, and resets it then.
    pub fn shed(&mut self, node: NodeIndex, link: LinkIndex, kinds: u16, lasts: Duration) {
        self.simulation.call(node, "shed", |station, cx| station.shed(link, kinds, lasts, cx));
    }

    /// Fails unless `holds`.
    ///
    /// # Errors
    ///
    /// The violation, with what `found` says.
    pub fn require(&mut self, name: &str, holds: bool, found: impl FnOnce() -> String) -> Passed {
        self.simulation.check_now(name, |_| if holds { Ok(()) } else { Err(found()) })
    }

    /// The accounts so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.simulation.report()
    }
}

/// How many frames there were but for definitions of numbers, which travel with what uses them.
pub(crate) fn news(report: &Report) -> u64 {
    report.total().messages - report.of(Kind::NODE_DEF.name()).messages
}

/// How long nothing may happen until it is quiet: longer than the longest distance of two records or
/// computations, 5 s.
const SETTLE: Duration = Duration::from_secs(6);
/// Who was quiet for twice the longest distance acts at once again.
const REST: Duration = Duration::from_secs(11);
/// A fight over a name, or changes of the distances of throttles, last for less.
const LONGEST_UNREST: Duration = Duration::from_secs(120);
/// What the random numbers of a world are for.
const PURPOSE: u64 = 1 << 40;
