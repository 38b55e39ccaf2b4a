//! All at once: any cluster, any faults, members that come and go, as the seed has it.

use std::time::Duration;

use gatewire_sim::{
    Config, Fault, LinkConfig, LinkIndex, Loss, Memory, NodeIndex, Plan, PlanConfig, Report, Rng,
    Time, Weights,
};

use super::{Case, config, draw, links, milliseconds};
use crate::world::{Passed, World};

/// What happens beside the faults of the plan.
#[derive(Debug, Clone, Copy)]
enum Action {
    Join,
    Publish,
    Leave,
    /// A node leaves for good, and is started again seconds later.
    Farewell,
    /// A queue overflows.
    Shed,
    /// A node dies and is there again before anybody could tell.
    Bounce,
}

/// Rounds of faults and repairs. Whenever it becomes quiet, also between the two, all is compared.
pub(super) fn mixed(case: Case) -> Passed<Report> {
    let (mut rng, mut cluster) = draw(case, 3, 30);
    let nodes = cluster.topology().node_count();
    if rng.chance(60_000) {
        let impostor = NodeIndex(u32::try_from(rng.within(1..=u64::from(nodes) - 1)).unwrap_or(1));
        cluster = cluster.with_impostor(NodeIndex(0), impostor);
    }
    let plan = density(&mut rng);
    let mut world = World::new(case.setup, cluster, region(&mut rng));
    world.carry_events();
    if rng.chance(700_000) {
        world.settle()?;
    }
    for _ in 0..rng.within(2..=5) {
        round(&mut world, &plan, &mut rng)?;
        world.settle()?;
        if rng.chance(RARELY) {
            let idle = rng.duration(&(Duration::from_secs(300)..=Duration::from_secs(4_000)));
            world.simulation.run_for(idle)?;
        }
    }
    Ok(world.report())
}

/// Faults, actions, and the repairs of all.
fn round(world: &mut World, plan: &PlanConfig, rng: &mut Rng) -> Passed {
    let begin = world.simulation.now();
    // Rarely an outage is long enough to be forgotten.
    let calm = if rng.chance(RARELY) { Duration::from_secs(900) } else { plan.calm };
    let config = PlanConfig { calm, ..plan.clone() };
    let drawn = Plan::draw(world.cluster().topology(), &config, rng);
    let later = |at: Time| begin + at.elapsed();
    for (at, fault) in drawn.faults {
        world.simulation.schedule(later(at), fault);
    }
    let storm = plan.within + *plan.outage.end();
    let mut actions: Vec<(Time, Action)> = (0..rng.below(60))
        .map(|_| (begin + rng.duration(&(Duration::ZERO..=storm)), any_action(rng)))
        .collect();
    actions.sort_by_key(|(at, _)| *at);
    for (at, action) in actions {
        world.simulation.run_until(at)?;
        act(world, action, rng);
    }
    world.simulation.run_until(later(drawn.end))?;
    revive(world)
}

fn any_action(rng: &mut Rng) -> Action {
    match rng.weighted(&[10, 5, 1, 3, 3, 11]) {
        Some(0) => Action::Join,
        Some(1) => Action::Leave,
        Some(2) => Action::Farewell,
        Some(3) => Action::Shed,
        Some(4) => Action::Bounce,
        _ => Action::Publish,
    }
}

fn act(world: &mut World, action: Action, rng: &mut Rng) {
    let nodes = u64::from(world.cluster().topology().node_count());
    let links = world.cluster().topology().links().len();
    let node = NodeIndex(u32::try_from(rng.below(nodes)).unwrap_or_default());
    let room = rng.index(world.cluster().rooms().len());
    let now = world.simulation.now();
    match action {
        Action::Join => world.join(node, room),
        Action::Publish => {
            let audience = world.any_audience(room);
            world.publish(node, audience, 1);
        }
        Action::Leave => {
            let view = world.simulation.view();
            let rooms: Vec<_> = view.node(node).map(|at| at.rooms().collect()).unwrap_or_default();
            if let Some(room) = rng.pick(&rooms) {
                world.leave(node, *room);
            }
        }
        Action::Farewell => {
            world.leave_cluster(node);
            let dies = now + rng.duration(&(milliseconds(50)..=milliseconds(3_000)));
            let begins = dies + rng.duration(&(Duration::ZERO..=milliseconds(3_000)));
            world.simulation.schedule(dies, Fault::Crash { node, loss: Loss::Reset });
            world.simulation.schedule(begins, any_restart(node, rng));
        }
        Action::Shed => {
            let link = LinkIndex(u32::try_from(rng.index(links)).unwrap_or_default());
            let node = world.cluster().ends(link)[rng.index(2)];
            let lasts = rng.duration(&(milliseconds(10)..=milliseconds(2_000)));
            world.shed(node, link, links::any_kinds(rng), lasts);
        }
        Action::Bounce => {
            // Twice, so that the life between lasts for less than a second.
            let dies = now + rng.duration(&(milliseconds(1)..=milliseconds(600)));
            for at in [now, dies] {
                world.simulation.schedule(at, Fault::Crash { node, loss: Loss::Reset });
                world.simulation.schedule(at + milliseconds(1), any_restart(node, rng));
            }
        }
    }
}

fn any_restart(node: NodeIndex, rng: &mut Rng) -> Fault {
    let memory = if rng.chance(400_000) { Memory::Kept } else { Memory::Lost };
    let back = rng.duration(&(Duration::ZERO..=Duration::from_secs(86_400)));
    let clock_back = if rng.chance(300_000) { back } else { Duration::ZERO };
    Fault::Restart { node, memory, clock_back }
}

/// Starts those anew that have stopped by themselves.
fn revive(world: &mut World) -> Passed {
    let view = world.simulation.view();
    let stopped: Vec<NodeIndex> =
        view.nodes().filter(|(_, at)| !at.takes_part()).map(|(node, _)| node).collect();
    for node in stopped {
        world.restart(node, Memory::Kept, Duration::ZERO, milliseconds(10))?;
    }
    Ok(())
}

/// From a fault now and then to more than anybody has seen.
fn density(rng: &mut Rng) -> PlanConfig {
    let most = [3, 10, 40][rng.index(3)];
    PlanConfig {
        quiet_start: Duration::ZERO,
        rounds: 1,
        faults: 1..=most,
        within: Duration::from_secs([1, 5, 20][rng.index(3)]),
        calm: Duration::from_secs(20),
        weights: Weights { cut: 4, reset: 4, stall: 2, crash: 4, partition: 1 },
        ..PlanConfig::default()
    }
}

/// Links within a house, a region, or over the ocean, some of them narrow.
fn region(rng: &mut Rng) -> Config {
    let latency = [500, 5_000, 150_000][rng.index(3)];
    let latency = Duration::from_micros(latency / 20)..=Duration::from_micros(latency);
    let bandwidth = rng.chance(200_000).then_some(100_000);
    Config { link: LinkConfig { latency, bandwidth, ..config().link }, ..config() }
}

/// Of a million.
const RARELY: u32 = 40_000;
