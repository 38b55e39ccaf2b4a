//! What a router tells of the cluster.

use gatewire::RouterEvent;

use super::{close_all, line, node};
use crate::rig::within;

#[tokio::test]
async fn links_nodes_and_watched_rooms_are_told_as_they_come_and_go() {
    let mut nodes = line(1).await;
    let mut events = nodes[0].router.events();
    let _watch = nodes[0].router.watch_room("news");
    let other = node("other", &[&nodes[0]]).await;
    let name = "other".to_owned();
    let mut next =
        async || within(events.next()).await.expect("none is missed").expect("it is open");
    assert_eq!(next().await, RouterEvent::LinkUp { node: name.clone() });
    assert_eq!(next().await, RouterEvent::NodeUp { node: name.clone() });
    let client = other.client().await;
    within(client.join("news")).await.expect("it may");
    within(client.join("not watched")).await.expect("it may");
    let news = "news".to_owned();
    let registered =
        RouterEvent::RoomRegistered { room: news.clone(), node: name.clone(), nodes: 1 };
    assert_eq!(next().await, registered);
    within(client.leave("news")).await.expect("it was in it");
    let gone = RouterEvent::RoomUnregistered { room: news, node: name.clone(), nodes: 0 };
    assert_eq!(next().await, gone);
    other.close().await;
    // In whichever order they are noticed.
    let mut last = [next().await, next().await];
    last.sort_by_key(|event| matches!(event, RouterEvent::LinkDown { .. }));
    assert_eq!(last[0], RouterEvent::NodeDown { node: name.clone() });
    assert!(matches!(&last[1], RouterEvent::LinkDown { node, .. } if *node == name));
    let alone = nodes.pop().expect("there is one");
    alone.close().await;
    close_all(nodes).await;
    // The guard of the room is still there; the events end all the same.
    assert_eq!(within(events.next()).await, Ok(None));
}
