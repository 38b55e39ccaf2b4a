//! A client comes back by itself, unless it was told not to.

use std::time::Duration;

use gatewire::{Backoff, Client, CloseCode, DisconnectReason, Error, Server, SocketId};

use super::{AT_ONCE, HOUR, Life, record_life};
use crate::raw::RawListener;
use crate::rig::{build, connect, record, serve, within};

fn closed_by_peer(code: CloseCode) -> Life {
    Life::Disconnected(DisconnectReason::ClosedByPeer { code, text: String::new() })
}

#[tokio::test]
async fn a_client_tells_of_each_step_and_finds_the_restarted_server() {
    let server = serve().await;
    let address = server.local_addr();
    let client = build(&server, |builder| builder.reconnect(AT_ONCE));
    let mut life = record_life(&client);
    client.on("ask", || "still here");
    let first = connect(&client).await;
    assert_eq!(life.next().await, Life::Connected(first));
    within(server.close()).await;
    assert_eq!(life.next().await, closed_by_peer(CloseCode::GoingAway));
    let delay = Duration::from_millis(1);
    for attempt in 1..=3 {
        assert_eq!(life.next().await, Life::Reconnecting(attempt, delay));
        let error = life.next().await;
        assert!(matches!(&error, Life::Error(Error::Connect(_))), "{error:?}");
    }
    assert_eq!(client.id(), None);

    let server = Server::builder().bind(address).await.expect("the port is free again");
    let second = loop {
        match life.next().await {
            Life::Connected(id) => break id,
            Life::Reconnecting(_, found) => assert_eq!(found, delay),
            Life::Error(Error::Connect(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_ne!(second, first);
    assert_eq!(client.id(), Some(second));
    // Handlers that were registered before go on working.
    let socket = server.socket(&second).expect("a socket");
    let answer = within(socket.request::<String, _>("ask", ())).await;
    assert_eq!(answer.as_deref(), Ok("still here"));
    client.close().await;
    assert_eq!(life.next().await, Life::Disconnected(DisconnectReason::Closed));
    life.expect_nothing();
}

#[tokio::test]
async fn full_jitter_stays_below_its_growing_bound() {
    let listener = RawListener::bind().await;
    let (first, longest) = (Duration::from_millis(2), Duration::from_millis(8));
    let client = Client::builder()
        .reconnect(Backoff::FullJitter { first, longest })
        .max_attempts(6)
        .build(listener.address());
    let mut life = record_life(&client);
    let (_, raw) = tokio::join!(connect(&client), listener.accept(1));
    drop((raw, listener));
    within(client.closed()).await;
    let delays: Vec<(u32, Duration)> = life
        .so_far()
        .into_iter()
        .filter_map(|life| match life {
            Life::Reconnecting(attempt, delay) => Some((attempt, delay)),
            _ => None,
        })
        .collect();
    assert!(delays.iter().map(|(attempt, _)| *attempt).eq(1..=6), "{delays:?}");
    let bounds = [2, 4, 8, 8, 8, 8].map(Duration::from_millis);
    for ((_, delay), bound) in delays.iter().zip(bounds) {
        assert!(*delay < bound, "{delays:?}");
    }
    // Six times the same is as likely as drawing the same 19-bit number five times.
    assert!(delays.iter().any(|(_, delay)| *delay != delays[0].1), "{delays:?}");
}

#[tokio::test]
async fn a_client_gives_up_after_its_last_attempt_and_can_be_connected_by_hand() {
    let server = serve().await;
    let address = server.local_addr();
    let client = build(&server, |builder| builder.reconnect(AT_ONCE).max_attempts(3));
    let mut life = record_life(&client);
    connect(&client).await;
    within(server.close()).await;
    within(client.closed()).await;
    let attempts = life.so_far().into_iter().filter(|life| matches!(life, Life::Reconnecting(..)));
    assert_eq!(attempts.count(), 3);
    assert!(!client.is_connected());

    let _server = Server::builder().bind(address).await.expect("the port is free again");
    let id = connect(&client).await;
    assert_eq!(life.next().await, Life::Connected(id));
    client.close().await;
}

/// "In a row": a connection in between begins a new row.
#[tokio::test]
async fn attempts_that_succeeded_do_not_count_against_the_last_one() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).max_attempts(2).build(listener.address());
    let mut life = record_life(&client);
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(0));
    for session in 1..=6 {
        assert_eq!(life.next().await, Life::Connected(raw.id()));
        drop(raw);
        assert!(matches!(life.next().await, Life::Disconnected(_)));
        assert!(matches!(life.next().await, Life::Reconnecting(..)));
        raw = listener.accept(session).await;
    }
    assert_eq!(life.next().await, Life::Connected(raw.id()));
    drop(raw);
    client.close().await;
}

#[tokio::test]
async fn a_client_that_is_not_to_reconnect_does_not() {
    let listener = RawListener::bind().await;
    let client = Client::builder().no_reconnect().build(listener.address());
    let mut life = record_life(&client);
    let (id, raw) = tokio::join!(connect(&client), listener.accept(1));
    drop(raw);
    within(client.closed()).await;
    let expected = [Life::Connected(id), Life::Disconnected(DisconnectReason::Lost)];
    assert_eq!(life.so_far(), expected);
    // It may be connected again by hand.
    let (id, raw) = tokio::join!(connect(&client), listener.accept(2));
    assert_eq!(life.next().await, Life::Connected(id));
    assert_eq!(raw.id(), id);
    drop(raw);
    client.close().await;
}

#[tokio::test]
async fn a_client_that_the_server_disconnected_does_not_come_back_by_itself() {
    let server = serve().await;
    let client = build(&server, |builder| builder.reconnect(AT_ONCE));
    let mut life = record_life(&client);
    let (seen, mut farewells) = record();
    client.on("farewell", move |text: String| seen.note(text));
    let id = connect(&client).await;
    let socket = server.socket(&id).expect("a socket");
    socket.emit("farewell", "what is queued before is still written").expect("queued");
    socket.disconnect();
    socket.emit("farewell", "too late").expect_err("it is closing");
    within(client.closed()).await;
    assert_eq!(life.so_far(), [Life::Connected(id), closed_by_peer(CloseCode::Kicked)]);
    assert_eq!(farewells.so_far(), ["what is queued before is still written"]);
    let id = connect(&client).await;
    assert_eq!(life.next().await, Life::Connected(id));
    client.close().await;
}

#[tokio::test]
async fn a_handshake_that_fails_on_the_way_back_is_told_and_tried_again() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let mut life = record_life(&client);
    let (id, raw) = tokio::join!(connect(&client), listener.accept(1));
    assert_eq!(life.next().await, Life::Connected(id));
    drop(raw);
    let mut raw = listener.accept_only().await;
    raw.write(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let raw = listener.accept(2).await;
    assert_eq!(life.next().await, Life::Disconnected(DisconnectReason::Lost));
    assert!(matches!(life.next().await, Life::Reconnecting(1, _)));
    let error = "the peer does not speak gatewire: frame of 1347703880 bytes is longer than the \
                 limit of 512 bytes";
    assert_eq!(life.next().await, Life::Error(Error::Connect(error.to_owned())));
    assert!(matches!(life.next().await, Life::Reconnecting(2, _)));
    assert_eq!(life.next().await, Life::Connected(raw.id()));
    drop(raw);
    client.close().await;
}

/// Between connections the counters go on, in both directions.
#[tokio::test]
async fn counters_cover_all_connections() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (seen, mut events) = record();
    client.on("event", move || seen.note(()));
    let event =
        gatewire_codec::Message::Event { event: "event", value: gatewire_codec::ValueRef::Empty };
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(0));
    for session in 1..=3 {
        for _ in 0..10 {
            raw.send(&event).await;
        }
        client.emit("event", ()).expect("queued");
        raw.expect(&event).await;
        events.next_many(10).await;
        drop(raw);
        raw = listener.accept(session).await;
    }
    drop(raw);
    within(client.close()).await;
    let counters = client.counters();
    assert_eq!((counters.inbound.accepted, counters.inbound.done), (30, 30));
    // Three events; perhaps the close of the last connection.
    assert!((3..=4).contains(&counters.outbound.accepted), "{counters:?}");
    assert!(counters.outbound.is_balanced());
    assert_eq!(counters.connections, 0);
}

