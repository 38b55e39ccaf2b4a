//! Links that come and go, one by one and all at once.

use std::time::Duration;

use gatewire_sim::{Fault, LinkConfig, LinkIndex, Loss, NodeIndex, Report, Rng};

use super::{CONNECT, Case, LATENCY, config, draw, longest_change, milliseconds};
use crate::frame::Kind;
use crate::invariants;
use crate::station::Station;
use crate::world::{Passed, World, news};

/// Lone links go down and come up, in a cluster at rest: what it costs, and how long it takes.
pub(super) fn flaps(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 30);
    let mut world = World::new(case.setup, cluster, config());
    world.rest()?;
    for _ in 0..rng.within(1..=4) {
        let link = any_link(&world, &mut rng);
        let [one, other] = world.cluster().ends(link);
        let (before, from) = (world.report(), world.simulation.now());
        world.cut(link);
        let settled = world.settle()?;
        let truth = world.truth();
        let frames = news(&world.report().since(&before));
        let most = truth.flood(one) + truth.flood(other);
        world.require("a lost link costs two records", frames <= most, || {
            format!("{frames} frames, and {most} are enough")
        })?;
        over_in(&mut world, settled - from, longest_change(truth.diameter()))?;
        let is_bridge = truth.components().len() > 1;
        world.rest()?;

        let (before, from) = (world.report(), world.simulation.now());
        world.inject(&Fault::Restore { link });
        let settled = world.settle()?;
        if !is_bridge {
            let truth = world.truth();
            let frames = news(&world.report().since(&before));
            let most = 2 * truth.flood(one) + HELLOS;
            world.require("a link costs two records and hellos", frames <= most, || {
                format!("{frames} frames, and {most} are enough")
            })?;
            let longest = CONNECT + 2 * LATENCY + longest_change(truth.diameter());
            over_in(&mut world, settled - from, longest)?;
        }
        world.rest()?;
    }
    flapping(&mut world, &mut rng)?;
    Ok(world.report())
}

/// A link that comes and goes all the time costs less and less.
fn flapping(world: &mut World, rng: &mut Rng) -> Passed {
    let link = any_link(world, rng);
    let before = world.report().of(Kind::LSA.name()).messages;
    let flood = world.truth().flood(world.cluster().ends(link)[0]);
    for _ in 0..FLAPS {
        world.cut(link);
        world.simulation.run_for(rng.duration(&(milliseconds(10)..=milliseconds(100))))?;
        world.inject(&Fault::Restore { link });
        world.simulation.run_for(rng.duration(&(milliseconds(60)..=milliseconds(150))))?;
    }
    world.settle()?;
    let records = world.report().of(Kind::LSA.name()).messages - before;
    // At 0, 50, 250, 650 ms and so on, by each of two ends; and what synchronising sends.
    let most =
        2 * MOST_RECORDS * (flood + 2) + FLAPS * u64::from(world.cluster().topology().node_count());
    world.require("a link that flaps is told of less and less", records <= most, || {
        format!("{records} records, and {most} are enough")
    })
}

/// Several links are lost at one moment, some of them with nobody saying so, and come back together.
pub(super) fn simultaneous_flaps(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 30);
    let mut world = World::new(case.setup, cluster, config());
    world.carry_events();
    world.settle()?;
    for _ in 0..rng.within(1..=4) {
        let mut links = all_links(&world);
        rng.shuffle(&mut links);
        links.truncate(2 + rng.index(links.len()));
        for link in &links {
            let loss = if rng.chance(500_000) { Loss::Reset } else { Loss::Silent };
            world.inject(&Fault::Cut { link: *link, loss });
        }
        if rng.chance(500_000) {
            world.settle()?;
        } else {
            world.simulation.run_for(rng.duration(&(Duration::ZERO..=milliseconds(3_000))))?;
        }
        for link in links {
            world.inject(&Fault::Restore { link });
        }
        world.settle()?;
    }
    Ok(world.report())
}

