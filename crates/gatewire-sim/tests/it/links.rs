//! Links are like TCP: in order, without gaps, and gone with all that was under way.

use std::time::Duration;

use gatewire_sim::{Fault, LinkConfig, Loss, NodeIndex, Sent, Tally, Time, Topology};

use crate::probe::{A, B, LINK, Number, Seen, at, exact, ms, pair, send, settled};

#[test]
fn one_end_learns_of_a_connection_one_latency_after_the_other() {
    let simulation = pair(exact());
    let mut ups = [A, B].map(|node| at(&simulation.view(), node).when(Seen::Up(0)));
    ups.sort();
    let after = |duration| Some(Time::ZERO + duration);
    assert_eq!(ups, [after(ms(100)), after(ms(110))]);
}

#[test]
fn messages_arrive_in_order_after_a_latency_in_the_range() {
    let config = LinkConfig { latency: ms(5)..=ms(50), ..exact() };
    let mut simulation = pair(config);
    let sent = simulation.now();
    for number in 0..100 {
        send(&mut simulation, A, [number]);
    }
    simulation.run_for(ms(1000)).expect("nothing is checked");
    let view = simulation.view();
    let receiver = at(&view, B);
    assert_eq!(receiver.got(), (0..100).collect::<Vec<_>>());
    let arrival = |number| receiver.when(Seen::Got(0, number)).expect("it arrived") - sent;
    assert!(arrival(0) >= ms(5) && arrival(99) <= ms(50));
    assert!(arrival(99) > arrival(0), "latencies are drawn for each message");
    assert!(receiver.diary.is_sorted_by_key(|(at, _)| *at));
}

#[test]
fn a_message_waits_until_its_receiver_knows_the_connection() {
    let mut simulation = pair(exact());
    simulation.inject(&Fault::Reset { link: LINK, loss: Loss::Reset });
    // The first end is up after 100 ms, the other 10 ms later.
    simulation.run_for(ms(100)).expect("nothing is checked");
    send(&mut simulation, A, [1]);
    send(&mut simulation, B, [2]);
    simulation.run_for(ms(50)).expect("nothing is checked");
    let view = simulation.view();
    let got: Vec<Vec<u64>> = [A, B].map(|node| at(&view, node).got()).into();
    assert_eq!(got.concat().len(), 1, "the end that does not know the connection sends nothing");
    for node in [A, B] {
        let seen = at(&view, node).seen();
        let up = seen.iter().rposition(|seen| *seen == Seen::Up(0));
        let message = seen.iter().rposition(|seen| matches!(seen, Seen::Got(..)));
        assert!(message.is_none_or(|message| Some(message) > up));
    }
    assert_eq!(simulation.report().refused, 1);
}

#[test]
fn what_is_under_way_when_a_link_breaks_is_lost_and_what_is_behind_it_too() {
    let mut simulation = pair(exact());
    send(&mut simulation, A, [1]);
    simulation.run_for(ms(5)).expect("nothing is checked");
    send(&mut simulation, A, [2]);
    simulation.run_for(ms(6)).expect("nothing is checked");
    simulation.inject(&Fault::Reset { link: LINK, loss: Loss::Silent });
    // A has not noticed: it writes into a dead socket.
    send(&mut simulation, A, [3]);
    simulation.run_for(ms(200)).expect("nothing is checked");
    send(&mut simulation, A, [4]);
    simulation.run_for(ms(200)).expect("nothing is checked");
    assert_eq!(at(&simulation.view(), B).got(), [1, 4]);
    let report = simulation.report();
    assert_eq!((report.delivered, report.lost, report.refused), (2, 1, 1));
    assert_eq!(report.total(), Tally { messages: 3, bytes: 300 });
    assert_eq!((report.of("odd").messages, report.of("even").messages), (1, 2));
}

#[test]
fn a_reset_is_known_after_one_latency_and_a_silent_loss_after_the_time_to_detect_it() {
    for (loss, expected) in [(Loss::Reset, ms(10)), (Loss::Silent, ms(3000))] {
        let mut simulation = pair(exact());
        let cut = simulation.now();
        simulation.inject(&Fault::Cut { link: LINK, loss });
        simulation.run_for(ms(5000)).expect("nothing is checked");
        for node in [A, B] {
            let down = at(&simulation.view(), node).when(Seen::Down(0)).expect("it learned");
            assert_eq!(down - cut, expected);
        }
    }
}

#[test]
fn a_new_connection_tells_that_the_old_one_is_lost() {
    let mut simulation = pair(exact());
    simulation.inject(&Fault::Reset { link: LINK, loss: Loss::Silent });
    simulation.run_for(ms(5000)).expect("nothing is checked");
    for node in [A, B] {
        let view = simulation.view();
        let probe = at(&view, node);
        assert_eq!(probe.seen(), [Seen::Start, Seen::Up(0), Seen::Down(0), Seen::Up(0)]);
        assert_eq!(probe.when(Seen::Down(0)), probe.when(Seen::Up(0)));
    }
}

#[test]
fn a_stalled_direction_holds_what_comes_and_lets_it_through_in_order() {
    let mut simulation = pair(exact());
    send(&mut simulation, A, [1]);
    simulation.inject(&Fault::Stall { link: LINK, deaf: B });
    send(&mut simulation, A, [2]);
    send(&mut simulation, B, [9]);
    simulation.run_for(ms(5000)).expect("nothing is checked");
    send(&mut simulation, A, [3]);
    assert_eq!(at(&simulation.view(), B).got(), []);
    assert_eq!(at(&simulation.view(), A).got(), [9], "the other direction goes on");
    let resumed = simulation.now();
    simulation.inject(&Fault::Resume { link: LINK, deaf: B });
    simulation.run_for(ms(100)).expect("nothing is checked");
    let view = simulation.view();
    assert_eq!(at(&view, B).got(), [1, 2, 3]);
    assert_eq!(at(&view, B).when(Seen::Got(0, 2)), Some(resumed));
    assert_eq!(at(&view, B).when(Seen::Got(0, 3)), Some(resumed + ms(10)));
}

