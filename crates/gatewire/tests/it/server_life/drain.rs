//! A server that goes away gracefully.

use std::time::{Duration, Instant};

use gatewire::{Backoff, ClientBuilder, CloseCode, DisconnectReason, Drain, Server};
use gatewire_codec::{GoAwayCode, Message};

use crate::raw::Raw;
use crate::rig::{Record, build, connect, fence, record, serve, within};

const WINDOW: Duration = Duration::from_millis(300);

#[tokio::test]
async fn clients_are_told_and_find_the_successor_within_the_window() {
    let server = serve().await;
    let address = server.local_addr();
    let (told, mut windows) = record();
    let (delayed, mut delays) = record();
    let (connected, mut connects) = record();
    let mut clients = Vec::new();
    for _ in 0..5 {
        // Without the announcement it would wait for an hour.
        let hour = Backoff::Fixed(Duration::from_secs(3600));
        let client = build(&server, |builder| builder.reconnect(hour));
        let told = told.clone();
        client.on_go_away(move |window| told.note(window));
        let delayed = delayed.clone();
        client.on_reconnecting(move |attempt, delay| delayed.note((attempt, delay)));
        connect(&client).await;
        let connected = connected.clone();
        client.on_connect(move |id| connected.note(id));
        clients.push(client);
    }
    let drained = tokio::spawn({
        let server = server.clone();
        async move { server.drain(Drain::over(WINDOW)).await }
    });
    assert_eq!(windows.next_many(5).await, [WINDOW; 5]);
    // The port is free from the beginning on.
    let successor = Server::builder().bind(address).await.expect("nobody listens any more");
    successor.on("fence", || ());
    for (attempt, delay) in delays.next_many(5).await {
        assert_eq!(attempt, 1);
        assert!(delay < WINDOW, "{delay:?}");
    }
    connects.next_many(5).await;
    within(drained).await.expect("no panic");
    assert!(server.is_empty());
    assert_eq!(successor.len(), 5);
    for client in &clients {
        fence(client).await;
        client.close().await;
    }
}

async fn drain_in_background(server: &Server) -> Record<Instant> {
    let (done, ends) = record();
    let server = server.clone();
    tokio::spawn(async move {
        server.drain(Drain::over(WINDOW)).await;
        done.note(Instant::now());
    });
    ends
}

#[tokio::test]
async fn connections_are_closed_one_after_the_other() {
    let server = serve().await;
    let (seen, mut ends) = record();
    for _ in 0..30 {
        let client = build(&server, ClientBuilder::no_reconnect);
        let seen = seen.clone();
        client.on_disconnect(move |reason| seen.note((Instant::now(), reason.clone())));
        connect(&client).await;
    }
    let start = Instant::now();
    let mut drained = drain_in_background(&server).await;
    let mut gaps = 0;
    let mut last = start;
    for (when, reason) in ends.next_many(30).await {
        let code = CloseCode::GoingAway;
        assert_eq!(reason, DisconnectReason::ClosedByPeer { code, text: String::new() });
        gaps += u32::from(when - last >= WINDOW / 60);
        last = when;
    }
    assert!(last - start >= WINDOW, "{:?}", last - start);
    // Spread, as far as a busy machine lets them.
    assert!(gaps >= 10, "{gaps}");
    assert!(drained.next().await >= last);
}

#[tokio::test]
async fn while_it_drains_a_server_serves() {
    let server = serve().await;
    let mut raw = Raw::dial(server.local_addr()).await;
    let client = build(&server, ClientBuilder::no_reconnect);
    connect(&client).await;
    let mut drained = drain_in_background(&server).await;
    let (code, retry_window_ms) = (GoAwayCode::Shutdown, 300);
    raw.expect(&Message::GoAway { code, retry_window_ms, text: "" }).await;
    fence(&client).await;
    assert!(tokio::net::TcpStream::connect(server.local_addr()).await.is_err());
    raw.expect_close(CloseCode::GoingAway).await;
    drop(raw);
    within(client.closed()).await;
    drained.next().await;
    assert!(server.is_empty());
}

#[tokio::test]
async fn a_server_without_clients_is_drained_at_once() {
    let server = serve().await;
    let start = Instant::now();
    within(server.drain(Drain::default())).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    within(server.drain(Drain::default())).await;
    within(server.close()).await;
}