#[tokio::test]
async fn a_client_waits_as_long_as_it_was_told() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(Backoff::Fixed(HOUR)).build(listener.address());
    let mut life = record_life(&client);
    let (id, raw) = tokio::join!(connect(&client), listener.accept(1));
    drop(raw);
    let lost = Life::Disconnected(DisconnectReason::Lost);
    let expected = [Life::Connected(id), lost, Life::Reconnecting(1, HOUR)];
    assert_eq!(life.next_many(3).await, expected);
    within(client.close()).await;
    life.expect_nothing();
}

/// A handler of the first connection is not done when the second is lost. Nobody waits for it but the
/// third connection.
#[tokio::test]
async fn handlers_of_two_lost_connections_do_not_hold_up_their_requests() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let mut life = record_life(&client);
    let (release, released) = tokio::sync::watch::channel(false);
    let (seen, mut order) = record();
    client.on("slow", move |number: i64| {
        let (seen, mut released) = (seen.clone(), released.clone());
        async move {
            seen.note(number);
            released.wait_for(|released| *released).await.expect("the test goes on");
            seen.note(number + 10);
        }
    });
    let slow = |number| gatewire_codec::Message::Event {
        event: "slow",
        value: gatewire_codec::ValueRef::Integer(number),
    };
    let (first, mut raw) = tokio::join!(connect(&client), listener.accept(1));
    raw.send(&slow(1)).await;
    assert_eq!(order.next().await, 1);
    drop(raw);
    let mut raw = listener.accept(2).await;
    raw.send(&slow(2)).await;
    assert_eq!(order.next().await, 2);
    let lost = async {
        raw.read().await.expect("a request");
        drop(raw);
    };
    let request = client.request::<(), _>("wait", ()).timeout(HOUR);
    let (answer, ()) = within(async { tokio::join!(request, lost) }).await;
    assert_eq!(answer, Err(gatewire::RequestError::MaybeDelivered));
    assert!(!client.is_connected());
    let second = SocketId::from_bytes([2; 16]);
    let lost = || Life::Disconnected(DisconnectReason::Lost);
    let again = Life::Reconnecting(1, Duration::from_millis(1));
    let expected = [Life::Connected(first), lost(), again, Life::Connected(second), lost()];
    assert_eq!(life.next_many(5).await, expected);

    release.send(true).expect("the handlers run");
    let mut rest = order.next_many(2).await;
    rest.sort_unstable();
    assert_eq!(rest, [11, 12]);
    let raw = listener.accept(3).await;
    drop(raw);
    client.close().await;
}

