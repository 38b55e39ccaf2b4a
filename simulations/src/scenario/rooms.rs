//! Members that come and go, and sets of rooms that differ where all else is equal.

use std::time::Duration;

use gatewire_sim::{Fault, Loss, NodeIndex, Report};

use super::{Case, LATENCY, QUIET, config, draw, milliseconds};
use crate::frame::Kind;
use crate::world::{Passed, World};

/// Crowds join and leave rooms: each node tells of it once each 20 ms, and all know soon after.
pub(super) fn storms(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 20);
    let nodes = u64::from(cluster.topology().node_count());
    let mut world = World::new(case.setup, cluster.with_rooms(STORM), config());
    world.rest()?;
    for _ in 0..rng.within(1..=3) {
        let crowd: Vec<NodeIndex> = (0..rng.within(1..=3))
            .map(|_| NodeIndex(u32::try_from(rng.below(nodes)).unwrap_or_default()))
            .collect();
        let joins = if rng.chance(500_000) { 900_000 } else { 400_000 };
        let (before, from) = (world.report(), world.simulation.now());
        for _ in 0..rng.within(50..=400) {
            let Some(node) = rng.pick(&crowd) else { break };
            if rng.chance(joins) {
                world.join(*node, rng.index(STORM));
            } else {
                world.leave(*node, rng.index(STORM));
            }
            world.simulation.run_for(rng.duration(&(Duration::ZERO..=milliseconds(2))))?;
        }
        let lasted = world.simulation.now() - from;
        let settled = world.settle()?;
        let truth = world.truth();
        let batches = u64::try_from(lasted.as_millis() / QUIET.as_millis()).unwrap_or(u64::MAX) + 2;
        let most = crowd.len() as u64 * batches * truth.flood(crowd[0]);
        let frames = world.report().since(&before).total().messages;
        let definitions = world.report().since(&before).of(Kind::NODE_DEF.name()).messages;
        world.require("a storm is one frame each batch", frames - definitions <= most, || {
            format!("{frames} frames in {lasted:?}, and {most} are enough")
        })?;
        let took = (settled - from).saturating_sub(lasted);
        // Then the last one hears of it once more, from the others.
        let longest = QUIET + (truth.diameter() + 1) * LATENCY;
        world.require("a room is known after its batch and the way", took <= longest, || {
            format!("it took {took:?}, and {longest:?} is the most")
        })?;
        world.rest()?;
    }
    Ok(world.report())
}

/// A link is made anew just when rooms are told over it: when it comes up both ends know the same
/// nodes, and not the same rooms.
pub(super) fn unequal_rooms(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 2, 15);
    let (nodes, rooms) = (u64::from(cluster.topology().node_count()), cluster.rooms().len());
    let links = cluster.topology().links().len();
    let mut world = World::new(case.setup, cluster, config());
    world.carry_events();
    world.settle()?;
    for _ in 0..rng.within(2..=8) {
        for _ in 0..rng.within(1..=4) {
            let node = NodeIndex(u32::try_from(rng.below(nodes)).unwrap_or_default());
            if rng.chance(700_000) {
                world.join(node, rng.index(rooms));
            } else {
                world.leave(node, rng.index(rooms));
            }
        }
        // The batch leaves after 20 ms, and is on some links now.
        world.simulation.run_for(rng.duration(&(QUIET..=QUIET + 3 * LATENCY)))?;
        for link in (0..).map(gatewire_sim::LinkIndex).take(links) {
            if rng.chance(400_000) {
                world.inject(&Fault::Reset { link, loss: Loss::Reset });
            }
        }
        if rng.chance(700_000) {
            world.settle()?;
        }
    }
    world.settle()?;
    Ok(world.report())
}

/// Of how many rooms a storm is.
const STORM: usize = 200;
