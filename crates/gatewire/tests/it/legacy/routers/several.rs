//! Several gateways between the same two clusters.

use super::{dialler, gateway, listener, up_to_end};
use crate::cluster::{close_all, node_with};
use crate::rig::{eventually, within};
use gatewire::legacy::V2Uplink;

#[tokio::test]
async fn only_the_first_of_two_gateways_carries_anything_and_the_other_takes_over() {
    let west = gateway("west", &[]).await;
    let first = dialler("a", &[], &west).await;
    let uplink = V2Uplink::to(west.v2).secret(super::super::rig::secret());
    let second = node_with("b", &[&first], |builder| builder.v2_uplink(uplink)).await;
    assert!(within(second.router.wait_for_v2_host("west")).await);
    first.reaches(&[&second]).await;
    second.reaches(&[&first]).await;
    eventually(|| !second.router.is_active_v2_gateway()).await;
    assert!(first.router.is_active_v2_gateway());

    let (theirs, mut seen) = listener(&west.node).await;
    let (ours, mut here) = listener(&second).await;
    within(theirs.join("r")).await.expect("it may");
    within(ours.join("r")).await.expect("it may");
    second.knows("r", &[&first]).await;
    first.knows("r", &[&second]).await;
    let told = |host: &'static str| {
        let router = west.node.router.clone();
        move || router.v2_hosts_of("r") == [host]
    };
    eventually(told("a")).await;
    ours.to("r").emit("say", "west").expect("it is queued");
    ours.to("r").emit("end", ()).expect("it is queued");
    assert_eq!(up_to_end(&mut seen).await, ["west"]);
    theirs.to("r").emit("say", "east").expect("it is queued");
    theirs.to("r").emit("end", ()).expect("it is queued");
    assert_eq!(up_to_end(&mut here).await, ["east"]);
    assert_eq!(second.router.counters().to_old_hosts, 0);

    first.close().await;
    eventually(|| second.router.is_active_v2_gateway()).await;
    eventually(told("b")).await;
    theirs.to("r").emit("end", ()).expect("it is queued");
    assert_eq!(up_to_end(&mut here).await, Vec::<String>::new());
    close_all(vec![second, west.node]).await;
}

#[tokio::test]
async fn what_is_for_another_gateway_does_not_go_through_the_old_cluster_as_well() {
    let west = gateway("west", &[]).await;
    let first = dialler("a", &[], &west).await;
    let uplink = V2Uplink::to(west.v2).secret(super::super::rig::secret());
    let second = node_with("b", &[&first], |builder| builder.v2_uplink(uplink)).await;
    assert!(within(first.router.wait_for_v2_host("b")).await);
    first.reaches(&[&second]).await;
    second.reaches(&[&first]).await;

    let (client, mut seen) = listener(&second).await;
    let address = client.address().expect("it is connected");
    assert_eq!(address.node(), Some("b"));
    first.router.to_socket(&address).emit("say", "one").expect("it is queued");
    assert_eq!(first.router.counters().to_old_hosts, 0);
    first.router.emit("end", ()).expect("it is queued");
    assert_eq!(first.router.counters().to_old_hosts, 1, "to west alone");
    assert_eq!(up_to_end(&mut seen).await, ["one"]);

    client.on("ask", |()| "answer");
    let report = within(first.router.broadcast().request::<String, _>("ask", ())).await;
    let report = report.expect("it was asked");
    assert_eq!(report.unreachable().collect::<Vec<_>>(), ["west"]);
    let missed = first.router.counters().missed_by_old_hosts;
    let stream = first.router.to_socket(&address).stream("upload", "x").await;
    within(stream.expect("it is opened").finish::<()>()).await.expect_err("nobody handles it");
    assert_eq!(first.router.counters().missed_by_old_hosts, missed);
    close_all(vec![second, first, west.node]).await;
}

#[tokio::test]
async fn a_gateway_without_a_link_leaves_it_to_one_that_has_some() {
    let west = gateway("west", &[]).await;
    // It would be the first by its name.
    let first = gateway("a", &[]).await;
    let uplink = V2Uplink::to(west.v2).secret(super::super::rig::secret());
    let second = node_with("b", &[&first.node], |builder| builder.v2_uplink(uplink)).await;
    assert!(within(second.router.wait_for_v2_host("west")).await);
    second.reaches(&[&first.node]).await;
    first.node.reaches(&[&second]).await;
    assert!(second.router.is_active_v2_gateway());
    assert!(!first.node.router.is_active_v2_gateway());
    let (theirs, mut seen) = listener(&west.node).await;
    let (ours, mut here) = listener(&first.node).await;
    within(theirs.join("r")).await.expect("it may");
    within(ours.join("r")).await.expect("it may");
    assert!(within(west.node.router.wait_for_v2_room("r", "b")).await);
    first.node.knows("r", &[&second]).await;
    ours.to("r").emit("end", ()).expect("it is queued");
    assert_eq!(up_to_end(&mut seen).await, Vec::<String>::new());
    theirs.to("r").emit("end", ()).expect("it is queued");
    assert_eq!(up_to_end(&mut here).await, Vec::<String>::new());

    // Once it has a link, it is the first.
    let far = dialler("far", &[], &first).await;
    eventually(|| !second.router.is_active_v2_gateway()).await;
    assert!(first.node.router.is_active_v2_gateway());
    eventually(|| west.node.router.v2_hosts_of("r").is_empty()).await;
    // What the other one hears and leaves alone is not counted.
    let (beside, mut seen) = listener(&second).await;
    let carried = second.router.counters().from_old_hosts;
    west.node.router.emit("say", "everybody").expect("it is queued");
    let address = beside.address().expect("it is connected");
    west.node.router.to_socket(&address).emit("end", ()).expect("it is queued");
    assert_eq!(up_to_end(&mut seen).await, Vec::<String>::new());
    assert_eq!(second.router.counters().from_old_hosts, carried + 1);

    far.close().await;
    eventually(|| second.router.is_active_v2_gateway()).await;
    assert!(within(west.node.router.wait_for_v2_room("r", "b")).await);
    close_all(vec![second, first.node, west.node]).await;
}
