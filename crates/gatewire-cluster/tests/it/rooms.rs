//! Which nodes have which rooms.

use std::time::Duration;

use crate::network::{Network, Restart};
use crate::topology::ring;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_room_is_known_within_its_batch_and_the_way() {
    let mut network = ring(1, 6);
    network.run(5 * SECOND);
    network.join(0, "room 1");
    network.run(Duration::from_millis(20 + 3 * 5));
    network.check();
    network.leave(0, "room 1");
    network.run(Duration::from_millis(20 + 3 * 5));
    network.check();
    assert_eq!(network.router(3).known_rooms(), 0);
}

#[test]
fn rooms_that_differ_when_a_link_comes_up_are_told() {
    // The two halves know the same nodes, but missed each other's rooms.
    let mut network = ring(2, 6);
    network.run(5 * SECOND);
    network.cut(0);
    network.cut(3);
    network.run(5 * SECOND);
    network.join(1, "room 1");
    network.join(5, "room 2");
    network.run(SECOND);
    network.leave(1, "room 1");
    network.join(1, "room 3");
    network.run(SECOND);
    network.plug(0);
    network.run(SECOND);
    network.check();
}

#[test]
fn a_set_that_is_too_large_for_a_delta_comes_in_parts() {
    let mut network = Network::new(3);
    network.add_node("a");
    network.add_node("b");
    network.add_node("c");
    network.add_cable(0, 1, 1);
    for room in 0..20_000 {
        network.join(0, &format!("many {room}"));
    }
    network.join(0, "room 1");
    network.run(5 * SECOND);
    assert_eq!(network.router(1).known_rooms(), 20_001);
    network.add_cable(1, 2, 1);
    network.run(5 * SECOND);
    assert_eq!(network.router(2).known_rooms(), 20_001);
    network.check();
    // 20,000 rooms lie 50 bits apart: eight bytes each.
    assert!(network.bytes < 1_000_000, "{} bytes", network.bytes);
    network.leave(0, "many 7");
    network.run(SECOND);
    assert_eq!(network.router(2).known_rooms(), 20_000);
}

#[test]
fn a_small_difference_in_a_large_set_is_told_as_a_difference() {
    let mut network = Network::new(4);
    network.add_node("a");
    network.add_node("b");
    let cable = network.add_cable(0, 1, 1);
    for room in 0..20_000 {
        network.join(0, &format!("many {room}"));
    }
    network.run(5 * SECOND);
    network.cut(cable);
    network.join(0, "room 1");
    network.run(SECOND);
    network.count_anew();
    network.plug(cable);
    network.run(5 * SECOND);
    network.check();
    assert!(network.bytes < 1_000, "{} bytes", network.bytes);
}

#[test]
fn the_rooms_of_a_life_end_with_it() {
    let mut network = ring(5, 4);
    network.join(1, "room 1");
    network.run(5 * SECOND);
    network.restart(1, Restart::CounterKept);
    network.run(5 * SECOND);
    network.check();
    assert_eq!(network.router(3).known_rooms(), 0);
}

#[test]
fn a_storm_of_joins_is_one_frame_each_batch() {
    let mut network = ring(6, 4);
    network.run(5 * SECOND);
    network.count_anew();
    for step in 0..1_000 {
        network.join(0, &format!("storm {step}"));
        network.run(Duration::from_micros(100));
    }
    network.run(SECOND);
    // 100 ms are five batches or six, each 2E - N + 1 = 5 frames.
    assert!(network.messages() <= 6 * 5, "{} frames", network.messages());
    assert_eq!(network.router(2).known_rooms(), 1_000);
}
