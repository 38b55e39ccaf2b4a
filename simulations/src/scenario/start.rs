//! Clusters that start, and live on.

use std::time::Duration;

use gatewire_sim::{Fault, Loss, Memory, NodeIndex, Report};

use super::{Case, config, draw};
use crate::world::{Passed, World};

/// All routers start at once, some with members of rooms.
pub(super) fn cold_start(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 30);
    let rooms = cluster.rooms().len();
    let mut world = World::new(case.setup, cluster, config());
    for node in world.cluster().topology().nodes() {
        for _ in 0..rng.below(4) {
            world.join(node, rng.index(rooms));
        }
    }
    let settled = world.settle()?.elapsed();
    world.require("a cluster that starts is soon whole", settled <= LONGEST_START, || {
        format!("it took {settled:?}")
    })?;
    let parts = world.truth().components().len();
    world.require("all find one another", parts == 1, || format!("{parts} components"))?;
    Ok(world.report())
}

/// Days on which little happens: records are renewed, and what is gone is forgotten.
pub(super) fn hours(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 9);
    let (nodes, rooms) = (cluster.topology().node_count() as usize, cluster.rooms().len());
    let mut world = World::new(case.setup, cluster, config());
    for node in world.cluster().topology().nodes() {
        world.join(node, rng.index(rooms));
    }
    world.settle()?;
    let gone = NodeIndex(u32::try_from(rng.index(nodes)).unwrap_or_default());
    world.inject(&Fault::Crash { node: gone, loss: Loss::Silent });
    world.simulation.run_for(FORGOTTEN)?;
    let truth = world.truth();
    world.simulation.check_now("who cannot be reached is forgotten", |view| {
        for (index, station) in view.nodes() {
            let (known, reached) =
                (station.router().known_nodes(), truth.component_of(index).len());
            if known != reached {
                return Err(format!("{index:?} remembers {known} nodes, and reaches {reached}"));
            }
        }
        Ok(())
    })?;
    for _ in 0..rng.within(1..=3) {
        let hours = Duration::from_secs(rng.within(3_600..=20_000));
        world.simulation.run_for(hours)?;
        world.settle()?;
    }
    let (memory, clock_back) = (Memory::Lost, Duration::from_secs(86_400));
    world.inject(&Fault::Restart { node: gone, memory, clock_back });
    world.join(gone, rng.index(rooms));
    world.settle()?;
    Ok(world.report())
}

/// Islands that are parted for so long that some forget the others before their neighbours do.
pub(super) fn forgotten(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 4, 12);
    let (nodes, rooms) = (cluster.topology().node_count(), cluster.rooms().len());
    let mut world = World::new(case.setup, cluster, config());
    world.carry_events();
    for node in world.cluster().topology().nodes() {
        world.join(node, rng.index(rooms));
    }
    world.settle()?;
    for _ in 0..rng.within(1..=2) {
        let mut island: Vec<NodeIndex> = (0..nodes).map(NodeIndex).collect();
        rng.shuffle(&mut island);
        island.truncate(1 + rng.index(island.len() - 1));
        let begin = world.simulation.now();
        world.inject(&Fault::Partition { island, loss: Loss::Silent });
        // Who begins anew learns of those out of reach, and keeps them for longer than the others.
        for _ in 0..rng.within(1..=3) {
            world.simulation.run_for(rng.duration(&(Duration::ZERO..=Duration::from_secs(200))))?;
            let node = NodeIndex(u32::try_from(rng.below(u64::from(nodes))).unwrap_or_default());
            world.restart(node, Memory::Lost, Duration::ZERO, Duration::from_millis(100))?;
            world.join(node, rng.index(rooms));
        }
        let lasts = rng.duration(&(FORGOTTEN - Duration::from_secs(70)..=2 * FORGOTTEN));
        world.simulation.run_until(begin + lasts)?;
        world.inject(&Fault::Heal);
        world.settle()?;
    }
    Ok(world.report())
}

/// Until all links are up, all records told and all routes computed: the throttles have then acted
/// four times.
const LONGEST_START: Duration = Duration::from_millis(2_000);
/// Ten minutes, and what it takes to see that a node is gone.
const FORGOTTEN: Duration = Duration::from_secs(11 * 60);
