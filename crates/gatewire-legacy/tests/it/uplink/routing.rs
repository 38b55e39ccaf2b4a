//! By which links messages go.

use gatewire_codec::legacy::Kind;
use gatewire_codec::{Value, ValueRef};
use gatewire_legacy::uplink::{Audience, Delivery, Output, Published};

use super::network::{Alone, Network, Told, link_json, room_json, rooms, sockets};

#[test]
fn only_ids_of_the_own_host_are_delivered() {
    // The originals die of each other one.
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let json =
        r#"{"event":"e","data":1,"socketIds":["host1/down/a/b","host3/down/c/d"],"except":[]}"#;
    alone.hears(link, &Told::sub(Kind::DataToSocket, "host1", json));
    let delivery = Delivery {
        link,
        audience: sockets(&["host1/down/a/b"]),
        event: "e".to_owned(),
        value: Value::Integer(1),
        except: vec![],
    };
    assert_eq!(alone.outputs(), [Output::Deliver(delivery)]);
    let json = r#"{"event":"e","data":1,"socketIds":["host3/down/c/d"],"except":[]}"#;
    alone.hears(link, &Told::sub(Kind::DataToSocket, "host1", json));
    assert_eq!(alone.outputs(), []);
}

#[test]
fn a_socket_of_another_router_is_reached() {
    let mut network = Network::new(3);
    network.link(0, 1);
    network.link(1, 2);
    network.settle();
    let published = network.publish(0, &sockets(&["host2/down/xx/abc"]));
    assert_eq!(published, Published { hosts: 1, unreachable: 0 });
    assert_eq!(network.copies(), [0, 0, 1]);
}