#[test]
fn a_stall_that_ends_before_a_message_arrives_changes_nothing() {
    let mut simulation = pair(exact());
    let begin = simulation.now();
    send(&mut simulation, A, [1]);
    simulation.run_for(ms(5)).expect("nothing is checked");
    send(&mut simulation, A, [2]);
    simulation.inject(&Fault::Stall { link: LINK, deaf: B });
    simulation.inject(&Fault::Resume { link: LINK, deaf: B });
    simulation.run_for(ms(100)).expect("nothing is checked");
    let view = simulation.view();
    let arrivals = [1, 2].map(|n| at(&view, B).when(Seen::Got(0, n)).expect("it arrived") - begin);
    assert_eq!(arrivals, [ms(10), ms(15)]);
}

#[test]
fn a_network_with_held_messages_is_not_quiet() {
    let mut simulation = pair(exact());
    simulation.inject(&Fault::Stall { link: LINK, deaf: B });
    send(&mut simulation, A, [1]);
    let violation = simulation.run_until_quiet(ms(60_000)).expect_err("it cannot become quiet");
    assert_eq!(violation.invariant, "becomes quiet");
}

#[test]
fn held_messages_are_lost_with_their_connection() {
    let mut simulation = pair(exact());
    simulation.inject(&Fault::Stall { link: LINK, deaf: B });
    send(&mut simulation, A, [1, 2]);
    simulation.run_for(ms(50)).expect("nothing is checked");
    simulation.inject(&Fault::Reset { link: LINK, loss: Loss::Reset });
    simulation.inject(&Fault::Resume { link: LINK, deaf: B });
    simulation.run_until_quiet(ms(60_000)).expect("nothing is held any more");
    assert_eq!(at(&simulation.view(), B).got(), []);
    assert_eq!(simulation.report().lost, 2);
}

#[test]
fn a_bandwidth_spreads_messages_and_a_full_queue_refuses_them() {
    let config = LinkConfig { bandwidth: Some(10_000), queue: 250, ..exact() };
    let mut simulation = pair(config);
    let begin = simulation.now();
    let sent = simulation.call(A, "send", |_, cx| [1, 2, 3].map(|n| cx.send(LINK, Number(n, 100))));
    assert_eq!(sent, Some([Sent::Queued, Sent::Queued, Sent::Full]));
    simulation.run_for(ms(1000)).expect("nothing is checked");
    let view = simulation.view();
    let arrivals = [1, 2].map(|n| at(&view, B).when(Seen::Got(0, n)).expect("it arrived") - begin);
    // 100 bytes take 10 ms to leave, then 10 ms to arrive.
    assert_eq!(arrivals, [ms(20), ms(30)]);
    assert_eq!(simulation.report().refused, 1);
}

#[test]
fn an_empty_queue_takes_a_message_of_any_size() {
    let mut simulation = pair(LinkConfig { bandwidth: Some(1_000_000), queue: 10, ..exact() });
    let sent = simulation.call(A, "send", |_, cx| cx.send(LINK, Number(1, 5_000)));
    assert_eq!(sent, Some(Sent::Queued));
}

#[test]
fn single_messages_vanish_as_often_as_is_said() {
    let mut simulation = pair(LinkConfig { loss: 200_000, ..exact() });
    send(&mut simulation, A, 0..10_000);
    simulation.run_for(ms(1000)).expect("nothing is checked");
    let report = simulation.report();
    assert_eq!(report.delivered + report.lost, 10_000);
    assert!((1_800..2_200).contains(&report.lost), "{}", report.lost);
    assert!(at(&simulation.view(), B).got().is_sorted());
}

#[test]
fn a_node_that_resets_a_link_is_not_told_and_its_peer_is() {
    let mut simulation = pair(exact());
    send(&mut simulation, B, [1]);
    simulation.call(A, "reset", |_, cx| cx.reset(LINK));
    simulation.run_for(ms(1000)).expect("nothing is checked");
    let view = simulation.view();
    assert_eq!(at(&view, A).seen(), [Seen::Start, Seen::Up(0), Seen::Up(0)]);
    assert_eq!(at(&view, B).seen(), [Seen::Start, Seen::Up(0), Seen::Down(0), Seen::Up(0)]);
}

#[test]
fn a_link_can_have_a_behaviour_of_its_own() {
    let mut simulation = settled(&Topology::line(3), exact());
    let slow = LinkConfig { latency: ms(500)..=ms(500), ..exact() };
    simulation.set_link(LINK, slow);
    let begin = simulation.now();
    send(&mut simulation, A, [1]);
    simulation.run_for(Duration::from_secs(1)).expect("nothing is checked");
    let view = simulation.view();
    assert_eq!(at(&view, B).when(Seen::Got(0, 1)), Some(begin + ms(500)));
    assert_eq!(view.sent(LINK, B), Tally { messages: 1, bytes: 100 });
    assert_eq!(view.sent(LINK, A), Tally::default());
}

#[test]
fn two_nodes_may_share_several_links() {
    let twice = Topology::new(2).link(A, B).link(B, A);
    let mut simulation = settled(&twice, exact());
    let links = simulation.call(A, "look", |_, cx| {
        let links: Vec<_> = cx.links().map(|link| (link.0, cx.peer(link))).collect();
        links
    });
    assert_eq!(links, Some(vec![(0, NodeIndex(1)), (1, NodeIndex(1))]));
}
