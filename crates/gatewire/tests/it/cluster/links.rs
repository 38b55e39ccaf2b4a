//! How links come up, are refused, go down and are measured.

use std::time::Duration;

use gatewire::keys::{KeyEntry, Patterns, Roles};
use gatewire::{
    Cost, DisconnectReason, KeyRing, Psk, Router, RouterEvent, Server, StartError, Uplink,
};

use super::{all_reach, close_all, line, node, node_with};
use crate::rig::{eventually, within};

/// The first event that `wanted` says yes to.
async fn event(router: &Router, wanted: impl Fn(&RouterEvent) -> bool) -> RouterEvent {
    let mut events = router.events();
    loop {
        let event = within(events.next()).await.expect("none is missed").expect("it is open");
        if wanted(&event) {
            return event;
        }
    }
}

#[tokio::test]
async fn a_link_is_dialled_until_the_neighbour_is_there_and_again_when_it_was_lost() {
    // A port that is free in all likelihood: it was a moment ago.
    let probe = Server::builder().bind("127.0.0.1:0").await.expect("a free port");
    let address = probe.local_addr();
    within(probe.close()).await;
    let early = node_with("early", &[], |builder| builder.uplink(address, 10)).await;
    let failed =
        event(&early.router, |event| matches!(event, RouterEvent::LinkFailed { .. })).await;
    assert!(
        matches!(failed, RouterEvent::LinkFailed { address: told, .. } if told == address.to_string())
    );
    for life in 0..2 {
        let server = Server::builder().psk(super::open()).build();
        let router = Router::builder("late").serve(&server).start().expect("a good name");
        server.listen(address).await.expect("the port is free again");
        assert!(within(early.router.wait_for_node("late")).await, "life {life}");
        within(router.close()).await;
        within(server.close()).await;
        eventually(|| early.router.cost_to("late").is_none()).await;
    }
    early.close().await;
}

#[tokio::test]
async fn costs_decide_the_way_and_the_other_way_is_taken_when_a_link_is_gone() {
    // A triangle: the direct way costs more than the one around.
    let nodes = line(2).await;
    let third = node_with("third", &[&nodes[1]], |builder| {
        builder.uplink(nodes[0].server.local_addr(), Cost::Fixed(50))
    })
    .await;
    let [first, second] = &nodes[..] else { panic!("there are two") };
    eventually(|| third.router.cost_to("n0") == Some(20)).await;
    first.reaches(&[&third]).await;
    within(second.router.close()).await;
    eventually(|| third.router.cost_to("n0") == Some(50)).await;
    third.close().await;
    close_all(nodes).await;
}

#[tokio::test]
async fn keys_say_who_may_be_a_router_and_under_which_name() {
    let key = |byte| Psk::new([byte; 32]).expect("32 bytes");
    let names = Patterns::new(["n1"]).expect("a good pattern");
    let one = KeyEntry::new("one", key(1)).roles(Roles::ROUTER).node_names(names);
    let ring = KeyRing::new().with_entry(one).with("client", key(2));
    let server = Server::builder().psk(ring).build();
    let router = Router::builder("n0").serve(&server).start().expect("a good name");
    server.listen("127.0.0.1:0").await.expect("a free port");
    let address = server.local_addr();
    let dial = |name: &'static str, id: &'static str, byte| {
        let uplink = Uplink::to(address).psk(id, key(byte));
        Router::builder(name).add_uplink(uplink).start().expect("a good name")
    };
    let good = dial("n1", "one", 1);
    assert!(within(router.wait_for_node("n1")).await);
    for (name, id, byte) in [("n2", "one", 1), ("n1", "client", 2), ("n1", "one", 3)] {
        let refused = dial(name, id, byte);
        let failed = event(&refused, |event| matches!(event, RouterEvent::LinkFailed { .. })).await;
        assert!(matches!(failed, RouterEvent::LinkFailed { .. }), "{name} {id}");
        assert!(refused.nodes().is_empty());
        within(refused.close()).await;
    }
    assert_eq!(router.nodes(), ["n1"]);
    for router in [good, router] {
        within(router.close()).await;
    }
    within(server.close()).await;
}