/// Many clients on several threads, of a server that is replaced again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_clients_find_the_restarted_server_and_their_room() {
    const CLIENTS: usize = 40;

    let mut server = serve().await;
    let address = server.local_addr();
    let (connected, mut connects) = record();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let longest = Duration::from_millis(20);
        let backoff = Backoff::FullJitter { first: longest / 4, longest };
        let client = build(&server, |builder| builder.reconnect(backoff));
        client.on_error(|_| {});
        let connected = connected.clone();
        client.on_connect(move |_| connected.note(()));
        connect(&client).await;
        within(client.join("room")).await.expect("joined");
        clients.push(client);
    }
    connects.next_many(CLIENTS).await;
    for round in 0..3_u64 {
        let (seen, mut news) = record();
        for client in &clients {
            client.off_event("news");
            let seen = seen.clone();
            client.on("news", move |number: u64| seen.note(number));
        }
        within(server.close()).await;
        server = Server::builder().bind(address).await.expect("the port is free again");
        server.on("fence", || ());
        connects.next_many(CLIENTS).await;
        // Each has sent its joins before; a fence says that they were handled.
        for client in &clients {
            crate::rig::fence(client).await;
        }
        assert_eq!(server.members("room").len(), CLIENTS);
        server.to("room").emit("news", round).expect("sent");
        assert_eq!(news.next_many(CLIENTS).await, [round; CLIENTS]);
        crate::rig::fence_all(&server).await;
        news.expect_nothing();
    }
    for client in &clients {
        within(client.close()).await;
    }
    within(server.close()).await;
}
