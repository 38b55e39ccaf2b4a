//! How many members rooms have, and where.

use gatewire_codec::ValueRef;
use gatewire_codec::legacy::{Kind, Policy};
use gatewire_legacy::uplink::{Cost, LinkUp, NameError, Output, RoomRefused};

use super::network::{Alone, Network, Told, frame, gone_json, link_json, room_json, rooms};

/// What a gateway says of its own rooms.
fn own(kind: Kind, room: &str, members: u64) -> Told {
    Told::add(kind, "host1", &room_json("host1", room, members))
}

#[test]
fn leaving_a_room_that_nobody_is_in_sends_nothing() {
    let mut alone = Alone::new("host1");
    alone.linked_to("host2");
    alone.gateway.set_room("r", 0).expect("a good name");
    assert_eq!(alone.sent(), []);
}

#[test]
fn a_frame_without_data_is_ignored() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    for kind in [Kind::LinkLeaveRoom, Kind::LinkJoinRoom, Kind::NewLink, Kind::DelLink] {
        alone.gateway.handle_frame(link, &frame(kind, Policy::Add, "host2", ValueRef::Empty));
    }
    assert_eq!(alone.outputs(), []);
    assert_eq!(alone.gateway.counters().empty, 4);
    assert_eq!(alone.hosts(), ["host2"]);
}

#[test]
fn the_same_count_again_is_not_told() {
    // A second join of the same socket does not make it two members.
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.gateway.set_room("r", 1).expect("a good name");
    alone.gateway.set_room("r", 1).expect("a good name");
    assert_eq!(alone.sent(), [(link, own(Kind::LinkJoinRoom, "r", 1))]);
}

#[test]
fn members_stay_members_when_others_leave_what_they_were_not_in() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &room_json("host2", "r", 1)));
    alone.gateway.set_room("r", 0).expect("a good name");
    assert_eq!(alone.hosts_of("r"), ["host2"]);
}

#[test]
fn counts_are_absolute_and_none_is_none() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let join = |members| Told::add(Kind::LinkJoinRoom, "host2", &room_json("host2", "r", members));
    let leave =
        |members| Told::add(Kind::LinkLeaveRoom, "host2", &room_json("host2", "r", members));
    alone.hears(link, &join(3));
    alone.hears(link, &leave(0));
    assert!(alone.hosts_of("r").is_empty(), "the originals keep two");
    alone.hears(link, &join(0));
    assert!(alone.hosts_of("r").is_empty(), "the originals make it one");
    alone.hears(link, &join(2));
    alone.hears(link, &leave(1));
    assert_eq!(alone.hosts_of("r"), ["host2"]);
}

#[test]
fn an_original_is_led_to_none_by_way_of_one() {
    // Of "0" it makes one less than it knows.
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.gateway.set_room("r", 5).expect("a good name");
    alone.gateway.set_room("r", 3).expect("a good name");
    alone.gateway.set_room("r", 0).expect("a good name");
    let told: Vec<_> = alone.sent().into_iter().map(|(to, told)| (to == link, told)).collect();
    let expected = [
        own(Kind::LinkJoinRoom, "r", 5),
        own(Kind::LinkLeaveRoom, "r", 3),
        own(Kind::LinkLeaveRoom, "r", 1),
        own(Kind::LinkLeaveRoom, "r", 0),
    ];
    assert_eq!(told, expected.map(|told| (true, told)));
}

#[test]
fn rooms_of_a_lost_host_are_forgotten_and_a_new_link_brings_the_whole_truth() {
    let mut network = Network::new(3);
    network.link(0, 1);
    network.link(1, 2);
    network.settle();
    network.gateways[2].set_room("r", 1).expect("a good name");
    network.gateways[2].set_room("s", 1).expect("a good name");
    network.settle();
    assert_eq!(network.gateways[0].hosts_of("r").collect::<Vec<_>>(), ["host2"]);
    network.cut(1, 2);
    network.settle();
    assert_eq!(network.gateways[0].rooms().count(), 0);
    network.gateways[2].set_room("r", 0).expect("a good name");
    network.link(1, 2);
    network.settle();
    assert_eq!(network.gateways[0].rooms().collect::<Vec<_>>(), ["s"]);
}

#[test]
fn rooms_of_a_host_behind_a_lost_link_are_forgotten() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.behind(link, "host2", "host3");
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &room_json("host3", "r", 1)));
    assert_eq!(alone.outputs(), [Output::RoomChanged { room: "r".into(), present: true }]);
    let gone = gone_json("host3", "host2", "host3/down/xx/host2");
    alone.hears(link, &Told::add(Kind::DelLink, "host2", &gone));
    assert_eq!(alone.outputs(), [Output::RoomChanged { room: "r".into(), present: false }]);
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &room_json("host3", "r", 1)));
    assert_eq!(alone.gateway.counters().lost_hosts, 1);
}

#[test]
fn a_room_is_there_from_its_first_host_to_its_last() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.behind(link, "host2", "host3");
    let mut presence = Vec::new();
    for (host, members) in [("host2", 1), ("host3", 4), ("host2", 0), ("host3", 0)] {
        alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &room_json(host, "r", members)));
        presence.push(alone.outputs());
    }
    let change = |present| vec![Output::RoomChanged { room: "r".into(), present }];
    assert_eq!(presence, [change(true), vec![], vec![], change(false)]);
}

#[test]
fn what_others_say_of_a_neighbours_rooms_is_not_believed() {
    // Their copies may be late; its own link keeps the order.
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let other = alone.linked_to("host3");
    alone.hears(other, &Told::add(Kind::LinkJoinRoom, "host3", &room_json("host2", "r", 1)));
    assert_eq!(alone.gateway.counters().not_theirs, 1);
    assert_eq!(alone.outputs(), []);
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &room_json("host2", "r", 1)));
    assert_eq!(alone.hosts_of("r"), ["host2"]);
}

