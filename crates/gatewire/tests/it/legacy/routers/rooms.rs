//! Of which rooms the sides tell each other.

use super::cable::Cable;
use super::{dialler, gateway, gateway_with, listener};
use crate::cluster::{close_all, node, node_with};
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
async fn a_room_of_another_node_is_told_whether_it_was_there_before_the_gateway_or_not() {
    let inner = node("inner", &[]).await;
    let (client, mut seen) = listener(&inner).await;
    within(client.join("before")).await.expect("it may");
    let west = gateway_with("west", &[&inner], |builder| builder).await;
    west.node.reaches(&[&inner]).await;
    let east = dialler("east", &[], &west).await;
    assert!(within(east.router.wait_for_v2_room("before", "west")).await);
    within(client.join("behind")).await.expect("it may");
    assert!(within(east.router.wait_for_v2_room("behind", "west")).await);
    for room in ["before", "behind"] {
        east.router.to(room).emit("say", room).expect("it is queued");
        assert_eq!(seen.next().await, room);
    }
    for _ in 0..3 {
        within(client.leave("before")).await.expect("it may");
        eventually(|| east.router.v2_hosts_of("before").is_empty()).await;
        within(client.join("before")).await.expect("it may");
        assert!(within(east.router.wait_for_v2_room("before", "west")).await);
    }
    close_all(vec![east, west.node, inner]).await;
}

#[tokio::test]
async fn names_of_rooms_that_are_lost_with_a_link_are_told_again() {
    let west = gateway("west", &[]).await;
    let between = node("between", &[&west.node]).await;
    let cable = Cable::to(west.node.server.local_addr()).await;
    let inner = node_with("inner", &[&between], |builder| builder.uplink(cable.address, 1)).await;
    let east = dialler("east", &[], &west).await;
    west.node.reaches(&[&between, &inner]).await;
    // By the cable, which costs less than the way around.
    eventually(|| inner.router.cost_to("west") == Some(1)).await;
    let (client, _) = listener(&inner).await;
    within(client.join("before")).await.expect("it may");
    assert!(within(east.router.wait_for_v2_room("before", "west")).await);

    let sent = || {
        let links = inner.router.links().into_iter();
        links.filter(|link| link.node == "west").map(|link| link.frames_sent).sum::<u64>()
    };
    let before = sent();
    cable.hold();
    within(client.join("lost")).await.expect("it may");
    eventually(|| sent() > before).await;
    cable.cut();
    assert!(within(east.router.wait_for_v2_room("lost", "west")).await);
    close_all(vec![east, inner, between, west.node]).await;
}
