//! Rooms that the application watches.

use std::time::Duration;

use gatewire_cluster::Event;

use crate::network::Network;

const QUIET: Duration = Duration::from_secs(10);

/// What was told of rooms at a node since the last look: joined or left, where, and how many nodes then.
fn told(network: &mut Network, node: usize) -> Vec<(bool, String, usize)> {
    let events = std::mem::take(&mut network.places[node].events);
    let of_rooms = events.into_iter().filter_map(|event| match event {
        Event::RoomRegistered { room, node, nodes } if &*room == "room 1" => {
            Some((true, node.to_string(), nodes))
        }
        Event::RoomUnregistered { room, node, nodes } if &*room == "room 1" => {
            Some((false, node.to_string(), nodes))
        }
        _ => None,
    });
    of_rooms.collect()
}

fn line() -> Network {
    let mut network = Network::new(1);
    for node in 0..3 {
        network.add_node(&format!("n{node}"));
    }
    network.add_cable(0, 1, 1);
    network.add_cable(1, 2, 1);
    network.run(QUIET);
    network
}

#[test]
fn who_watches_a_room_is_told_of_each_node_once_and_of_no_other_room() {
    let mut network = line();
    network.join(2, "room 1");
    network.run(QUIET);
    network.router(0).watch("room 1");
    network.settle_all();
    network.join(0, "room 1");
    network.join(0, "room 1");
    network.join(1, "room 1");
    network.join(1, "room 2");
    network.run(QUIET);
    let yes = |node: &str, nodes| (true, node.to_owned(), nodes);
    assert_eq!(told(&mut network, 0), [yes("n2", 1), yes("n0", 2), yes("n1", 3)]);
    network.leave(0, "room 1");
    network.leave(2, "room 1");
    network.run(QUIET);
    assert_eq!(told(&mut network, 0), [(false, "n2".to_owned(), 2)]);
    network.router(0).unwatch("room 1");
    network.leave(1, "room 1");
    network.run(QUIET);
    assert_eq!(told(&mut network, 0), []);
}

#[test]
fn a_room_out_of_reach_is_told_as_gone_and_comes_back() {
    let mut network = line();
    network.router(0).watch("room 1");
    network.join(2, "room 1");
    network.run(QUIET);
    assert_eq!(told(&mut network, 0), [(true, "n2".to_owned(), 1)]);
    network.cut(1);
    network.run(QUIET);
    assert_eq!(told(&mut network, 0), [(false, "n2".to_owned(), 0)]);
    network.plug(1);
    network.run(QUIET);
    assert_eq!(told(&mut network, 0), [(true, "n2".to_owned(), 1)]);
    let nodes = network.router(0).nodes_of("room 1");
    assert_eq!(nodes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["n2"]);
}

#[test]
fn ways_follow_costs_that_change_while_links_are_up() {
    // A triangle with one dear side.
    let mut network = line();
    let dear = network.add_cable(0, 2, 9);
    network.run(QUIET);
    let target = network.id(2);
    assert_eq!(network.router(0).cost_to(target), Some(2));
    let now = network.now;
    let link = gatewire_cluster::LinkId(u8::try_from(dear).expect("there are three"));
    // The larger of the two counts.
    network.router(0).set_cost(now, link, 1);
    network.cables[dear].costs[0] = 1;
    network.settle_all();
    network.run(QUIET);
    network.check();
    assert_eq!(network.router(0).cost_to(target), Some(2));
    let now = network.now;
    network.router(2).set_cost(now, link, 1);
    network.cables[dear].costs[1] = 1;
    network.settle_all();
    network.run(QUIET);
    network.check();
    assert_eq!(network.router(0).link_cost(link), Some(1));
    assert_eq!(network.router(0).cost_to(target), Some(1));
    assert_eq!(network.router(1).cost_to(target), Some(1));
}
