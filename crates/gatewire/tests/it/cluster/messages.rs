//! Events to rooms, to all and to sockets, wherever they are.

use gatewire::{Client, SocketAddress};

use super::{Node, close_all, line, node_with};
use crate::rig::{Record, Recorder, fence, record, within};

/// A client that notes what it hears under `say`.
async fn listener(node: &Node, rooms: &[&str]) -> (Client, Record<String>) {
    let client = node.client().await;
    let (recorder, heard): (Recorder<String>, _) = record();
    client.on("say", move |text: String| recorder.note(text));
    for room in rooms {
        within(client.join(room)).await.expect("it may");
    }
    (client, heard)
}

#[tokio::test]
async fn a_room_message_reaches_the_members_on_all_nodes_once_from_anywhere() {
    let nodes = line(3).await;
    let mut members = Vec::new();
    for node in &nodes {
        members.push(listener(node, &["news"]).await);
        members.push(listener(node, &["other"]).await);
    }
    for from in &nodes {
        let others: Vec<_> =
            nodes.iter().filter(|to| to.router.name() != from.router.name()).collect();
        from.knows("news", &others).await;
    }
    // From a client, a server, a socket's server and a router.
    let sender = nodes[0].client().await;
    sender.to("news").emit("say", "client").expect("queued");
    fence(&sender).await;
    nodes[0].server.to("news").emit("say", "server").expect("queued");
    nodes[2].router.to("news").emit("say", "router").expect("queued");
    for (number, (_, heard)) in members.iter_mut().enumerate() {
        if number % 2 == 0 {
            let mut texts = [heard.next().await, heard.next().await, heard.next().await];
            texts.sort();
            assert_eq!(texts, ["client", "router", "server"]);
        }
    }
    // One copy on each link, and nobody else has heard anything.
    let links: Vec<_> = nodes[0].router.links();
    assert_eq!((links.len(), links[0].frames_sent, links[0].frames_received), (1, 2, 1));
    nodes[0].router.broadcast().emit("say", "all").expect("queued");
    for (_, heard) in &mut members {
        assert_eq!(heard.next().await, "all");
    }
    close_all(nodes).await;
}

#[tokio::test]
async fn nothing_is_sent_where_no_member_lives_beyond() {
    let nodes = line(4).await;
    let (_member, mut heard) = listener(&nodes[1], &["near"]).await;
    nodes[0].knows("near", &[&nodes[1]]).await;
    nodes[0].server.to("near").emit("say", "here").expect("queued");
    assert_eq!(heard.next().await, "here");
    let sent = |node: &Node| node.router.links().iter().map(|link| link.frames_sent).sum::<u64>();
    assert_eq!((sent(&nodes[0]), sent(&nodes[1]), sent(&nodes[2])), (1, 0, 0));
    close_all(nodes).await;
}

#[tokio::test]
async fn the_sender_and_those_excepted_are_left_out_and_order_is_kept() {
    let nodes = line(2).await;
    let (here, mut heard_here) = listener(&nodes[0], &["news"]).await;
    let (there, mut heard_there) = listener(&nodes[1], &["news"]).await;
    let (left_out, mut heard_nothing) = listener(&nodes[1], &["news"]).await;
    nodes[0].knows("news", &[&nodes[1]]).await;
    let except = left_out.address().expect("it is connected");
    for number in 0..1000 {
        here.to("news").except(&except).emit("say", number.to_string()).expect("queued");
    }
    for number in 0..1000 {
        assert_eq!(heard_there.next().await, number.to_string());
    }
    there.to("news").include_self().emit("say", "back").expect("queued");
    assert_eq!(heard_there.next().await, "back");
    assert_eq!(heard_here.next().await, "back");
    assert_eq!(heard_nothing.next().await, "back");
    close_all(nodes).await;
}

