//! Lists of hosts that do not fit 255 bytes.

use std::collections::BTreeSet;

use gatewire_codec::ValueRef;
use gatewire_codec::legacy::{Kind, MAX_CELLS, Policy};
use proptest::prelude::*;

use super::network::{Alone, Network, Told, link_json, room_json};
use gatewire_legacy::uplink::Audience;

#[test]
fn a_long_list_of_hosts_is_split_over_frames() {
    // 29 hosts of 9 bytes are 289 bytes: the originals die of a broadcast to them.
    let mut alone = Alone::new("host0");
    let link = alone.linked_to("host00001");
    for far in 2..30 {
        alone.behind(link, "host00001", &format!("host{far:05}"));
    }
    let published = alone.publish(&Audience::Everyone, ValueRef::Integer(1)).expect("it goes");
    assert_eq!(published.hosts, 29);
    let sent = alone.sent();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|(_, told)| told.policy == Policy::Sub));
    let hosts: Vec<_> = sent.iter().flat_map(|(_, told)| told.cells.split('|')).collect();
    assert_eq!(hosts.len(), 29);
    assert_eq!(BTreeSet::from_iter(hosts).len(), 29);
}

#[test]
fn long_names_of_three_routers_in_a_line_reach_each_other() {
    // 130 bytes each: the set of those that have seen a fact does not fit, of which the originals die.
    let mut alone = Alone::new(&"a".repeat(130));
    let (b, c) = ("b".repeat(130), "c".repeat(130));
    let link = alone.linked_to(&b);
    let other = alone.linked_to("near");
    let json = link_json(&c, &b, "x", 1);
    alone.hears(link, &Told::add(Kind::NewLink, &b, &link_json(&b, &c, "x", 1)));
    alone.hears(link, &Told::add(Kind::NewLink, &c, &json));
    let sent = alone.sent();
    assert_eq!(sent.len(), 2);
    // Of the two the neighbour would be kept, the other one did not fit beside the own name.
    assert_eq!(sent[1], (other, Told::add(Kind::NewLink, &"a".repeat(130), &json)));
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, &c, &room_json(&c, "r", 1)));
    assert_eq!(alone.hosts_of("r"), [c]);
}

proptest! {
    #[test]
    fn each_host_is_in_exactly_one_list(lengths in prop::collection::vec(1_usize..=250, 1..40)) {
        let mut alone = Alone::new("me");
        let link = alone.linked_to("next");
        let names: BTreeSet<String> =
            lengths.iter().enumerate().map(|(at, length)| format!("{at:04}{}", "x".repeat(*length))).collect();
        for name in &names {
            alone.behind(link, "next", name);
        }
        alone.publish(&Audience::Everyone, ValueRef::Empty).expect("it goes");
        let sent = alone.sent();
        prop_assert!(sent.iter().all(|(_, told)| told.cells.len() <= MAX_CELLS));
        let mut hosts: Vec<_> =
            sent.iter().flat_map(|(_, told)| told.cells.split('|')).map(ToOwned::to_owned).collect();
        hosts.sort_unstable();
        let mut expected: Vec<_> = names.into_iter().collect();
        expected.push("next".to_owned());
        expected.sort_unstable();
        prop_assert_eq!(hosts, expected);
        // Two lists behind one another would not fit one.
        let lengths: Vec<_> = sent.iter().map(|(_, told)| told.cells.len()).collect();
        prop_assert!(lengths.windows(2).all(|pair| pair[0] + pair[1] >= MAX_CELLS));
    }

    #[test]
    fn sets_of_hosts_that_have_seen_a_fact_never_grow_too_long(hosts in 2_usize..9, length in 60_usize..=120) {
        // A line of gateways with long names, so that the set grows hop by hop.
        let mut network = Network::named((0..hosts).map(|at| format!("{at}{}", "h".repeat(length))));
        for at in 1..hosts {
            network.link(at - 1, at);
            network.settle();
        }
        network.gateways[0].set_room("r", 1).expect("a good name");
        network.settle();
        prop_assert!(network.closed.is_empty());
        for gateway in &network.gateways[1..] {
            prop_assert_eq!(gateway.hosts_of("r").count(), 1);
        }
    }
}