#[test]
fn each_host_gets_its_own_socket_ids_alone() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.behind(link, "host2", "host3");
    let ids = ["host3/down/a/1", "host2/down/b/2", "host3/down/a/3"];
    alone.publish(&sockets(&ids), ValueRef::Integer(1)).expect("it goes");
    let packet = |ids| format!(r#"{{"event":"e","data":1,"socketIds":[{ids}],"except":[]}}"#);
    let expected = [
        Told::sub(Kind::DataToSocket, "host2", &packet(r#""host2/down/b/2""#)),
        Told::sub(Kind::DataToSocket, "host3", &packet(r#""host3/down/a/1","host3/down/a/3""#)),
    ];
    assert_eq!(alone.sent(), expected.map(|told| (link, told)));
}

#[test]
fn a_packet_for_sockets_of_two_hosts_is_taken_apart_on_its_way() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let other = alone.linked_to("host3");
    let json = r#"{"event":"e","data":1,"socketIds":["host1/d/a/b","host3/d/c/d"],"except":[]}"#;
    alone.hears(link, &Told::sub(Kind::DataToSocket, "host1|host3", json));
    let json = r#"{"event":"e","data":1,"socketIds":["host3/d/c/d"],"except":[]}"#;
    assert_eq!(alone.sent(), [(other, Told::sub(Kind::DataToSocket, "host3", json))]);
}

#[test]
fn a_payload_is_passed_on_as_it_is_written() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let other = alone.linked_to("host3");
    // Spaces, an order of keys and numbers that no printer would give back.
    let json = r#"{"except":[], "data" : {"b":1.50,"a":[1e2 , -0.0],"b":"\u0041"},"event":"e"}"#;
    let told = Told::sub(Kind::DataBroadcast, "host3", json);
    alone.hears(link, &told);
    assert_eq!(alone.sent(), [(other, told)]);
    // Half a pair of surrogates and a number beyond all decimals: JSON (RFC 8259), and JavaScript reads both.
    let json = r#"{"event":"e","data":["\ud800",1e999],"except":[]}"#;
    let told = Told::sub(Kind::DataBroadcast, "host3", json);
    alone.hears(link, &told);
    assert_eq!(alone.sent(), [(other, told)]);
}

#[test]
fn a_packet_without_its_exceptions_is_passed_on_with_none() {
    // An original dies of it as it is.
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let other = alone.linked_to("host3");
    for written in
        [r#"{"event":"e","data":[1e999]}"#, r#"{"event":"e","data":[1e999],"except":null}"#]
    {
        alone.hears(link, &Told::sub(Kind::DataBroadcast, "host1|host3", written));
        let outputs = alone.outputs();
        let Output::Send { link: to, frame } = &outputs[0] else { panic!("{outputs:?}") };
        let json = r#"{"event":"e","data":[1e999],"except":[]}"#;
        assert_eq!(
            (*to, Told::read(frame)),
            (other, Told::sub(Kind::DataBroadcast, "host3", json))
        );
        let Output::Deliver(delivery) = &outputs[1] else { panic!("{outputs:?}") };
        assert!(delivery.except.is_empty());
    }
    let json = r#"{"event":"e","data":1,"socketIds":["host3/d/a/b","host1/d/a/b"]}"#;
    alone.hears(link, &Told::sub(Kind::DataToSocket, "host3", json));
    let json = r#"{"event":"e","data":1,"socketIds":["host3/d/a/b"],"except":[]}"#;
    assert_eq!(alone.sent(), [(other, Told::sub(Kind::DataToSocket, "host3", json))]);
}

#[test]
fn a_packet_for_others_is_not_delivered_and_one_for_both_is() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.linked_to("host3");
    let json = r#"{"event":"e","rooms":["r"],"except":["host2/d/a/b"]}"#;
    alone.hears(link, &Told::sub(Kind::DataToRoom, "host3", json));
    assert_eq!(alone.sent().len(), 1);
    alone.hears(link, &Told::sub(Kind::DataToRoom, "host3|host1", json));
    let outputs = alone.outputs();
    let Output::Send { frame, .. } = &outputs[0] else { panic!("{outputs:?}") };
    assert_eq!(Told::read(frame).cells, "host3", "without this host");
    let Output::Deliver(delivery) = &outputs[1] else { panic!("{outputs:?}") };
    assert_eq!(delivery.audience, rooms(&["r"]));
    assert_eq!(
        (&delivery.value, delivery.except.as_slice()),
        (&Value::Empty, &["host2/d/a/b".to_owned()][..])
    );
}

#[test]
fn a_packet_does_not_go_back_to_where_it_came_from() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.behind(link, "host2", "host3");
    let json = r#"{"event":"e","data":1,"except":[]}"#;
    alone.hears(link, &Told::sub(Kind::DataBroadcast, "host3|host2|host9", json));
    assert_eq!(alone.outputs(), []);
    assert_eq!(alone.gateway.counters().circling, 2);
    assert_eq!(alone.gateway.counters().unreachable, 1);
}

#[test]
fn a_packet_does_not_circulate_while_tables_differ() {
    // host0 and host2 believe that host9 is behind host1, which believes that it is behind host0: a ring.
    let mut network = Network::full_mesh(3);
    for (at, behind) in [(0, "host1"), (1, "host2"), (2, "host0")] {
        for (source, destination) in [(behind, "host9"), ("host9", behind)] {
            let told = Told::add(
                Kind::NewLink,
                "host0|host1|host2",
                &link_json(source, destination, &format!("{behind}/x"), 1),
            );
            let link = network.number(at, behind);
            network.gateways[at].handle_frame(link, &told.frame());
        }
    }
    network.settle();
    network.frames = 0;
    for at in 0..3 {
        network.publish(at, &sockets(&["host9/down/xx/1"]));
    }
    assert!(network.frames <= 6, "{} frames for three packets", network.frames);
}

#[test]
fn the_cheapest_way_is_taken_and_links_that_are_only_talked_of_lead_nowhere() {
    let mut alone = Alone::new("host1");
    let dear = alone.linked_to("host2");
    let cheap = alone.linked_to("host3");
    for (from, near, cost) in [(dear, "host2", 10), (cheap, "host3", 1)] {
        let json = link_json(near, "host4", &format!("{near}-4"), cost);
        alone.hears(from, &Told::add(Kind::NewLink, near, &json));
    }
    assert_eq!(alone.hosts(), ["host2", "host3"], "host4 tells of no link of its own");
    let json = link_json("host4", "host2", "host2-4", 1);
    alone.hears(dear, &Told::add(Kind::NewLink, "host4|host2", &json));
    alone.outputs();
    alone.publish(&sockets(&["host4/a/b"]), ValueRef::Empty).expect("it goes");
    assert_eq!(alone.sent()[0].0, cheap);
}

#[test]
fn a_room_reaches_the_hosts_with_members_and_no_others() {
    let mut network = Network::full_mesh(4);
    for at in [1, 3] {
        network.gateways[at].set_room("r", 1).expect("a good name");
    }
    network.settle();
    assert_eq!(network.publish(0, &rooms(&["r", "r", "s"])).hosts, 2);
    assert_eq!(network.copies(), [0, 1, 0, 1]);
    for nobody in [rooms(&[]), sockets(&[]), rooms(&["s"])] {
        assert_eq!(network.publish(0, &nobody), Published::default());
    }
    assert_eq!(network.publish(0, &Audience::Everyone).hosts, 3);
    assert_eq!(network.copies(), [0, 1, 1, 1]);
}

#[test]
fn hosts_that_are_out_of_reach_are_counted() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.hears(link, &Told::add(Kind::LinkJoinRoom, "host2", &room_json("host2", "r", 1)));
    alone.outputs();
    let published = alone.publish(&sockets(&["host7/a/b", "no-host"]), ValueRef::Empty);
    assert_eq!(published, Ok(Published { hosts: 0, unreachable: 1 }));
    assert_eq!(alone.outputs(), []);
}

#[test]
fn nothing_is_published_to_who_is_left_out_and_what_others_send_it_is_passed_on() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let other = alone.linked_to("host3");
    for (link, host) in [(link, "host2"), (other, "host3")] {
        alone.hears(link, &Told::add(Kind::LinkJoinRoom, host, &room_json(host, "r", 1)));
    }
    alone.gateway.leave_out(["host3".into()].into());
    alone.outputs();
    let both = sockets(&["host2/d/a/b", "host3/d/a/b"]);
    for audience in [Audience::Everyone, rooms(&["r"]), both] {
        let published = alone.publish(&audience, ValueRef::Integer(1)).expect("it goes");
        assert_eq!((published.hosts, published.unreachable), (1, 0), "{audience:?}");
        let to: Vec<_> = alone.sent().into_iter().map(|(to, _)| to).collect();
        assert_eq!(to, [link], "{audience:?}");
    }
    let json = r#"{"event":"e","data":1,"except":[]}"#;
    alone.hears(link, &Told::sub(Kind::DataBroadcast, "host3", json));
    assert_eq!(alone.sent(), [(other, Told::sub(Kind::DataBroadcast, "host3", json))]);
    alone.gateway.leave_out([].into());
    let published = alone.publish(&Audience::Everyone, ValueRef::Integer(1)).expect("it goes");
    assert_eq!(published.hosts, 2);
}