#[tokio::test]
async fn a_message_for_a_socket_goes_to_its_node_alone() {
    let nodes = line(3).await;
    let (target, mut heard) = listener(&nodes[2], &[]).await;
    let address = target.address().expect("it is connected");
    assert_eq!(address.node(), Some("n2"));
    let socket = &nodes[2].server.sockets()[0];
    assert_eq!(socket.address(), address);
    let sender = nodes[0].client().await;
    sender.to_socket(&address).emit("say", "from a client").expect("queued");
    assert_eq!(heard.next().await, "from a client");
    nodes[0].server.to_socket(&address).emit("say", "from a server").expect("queued");
    assert_eq!(heard.next().await, "from a server");
    nodes[1].router.to_socket(&address).emit("say", "from a router").expect("queued");
    assert_eq!(heard.next().await, "from a router");
    // Binary stays binary, and texts of addresses are addresses.
    let again: SocketAddress = address.to_string().parse().expect("it was written so");
    assert_eq!(again, address);
    // Its own node knows it by its id too; others do not.
    nodes[2].router.to_socket(target.id().expect("connected")).emit("say", "id").expect("queued");
    assert_eq!(heard.next().await, "id");
    close_all(nodes).await;
}

#[tokio::test]
async fn a_member_that_leaves_or_goes_is_told_to_nobody_any_more() {
    let nodes = line(2).await;
    let (first, mut heard) = listener(&nodes[1], &["news"]).await;
    let (second, _) = listener(&nodes[1], &["news"]).await;
    nodes[0].knows("news", &[&nodes[1]]).await;
    within(second.leave("news")).await.expect("it was in it");
    nodes[0].server.to("news").emit("say", "one left").expect("queued");
    assert_eq!(heard.next().await, "one left");
    first.close().await;
    let mut events = nodes[0].router.events();
    let _watch = nodes[0].router.watch_room("news");
    while !nodes[0].router.nodes_of("news").is_empty() {
        let _event = within(events.next()).await.expect("none is missed");
    }
    let before = nodes[0].router.links()[0].frames_sent;
    nodes[0].server.to("news").emit("say", "nobody").expect("queued");
    assert_eq!(nodes[0].router.links()[0].frames_sent, before);
    close_all(nodes).await;
}

#[tokio::test]
async fn messages_of_all_types_and_sizes_cross_as_they_are() {
    let nodes = line(3).await;
    let target = nodes[2].client().await;
    let (recorder, mut heard) = record();
    target.on("bytes", move |bytes: Vec<u8>| recorder.note(bytes));
    within(target.join("bytes")).await.expect("it may");
    nodes[0].knows("bytes", &[&nodes[2]]).await;
    let sender = nodes[0].client().await;
    // As long as a frame may be, but for its head.
    for length in [0, 1, 1000, 65_536, (1 << 20) - 64] {
        let bytes: Vec<u8> = (0..length).map(|at: usize| at.to_le_bytes()[0]).collect();
        sender.to("bytes").emit("bytes", bytes.clone()).expect("queued");
        assert_eq!(heard.next().await, bytes);
    }
    close_all(nodes).await;
}

#[tokio::test]
async fn a_node_without_a_server_is_a_way_and_a_sender() {
    let nodes = line(2).await;
    let bare = gatewire::Router::builder("bare")
        .uplink(nodes[1].server.local_addr(), 10)
        .start()
        .expect("the name is good");
    let (_member, mut heard) = listener(&nodes[0], &["news"]).await;
    assert!(within(bare.wait_for_room("news", "n0")).await);
    bare.to("news").emit("say", "hello").expect("queued");
    assert_eq!(heard.next().await, "hello");
    within(bare.close()).await;
    close_all(nodes).await;
}

#[tokio::test]
async fn two_servers_of_one_node_share_its_rooms() {
    let other = gatewire::Server::builder().psk(super::open()).build();
    let first = node_with("one", &[], |builder| builder.serve(&other)).await;
    other.listen("127.0.0.1:0").await.expect("a free port");
    let (_a, mut heard_a) = listener(&first, &["news"]).await;
    let b = crate::rig::dial(&other).await;
    let (recorder, mut heard_b): (Recorder<String>, _) = record();
    b.on("say", move |text: String| recorder.note(text));
    within(b.join("news")).await.expect("it may");
    first.server.to("news").emit("say", "both").expect("queued");
    assert_eq!((heard_a.next().await, heard_b.next().await), ("both".into(), "both".into()));
    b.to("news").emit("say", "the other").expect("queued");
    assert_eq!(heard_a.next().await, "the other");
    first.close().await;
    within(other.close()).await;
}
