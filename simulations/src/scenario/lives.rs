//! Nodes that die, begin anew, leave for good, or have a name that another one has.

use std::time::Duration;

use gatewire_sim::{Fault, Loss, Memory, NodeIndex, Report, Rng};

use super::{Case, config, draw, milliseconds};
use crate::cluster::Cluster;
use crate::world::{Passed, World};

/// Crashes and restarts, with the counter kept, lost, or lost and the clock set back. Some lives last
/// for less than a second.
pub(super) fn restarts(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 15);
    let nodes = cluster.topology().node_count() as usize;
    let mut world = World::new(case.setup, cluster, config());
    world.carry_events();
    world.simulation.run_for(rng.duration(&(Duration::ZERO..=milliseconds(8_000))))?;
    for _ in 0..rng.within(2..=8) {
        let node = NodeIndex(u32::try_from(rng.index(nodes)).unwrap_or_default());
        lives(&mut world, node, &mut rng)?;
        if rng.chance(500_000) {
            world.settle()?;
        }
    }
    world.settle()?;
    Ok(world.report())
}

/// A few lives of one node, each with rooms of its own.
pub(super) fn lives(world: &mut World, node: NodeIndex, rng: &mut Rng) -> Passed {
    let rooms = world.cluster().rooms().len();
    for _ in 0..rng.within(1..=3) {
        for _ in 0..rng.below(4) {
            world.join(node, rng.index(rooms));
        }
        world.simulation.run_for(rng.duration(&(milliseconds(1)..=milliseconds(800))))?;
        let (memory, clock_back) = match rng.below(3) {
            0 => (Memory::Kept, Duration::ZERO),
            1 => (Memory::Lost, Duration::ZERO),
            _ => (Memory::Lost, rng.duration(&(Duration::ZERO..=Duration::from_secs(86_400)))),
        };
        let after = rng.duration(&(Duration::ZERO..=milliseconds(150)));
        world.restart(node, memory, clock_back, after)?;
    }
    for _ in 0..rng.below(4) {
        world.join(node, rng.index(rooms));
    }
    Ok(())
}

/// Two live nodes of one name meet: the one with the lower nonce stays.
pub(super) fn namesakes(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 4, 15);
    let nodes = u64::from(cluster.topology().node_count());
    let node = NodeIndex(u32::try_from(rng.below(nodes)).unwrap_or_default());
    let impostor = NodeIndex(u32::try_from(rng.below(nodes)).unwrap_or_default());
    if node == impostor {
        return cluster_without_namesakes(case, cluster);
    }
    let cluster = cluster.with_impostor(node, impostor);
    let rooms = cluster.rooms().len();
    let mut world = World::new(case.setup, cluster, config());
    world.carry_events();
    // At first they may not meet.
    let island = rng.chance(500_000);
    if island {
        world.inject(&Fault::Partition { island: vec![impostor], loss: Loss::Reset });
        world.settle()?;
    }
    for node in [node, impostor] {
        world.join(node, rng.index(rooms));
        world.join(node, rng.index(rooms));
    }
    let nonces = [node, impostor].map(|node| nonce(&world, node));
    world.inject(&Fault::Heal);
    world.settle()?;
    // When one of them parts the others its end may come before all have met.
    let stops = if nonces[0] > nonces[1] { node } else { impostor };
    let view = world.simulation.view();
    let others = view.nodes().filter(|(_, station)| !station.takes_part());
    let stopped: Vec<NodeIndex> = others.map(|(index, _)| index).collect();
    let expected = if stopped.is_empty() { Vec::new() } else { vec![stops] };
    let taken = world.cluster().names_taken.get();
    world.require("the lower nonce stays", stopped == expected, || {
        format!("{stopped:?} stopped, not {expected:?}; {taken} names were taken")
    })?;
    // The one that stopped begins anew, and there is a fight again.
    for node in stopped {
        world.restart(node, Memory::Kept, Duration::ZERO, milliseconds(50))?;
        world.join(node, rng.index(rooms));
    }
    world.settle()?;
    Ok(world.report())
}

fn cluster_without_namesakes(case: Case, cluster: Cluster) -> Passed<Report> {
    let mut world = World::new(case.setup, cluster, config());
    world.settle()?;
    let taken = world.cluster().names_taken.get();
    world.require("nobody takes a name", taken == 0, || format!("{taken} did"))?;
    Ok(world.report())
}

fn nonce(world: &World, node: NodeIndex) -> Option<u32> {
    let view = world.simulation.view();
    view.node(node).map(|station| station.router().incarnation().nonce())
}

/// Nodes leave for good: nobody remembers their rooms, and all are told at once. Some come back.
pub(super) fn farewell(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 20);
    let (nodes, rooms) = (cluster.topology().node_count() as usize, cluster.rooms().len());
    let mut world = World::new(case.setup, cluster, config());
    for node in world.cluster().topology().nodes() {
        world.join(node, rng.index(rooms));
    }
    for _ in 0..rng.within(1..=4) {
        world.rest()?;
        let node = NodeIndex(u32::try_from(rng.index(nodes)).unwrap_or_default());
        let others = world.truth().component_of(node).len();
        if others == 0 {
            continue;
        }
        world.leave_cluster(node);
        // The word arrives while the links of the node are still up.
        world.simulation.run_for(milliseconds(90))?;
        forgotten_at_once(&mut world, node)?;
        world.settle()?;
        if rng.chance(600_000) {
            let clock_back = rng.duration(&(Duration::ZERO..=Duration::from_secs(86_400)));
            let memory = if rng.chance(500_000) { Memory::Kept } else { Memory::Lost };
            world.restart(node, memory, clock_back, milliseconds(20))?;
            world.join(node, rng.index(rooms));
        }
    }
    world.settle()?;
    Ok(world.report())
}

fn forgotten_at_once(world: &mut World, node: NodeIndex) -> Passed {
    let cluster = world.cluster().clone();
    let name = "who leaves for good is forgotten at once";
    world.simulation.check_now(name, |view| {
        let neighbours = cluster.links_of(node).iter().filter(|link| view.is_connected(**link));
        for neighbour in neighbours.map(|link| cluster.far_end(*link, node)) {
            let Some(station) = view.node(neighbour).filter(|station| station.takes_part()) else {
                continue;
            };
            let id = cluster.id(node);
            let found = cluster.rooms().iter().any(|room| {
                station.router().destinations(room).any(|destination| destination == id)
            });
            if found || station.router().cost_to(id).is_some() {
                return Err(format!("{neighbour:?} remembers {node:?}"));
            }
        }
        Ok(())
    })
}
