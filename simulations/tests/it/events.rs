//! Events under faults come to each of the ends that they can come to, and at rest all arrive.

use std::collections::BTreeMap;
use std::time::Duration;

use gatewire_sim::{Config, Fault, LinkIndex, Loss, NodeIndex, Rng, Setup};
use gatewire_simulations::{Audience, Cluster, Fate, Kind, World};

/// Rounds of lost links, with events all the time; then all is whole again.
fn storm(seed: u64) -> BTreeMap<Fate, u64> {
    let mut rng = Rng::new(seed);
    let cluster = Cluster::draw(24, &mut rng, None);
    let links = cluster.topology().links().len();
    let mut config = Config::default();
    // Over the ocean: some hear of a loss long before others, and a copy may go round for as long.
    config.link.latency = Duration::from_millis(1)..=Duration::from_millis(150);
    let mut world = World::new(Setup::from(seed), cluster, config);
    world.carry_events();
    world.settle().unwrap_or_else(|violation| panic!("{violation}"));
    for _ in 0..8 {
        let lost = [0; 3].map(|_| LinkIndex(index(rng.index(links))));
        for link in lost {
            let loss = if rng.chance(500_000) { Loss::Reset } else { Loss::Silent };
            world.inject(&Fault::Cut { link, loss });
        }
        let link = lost[0];
        let events = 1 << (Kind::ROUTED.0 - Kind::HELLO.0);
        world.shed(world.cluster().ends(link)[0], link, events, Duration::from_secs(1));
        for _ in 0..20 {
            let node = NodeIndex(index(rng.index(24)));
            world.publish(node, Audience::Everyone, 1);
            let pause = rng.duration(&(Duration::ZERO..=Duration::from_millis(30)));
            world.simulation.run_for(pause).unwrap_or_else(|violation| panic!("{violation}"));
        }
        for link in lost {
            world.inject(&Fault::Restore { link });
        }
    }
    world.settle().unwrap_or_else(|violation| panic!("{violation}"));
    let ledger = world.cluster().ledger.borrow();
    ledger.fates().clone()
}

fn index(index: usize) -> u32 {
    u32::try_from(index).expect("there are few")
}

#[test]
fn under_faults_events_come_to_all_ends_and_most_arrive() {
    let mut fates: BTreeMap<Fate, u64> = BTreeMap::new();
    for seed in 0..20 {
        for (fate, count) in storm(seed) {
            *fates.entry(fate).or_default() += count;
        }
    }
    for fate in [Fate::Late, Fate::Unreachable, Fate::Refused, Fate::Lost] {
        assert!(fates.contains_key(&fate), "{fates:?}");
    }
    assert!(fates[&Fate::Delivered] > fates.values().sum::<u64>() / 2, "{fates:?}");
}