/// A link is lost, and one end notices seconds before the other: nobody goes that way meanwhile. Or
/// only one end hears: nobody goes that way until both do.
pub(super) fn half_open(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 20);
    let mut world = World::new(case.setup, cluster, config());
    world.rest()?;
    for _ in 0..rng.within(1..=3) {
        let link = any_link(&world, &mut rng);
        if !is_alone(&world, link) {
            continue;
        }
        let detect = Duration::from_secs(2)..=Duration::from_secs(60);
        let slow = LinkConfig { detect, ..config().link };
        world.simulation.set_link(link, slow);
        if rng.chance(700_000) {
            lost_at_one_end(&mut world, link)?;
        } else {
            let deaf = world.cluster().ends(link)[rng.index(2)];
            deaf_at_one_end(&mut world, link, deaf)?;
        }
        world.rest()?;
    }
    Ok(world.report())
}

fn lost_at_one_end(world: &mut World, link: LinkIndex) -> Passed {
    let cut = world.simulation.now();
    world.inject(&Fault::Cut { link, loss: Loss::Silent });
    let noticed = |world: &World, node: NodeIndex| {
        let view = world.simulation.view();
        view.node(node).and_then(Station::lost_link).is_some_and(|at| at >= cut)
    };
    let ends = world.cluster().ends(link);
    while !ends.iter().any(|end| noticed(world, *end)) {
        world.simulation.run_for(milliseconds(10))?;
    }
    // One end tells of it, and all compute their routes.
    let longest = milliseconds(10) + longest_change(world.truth().diameter());
    world.simulation.run_for(longest)?;
    let is_bridge = world.truth().components().len() > 1;
    if !is_bridge && !ends.iter().all(|end| noticed(world, *end)) {
        truth_now(world)?;
    }
    world.settle()?;
    world.inject(&Fault::Restore { link });
    world.settle().map(|_| ())
}

fn deaf_at_one_end(world: &mut World, link: LinkIndex, deaf: NodeIndex) -> Passed {
    world.cut(link);
    world.rest()?;
    // Over a bridge nobody hears that the other end does not list it any more.
    if world.truth().components().len() > 1 {
        world.inject(&Fault::Restore { link });
        return world.settle().map(|_| ());
    }
    world.inject(&Fault::Stall { link, deaf });
    world.inject(&Fault::Restore { link });
    // The other end hears the hello, and goes on to list the link.
    let longest = CONNECT + 2 * LATENCY + longest_change(world.truth().diameter());
    world.simulation.run_for(longest + Duration::from_secs(1))?;
    let cluster = world.cluster().clone();
    let name = "nobody goes over a link of which one end hears nothing";
    world.simulation.check_now(name, |view| {
        for node in cluster.ends(link) {
            let Some(station) = view.node(node) else { continue };
            let target = cluster.id(cluster.far_end(link, node));
            let hop = station.router().next_hop(target, cluster.id(node), 0);
            if hop == cluster.link_id(node, link) {
                return Err(format!("{node:?} does"));
            }
        }
        Ok(())
    })?;
    world.inject(&Fault::Resume { link, deaf });
    world.settle().map(|_| ())
}

/// Whether no other link joins the same nodes: of two, nobody can tell which one is lost.
fn is_alone(world: &World, link: LinkIndex) -> bool {
    let [one, other] = world.cluster().ends(link);
    let links = world.cluster().topology().links();
    links.iter().filter(|ends| ends.contains(&one) && ends.contains(&other)).count() == 1
}