#[tokio::test]
async fn a_link_whose_key_is_taken_away_ends_and_comes_back_under_another() {
    let key = |byte| Psk::new([byte; 32]).expect("32 bytes");
    let ring = |id: &str, byte| {
        KeyRing::new().with_entry(KeyEntry::new(id, key(byte)).roles(Roles::ROUTER))
    };
    let server = Server::builder().psk(ring("old", 1)).build();
    let owner = Router::builder("n0").serve(&server).start().expect("a good name");
    server.listen("127.0.0.1:0").await.expect("a free port");
    let dialler = Router::builder("n1").psk("old", key(1)).uplink(server.local_addr(), 1);
    let dialler = dialler.start().expect("a good name");
    assert!(within(owner.wait_for_node("n1")).await);
    let down = event(&owner, |event| matches!(event, RouterEvent::LinkDown { .. }));
    let (down, ()) = tokio::join!(down, async { server.set_keys(&ring("new", 2)) });
    let reason = DisconnectReason::KeyExpired;
    assert_eq!(down, RouterEvent::LinkDown { node: "n1".to_owned(), reason });
    eventually(|| owner.cost_to("n1").is_none()).await;
    dialler.set_key("new", key(2));
    assert!(within(owner.wait_for_node("n1")).await);
    for router in [dialler, owner] {
        within(router.close()).await;
    }
    within(server.close()).await;
}

#[tokio::test]
async fn a_server_without_a_router_and_one_that_is_closed_to_routers_take_none() {
    let plain =
        Server::builder().psk(super::open()).bind("127.0.0.1:0").await.expect("a free port");
    let closed = Server::builder().build();
    let owner = Router::builder("owner").serve(&closed).start().expect("a good name");
    closed.listen("127.0.0.1:0").await.expect("a free port");
    for server in [&plain, &closed] {
        let router =
            Router::builder("n1").uplink(server.local_addr(), 1).start().expect("a good name");
        event(&router, |event| matches!(event, RouterEvent::LinkFailed { .. })).await;
        within(router.close()).await;
    }
    assert!(owner.nodes().is_empty());
    within(owner.close()).await;
    for server in [plain, closed] {
        within(server.close()).await;
    }
}

#[tokio::test]
async fn two_live_nodes_of_one_name_fight_and_one_of_them_stops() {
    let nodes = line(1).await;
    let twins = [node("twin", &[&nodes[0]]).await, node("twin", &[&nodes[0]]).await];
    let taken = |twin: &super::Node| {
        let router = twin.router.clone();
        async move { event(&router, |event| *event == RouterEvent::NameTaken).await }
    };
    tokio::select! {
        _ = taken(&twins[0]) => {}
        _ = taken(&twins[1]) => {}
    }
    nodes[0].reaches(&[&twins[0]]).await;
    for twin in twins {
        twin.close().await;
    }
    close_all(nodes).await;
}

#[tokio::test]
async fn what_cannot_be_started_is_told() {
    let server = Server::builder().build();
    let twice = Router::builder("n0").serve(&server).serve(&server).start();
    assert_eq!(twice.err(), Some(StartError::ServerTaken));
    let first = Router::builder("n0").serve(&server).start().expect("not taken by the attempt");
    let second = Router::builder("n1").serve(&server).start();
    assert_eq!(second.err(), Some(StartError::ServerTaken));
    for name in ["", "a/b"] {
        let refused = Router::builder(name).start();
        assert!(matches!(refused.err(), Some(StartError::Name(_))), "{name:?}");
    }
    within(first.close()).await;
}

#[tokio::test]
async fn a_router_does_not_link_to_itself() {
    let server =
        Server::builder().psk(super::open()).bind("127.0.0.1:0").await.expect("a free port");
    let router = Router::builder("n0")
        .serve(&server)
        .uplink(server.local_addr(), 1)
        .start()
        .expect("a good name");
    event(&router, |event| matches!(event, RouterEvent::LinkFailed { .. })).await;
    assert_eq!(router.links(), []);
    within(router.close()).await;
    within(server.close()).await;
}

#[tokio::test]
async fn round_trips_are_measured_and_can_be_what_a_link_costs() {
    let nodes = line(1).await;
    let measured = node_with("measured", &[], |builder| {
        builder.add_uplink(Uplink::to(nodes[0].server.local_addr()).cost(Cost::Measured))
    })
    .await;
    measured.reaches(&[&nodes[0]]).await;
    eventually(|| measured.router.links().iter().any(|link| link.round_trip.is_some())).await;
    let link = &measured.router.links()[0];
    let round_trip = link.round_trip.expect("it was measured");
    assert!(round_trip < Duration::from_secs(5), "{round_trip:?}");
    assert_eq!(link.node, "n0");
    measured.close().await;
    close_all(nodes).await;
}

#[tokio::test]
async fn a_ring_of_six_finds_all_ways_and_closes_in_order() {
    let mut nodes = line(5).await;
    let last = node("n5", &[&nodes[4], &nodes[0]]).await;
    nodes.push(last);
    all_reach(&nodes).await;
    eventually(|| nodes[5].router.cost_to("n2") == Some(30)).await;
    close_all(nodes).await;
}
