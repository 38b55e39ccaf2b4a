//! Frames for sets of nodes: one copy on each link of the tree, one for each node, by the shortest ways.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::BytesMut;
use gatewire_cluster::forward::{MAX_HOPS, OriginOrder, Passing, Split};
use gatewire_cluster::{LinkError, LinkId, NodeId, NodeName, Router};
use gatewire_codec::v3::control::{Control, encode};
use gatewire_codec::v3::routed::{Carried, RoutedHeader, encode_routed};
use gatewire_codec::{DecodeError, Field, Names, SocketId, Target};

use crate::network::{CLUSTER, Network, Restart};

/// What became of one frame.
#[derive(Debug, Default)]
struct Sent {
    /// How often each node got it, and over how many links it had come.
    delivered: BTreeMap<usize, Vec<u8>>,
    /// How often it crossed each cable.
    copies: BTreeMap<usize, usize>,
    unreachable: usize,
    expired: usize,
}

const QUIET: Duration = Duration::from_secs(10);

fn line(nodes: usize) -> Network {
    let mut network = Network::new(1);
    for node in 0..nodes {
        network.add_node(&format!("node {node}"));
    }
    for node in 1..nodes {
        network.add_cable(node - 1, node, 1);
    }
    network.run(QUIET);
    network
}

/// Sends one frame from `origin` to those whom `target` addresses, at once.
fn send(network: &Network, origin: usize, target: &Target<'_>) -> Sent {
    send_in(network, origin, target, 7)
}

fn send_in(network: &Network, origin: usize, target: &Target<'_>, flow: u8) -> Sent {
    let router = network.places[origin].router.as_ref().expect("it lives");
    let (mut nodes, mut unknown) = (Vec::new(), 0);
    router.addressed(target, &mut nodes, |_| unknown += 1);
    let mut split = Split::default();
    let passing = router.begin(Carried::Events, flow, 1);
    router.split((passing.origin, flow), nodes.into_iter(), None, &mut split);
    let mut sent = Sent { unreachable: unknown, ..Sent::default() };
    let mut under_way = VecDeque::new();
    pass_on(network, origin, &passing, &split, &mut sent, &mut under_way);
    while let Some((node, link, frame)) = under_way.pop_front() {
        let router = network.places[node].router.as_ref().expect("it lives");
        let arrived = router.arrive(link, &frame[4..], &mut split).expect("it is a good frame");
        assert_eq!(arrived.payload, b"payload");
        if arrived.here {
            let hops = MAX_HOPS - 1 - arrived.passing.ttl;
            sent.delivered.entry(node).or_default().push(hops);
        }
        pass_on(network, node, &arrived.passing, &split, &mut sent, &mut under_way);
    }
    sent
}

fn pass_on(
    network: &Network,
    node: usize,
    passing: &Passing,
    split: &Split,
    sent: &mut Sent,
    under_way: &mut VecDeque<(usize, LinkId, BytesMut)>,
) {
    sent.unreachable += split.unreachable.len();
    sent.expired += split.expired.len();
    let router = network.places[node].router.as_ref().expect("it lives");
    for branch in split.branches() {
        let mut frame = BytesMut::new();
        let header = router.header(passing, branch.link).expect("the link knows the origin");
        let parts: &[&[u8]] = &[b"pay", b"load"];
        encode_routed(&header, branch.numbers(), parts, &mut frame).expect("it is short");
        let number = usize::from(branch.link.0);
        *sent.copies.entry(number).or_default() += 1;
        let ends = network.cables[number].ends;
        let other = if ends[0] == node { ends[1] } else { ends[0] };
        under_way.push_back((other, branch.link, frame));
    }
}