/// Islands that live on by themselves, with members that come and go, and find one another again.
pub(super) fn partitions(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 30);
    let (nodes, rooms) = (cluster.topology().node_count(), cluster.rooms().len());
    let mut world = World::new(case.setup, cluster, config());
    world.carry_events();
    world.settle()?;
    for _ in 0..rng.within(1..=4) {
        for _ in 0..rng.within(1..=3) {
            let mut island: Vec<NodeIndex> = (0..nodes).map(NodeIndex).collect();
            rng.shuffle(&mut island);
            island.truncate(1 + rng.index(island.len() - 1));
            let loss = if rng.chance(500_000) { Loss::Reset } else { Loss::Silent };
            world.inject(&Fault::Partition { island, loss });
            world.simulation.run_for(rng.duration(&(Duration::ZERO..=milliseconds(500))))?;
        }
        for _ in 0..rng.below(30) {
            let node = NodeIndex(u32::try_from(rng.below(u64::from(nodes))).unwrap_or_default());
            if rng.chance(600_000) {
                world.join(node, rng.index(rooms));
            } else {
                world.leave(node, rng.index(rooms));
            }
            world.simulation.run_for(rng.duration(&(Duration::ZERO..=milliseconds(100))))?;
        }
        if rng.chance(800_000) {
            world.settle()?;
        }
        world.inject(&Fault::Heal);
        world.settle()?;
    }
    Ok(world.report())
}

/// Queues overflow: frames of some kinds are lost, and then the link is made anew.
pub(super) fn shed(case: Case) -> Passed<Report> {
    let (mut rng, cluster) = draw(case, 3, 20);
    let rooms = cluster.rooms().len();
    let mut world = World::new(case.setup, cluster, config());
    world.carry_events();
    world.simulation.run_for(rng.duration(&(Duration::ZERO..=milliseconds(300))))?;
    for _ in 0..rng.within(5..=25) {
        let link = any_link(&world, &mut rng);
        let node = world.cluster().ends(link)[rng.index(2)];
        let kinds = any_kinds(&mut rng);
        let lasts = rng.duration(&(milliseconds(10)..=milliseconds(1_000)));
        world.shed(node, link, kinds, lasts);
        // Something to lose.
        let far = any_link(&world, &mut rng);
        match rng.below(3) {
            0 => world.inject(&Fault::Reset { link: far, loss: Loss::Reset }),
            1 => world.join(node, rng.index(rooms)),
            _ => world.join(world.cluster().ends(far)[0], rng.index(rooms)),
        }
        world.simulation.run_for(rng.duration(&(Duration::ZERO..=milliseconds(800))))?;
    }
    world.settle()?;
    Ok(world.report())
}

/// Kinds of frames, as bits: one, some, or all.
pub(super) fn any_kinds(rng: &mut Rng) -> u16 {
    const ALL: u64 = 0x3ff;
    let kinds = match rng.below(3) {
        0 => 1 << rng.below(10),
        1 => rng.below(ALL + 1),
        _ => ALL,
    };
    u16::try_from(kinds).unwrap_or(u16::MAX)
}

fn truth_now(world: &mut World) -> Passed {
    let cluster = world.cluster().clone();
    world
        .simulation
        .check_now("nobody goes over a link of which one end knows that it is lost", |view| {
            invariants::everybody_knows_the_truth(view, &cluster)
        })
}

fn over_in(world: &mut World, took: Duration, longest: Duration) -> Passed {
    world.require("a change is over in time", took <= longest, || {
        format!("it took {took:?}, and {longest:?} is the most")
    })
}

fn any_link(world: &World, rng: &mut Rng) -> LinkIndex {
    let links = world.cluster().topology().links().len();
    LinkIndex(u32::try_from(rng.index(links)).unwrap_or_default())
}

fn all_links(world: &World) -> Vec<LinkIndex> {
    (0..).map(LinkIndex).take(world.cluster().topology().links().len()).collect()
}

/// One from each end.
const HELLOS: u64 = 2;
/// How often a link flaps.
const FLAPS: u64 = 60;
/// Records of one end within 13 s of flapping: at 0, 50, 250, 650, 1,450, 3,050 and 6,250 ms, and then
/// each 5 s.
const MOST_RECORDS: u64 = 10;
