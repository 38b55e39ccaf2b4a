//! Links that come up, are told of, and end.

use gatewire_codec::legacy::{Kind, Policy};
use gatewire_codec::{DecodeError, ValueRef};
use gatewire_legacy::uplink::{
    CloseReason, Cost, Gateway, LinkRefused, LinkUp, MAX_LINKS, NameError, Output,
};

use super::network::{Alone, Network, Told, frame, gone_json, link_json, room_json};

fn up<'a>(link: &'a str, host: &'a str) -> LinkUp<'a> {
    LinkUp { link, host, cost: Cost::ONE, last_message_id: 3 }
}

#[test]
fn a_new_neighbour_is_told_the_link_then_all_links_then_the_rooms() {
    let mut alone = Alone::new("host1");
    let first = alone.linked_to("host2");
    alone.gateway.set_room("own", 2).expect("a good name");
    alone.hears(first, &Told::add(Kind::LinkJoinRoom, "host2", &room_json("host2", "r", 3)));
    alone.outputs();
    let second = alone.gateway.link_up(&up("L", "host3")).expect("it comes up");
    let to = |link| move |(to, told): (_, Told)| (to == link).then_some(told);
    let sent = alone.sent();
    let new = link_json("host1", "host3", "L", 1);
    let new = Told::add(Kind::NewLink, "host1", &new);
    let to_first: Vec<_> = sent.iter().cloned().filter_map(to(first)).collect();
    assert_eq!(to_first, std::slice::from_ref(&new));
    let to_second: Vec<_> = sent.into_iter().filter_map(to(second)).collect();
    let old = "host2/down/xx/link";
    let expected = [
        new.clone(),
        Told::add(Kind::NewLink, "host1", &link_json("host1", "host2", old, 1)),
        new,
        Told::add(Kind::NewLink, "host1", &link_json("host2", "host1", old, 1)),
        Told::add(Kind::LinkJoinRoom, "host1", &room_json("host1", "own", 2)),
        Told::add(Kind::LinkJoinRoom, "host1|host2", &room_json("host2", "r", 3)),
    ];
    assert_eq!(to_second, expected);
}

#[test]
fn ids_count_up_from_the_last_of_the_handshake() {
    let mut gateway = Gateway::new("host1").expect("a good name");
    gateway.link_up(&LinkUp { last_message_id: u32::MAX - 1, ..up("L", "host2") }).expect("up");
    let ids: Vec<_> = std::iter::from_fn(|| gateway.poll_output())
        .filter_map(|output| match output {
            Output::Send { frame, .. } => {
                Some(gatewire_codec::legacy::Packet::decode(&frame[4..]).expect("a frame").id)
            }
            _ => None,
        })
        .collect();
    assert_eq!(ids, [u32::MAX, 1], "and none is 0");
}

#[test]
fn however_a_link_ends_both_its_directions_are_gone() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let other = alone.linked_to("host3");
    alone.gateway.link_down(link);
    let id = "host2/down/xx/link";
    let gone = |source, destination| {
        (other, Told::add(Kind::DelLink, "host1", &gone_json(source, destination, id)))
    };
    assert_eq!(alone.sent(), [gone("host1", "host2"), gone("host2", "host1")]);
    assert_eq!(alone.hosts(), ["host3"]);
    alone.gateway.link_down(link);
    assert_eq!(alone.outputs(), [], "once");
}

#[test]
fn a_link_that_is_lost_comes_up_again_as_a_new_one() {
    let mut network = Network::new(2);
    for _ in 0..3 {
        network.link(0, 1);
        network.settle();
        assert_eq!(network.gateways[0].hosts().collect::<Vec<_>>(), ["host1"]);
        network.cut(0, 1);
        network.settle();
        assert_eq!(network.gateways[0].hosts().count(), 0);
    }
}

#[test]
fn a_ring_that_opens_sends_no_frame_without_data() {
    let mut network = Network::full_mesh(3);
    // The link is lost at both ends, and each end hears of it from the other one too.
    network.cut(0, 1);
    network.settle();
    assert!(network.closed.is_empty());
    for gateway in &mut network.gateways {
        assert_eq!(gateway.counters().empty, 0);
        assert_eq!(gateway.hosts().count(), 2);
    }
    // A direction that was never told is not told as gone.
    let mut alone = Alone::new("host1");
    alone.linked_to("host3");
    let link = alone.gateway.link_up(&up("L", "host2")).expect("it comes up");
    alone.outputs();
    alone.gateway.link_down(link);
    assert_eq!(alone.sent().len(), 1);
}

