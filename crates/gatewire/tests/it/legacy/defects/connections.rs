//! Connections: their loss, their bounds, and servers that belong to a router.

use std::collections::BTreeSet;
use std::time::Duration;

use gatewire::{Backoff, Client, ConnectError, EmitError, OfflineQueue, RequestError, Router};
use gatewire::{DisconnectReason, OutboxLimits, Overflow, WhenFull, Wire};
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{ValueRef, Version};
use tokio::net::TcpListener;

use crate::legacy::raw::{OLD, Peer, Raw, encode, proof, version};
use crate::legacy::rig::{Everything, secret};
use crate::rig::{connect, eventually, fence, limits, record, record_ends, within};

#[tokio::test]
async fn a_request_on_a_connection_that_is_lost_ends() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        let socket = all.server.socket(&peer.id.parse().expect("an id")).expect("a socket");
        let asked = tokio::spawn(async move { socket.request::<i64, _>("ask", ()).await });
        peer.next(|packet| assert_eq!(packet.kind, Kind::DataWithAck)).await;
        drop(peer);
        assert_eq!(within(asked).await.expect("no panic"), Err(RequestError::MaybeDelivered));
    }
}

/// There is no heartbeat: who has an idle limit closes those that say nothing.
#[tokio::test]
async fn a_peer_that_says_nothing_is_closed_at_the_idle_limit() {
    let idle = Some(Duration::from_millis(50));
    let all = Everything::with(|builder| builder.idle_timeout(idle)).await;
    let mut ends = record_ends(&all.server);
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        assert_eq!(ends.next().await.1, DisconnectReason::IdleTimeout, "{wire}");
        assert!(peer.next_error().await.starts_with("idle timeout"));
        peer.expect_end().await;
    }
}

/// There was a place when its handshake began.
#[tokio::test]
async fn a_peer_whose_place_is_taken_while_it_proves_itself_is_told_in_its_version() {
    let limits = limits(|limits| limits.admission.connections = 1);
    let all = Everything::with(|builder| builder.limits(limits)).await;
    let mut late = Raw::dial(&all, Wire::V2).await;
    let seed = late.next().await.expect("a seed");
    let mut early = Peer::connect(&all, Wire::V1).await;
    let hmac = proof(&seed, secret());
    let value = ValueRef::String(&hmac);
    late.send(&encode(&Packet { value, ..Packet::new(Version::V2, Kind::AuthHmac, 2) })).await;
    late.send(&encode(&Packet::new(Version::V2, Kind::Downlink, 3))).await;
    let refused = late.next().await.expect("an error");
    let refused = Packet::decode(&refused).expect("a frame of version 2");
    assert_eq!((refused.version, refused.kind), (Version::V2, Kind::Error));
    let ValueRef::String(text) = refused.value else { panic!("{refused:?}") };
    assert!(text.contains("busy"), "{text}");
    assert_eq!(late.next().await, None);
    early.fence().await;
}

/// Nobody else would find a peer that vanishes without a word. Linux tells which timer of a connection runs.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_probes_connections_that_have_no_heartbeat() {
    let all = Everything::new().await;
    for wire in OLD {
        let client = all.client(wire).await;
        let port = all.address(wire).port();
        eventually(|| established(port).iter().all(|timer| timer == KEEP_ALIVE)).await;
        assert_eq!(established(port).len(), 2, "both ends of one connection");
        client.close().await;
    }
    let client = all.client(Wire::V3).await;
    let timers = established(all.address(Wire::V3).port());
    assert!(timers.iter().all(|timer| timer != KEEP_ALIVE), "a heartbeat is enough: {timers:?}");
    client.close().await;
}

/// What the kernel waits for on the connections of this port, each end by itself: proc(5), `/proc/net/tcp`.
#[cfg(target_os = "linux")]
fn established(port: u16) -> Vec<String> {
    const ESTABLISHED: &str = "01";

    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux has it");
    let end = format!(":{port:04X}");
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_port = rows.filter(|row| row[1].ends_with(&end) || row[2].ends_with(&end));
    let open = of_port.filter(|row| row[3] == ESTABLISHED);
    open.map(|row| row[5].split(':').next().unwrap_or_default().to_owned()).collect()
}

#[cfg(target_os = "linux")]
const KEEP_ALIVE: &str = "02";

#[tokio::test]
async fn a_client_makes_one_connection() {
    let all = Everything::new().await;
    for wire in OLD {
        let client = all.build(wire, |builder| builder);
        let (first, second) = tokio::join!(within(client.connect()), within(client.connect()));
        first.expect("a connection");
        assert!(matches!(second, Err(ConnectError::Closed)), "{second:?}");
        fence(&client).await;
        client.close().await;
    }
}

#[tokio::test]
async fn a_client_that_tries_again_and_again_can_be_closed() {
    for wire in OLD {
        let all = Everything::new().await;
        let backoff = Backoff::Fixed(Duration::from_millis(1));
        let client = all.client_with(wire, |builder| builder.reconnect(backoff)).await;
        let (seen, mut attempts) = record();
        client.on_reconnecting(move |attempt, _| seen.note(attempt));
        all.server.close().await;
        assert_eq!(attempts.next_many(3).await, [1, 2, 3]);
        within(client.close()).await;
        within(client.closed()).await;
    }
}

