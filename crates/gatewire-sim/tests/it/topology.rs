//! Graphs have the shape that their name says.

use std::collections::BTreeSet;

use gatewire_sim::{NodeIndex, Rng, Topology};
use proptest::prelude::*;

#[test]
fn shapes_have_their_links_and_diameters() {
    let shape = |topology: Topology| (topology.links().len(), topology.diameter());
    assert_eq!(shape(Topology::line(5)), (4, Some(4)));
    assert_eq!(shape(Topology::ring(5)), (5, Some(2)));
    assert_eq!(shape(Topology::ring_with_chord(8)), (9, Some(4)));
    assert_eq!(shape(Topology::star(5)), (4, Some(2)));
    assert_eq!(shape(Topology::full(5)), (10, Some(1)));
    assert_eq!(shape(Topology::grid(4, 3)), (17, Some(5)));
    assert_eq!(shape(Topology::new(2)), (0, None));
}

#[test]
fn small_shapes_have_no_link_twice() {
    for nodes in 0..4 {
        for topology in [
            Topology::line(nodes),
            Topology::ring(nodes),
            Topology::ring_with_chord(nodes),
            Topology::star(nodes),
            Topology::full(nodes),
            Topology::grid(nodes, 1),
            Topology::grid(1, nodes),
            Topology::random(nodes, 8, &mut Rng::new(1)),
        ] {
            assert_eq!(pairs(&topology).len(), topology.links().len(), "{topology:?}");
            assert!(topology.is_connected());
        }
    }
    assert_eq!(Topology::grid(0, 3), Topology::new(0));
}

#[test]
#[should_panic(expected = "two different nodes")]
fn no_link_joins_a_node_to_itself() {
    drop(Topology::new(2).link(NodeIndex(1), NodeIndex(1)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_graphs_are_connected_and_have_their_degree(
        seed: u64, nodes in 2_u32..60, degree in 0_u32..70,
    ) {
        let topology = Topology::random(nodes, degree, &mut Rng::new(seed));
        let (all, tree) = (nodes * (nodes - 1) / 2, nodes - 1);
        let wanted = (nodes * degree / 2).clamp(tree, all) as usize;
        prop_assert!(topology.is_connected());
        prop_assert_eq!(topology.links().len(), wanted);
        prop_assert_eq!(pairs(&topology).len(), wanted);
        for (index, [one, other]) in (0..).zip(topology.links()) {
            prop_assert_eq!(topology.between(*other, *one).map(|link| link.0), Some(index));
        }
    }
}

fn pairs(topology: &Topology) -> BTreeSet<(u32, u32)> {
    topology.links().iter().map(|[one, other]| (one.0.min(other.0), one.0.max(other.0))).collect()
}