#[test]
fn a_second_router_of_a_name_is_refused() {
    let mut alone = Alone::new("host1");
    let first = alone.linked_to("host2");
    assert_eq!(alone.gateway.link_up(&up("L", "host1")), Err(LinkRefused::OwnName));
    assert_eq!(alone.gateway.link_up(&up("L", "host2")), Err(LinkRefused::NameInUse));
    assert_eq!(alone.outputs(), []);
    alone.gateway.link_down(first);
    assert!(alone.gateway.link_up(&up("L", "host2")).is_ok());
}

#[test]
fn links_that_a_second_router_of_the_own_name_tells_are_contradicted() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let json = link_json("host1", "host9", "host9/down/xx/other", 1);
    alone.hears(link, &Told::add(Kind::NewLink, "host2", &json));
    let gone = gone_json("host1", "host9", "host9/down/xx/other");
    assert_eq!(alone.sent(), [(link, Told::add(Kind::DelLink, "host1", &gone))]);
    assert_eq!(alone.hosts(), ["host2"]);
    // And nobody else can take the own link away.
    let gone = gone_json("host1", "host2", "host2/down/xx/link");
    alone.hears(link, &Told::add(Kind::DelLink, "host2", &gone));
    assert_eq!(alone.hosts(), ["host2"]);
    assert_eq!(alone.gateway.counters().not_theirs, 2);
}

#[test]
fn a_link_that_others_take_for_gone_is_told_again_but_not_for_ever() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let other = alone.linked_to("host3");
    let id = "host2/down/xx/link";
    let gone = Told::add(Kind::DelLink, "host3", &gone_json("host1", "host2", id));
    let there = Told::add(Kind::NewLink, "host1", &link_json("host1", "host2", id, 1));
    let mut answers = 0;
    for _ in 0..100 {
        alone.hears(other, &gone);
        let sent = alone.sent();
        if sent.is_empty() {
            break;
        }
        // To all: whoever has passed it on has believed it.
        assert_eq!(sent, [(link, there.clone()), (other, there.clone())]);
        answers += 1;
    }
    assert_eq!(answers, 8);
    assert_eq!(alone.hosts(), ["host2", "host3"]);
    // Another link has answers of its own.
    let gone = gone_json("host1", "host3", "host3/down/xx/link");
    alone.hears(link, &Told::add(Kind::DelLink, "host2", &gone));
    assert_eq!(alone.sent().len(), 2);
}

#[test]
fn a_link_to_this_host_that_is_not_the_one_that_is_up_is_contradicted() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.linked_to("host3");
    // As an original does that has missed the end of the link before: it might send into that one for ever.
    let old = "host2/down/xx/before";
    alone.hears(link, &Told::add(Kind::NewLink, "host2", &link_json("host2", "host1", old, 1)));
    let gone = Told::add(Kind::DelLink, "host1", &gone_json("host2", "host1", old));
    assert_eq!(alone.sent(), [(link, gone.clone())]);
    assert_eq!(alone.gateway.counters().not_theirs, 1);
    // It is not told to others either, nor is one of which this host itself has seen the end.
    let next =
        LinkUp { link: "host4/down/xx/1", host: "host4", cost: Cost::ONE, last_message_id: 3 };
    let first = alone.gateway.link_up(&next).expect("it comes up");
    let json = link_json("host4", "host1", "host4/down/xx/1", 1);
    alone.hears(first, &Told::add(Kind::NewLink, "host4", &json));
    alone.gateway.link_down(first);
    let next = LinkUp { link: "host4/down/xx/2", ..next };
    let second = alone.gateway.link_up(&next).expect("it comes up again");
    alone.outputs();
    alone.hears(second, &Told::add(Kind::NewLink, "host4", &json));
    let gone = Told::add(Kind::DelLink, "host1", &gone_json("host4", "host1", "host4/down/xx/1"));
    assert_eq!(alone.sent(), [(second, gone)]);
}

