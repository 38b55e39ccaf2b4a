//! A protocol with a bug that the simulation finds by a seed, and its mended version.
//!
//! Nodes keep a table of settings. Who hears a newer value of a setting keeps it and passes it on to
//! all other links. That is enough while no link breaks. The invariant says what is expected: when
//! the network is quiet, nodes that can reach one another agree. Seeds that fail are printed with
//! the events that led there; `SEED=n` runs one of them alone, `CASES=n` runs more.
//!
//! expect: without synchronisation: seeds 50
//! expect: violation of `who can reach one another agrees`
//! expect: replay with SEED=
//! expect: the same seed once more gives the same run: true
//! expect: with synchronisation: seeds 50
//! expect: violations 0

use std::collections::BTreeMap;

use gatewire_sim::{
    Boot, Config, Context, LinkIndex, Message, Node, Plan, PlanConfig, Report, Rng, Setup,
    Simulation, Topology, View, Violation, explore, seeds,
};

fn main() {
    let broken = explore(seeds(50), |setup| scenario(setup, Synchronise::Never));
    println!("without synchronisation: {broken}");
    if let Some(failure) = broken.failures.first() {
        println!("\n{failure}\n");
        let run = || scenario(Setup::from(failure.seed), Synchronise::Never);
        println!("the same seed once more gives the same run: {}", run() == run());
    }

    let mended = explore(seeds(50), |setup| scenario(setup, Synchronise::OnLinkUp));
    println!("with synchronisation: {mended}");
    mended.expect_no_violation();
}

/// A value of a setting; the larger version is the newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Versioned {
    version: u64,
    value: u32,
}

#[derive(Debug)]
struct Update {
    setting: u32,
    newest: Versioned,
}

impl Message for Update {
    fn size(&self) -> usize {
        16
    }

    fn kind(&self) -> &'static str {
        "update"
    }
}

/// When a node tells a neighbour all that it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Synchronise {
    /// The bug: what a lost link took with it, nobody says again.
    Never,
    OnLinkUp,
}

struct Settings {
    table: BTreeMap<u32, Versioned>,
    synchronise: Synchronise,
}

impl Settings {
    /// Keeps a value that is newer, and passes it on.
    fn learn(&mut self, update: &Update, from: Option<LinkIndex>, cx: &mut Context<'_, Update>) {
        let Update { setting, newest } = *update;
        if self.table.get(&setting).is_some_and(|known| *known >= newest) {
            return;
        }
        self.table.insert(setting, newest);
        let others: Vec<LinkIndex> = cx.links().filter(|link| Some(*link) != from).collect();
        for link in others {
            cx.send(link, Update { setting, newest });
        }
    }
}

impl Node for Settings {
    type Message = Update;

    fn handle_link_up(&mut self, link: LinkIndex, cx: &mut Context<'_, Update>) {
        if self.synchronise == Synchronise::OnLinkUp {
            for (&setting, &newest) in &self.table {
                cx.send(link, Update { setting, newest });
            }
        }
    }

    fn handle_message(&mut self, link: LinkIndex, update: Update, cx: &mut Context<'_, Update>) {
        self.learn(&update, Some(link), cx);
    }
}

/// One run: a random network, faults and updates, all drawn from the seed.
fn scenario(setup: Setup, synchronise: Synchronise) -> Result<Report, Box<Violation>> {
    let mut rng = Rng::new(setup.seed);
    let topology = Topology::random(10, 3, &mut rng);
    // A restarted node has its table still if the fault left it its memory.
    let make = move |boot: Boot<Settings>| Settings {
        table: boot.previous.map(|previous| previous.table).unwrap_or_default(),
        synchronise,
    };
    let mut simulation = Simulation::new(setup, &topology, Config::default(), make);
    simulation.check_when_quiet("who can reach one another agrees", agree);

    let plan = Plan::draw(&topology, &PlanConfig { rounds: 4, ..PlanConfig::default() }, &mut rng);
    let mut last = simulation.now();
    for (version, (at, fault)) in (1..).zip(plan.faults) {
        simulation.schedule(at, fault);
        // Somebody changes a setting at about the time when something breaks.
        let change = last + rng.duration(&((at - last) / 2..=(at - last)));
        simulation.run_until(change)?;
        let nodes: Vec<_> = topology.nodes().collect();
        let node = nodes[rng.index(nodes.len())];
        let newest = Versioned { version, value: u32::from(rng.chance(500_000)) };
        let update = Update { setting: u32::from(rng.chance(500_000)), newest };
        simulation.call(node, "change", |node, cx| node.learn(&update, None, cx));
        last = at;
    }
    simulation.run_until(plan.end)?;
    Ok(simulation.report())
}

/// The invariant.
fn agree(view: &View<'_, Settings>) -> Result<(), String> {
    for component in view.components() {
        let mut nodes = component.iter().filter_map(|index| Some((index, view.node(*index)?)));
        let Some((first, with)) = nodes.next() else { continue };
        if let Some((other, settings)) = nodes.find(|(_, node)| node.table != with.table) {
            let (one, two) = (&with.table, &settings.table);
            return Err(format!("node {} has {one:?}, node {} has {two:?}", first.0, other.0));
        }
    }
    Ok(())
}
