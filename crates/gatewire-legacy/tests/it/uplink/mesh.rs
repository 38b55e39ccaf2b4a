//! Full meshes, where the originals send factorially many frames.

use std::fmt::Write;

use gatewire_legacy::uplink::Audience;
use proptest::prelude::*;

use super::network::{Network, rooms};

#[test]
fn a_fact_is_flooded_once() {
    // Of the originals, for meshes of three to six routers.
    let originals = [4, 15, 64, 325];
    let mut table = String::new();
    for (hosts, original) in (3..).zip(originals) {
        let mut network = Network::full_mesh(hosts);
        network.gateways[0].set_room("r", 1).expect("a good name");
        network.settle();
        let _ = writeln!(
            table,
            "{hosts} routers: {} frames, {original} of the originals",
            network.frames
        );
        assert!(network.frames <= (hosts - 1) * (hosts - 1), "{table}");
        for gateway in &network.gateways[1..] {
            assert_eq!(gateway.hosts_of("r").collect::<Vec<_>>(), ["host0"]);
        }
    }
    println!("{table}");
}

#[test]
fn a_message_reaches_each_host_of_a_mesh_once() {
    for hosts in 3..=6 {
        let mut network = Network::full_mesh(hosts);
        for gateway in &mut network.gateways {
            gateway.set_room("r", 1).expect("a good name");
        }
        network.settle();
        for audience in [rooms(&["r"]), Audience::Everyone] {
            network.frames = 0;
            assert_eq!(network.publish(0, &audience).hosts, hosts - 1);
            assert_eq!(network.frames, hosts - 1);
            let mut expected = vec![1; hosts];
            expected[0] = 0;
            assert_eq!(network.copies(), expected);
        }
    }
}

/// What a plan does in between two frames.
#[derive(Debug, Clone)]
enum Act {
    Room {
        host: usize,
        room: u8,
        members: u64,
    },
    Carry(usize),
    /// A link is lost, with what is on its way, or made anew.
    Toggle(usize, usize),
}

const HOSTS: usize = 4;

fn act(toggles: u32) -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..HOSTS, 0_u8..3, 0_u64..3)
            .prop_map(|(host, room, members)| Act::Room { host, room, members }),
        12 => any::<usize>().prop_map(Act::Carry),
        toggles => (0..HOSTS, 0..HOSTS).prop_map(|(one, other)| Act::Toggle(one, other)),
    ]
}

/// Does all that is planned; then all links are made, and all that is on its way arrives. Everybody knows the truth then.
fn agree_in_the_end(acts: Vec<Act>) -> Result<(), TestCaseError> {
    let mut network = Network::full_mesh(HOSTS);
    let mut truth = [[0; 3]; HOSTS];
    for act in acts {
        match act {
            Act::Room { host, room, members } => {
                truth[host][usize::from(room)] = members;
                let told = network.gateways[host].set_room(&room.to_string(), members);
                told.expect("a good name");
                network.collect();
            }
            Act::Carry(choice) => {
                network.step(choice);
            }
            Act::Toggle(one, other) if one == other => {}
            Act::Toggle(one, other) if network.has_link(one, other) => network.cut(one, other),
            Act::Toggle(one, other) => network.link(one, other),
        }
    }
    for one in 0..HOSTS {
        for other in 0..one {
            if !network.has_link(one, other) {
                network.link(one, other);
            }
        }
    }
    network.settle();
    prop_assert!(network.closed.is_empty());
    for (at, gateway) in network.gateways.iter_mut().enumerate() {
        prop_assert_eq!(gateway.hosts().count(), HOSTS - 1);
        for room in 0..3_usize {
            let found: Vec<_> =
                gateway.hosts_of(&room.to_string()).map(ToOwned::to_owned).collect();
            let others = truth.iter().enumerate();
            let expected = others.filter(|(host, rooms)| *host != at && rooms[room] > 0);
            let expected: Vec<_> = expected.map(|(host, _)| format!("host{host}")).collect();
            prop_assert_eq!(found, expected);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_hosts_of_a_mesh_agree_in_the_end(acts in prop::collection::vec(act(1), 0..80)) {
        let still = acts.into_iter().filter(|act| !matches!(act, Act::Toggle(..)));
        agree_in_the_end(still.collect())?;
    }

    #[test]
    fn the_hosts_of_a_mesh_agree_when_its_links_have_come_and_gone(
        acts in prop::collection::vec(act(2), 0..120),
    ) {
        agree_in_the_end(acts)?;
    }
}
