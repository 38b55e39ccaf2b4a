//! What befalls nodes and links, and how it is put right.

use std::time::Duration;

use gatewire_sim::{Fault, Loss, Memory, NodeIndex, Topology};

use crate::probe::{A, B, LINK, Seen, at, exact, ms, pair, send, settled};

fn crash(node: NodeIndex) -> Fault {
    Fault::Crash { node, loss: Loss::Reset }
}

fn restart(node: NodeIndex, memory: Memory, clock_back: Duration) -> Fault {
    Fault::Restart { node, memory, clock_back }
}

#[test]
fn a_crash_takes_the_node_and_its_links_and_its_peers_learn_of_it() {
    let mut simulation = settled(&Topology::star(3), exact());
    simulation.inject(&crash(A));
    simulation.run_for(ms(5000)).expect("nothing is checked");
    let view = simulation.view();
    assert!(view.node(A).is_none());
    assert_eq!(view.components(), [vec![NodeIndex(1)], vec![NodeIndex(2)]]);
    for node in [1, 2].map(NodeIndex) {
        assert_eq!(at(&view, node).seen().last(), Some(&Seen::Down(node.0 - 1)));
    }
}

#[test]
fn a_restarted_node_has_what_the_fault_says_and_its_links_come_back() {
    for (memory, remembered) in [(Memory::Kept, Some(2)), (Memory::Lost, None)] {
        let mut simulation = pair(exact());
        simulation.inject(&crash(A));
        simulation.run_for(ms(500)).expect("nothing is checked");
        simulation.inject(&restart(A, memory, ms(0)));
        simulation.run_for(ms(500)).expect("nothing is checked");
        let view = simulation.view();
        let probe = at(&view, A);
        assert_eq!((probe.restarts, probe.remembered), (1, remembered));
        assert_eq!(probe.seen(), [Seen::Start, Seen::Up(0)]);
        assert!(view.is_connected(LINK));
    }
}

#[test]
fn a_calendar_is_set_back_until_the_next_restart() {
    let mut simulation = pair(exact());
    let calendar = |simulation: &gatewire_sim::Simulation<_>| at(&simulation.view(), A).calendar;
    let first = calendar(&simulation);
    simulation.inject(&crash(A));
    simulation.inject(&restart(A, Memory::Kept, ms(3_600_000)));
    assert!(calendar(&simulation) < first);
    let (now, shown) =
        simulation.call(A, "look", |_, cx| (cx.now(), cx.calendar())).expect("it runs");
    assert_eq!(shown, first + now.elapsed() - ms(3_600_000));
    simulation.inject(&crash(A));
    simulation.inject(&restart(A, Memory::Kept, ms(0)));
    assert_eq!(calendar(&simulation), first + now.elapsed());
}

#[test]
fn a_partition_parts_all_links_between_its_sides_and_heals_only_those() {
    let mut simulation = settled(&Topology::ring(6), exact());
    let [own, across] = [LINK, gatewire_sim::LinkIndex(2)];
    simulation.inject(&Fault::Cut { link: own, loss: Loss::Reset });
    let island = [0, 1, 2].map(NodeIndex).to_vec();
    simulation.inject(&Fault::Partition { island, loss: Loss::Silent });
    simulation.run_until_quiet(ms(30_000)).expect("nothing is checked");
    assert!(!simulation.view().is_connected(across));
    let sides = [vec![0], vec![1, 2], vec![3, 4, 5]];
    let sides = sides.map(|side| side.into_iter().map(NodeIndex).collect::<Vec<_>>());
    assert_eq!(simulation.view().components(), sides);
    simulation.inject(&Fault::Heal);
    simulation.run_until_quiet(ms(30_000)).expect("nothing is checked");
    assert!(simulation.view().is_connected(across) && !simulation.view().is_connected(own));
    simulation.inject(&Fault::Restore { link: own });
    simulation.run_until_quiet(ms(30_000)).expect("nothing is checked");
    assert!(simulation.view().is_connected(own));
    assert_eq!(simulation.view().components().len(), 1);
}

#[test]
fn a_fault_that_changes_nothing_is_not_counted() {
    let mut simulation = pair(exact());
    simulation.inject(&Fault::Heal);
    simulation.inject(&Fault::Restore { link: LINK });
    simulation.inject(&restart(A, Memory::Lost, ms(0)));
    simulation.inject(&Fault::Resume { link: LINK, deaf: A });
    let before = simulation.report();
    for _ in 0..2 {
        simulation.inject(&crash(A));
        simulation.inject(&Fault::Reset { link: LINK, loss: Loss::Reset });
        simulation.inject(&Fault::Cut { link: LINK, loss: Loss::Reset });
    }
    let after = simulation.report().since(&before);
    assert_eq!((before.faults, after.faults, after.events), (0, 2, 2));
}

#[test]
fn a_link_between_nodes_that_crashed_waits_for_both() {
    let mut simulation = pair(exact());
    simulation.inject(&crash(A));
    simulation.inject(&crash(B));
    simulation.inject(&restart(A, Memory::Lost, ms(0)));
    simulation.run_for(ms(1000)).expect("nothing is checked");
    assert_eq!(at(&simulation.view(), A).seen(), [Seen::Start]);
    simulation.inject(&restart(B, Memory::Lost, ms(0)));
    simulation.run_for(ms(1000)).expect("nothing is checked");
    assert_eq!(at(&simulation.view(), A).seen(), [Seen::Start, Seen::Up(0)]);
}

#[test]
fn a_connection_that_is_cut_before_it_is_made_is_never_seen() {
    let mut simulation = pair(exact());
    simulation.inject(&Fault::Cut { link: LINK, loss: Loss::Reset });
    simulation.run_for(ms(500)).expect("nothing is checked");
    simulation.inject(&Fault::Restore { link: LINK });
    simulation.run_for(ms(99)).expect("nothing is checked");
    simulation.inject(&Fault::Cut { link: LINK, loss: Loss::Reset });
    simulation.run_for(ms(500)).expect("nothing is checked");
    let expected = [Seen::Start, Seen::Up(0), Seen::Down(0)];
    assert_eq!(at(&simulation.view(), A).seen(), expected);
}

#[test]
fn scheduled_faults_happen_in_their_time() {
    let mut simulation = pair(exact());
    let now = simulation.now();
    simulation.schedule(now + ms(200), Fault::Restore { link: LINK });
    simulation.schedule(now + ms(50), Fault::Cut { link: LINK, loss: Loss::Reset });
    simulation.run_for(ms(1000)).expect("nothing is checked");
    send(&mut simulation, A, [7]);
    simulation.run_for(ms(1000)).expect("nothing is checked");
    let view = simulation.view();
    assert_eq!(at(&view, B).when(Seen::Down(0)), Some(now + ms(60)));
    assert!(at(&view, B).when(Seen::Up(0)) >= Some(now + ms(300)));
    assert_eq!(at(&view, B).got(), [7]);
}
