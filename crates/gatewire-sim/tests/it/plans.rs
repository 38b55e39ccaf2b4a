//! Plans are drawn from a seed, and take back all that they do.

use std::collections::BTreeSet;
use std::time::Duration;

use gatewire_sim::{Fault, Plan, PlanConfig, Rng, Topology, Weights};
use proptest::prelude::*;

fn plan(seed: u64, nodes: u32, config: &PlanConfig) -> Plan {
    let mut rng = Rng::new(seed);
    let topology = Topology::random(nodes, 3, &mut rng);
    Plan::draw(&topology, config, &mut rng)
}

/// What is broken, by a name.
fn breaks(fault: &Fault) -> Option<String> {
    Some(match fault {
        Fault::Cut { link, .. } | Fault::Restore { link } => format!("cut {link:?}"),
        Fault::Stall { link, deaf } | Fault::Resume { link, deaf } => format!("{link:?} {deaf:?}"),
        Fault::Crash { node, .. } | Fault::Restart { node, .. } => format!("crash {node:?}"),
        Fault::Partition { .. } | Fault::Heal => "partition".to_owned(),
        Fault::Reset { .. } => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_is_repaired_before_the_end(seed: u64, nodes in 1_u32..20, rounds in 0_u32..6) {
        let config = PlanConfig { rounds, ..PlanConfig::default() };
        let plan = plan(seed, nodes, &config);
        let mut broken = BTreeSet::new();
        for (_, fault) in &plan.faults {
            if let Some(name) = breaks(fault) {
                if fault.is_repair() { broken.remove(&name) } else { broken.insert(name) };
            }
        }
        prop_assert!(broken.is_empty(), "{broken:?}");
        prop_assert!(plan.faults.is_sorted_by_key(|(at, _)| *at));
        if let Some((last, _)) = plan.faults.last() {
            prop_assert!(plan.end - *last >= config.calm);
        }
    }

    #[test]
    fn a_seed_gives_one_plan(seed: u64) {
        let config = PlanConfig::default();
        prop_assert_eq!(plan(seed, 9, &config), plan(seed, 9, &config));
    }

    #[test]
    fn a_partition_has_two_sides(seed: u64, nodes in 2_u32..20) {
        let weights = Weights { cut: 0, reset: 0, stall: 0, crash: 0, partition: 1 };
        let config = PlanConfig { weights, ..PlanConfig::default() };
        for (_, fault) in plan(seed, nodes, &config).faults {
            if let Fault::Partition { island, .. } = fault {
                prop_assert!((1..nodes as usize).contains(&island.len()));
            }
        }
    }
}

#[test]
fn each_kind_comes_as_often_as_its_weight_says() {
    let weights = Weights { cut: 1, reset: 0, stall: 0, crash: 3, partition: 0 };
    let config = PlanConfig { rounds: 1_000, weights, ..PlanConfig::default() };
    let plan = plan(1, 10, &config);
    let faults: Vec<&Fault> =
        plan.faults.iter().map(|(_, fault)| fault).filter(|fault| !fault.is_repair()).collect();
    let crashes = faults.iter().filter(|fault| matches!(fault, Fault::Crash { .. })).count();
    let cuts = faults.iter().filter(|fault| matches!(fault, Fault::Cut { .. })).count();
    assert_eq!(crashes + cuts, faults.len());
    let share = crashes * 100 / faults.len();
    assert!((72..=78).contains(&share), "{share} of a hundred");
}

#[test]
fn weights_of_nothing_give_no_faults() {
    let weights = Weights { cut: 0, reset: 0, stall: 0, crash: 0, partition: 0 };
    let config = PlanConfig { weights, ..PlanConfig::default() };
    let plan = plan(1, 10, &config);
    assert_eq!(plan.faults, []);
    assert!(plan.end.elapsed() > Duration::from_secs(100));
}