#[test]
fn what_others_have_said_of_a_neighbours_rooms_counts_once_its_link_has_ended() {
    // It was dead for a while already, and nobody tells again what was told then.
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let other = alone.linked_to("host3");
    let third = alone.linked_to("host4");
    alone.behind(other, "host3", "host2");
    let host2 = |room, members| room_json("host2", room, members);
    for room in ["left", "stays", "late"] {
        alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &host2(room, 1)));
    }
    // Copies of what it has said itself, which is settled.
    alone.hears(other, &Told::add(Kind::LinkJoinRoom, "host3|host2", &host2("late", 5)));
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &host2("late", 5)));
    alone.hears(link, &Told::add(Kind::LinkLeaveRoom, "host2", &host2("late", 2)));
    alone.hears(other, &Told::add(Kind::LinkJoinRoom, "host3|host2", &host2("stays", 1)));
    // What it has said since.
    alone.hears(other, &Told::add(Kind::LinkLeaveRoom, "host3|host2", &host2("left", 0)));
    alone.hears(other, &Told::add(Kind::LinkJoinRoom, "host3|host2", &host2("new", 1)));
    alone.hears(other, &Told::add(Kind::LinkJoinRoom, "host3|host2", &host2("new", 3)));
    assert_eq!(alone.hosts_of("left"), ["host2"], "as long as its link is up");
    alone.outputs();
    alone.gateway.link_down(link);
    assert_eq!(alone.hosts(), ["host2", "host3", "host4"]);
    assert_eq!(alone.hosts_of("left"), [""; 0]);
    for room in ["stays", "new", "late"] {
        assert_eq!(alone.hosts_of(room), ["host2"], "{room}");
    }
    let outputs = alone.outputs();
    let told = |kind, room, members| Told::add(kind, "host1|host2", &host2(room, members));
    let left = told(Kind::LinkLeaveRoom, "left", 0);
    let new = told(Kind::LinkJoinRoom, "new", 3);
    for to in [other, third] {
        let sent = outputs.iter().filter_map(|output| match output {
            Output::Send { link, frame } if *link == to => Some(Told::read(frame)),
            _ => None,
        });
        let of_rooms: Vec<_> = sent.filter(|told| told.kind != Kind::DelLink).collect();
        assert_eq!(of_rooms, [left.clone(), new.clone()]);
    }
    let changed = |room: &str, present| Output::RoomChanged { room: room.into(), present };
    assert!(outputs.contains(&changed("left", false)) && outputs.contains(&changed("new", true)));
}

#[test]
fn what_others_have_said_of_a_host_that_cannot_be_reached_any_more_counts_for_nothing() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let other = alone.linked_to("host3");
    alone.hears(other, &Told::add(Kind::LinkJoinRoom, "host3", &room_json("host2", "r", 1)));
    alone.gateway.link_down(link);
    assert_eq!(alone.gateway.rooms().count(), 0);
    // Nor does it for the next link, which brings the whole truth.
    let up = LinkUp { link: "L", host: "host2", cost: Cost::ONE, last_message_id: 3 };
    let link = alone.gateway.link_up(&up).expect("it comes up");
    alone.behind(other, "host3", "host2");
    alone.gateway.link_down(link);
    assert_eq!(alone.gateway.rooms().count(), 0);
}

#[test]
fn what_is_kept_of_what_others_say_has_a_bound() {
    use gatewire_legacy::uplink::MAX_ROOMS_PER_HOST;
    let mut alone = Alone::new("host1");
    alone.linked_to("host2");
    let other = alone.linked_to("host3");
    for room in 0..=MAX_ROOMS_PER_HOST {
        let json = room_json("host2", &room.to_string(), 1);
        alone.hears(other, &Told::add(Kind::LinkJoinRoom, "host3", &json));
    }
    assert_eq!(alone.gateway.counters().over_bound, 1);
}

#[test]
fn names_that_javascript_objects_have_are_in_no_table() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.linked_to("host3");
    for room in ["__proto__", "constructor", "toString", ""] {
        alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &room_json("host2", room, 1)));
    }
    let json = room_json("__proto__", "r", 1);
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &json));
    let json = link_json("host2", "host4", "__proto__", 1);
    alone.hears(link, &Told::add(Kind::NewLink, "host2", &json));
    assert_eq!(alone.outputs(), [], "and nobody is told");
    assert_eq!(alone.gateway.counters().bad_names, 6);
    let refused = alone.gateway.set_room("__proto__", 1);
    assert_eq!(refused, Err(RoomRefused::Name(NameError::Prototype)));
    // Nor does one of them travel in a message.
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &room_json("host2", "r", 1)));
    alone.outputs();
    alone.publish(&rooms(&["r", "__proto__"]), ValueRef::Integer(1)).expect("it goes");
    let json = r#"{"event":"e","data":1,"rooms":["r"],"except":[]}"#;
    assert_eq!(alone.sent(), [(link, Told::sub(Kind::DataToRoom, "host2", json))]);
}

#[test]
fn tables_have_bounds() {
    use gatewire_legacy::uplink::MAX_ROOMS_PER_HOST;
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    for room in 0..=MAX_ROOMS_PER_HOST {
        let json = room_json("host2", &room.to_string(), 1);
        alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &json));
    }
    assert_eq!(alone.gateway.counters().over_bound, 1);
    assert_eq!(alone.gateway.rooms().count(), MAX_ROOMS_PER_HOST);
}
