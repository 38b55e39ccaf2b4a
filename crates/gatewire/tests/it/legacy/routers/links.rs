//! Who may come as an old router, and what becomes of links.

use gatewire::legacy::{V2Secret, V2Uplink};
use gatewire::{RouterEvent, RouterEvents};

use super::{client_secret, dialler, gateway, gateway_at};
use crate::cluster::{close_all, node, node_with};
use crate::legacy::rig::secret;
use crate::rig::{eventually, within};

async fn next_failure(events: &mut RouterEvents) -> String {
    loop {
        match within(events.next()).await.expect("none is missed") {
            Some(RouterEvent::LinkFailed { error, .. }) => return error,
            Some(_) => {}
            None => panic!("the router is closed"),
        }
    }
}

#[tokio::test]
async fn only_a_key_with_the_role_of_a_router_makes_a_router() {
    let west = gateway("west", &[]).await;
    for key in [client_secret(), V2Secret::new(*b"no key at all")] {
        let uplink = V2Uplink::to(west.v2).secret(key);
        let east = node_with("east", &[], |builder| builder.v2_uplink(uplink)).await;
        let mut events = east.router.events();
        next_failure(&mut events).await;
        assert!(east.router.v2_hosts().is_empty());
        assert!(west.node.router.v2_hosts().is_empty());
        east.close().await;
    }
    west.node.close().await;
}

#[tokio::test]
async fn a_second_router_of_a_name_is_refused() {
    let west = gateway("west", &[]).await;
    let first = dialler("east", &[], &west).await;
    for name in ["east", "west"] {
        let uplink = V2Uplink::to(west.v2).secret(secret());
        let second = node_with(name, &[], |builder| builder.v2_uplink(uplink)).await;
        let mut events = second.router.events();
        next_failure(&mut events).await;
        second.close().await;
    }
    assert_eq!(west.node.router.v2_hosts(), ["east"]);
    close_all(vec![first, west.node]).await;
}

#[tokio::test]
async fn a_link_comes_up_again_when_its_server_does() {
    let west = gateway("west", &[]).await;
    let east = dialler("east", &[], &west).await;
    let address = west.v2;
    west.node.close().await;
    eventually(|| east.router.v2_hosts().is_empty()).await;
    let again = gateway_at("west", &[], address, |builder| builder).await;
    assert!(within(east.router.wait_for_v2_host("west")).await);
    assert!(within(again.node.router.wait_for_v2_host("east")).await);
    close_all(vec![again.node, east]).await;
}

#[tokio::test]
async fn a_name_that_no_old_host_can_have_is_an_error() {
    let started = gatewire::Router::builder("a|b").v2_uplink(V2Uplink::to("localhost:1")).start();
    assert!(matches!(started, Err(gatewire::StartError::V2Name(_))));
    // Without old routers it is as good as any.
    let router = gatewire::Router::builder("a|b").start().expect("a good name");
    within(router.close()).await;
}

#[tokio::test]
async fn a_router_whose_name_is_taken_ends_its_links_to_old_routers_and_takes_no_more() {
    let hubs = [node("hub1", &[]).await, node("hub2", &[]).await];
    let twins = [gateway("twin", &[&hubs[0]]).await, gateway("twin", &[&hubs[1]]).await];
    let olds = [dialler("old1", &[], &twins[0]).await, dialler("old2", &[], &twins[1]).await];
    let taken = async |events: &mut RouterEvents| loop {
        match within(events.next()).await.expect("none is missed") {
            Some(RouterEvent::NameTaken) => return,
            Some(_) => {}
            None => panic!("the router is closed"),
        }
    };
    let [mut first, mut second] = [0, 1].map(|twin: usize| twins[twin].node.router.events());
    let bridge = node("bridge", &[&hubs[0], &hubs[1]]).await;
    let loser = tokio::select! {
        () = taken(&mut first) => 0,
        () = taken(&mut second) => 1,
    };
    eventually(|| twins[loser].node.router.v2_hosts().is_empty()).await;
    eventually(|| olds[loser].router.v2_hosts().is_empty()).await;
    assert_eq!(twins[1 - loser].node.router.v2_hosts().len(), 1);
    let uplink = V2Uplink::to(twins[loser].v2).secret(secret());
    let late = node_with("late", &[], |builder| builder.v2_uplink(uplink)).await;
    next_failure(&mut late.router.events()).await;
    assert!(late.router.v2_hosts().is_empty());
    close_all(vec![late, bridge]).await;
    close_all(olds.into()).await;
    close_all(twins.map(|twin| twin.node).into()).await;
    close_all(hubs.into()).await;
}