#[tokio::test]
async fn what_waits_for_a_connection_is_bounded() {
    for wire in OLD {
        let queue = OfflineQueue::new(10, 1 << 20, WhenFull::Error);
        let client = Client::builder().wire(wire).offline_queue(queue).build("127.0.0.1:1");
        for _ in 0..10 {
            client.emit("early", 1).expect("room for it");
        }
        assert_eq!(client.emit("early", 1), Err(EmitError::QueueFull));
    }
}

#[tokio::test]
async fn what_waits_for_a_peer_that_does_not_read_is_bounded() {
    let overflow = Overflow::Disconnect;
    let small = limits(|limits| {
        limits.outbox = OutboxLimits { max_bytes: 1 << 20, overflow, ..OutboxLimits::default() };
    });
    let all = Everything::with(|builder| builder.limits(small)).await;
    let mut ends = record_ends(&all.server);
    for wire in OLD {
        let peer = Peer::connect(&all, wire).await;
        let socket = all.server.socket(&peer.id.parse().expect("an id")).expect("a socket");
        let bytes = vec![7; 64 << 10];
        let refused = within(async {
            loop {
                if let Err(error) = socket.emit("news", &bytes[..]) {
                    return error;
                }
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(refused.await, EmitError::SlowConsumer);
        assert_eq!(ends.next().await.1, DisconnectReason::SlowConsumer);
        drop(peer);
    }
}

/// Ids are drawn from a generator that nobody can guess, and are those of the whole server.
#[tokio::test]
async fn no_two_clients_have_the_same_id() {
    let all = Everything::new().await;
    let mut ids = BTreeSet::new();
    for wire in OLD.repeat(50) {
        let peer = Peer::connect(&all, wire).await;
        assert_eq!(peer.id.len(), 32);
        assert!(ids.insert(peer.id));
    }
}

#[tokio::test]
async fn a_message_to_a_socket_finds_it_on_any_server_of_a_router() {
    let (first, second) = (Everything::new().await, Everything::new().await);
    let router = Router::builder("host1").serve(&first.server).serve(&second.server);
    let router = router.start().expect("a router");
    for wire in OLD {
        let mut here = Peer::connect(&first, wire).await;
        let mut there = Peer::connect(&second, wire).await;
        assert!(there.id.starts_with("host1/"), "{}", there.id);
        for id in [&here.id, &there.id] {
            let event = format!("{id}|hello");
            here.raw
                .send(&encode(&Packet { event: &event, ..here.packet(Kind::DataToSocket, 9) }))
                .await;
        }
        for peer in [&mut here, &mut there] {
            peer.next(|packet| assert_eq!((packet.kind, packet.event), (Kind::Data, "hello")))
                .await;
        }
        // One that nobody has is nobody.
        for event in ["nobody|hello", "host1/nobody|hello", "host9/down/x/y|hello"] {
            here.send(Packet { event, ..here.packet(Kind::DataToSocket, 9) }).await;
        }
        here.fence().await;
    }
    router.close().await;
}

/// Whether it belongs to a router or not, a server tells of its own sockets.
#[tokio::test]
async fn a_server_of_a_router_tells_of_its_own_sockets() {
    let all = Everything::new().await;
    let router = Router::builder("host1").serve(&all.server).start().expect("a router");
    let (seen, mut connected) = record();
    all.server.on_connect(move |socket| {
        seen.note(socket.wire());
        std::future::ready(())
    });
    let mut ends = record_ends(&all.server);
    for wire in OLD {
        let peer = Peer::connect(&all, wire).await;
        assert_eq!(connected.next().await, wire);
        drop(peer);
        ends.next().await;
    }
    router.close().await;
}

/// `connect` is done, and `on_connect` called, when the server has given an id: in both versions.
#[tokio::test]
async fn a_client_is_connected_when_it_is_registered() {
    let all = Everything::new().await;
    for wire in OLD {
        let client = all.build(wire, |builder| builder);
        let (seen, mut connected) = record();
        client.on_connect(move |id| seen.note(id));
        assert_eq!(client.registered_id(), None);
        let id = connect(&client).await;
        assert_eq!(connected.next().await, id);
        assert_eq!(client.registered_id().expect("registered").to_string(), id.to_string());
        assert_eq!(client.address().map(|address| address.session()), Some(id));
        client.close().await;
    }
}

/// What was written is gone with a connection, and what was not is sent on the next.
#[tokio::test]
async fn what_was_not_written_goes_with_the_next_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    for wire in OLD {
        let client =
            Client::builder().wire(wire).reconnect(Backoff::Fixed(Duration::ZERO)).build(address);
        let accept = || async {
            let (stream, _) = within(listener.accept()).await.expect("a client");
            let mut raw = Raw::new(stream);
            if wire == Wire::V2 {
                let role = raw.next().await.expect("a role");
                assert_eq!(Packet::decode(&role).expect("a frame").kind, Kind::Downlink);
            }
            let register = Packet::new(version(wire), Kind::Register, 2);
            raw.send(&encode(&Packet { value: ValueRef::String("id"), ..register })).await;
            raw
        };
        let (raw, _) = tokio::join!(accept(), connect(&client));
        drop(raw);
        eventually(|| !client.is_connected()).await;
        client.emit("later", 1).expect("queued");
        let mut raw = accept().await;
        let frame = raw.next().await.expect("a frame");
        assert_eq!(Packet::decode(&frame).expect("a frame").event, "later");
        client.close().await;
    }
}