#[test]
fn names_with_separators_are_no_hosts() {
    for (name, error) in [
        ("", NameError::Empty),
        ("a|b", NameError::Separator { found: '|' }),
        ("a/b", NameError::Separator { found: '/' }),
        ("a,b", NameError::Separator { found: ',' }),
        ("__proto__", NameError::Prototype),
        (&"x".repeat(256), NameError::TooLong { length: 256, limit: 255 }),
    ] {
        assert_eq!(Gateway::new(name).map(|_| ()), Err(error.clone()));
        let mut gateway = Gateway::new("host1").expect("a good name");
        assert_eq!(gateway.link_up(&up("L", name)), Err(LinkRefused::Host(error)));
    }
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.hears(link, &Told::add(Kind::NewLink, "host2", &link_json("host2", "a|b", "L", 1)));
    assert_eq!(alone.gateway.counters().bad_names, 1);
}

#[test]
fn costs_that_are_not_above_zero_are_ignored() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.linked_to("host3");
    for cost in ["0", "-1", "\"1\"", "null", "1e999", "{}"] {
        let json =
            format!(r#"{{"source":"host2","destination":"host4","link":"L","cost":{cost}}}"#);
        alone.hears(link, &Told::add(Kind::NewLink, "host2", &json));
    }
    for json in [gone_json("host2", "host4", "L").as_str(), "5", "null", "[]", "{", "{}"] {
        alone.hears(link, &Told::add(Kind::NewLink, "host2", json));
    }
    let text = frame(Kind::NewLink, Policy::Add, "host2", ValueRef::String("text"));
    alone.gateway.handle_frame(link, &text);
    assert_eq!(alone.gateway.counters().malformed, 13);
    assert_eq!(alone.outputs(), [], "nobody is told");
    assert_eq!(Cost::new(0.0).or(Cost::new(-1.0)).or(Cost::new(f64::NAN)), None);
    // Fractions are costs, and stay what they are.
    let json = r#"{"source":"host2","destination":"host4","link":"L","cost":0.5}"#;
    alone.hears(link, &Told::add(Kind::NewLink, "host2", json));
    assert_eq!(alone.sent()[0].1.json, json);
}

#[test]
fn the_accepting_end_has_a_cost_of_its_own() {
    let mut gateway = Gateway::new("host2").expect("a good name");
    let cost = Cost::from(10);
    gateway.link_up(&LinkUp { cost, ..up("host2/down/xx/1", "host1") }).expect("it comes up");
    let Some(Output::Send { frame, .. }) = gateway.poll_output() else { panic!("it is told") };
    assert_eq!(Told::read(&frame).json, link_json("host2", "host1", "host2/down/xx/1", 10));
}

#[test]
fn a_link_that_is_gone_is_not_revived_by_a_late_copy() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.behind(link, "host2", "host3");
    let id = "host3/down/xx/host2";
    alone.hears(link, &Told::add(Kind::DelLink, "host2", &gone_json("host3", "host2", id)));
    alone.hears(link, &Told::add(Kind::NewLink, "host2", &link_json("host3", "host2", id, 1)));
    assert_eq!(alone.gateway.counters().late_links, 1);
    assert_eq!(alone.hosts(), ["host2"]);
}

#[test]
fn a_broken_frame_ends_its_link_and_no_other() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.linked_to("host3");
    alone.gateway.handle_frame(link, &[2]);
    let outputs = alone.outputs();
    let closed: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::CloseLink { link, reason } => Some((*link, reason.clone())),
            _ => None,
        })
        .collect();
    let CloseReason::Malformed(DecodeError::Truncated { .. }) = &closed[0].1 else {
        panic!("{closed:?}")
    };
    assert_eq!((closed.len(), closed[0].0), (1, link));
    assert_eq!(alone.hosts(), ["host3"]);
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &room_json("host3", "r", 1)));
    assert_eq!(alone.outputs(), [], "it says nothing any more");
}

#[test]
fn a_gateway_has_a_bounded_number_of_links() {
    let mut alone = Alone::new("me");
    for at in 0..MAX_LINKS {
        alone.linked_to(&format!("host{at}"));
    }
    assert_eq!(alone.gateway.link_up(&up("L", "one-more")), Err(LinkRefused::TooMany));
}

#[test]
fn frames_that_routers_do_not_exchange_are_ignored() {
    // Streams among them: they do not cross uplinks of version 2.
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    for kind in
        [Kind::Data, Kind::Ack, Kind::StreamOpen, Kind::Stream, Kind::JoinRoom, Kind::Register]
    {
        alone.gateway.handle_frame(link, &frame(kind, Policy::Sub, "host1", ValueRef::Integer(1)));
    }
    assert_eq!(alone.outputs(), []);
    assert_eq!(alone.gateway.counters().foreign, 6);
}
