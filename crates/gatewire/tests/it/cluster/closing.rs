//! What is left when a router or a server of a cluster is closed.

use std::time::Duration;

use gatewire::{Limits, RequestError, RouterEvent, Server};
use tokio::time::timeout;

use super::{close_all, line, node, node_with, open};
use crate::rig::{dial_with, eventually, limits, record, within};

#[tokio::test]
async fn a_server_whose_router_is_closed_serves_its_own_sockets_as_before() {
    let nodes = line(2).await;
    let client = nodes[0].client().await;
    client.on("double", |number: i64| number * 2);
    within(client.join("here")).await.expect("it may");
    let address = client.address().expect("online");
    within(nodes[0].router.close()).await;
    let server = &nodes[0].server;
    let answer = within(server.to_socket(&address).request::<i64, _>("double", 4)).await;
    assert_eq!(answer, Ok(8));
    let report = within(server.to("here").request::<i64, _>("double", 5)).await.expect("asked");
    assert_eq!(report.received().collect::<Vec<_>>(), [(&address, &10)]);
    let other = nodes[0].client().await;
    let answer = within(other.to_socket(&address).request::<i64, _>("double", 6)).await;
    assert_eq!(answer, Ok(12));
    assert_eq!(server.members("here").len(), 1);
    within(other.join("here")).await.expect("it may");
    assert_eq!(server.members("here").len(), 2);
    close_all(nodes).await;
}

#[tokio::test]
async fn a_router_that_is_closed_has_told_the_others_and_has_no_links_left() {
    let nodes = line(3).await;
    // It was dialled by one neighbour, and has dialled the other.
    within(nodes[1].router.close()).await;
    assert_eq!(nodes[1].router.links(), []);
    assert!(nodes[1].router.nodes().is_empty());
    assert_eq!(nodes[1].router.cost_to("n0"), None);
    for node in [&nodes[0], &nodes[2]] {
        eventually(|| node.router.nodes().is_empty()).await;
    }
    close_all(nodes).await;
}

#[tokio::test]
async fn closing_goes_on_when_nobody_waits_for_it_any_more() {
    let nodes = line(2).await;
    let mut events = nodes[1].router.events();
    tokio::select! {
        biased;
        () = nodes[1].router.close() => panic!("its neighbour has to hang up first"),
        () = std::future::ready(()) => {}
    }
    let over = async { while events.next().await.expect("none is missed").is_some() {} };
    within(over).await;
    close_all(nodes).await;
}

#[tokio::test]
async fn a_server_that_is_closed_ends_the_links_that_came_to_it_and_does_not_wait_for_them() {
    let nodes = line(2).await;
    timeout(Duration::from_secs(3), nodes[0].server.close()).await.expect("it ends at once");
    eventually(|| nodes[1].router.links().is_empty()).await;
    close_all(nodes).await;
}

#[tokio::test]
async fn a_node_whose_name_is_taken_dials_nobody_any_more() {
    let hub = node("hub", &[]).await;
    let twins = [node("twin", &[&hub]).await, node("twin", &[&hub]).await];
    let mut events = [twins[0].router.events(), twins[1].router.events()];
    let [first, second] = &mut events;
    let taken = |event: Result<Option<RouterEvent>, _>| event == Ok(Some(RouterEvent::NameTaken));
    let loser = within(async {
        loop {
            tokio::select! {
                event = first.next() => if taken(event) { break 0 },
                event = second.next() => if taken(event) { break 1 },
            }
        }
    })
    .await;
    assert!(twins[loser].router.nodes().is_empty());
    eventually(|| twins[loser].router.links().is_empty()).await;
    // The other one comes through, and nobody disturbs it.
    hub.reaches(&[&twins[1 - loser]]).await;
    for node in twins.into_iter().chain([hub]) {
        node.close().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_for_the_way_fails_alone() {
    // The first node reads frames of 16 KiB only; what its neighbour sends is bounded by that.
    let server = Server::builder()
        .psk(open())
        .limits(limits(|limits: &mut Limits| limits.max_frame = 16 << 10))
        .build();
    let first = gatewire::Router::builder("first").serve(&server).start().expect("a good name");
    server.listen("127.0.0.1:0").await.expect("a free port");
    let second = node_with("second", &[], |builder| builder.uplink(server.local_addr(), 10)).await;
    let (told, mut tells) = record();
    let mut members = Vec::new();
    for length in [10, 500_000, 20] {
        let member = dial_with(&second.server, |builder| builder).await;
        let told = told.clone();
        member.on("bytes", move || {
            told.note(());
            vec![0_u8; length]
        });
        within(member.join("all")).await.expect("it may");
        members.push(member.address().expect("online"));
    }
    assert!(within(first.wait_for_room("all", "second")).await);
    // It can tell of nobody before it knows the way back.
    assert!(within(second.router.wait_for_node("first")).await);
    let asked = server.to("all").request::<Vec<u8>, _>("bytes", ());
    let report = within(asked.timeout(Duration::from_secs(60))).await.expect("asked");
    tells.next_many(3).await;
    assert_eq!(report.received().count(), 2, "{report:?}");
    let failed: Vec<_> = report.failed().collect();
    assert_eq!(failed, [(&members[1], &RequestError::TooLarge)]);
    assert_eq!(report.unreachable().count(), 0);
    within(first.close()).await;
    within(server.close()).await;
    second.close().await;
}