fn room<'a>(names: &'a [&'a str]) -> Target<'a> {
    Target { rooms: Names::from_slice(names), ..Target::default() }
}

#[test]
fn a_room_message_crosses_each_link_of_the_tree_once_and_no_other() {
    // A ring of six, and a member at each of three nodes that follow each other.
    let mut network = line(6);
    network.add_cable(5, 0, 1);
    for node in [1, 2, 3] {
        network.join(node, "room 1");
    }
    network.run(QUIET);
    let sent = send(&network, 0, &room(&["room 1"]));
    assert_eq!(sent.delivered.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert!(sent.delivered.values().all(|copies| copies.len() == 1));
    // Node 3 lies three links away on both ways.
    let tree: usize = sent.copies.values().sum();
    assert!(sent.copies.values().all(|copies| *copies == 1), "{:?}", sent.copies);
    assert!([3, 5].contains(&tree), "{:?}", sent.copies);
    assert_eq!((sent.unreachable, sent.expired), (0, 0));
}

#[test]
fn everybody_in_several_rooms_gets_one_copy_and_nothing_goes_where_no_member_lives() {
    let mut network = line(5);
    network.join(1, "a");
    network.join(1, "b");
    network.join(2, "b");
    network.run(QUIET);
    let sent = send(&network, 0, &room(&["a", "b", "nobody"]));
    assert_eq!(sent.delivered, BTreeMap::from([(1, vec![1]), (2, vec![2])]));
    assert_eq!(sent.copies, BTreeMap::from([(0, 1), (1, 1)]));
    let everyone = Target { everyone: true, ..Target::default() };
    let sent = send(&network, 2, &everyone);
    assert_eq!(sent.delivered.keys().copied().collect::<Vec<_>>(), [0, 1, 3, 4]);
    assert!(sent.copies.values().all(|copies| *copies == 1));
    assert_eq!(sent.copies.len(), 4);
}

#[test]
fn a_socket_is_a_set_of_one_node() {
    let network = line(4);
    let session = SocketId::from_bytes([7; 16]);
    let there = format!("node 3/{session}");
    let here = format!("node 0/{session}");
    let bare = session.to_string();
    let nowhere = format!("node 9/{session}");
    let names = [&*there, &*there, &*here, &*bare, &*nowhere];
    let target = Target { sockets: Names::from_slice(&names), ..Target::default() };
    let sent = send(&network, 0, &target);
    assert_eq!(sent.delivered, BTreeMap::from([(3, vec![3])]));
    assert_eq!((sent.copies.len(), sent.unreachable), (3, 1));
}

#[test]
fn what_cannot_be_reached_any_more_is_told() {
    let mut network = line(4);
    network.join(1, "room 1");
    network.join(3, "room 1");
    network.run(QUIET);
    // Before the routes are computed anew, only the link itself is known to be gone.
    network.cut(0);
    let sent = send(&network, 0, &room(&["room 1"]));
    assert_eq!((sent.delivered.len(), sent.unreachable), (0, 2));
}

#[test]
fn a_frame_crosses_so_many_links_and_no_more() {
    let farthest = usize::from(MAX_HOPS);
    let network = line(farthest + 3);
    let everyone = Target { everyone: true, ..Target::default() };
    let sent = send(&network, 0, &everyone);
    assert_eq!(sent.delivered.len(), farthest);
    assert_eq!(sent.expired, 2);
}

#[test]
fn frames_that_break_the_protocol_are_told_from_those_that_do_not() {
    let network = line(3);
    let router = network.places[1].router.as_ref().expect("it lives");
    let mut split = Split::default();
    let mut arrive = |link, origin, destinations: &[u32]| {
        let carried = Carried::Events;
        let header = RoutedHeader { carried, ttl: 3, flow: 0, origin, nonce: 1, sequence: 1 };
        let mut frame = BytesMut::new();
        encode_routed(&header, destinations, &[], &mut frame).expect("it is short");
        router.arrive(LinkId(link), &frame[4..], &mut split).map(|arrived| arrived.here)
    };
    assert_eq!(arrive(0, 999, &[0]), Err(LinkError::UnknownNumber { number: 999 }));
    assert_eq!(arrive(0, 0, &[998]), Err(LinkError::UnknownNumber { number: 998 }));
    assert_eq!(arrive(9, 0, &[0]), Err(LinkError::UnknownLink { link: LinkId(9) }));
    let cut = LinkError::Decode(DecodeError::Truncated { field: Field::Flags });
    assert_eq!(router.arrive(LinkId(0), &[3, 57], &mut split).map(|_| ()), Err(cut));
}

#[test]
fn who_has_left_still_learns_the_numbers_that_frames_use_until_its_links_close() {
    let mut network = line(3);
    let now = network.now;
    let router = network.router(1);
    router.leave_cluster(now);
    let frame_for = |router: &Router, number| {
        let mut split = Split::default();
        let header = RoutedHeader {
            carried: Carried::Events,
            ttl: 3,
            flow: 0,
            origin: 0,
            nonce: 1,
            sequence: 1,
        };
        let mut frame = BytesMut::new();
        encode_routed(&header, &[number], &[], &mut frame).expect("it is short");
        router.arrive(LinkId(0), &frame[4..], &mut split).map(|_| split.unreachable)
    };
    let unknown = |number: &u32| frame_for(router, *number).is_err();
    let number = (0..9).find(unknown).expect("there are few nodes");
    let fresh = NodeName::new(CLUSTER, "fresh").expect("the name is good");
    let definition = Control::NodeDef { number, id: fresh.id(), name: fresh.as_str() };
    let mut frame = BytesMut::new();
    encode(&definition, &mut frame).expect("it is short");
    assert_eq!(router.handle_frame(now, LinkId(0), &frame[4..]), Ok(()));
    assert_eq!(frame_for(router, number), Ok(vec![fresh.id()]));
}

#[test]
fn flows_of_one_origin_spread_over_equal_ways_and_each_keeps_its_own() {
    // A square: two equal ways to the opposite corner.
    let mut network = line(4);
    network.add_cable(3, 0, 1);
    network.run(QUIET);
    let router = network.places[0].router.as_ref().expect("it lives");
    let (own, corner) = (network.id(0), network.id(2));
    let hop = |flow: u8| router.next_hop(corner, own, flow).expect("there is a way");
    let mut flows: BTreeMap<LinkId, usize> = BTreeMap::new();
    for flow in 0..=255 {
        *flows.entry(hop(flow)).or_default() += 1;
        assert_eq!(hop(flow), hop(flow));
    }
    assert!(flows.len() == 2 && flows.values().all(|count| *count > 64), "{flows:?}");
}

#[test]
fn equal_ways_that_part_do_not_meet_again_so_a_frame_takes_one_tree() {
    // A cube: three ways begin at a corner, all of which lead to the opposite one, and two to the others of a face.
    let mut network = Network::new(1);
    for corner in 0..8 {
        network.add_node(&format!("corner {corner}"));
    }
    for corner in 0..8 {
        for edge in [1, 2, 4].into_iter().filter(|edge| corner & edge == 0) {
            network.add_cable(corner, corner | edge, 1);
        }
    }
    network.run(QUIET);
    let everyone = Target { everyone: true, ..Target::default() };
    for flow in 0..=255 {
        let sent = send_in(&network, 0, &everyone, flow);
        assert_eq!(sent.delivered.len(), 7);
        assert_eq!(sent.copies.values().sum::<usize>(), 7, "flow {flow}: {:?}", sent.copies);
    }
}

/// Sends a frame of node 0 to the other end of a line of three; what node 1 then sends to node 2.
fn to_the_end(network: &Network, sequence: u64) -> BytesMut {
    let own = network.id(0);
    let mut split = Split::default();
    let router = network.places[0].router.as_ref().expect("it lives");
    let mut passing = router.begin(Carried::Events, 7, sequence);
    let mut frame = BytesMut::new();
    router.split((own, 7), [network.id(2)].into_iter(), None, &mut split);
    for (node, link) in [(0, LinkId(0)), (1, LinkId(1))] {
        let router = network.places[node].router.as_ref().expect("it lives");
        if node == 1 {
            passing = router.arrive(LinkId(0), &frame[4..], &mut split).expect("good").passing;
        }
        let header = router.header(&passing, link).expect("the link knows the origin");
        frame.clear();
        let numbers = split.branches()[0].numbers();
        encode_routed(&header, numbers, &[], &mut frame).expect("it is short");
    }
    frame
}

#[test]
fn what_comes_of_a_life_that_is_over_is_late_and_shuts_out_nobody() {
    let mut network = line(3);
    let straggler = to_the_end(&network, 1);
    network.restart(0, Restart::CounterKept);
    network.run(QUIET);
    let arrive = |frame: &BytesMut| {
        let router = network.places[2].router.as_ref().expect("it lives");
        let mut split = Split::default();
        let arrived = router.arrive(LinkId(1), &frame[4..], &mut split).expect("it is good");
        assert!(arrived.here);
        (arrived.outlived, arrived.passing)
    };
    let (outlived, of_old) = arrive(&straggler);
    assert!(outlived);
    let (outlived, first) = arrive(&to_the_end(&network, 1));
    assert!(!outlived);
    assert_ne!(of_old.nonce, first.nonce);
    // The straggler may have come before the new life was known.
    let mut order = OriginOrder::new(of_old.nonce);
    for sequence in 1..3 {
        assert!(order.admit(first.nonce, 7, sequence));
        assert_eq!(order.admit(of_old.nonce, 7, 1), sequence == 1);
    }
}

#[test]
fn an_order_takes_the_frames_of_a_router_and_not_the_same_ones_twice() {
    let network = line(2);
    let router = network.places[0].router.as_ref().expect("it lives");
    let passing = router.begin(Carried::Events, 3, 1);
    let mut order = OriginOrder::new(passing.nonce);
    assert!(order.admit(passing.nonce, passing.flow, passing.sequence));
    assert!(!order.admit(passing.nonce, passing.flow, passing.sequence));
    let _own: NodeId = passing.origin;
}
