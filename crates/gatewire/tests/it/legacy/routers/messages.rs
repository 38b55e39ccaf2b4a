//! What crosses from one cluster to the other: once, and to whom it is for.

use gatewire::{FormatId, RouterEvent, Value};

use super::{Gateway, dialler, gateway, gateway_with, listener, up_to_end};
use crate::cluster::{Node, close_all, node};
use crate::rig::{fence, record, within};

/// Two clusters of two nodes, the gateways first, joined by a link of version 2.
pub(super) struct Clusters {
    pub(super) west: [Node; 2],
    pub(super) east: [Node; 2],
}

impl Clusters {
    pub(super) async fn new() -> Self {
        let inner_west = node("west2", &[]).await;
        let west = gateway("west1", &[&inner_west]).await;
        let inner_east = node("east2", &[]).await;
        let east = dialler("east1", &[&inner_east], &west).await;
        let clusters = Self { west: [west.node, inner_west], east: [east, inner_east] };
        for [gateway, inner] in [&clusters.west, &clusters.east] {
            gateway.reaches(&[inner]).await;
            inner.reaches(&[gateway]).await;
        }
        clusters
    }

    /// Waits until each node knows whatever it has to, after members of all nodes have joined a room.
    pub(super) async fn know(&self, room: &str) {
        for ([gateway, inner], [theirs, _]) in [(&self.west, &self.east), (&self.east, &self.west)]
        {
            gateway.knows(room, &[inner]).await;
            inner.knows(room, &[gateway]).await;
            assert!(within(gateway.router.wait_for_v2_room(room, theirs.router.name())).await);
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Node> {
        self.west.iter().chain(&self.east)
    }

    pub(super) async fn close(self) {
        close_all(self.east.into_iter().chain(self.west).collect()).await;
    }
}

#[tokio::test]
async fn a_room_reaches_its_members_in_both_clusters_once() {
    let clusters = Clusters::new().await;
    let mut members = Vec::new();
    for node in clusters.all() {
        let member = listener(node).await;
        within(member.0.join("r")).await.expect("it may");
        members.push(member);
    }
    clusters.know("r").await;
    for from in 0..4 {
        let sender = &members[from].0;
        for number in 0..3 {
            sender.to("r").emit("say", format!("{from}:{number}")).expect("it is queued");
        }
        sender.to("r").emit("end", ()).expect("it is queued");
        fence(sender).await;
        let expected: Vec<_> = (0..3).map(|number| format!("{from}:{number}")).collect();
        for (at, (_, seen)) in members.iter_mut().enumerate() {
            if at != from {
                assert_eq!(up_to_end(seen).await, expected, "from {from} at {at}");
            }
        }
    }
    // What came back would have come before what is sent now, on all ways.
    for node in clusters.all() {
        node.router.emit("end", ()).expect("it is queued");
        for (_, seen) in &mut members {
            assert_eq!(up_to_end(seen).await, Vec::<String>::new());
        }
    }
    // Each side: 2 members with 4 events, and 2 ends.
    for gateway in [&clusters.west[0], &clusters.east[0]] {
        let counters = gateway.router.counters();
        assert_eq!((counters.from_old_hosts, counters.to_old_hosts), (10, 10));
    }
    clusters.close().await;
}

#[tokio::test]
async fn a_broadcast_reaches_everybody_in_both_clusters_once() {
    let clusters = Clusters::new().await;
    let mut clients = Vec::new();
    for node in clusters.all() {
        clients.push(listener(node).await);
    }
    // From a client of an inner node, from a gateway's router, and from a server.
    clients[1].0.broadcast().emit("say", "client").expect("it is queued");
    clients[1].0.broadcast().emit("end", ()).expect("it is queued");
    for at in [0, 2, 3] {
        assert_eq!(up_to_end(&mut clients[at].1).await, ["client"], "at {at}");
    }
    let east = &clusters.east[0];
    east.router.emit("say", "router").expect("it is queued");
    east.router.emit("end", ()).expect("it is queued");
    for (at, (_, seen)) in clients.iter_mut().enumerate() {
        assert_eq!(up_to_end(seen).await, ["router"], "at {at}");
    }
    clusters.west[1].server.emit("say", "server").expect("it is queued");
    clusters.west[1].server.emit("end", ()).expect("it is queued");
    for (at, (_, seen)) in clients.iter_mut().enumerate() {
        assert_eq!(up_to_end(seen).await, ["server"], "at {at}");
    }
    let counters = clusters.west[0].router.counters();
    assert_eq!((counters.from_old_hosts, counters.to_old_hosts), (2, 4));
    assert_eq!(counters.missed_by_old_hosts, 0);
    clusters.close().await;
}

/// A gateway, and one that has it as its uplink.
async fn pair() -> (Gateway, Node) {
    let west = gateway("west", &[]).await;
    let east = dialler("east", &[], &west).await;
    (west, east)
}

#[tokio::test]
async fn values_keep_their_types() {
    let (west, east) = pair().await;
    let (client, _) = listener(&west.node).await;
    let (recorder, mut seen) = record();
    client.on("value", move |value: Value| recorder.note(value));
    let json = Value::Object { format: FormatId::JSON, bytes: "{\"a\":[1,null]}".into() };
    for value in [
        Value::Empty,
        Value::Bool(true),
        Value::Integer(1 << 60),
        Value::Decimal(0.5),
        Value::String("\u{1f600}".to_owned()),
        Value::Binary(vec![0, 255].into()),
        json,
    ] {
        east.router.emit("value", value.clone()).expect("it is queued");
        assert_eq!(seen.next().await, value);
    }
    close_all(vec![east, west.node]).await;
}

#[tokio::test]
async fn a_socket_is_reached_by_its_address_from_the_other_side() {
    let (west, east) = pair().await;
    let (client, mut seen) = listener(&west.node).await;
    let address = client.address().expect("it is connected").to_string();
    assert!(address.starts_with("west/"));
    let (sender, _) = listener(&east).await;
    let address: gatewire::SocketAddress = address.parse().expect("an address");
    sender.to_socket(&address).emit("say", "hello").expect("it is queued");
    assert_eq!(seen.next().await, "hello");
    assert_eq!(east.router.counters().unreachable, 0);
    close_all(vec![east, west.node]).await;
}

#[tokio::test]
async fn what_the_old_wire_cannot_say_is_told() {
    let (west, east) = pair().await;
    let mut events = east.router.events();
    let missed = async |events: &mut gatewire::RouterEvents| loop {
        if let Some(RouterEvent::V2Missed { event, error }) =
            within(events.next()).await.expect("none is missed")
        {
            return (event, error);
        }
    };
    let (client, _) = listener(&west.node).await;
    within(client.join("r")).await.expect("it may");
    assert!(within(east.router.wait_for_v2_room("r", "west")).await);

    east.router.broadcast().except_room("r").emit("say", "x").expect("it is queued");
    assert!(missed(&mut events).await.1.contains("except"));

    // A room that old hosts have no members of may be excepted.
    let (there, mut seen) = listener(&west.node).await;
    east.router.broadcast().except_room("nobody").emit("say", "y").expect("it is queued");
    assert_eq!(seen.next().await, "y");

    let object = Value::Object { format: FormatId(200), bytes: "x".into() };
    east.router.to("r").emit("say", object).expect("it is queued");
    assert_eq!(missed(&mut events).await.0, "say");

    let report = within(east.router.to("r").request::<String, _>("say", "x")).await;
    let report = report.expect("it was asked");
    assert_eq!(report.unreachable().collect::<Vec<_>>(), ["west"]);
    assert!(missed(&mut events).await.1.contains("requests"));

    let stream = east.router.to("r").stream("upload", "x").await.expect("it is opened");
    let report = within(stream.finish()).await.expect("it is sent");
    assert_eq!(report.lost_nodes(), ["west"]);
    assert!(missed(&mut events).await.1.contains("streams"));
    assert_eq!(east.router.counters().missed_by_old_hosts, 4);
    drop(there);
    close_all(vec![east, west.node]).await;
}

#[tokio::test]
async fn a_socket_is_found_at_whichever_server_of_the_node_it_is() {
    let west = gateway("west", &[]).await;
    let servers = [(); 2].map(|()| gatewire::Server::builder().psk(crate::cluster::open()).build());
    let uplink = gatewire::legacy::V2Uplink::to(west.v2).secret(crate::legacy::rig::secret());
    let builder = gatewire::Router::builder("east").serve(&servers[0]).serve(&servers[1]);
    let router = builder.v2_uplink(uplink).start().expect("a good name");
    assert!(within(west.node.router.wait_for_v2_host("east")).await);
    for server in servers {
        server.on("fence", || ());
        server.listen("127.0.0.1:0").await.expect("a free port");
        let node = Node { router: router.clone(), server };
        let (client, mut seen) = listener(&node).await;
        let address = client.address().expect("it is connected");
        west.node.router.to_socket(&address).emit("say", "hello").expect("it is queued");
        assert_eq!(seen.next().await, "hello");
    }
    // An id that nobody has does no harm.
    let nobody: gatewire::SocketAddress =
        "east/00000000000000000000000000000000".parse().expect("an address");
    west.node.router.to_socket(&nobody).emit("say", "hello").expect("it is queued");
    within(router.close()).await;
    west.node.close().await;
}

#[tokio::test]
async fn clients_of_an_old_version_are_reached_too() {
    let west = gateway_with("west", &[], |builder| builder).await;
    let east = dialler("east", &[], &west).await;
    let old = gatewire::Client::builder()
        .wire(gatewire::Wire::V2)
        .v2_key(super::client_secret())
        .build(west.v2);
    let (recorder, mut seen) = record();
    old.on("say", move |text: String| recorder.note(text));
    within(old.connect()).await.expect("its key is known");
    within(old.join("r")).await.expect("it may");
    assert!(within(east.router.wait_for_v2_room("r", "west")).await);
    east.router.to("r").emit("say", "to all").expect("it is queued");
    assert_eq!(seen.next().await, "to all");
    // The id that it was given is one that other hosts can name.
    let id = old.registered_id().expect("it is registered");
    let (sender, _) = listener(&east).await;
    sender.to_id(&*id).emit("say", "to one").expect("it is queued");
    assert_eq!(seen.next().await, "to one");
    close_all(vec![east, west.node]).await;
}
