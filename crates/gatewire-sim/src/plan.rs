//! Fault plans, drawn from a seed.
//!
//! A plan is a row of rounds. In each, some faults strike within a short time, so that they meet one
//! another's consequences. Each has its repair: half of them soon, after an outage that is drawn, the
//! others at the end of the round, after a calm in which the network can become quiet in its broken
//! state. Then there is a second calm, in which it can become quiet as a whole.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::Time;
use crate::fault::{Fault, Loss, Memory};
use crate::rng::Rng;
use crate::topology::{LinkIndex, NodeIndex, Topology};

/// How much goes wrong, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanConfig {
    /// How long nothing happens at first.
    pub quiet_start: Duration,
    /// How many rounds there are.
    pub rounds: u32,
    /// Faults of one round.
    pub faults: RangeInclusive<u64>,
    /// Within what time the faults of a round strike.
    pub within: Duration,
    /// How long the short outages last.
    pub outage: RangeInclusive<Duration>,
    /// How long nothing happens before and after the last repairs of a round; longer than the
    /// simulation needs to become quiet ([`Config::settle`](crate::Config::settle)), and than the
    /// links need to notice a silent loss.
    pub calm: Duration,
    /// How often each kind of fault is chosen.
    pub weights: Weights,
    /// The farthest that a calendar is set back at a restart. One restart of four has that.
    pub clock_back: Duration,
}

/// How often each kind of fault is chosen, relative to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named as the faults are")]
pub struct Weights {
    pub cut: u32,
    pub reset: u32,
    pub stall: u32,
    pub crash: u32,
    pub partition: u32,
}

/// Ten rounds of one to six faults within 2 s, outages of 10 ms to 10 s, 20 s of calm, all kinds of
/// faults, calendars up to a day behind.
impl Default for PlanConfig {
    fn default() -> Self {
        Self {
            quiet_start: Duration::from_secs(20),
            rounds: 10,
            faults: 1..=6,
            within: Duration::from_secs(2),
            outage: Duration::from_millis(10)..=Duration::from_secs(10),
            calm: Duration::from_secs(20),
            weights: Weights { cut: 4, reset: 4, stall: 2, crash: 4, partition: 1 },
            clock_back: Duration::from_secs(86_400),
        }
    }
}

/// Faults and their repairs in the order of their time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What happens when; for [`Simulation::schedule`](crate::Simulation::schedule).
    pub faults: Vec<(Time, Fault)>,
    /// When the last calm is over. All is repaired by then.
    pub end: Time,
}

impl Plan {
    /// A plan for the nodes and links of `topology`. The same numbers give the same plan.
    #[must_use]
    pub fn draw(topology: &Topology, config: &PlanConfig, rng: &mut Rng) -> Self {
        let mut faults = Vec::new();
        let mut begin = Time::from_elapsed(config.quiet_start);
        for _ in 0..config.rounds {
            let last_repair = begin + config.within + *config.outage.end() + config.calm;
            for _ in 0..rng.within(config.faults.clone()) {
                let at = begin + rng.duration(&(Duration::ZERO..=config.within));
                let Some((fault, repair)) = draw_fault(topology, config, rng) else { continue };
                let outage = rng.duration(&config.outage);
                let repaired = if rng.chance(HALF) { at + outage } else { last_repair };
                faults.push((at, fault));
                faults.extend(repair.map(|repair| (repaired, repair)));
            }
            begin = last_repair + config.calm;
        }
        faults.sort_by_key(|(at, _)| *at);
        Self { faults, end: begin }
    }
}

/// A fault with what takes it back; `None` when the topology has nothing that it could befall.
fn draw_fault(
    topology: &Topology,
    config: &PlanConfig,
    rng: &mut Rng,
) -> Option<(Fault, Option<Fault>)> {
    let Weights { cut, reset, stall, crash, partition } = config.weights;
    let kind = rng.weighted(&[cut, reset, stall, crash, partition])?;
    let loss = if rng.chance(HALF) { Loss::Reset } else { Loss::Silent };
    let nodes: Vec<NodeIndex> = topology.nodes().collect();
    let links: Vec<LinkIndex> = (0..).map(LinkIndex).take(topology.links().len()).collect();
    match kind {
        CUT => {
            let link = *rng.pick(&links)?;
            Some((Fault::Cut { link, loss }, Some(Fault::Restore { link })))
        }
        RESET => Some((Fault::Reset { link: *rng.pick(&links)?, loss }, None)),
        STALL => {
            let link = *rng.pick(&links)?;
            let deaf = *rng.pick(&topology.links()[link.at()])?;
            Some((Fault::Stall { link, deaf }, Some(Fault::Resume { link, deaf })))
        }
        CRASH => {
            let node = *rng.pick(&nodes)?;
            let memory = if rng.chance(HALF) { Memory::Kept } else { Memory::Lost };
            let back = rng.duration(&(Duration::ZERO..=config.clock_back));
            let clock_back = if rng.chance(HALF / 2) { back } else { Duration::ZERO };
            let restart = Fault::Restart { node, memory, clock_back };
            Some((Fault::Crash { node, loss }, Some(restart)))
        }
        _ => {
            let mut island = nodes;
            rng.shuffle(&mut island);
            let size = 1 + rng.index(island.len().saturating_sub(1));
            island.truncate(size);
            island.sort_unstable();
            Some((Fault::Partition { island, loss }, Some(Fault::Heal)))
        }
    }
}

/// Places in the row of weights; the last one is a partition.
const CUT: usize = 0;
const RESET: usize = 1;
const STALL: usize = 2;
const CRASH: usize = 3;

/// Of a million.
const HALF: u32 = 500_000;
