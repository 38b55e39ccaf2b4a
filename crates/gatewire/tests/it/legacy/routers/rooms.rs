//! Of which rooms the sides tell each other.

use super::{dialler, gateway_with, listener};
use crate::cluster::{close_all, node};
use crate::rig::{eventually, within};

#[tokio::test]
async fn rooms_of_old_hosts_are_rooms_of_the_gateway() {
    let inner = node("inner", &[]).await;
    let west = gateway_with("west", &[&inner], |builder| builder).await;
    let east = dialler("east", &[], &west).await;
    let (client, _) = listener(&east).await;
    within(client.join("r")).await.expect("it may");
    inner.knows("r", &[&west.node]).await;
    within(client.leave("r")).await.expect("it may");
    let _watch = inner.router.watch_room("r");
    eventually(|| inner.router.nodes_of("r").is_empty()).await;
    // Nor do they stay when the link is lost.
    within(client.join("r")).await.expect("it may");
    inner.knows("r", &[&west.node]).await;
    east.close().await;
    eventually(|| inner.router.nodes_of("r").is_empty()).await;
    eventually(|| west.node.router.v2_hosts().is_empty()).await;
    close_all(vec![west.node, inner]).await;
}

#[tokio::test]
async fn a_room_of_another_node_is_told_if_it_is_named() {
    let inner = node("inner", &[]).await;
    let west = gateway_with("west", &[&inner], |builder| builder.v2_room("r")).await;
    west.node.reaches(&[&inner]).await;
    let east = dialler("east", &[], &west).await;
    let (client, mut seen) = listener(&inner).await;
    within(client.join("r")).await.expect("it may");
    assert!(within(east.router.wait_for_v2_room("r", "west")).await);
    east.router.to("r").emit("say", "hello").expect("it is queued");
    assert_eq!(seen.next().await, "hello");
    within(client.leave("r")).await.expect("it may");
    eventually(|| east.router.v2_hosts_of("r").is_empty()).await;
    close_all(vec![east, west.node, inner]).await;
}

#[tokio::test]
async fn a_room_of_another_node_is_told_if_old_hosts_have_members_of_it() {
    let inner = node("inner", &[]).await;
    let west = gateway_with("west", &[&inner], |builder| builder).await;
    west.node.reaches(&[&inner]).await;
    let east = dialler("east", &[], &west).await;
    let (there, _) = listener(&inner).await;
    within(there.join("r")).await.expect("it may");
    let (client, _) = listener(&east).await;
    within(client.join("r")).await.expect("it may");
    assert!(within(east.router.wait_for_v2_room("r", "west")).await);
    close_all(vec![east, west.node, inner]).await;
}
