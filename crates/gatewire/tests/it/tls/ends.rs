//! The last frames arrive, and a client comes back.

use std::time::Duration;

use gatewire::{Backoff, CloseCode, DisconnectReason, Drain, Server};

use super::kit::{dial_tls, key, ring, serve_tls};
use crate::rig::{build, connect, fence, record, record_ends, within};

/// More than the kernel and TLS hold together, with the end behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_the_end_arrives_before_the_end() {
    const COUNT: u32 = 300;

    for by_server in [true, false] {
        let server = serve_tls(|builder| builder).await;
        let client = dial_tls(&server).await;
        let (heard, mut news) = record();
        let hear = move |bytes: &[u8]| heard.note(bytes.len());
        let (ended, mut end) = record();
        client.on_disconnect(move |reason: &DisconnectReason| ended.note(reason.clone()));
        let mut ends = record_ends(&server);
        let block = vec![7_u8; 10_000];
        if by_server {
            client.on("news", hear);
            for _ in 0..COUNT {
                server.emit("news", block.as_slice()).expect("queued");
            }
            within(server.close()).await;
            let code = CloseCode::GoingAway;
            let reason = DisconnectReason::ClosedByPeer { code, text: String::new() };
            assert_eq!(end.next().await, reason);
        } else {
            server.on("news", hear);
            for _ in 0..COUNT {
                client.emit("news", block.as_slice()).expect("queued");
            }
            within(client.close()).await;
            let code = CloseCode::Normal;
            let reason = DisconnectReason::ClosedByPeer { code, text: String::new() };
            assert_eq!(ends.next().await.1, reason);
        }
        assert_eq!(news.next_many(COUNT as usize).await, vec![10_000; COUNT as usize]);
    }
}

#[tokio::test]
async fn a_client_comes_back_over_tls() {
    let server = serve_tls(|builder| builder).await;
    let address = server.local_addr();
    let soon = Backoff::Fixed(Duration::from_millis(1));
    let client = build(&server, |builder| builder.psk("one", key()).reconnect(soon));
    let first = connect(&client).await;
    within(client.join("room")).await.expect("joined");
    let (connected, mut connects) = record();
    client.on_connect(move |id| connected.note(id));
    within(server.close()).await;

    // Another server with another certificate, and the same key.
    let server = Server::builder().psk(ring()).bind(address).await.expect("the port is free again");
    server.on("fence", || ());
    let second = connects.next().await;
    assert_ne!(first, second);
    let (heard, mut news) = record();
    client.on("news", move |text: String| heard.note(text));
    fence(&client).await;
    server.to("room").emit("news", "back").expect("queued");
    assert_eq!(news.next().await, "back");
    client.close().await;
}

#[tokio::test]
async fn a_drained_server_says_good_bye_over_tls() {
    let server = serve_tls(|builder| builder).await;
    let client = build(&server, |builder| builder.psk("one", key()).no_reconnect());
    connect(&client).await;
    let (told, mut windows) = record();
    client.on_go_away(move |window| told.note(window));
    let (ended, mut ends) = record();
    client.on_disconnect(move |reason: &DisconnectReason| ended.note(reason.clone()));
    let window = Duration::from_millis(50);
    within(server.drain(Drain::over(window))).await;
    assert_eq!(windows.next().await, window);
    let (code, text) = (CloseCode::GoingAway, String::new());
    let by_itself = DisconnectReason::Closed;
    let reason = ends.next().await;
    assert!(
        reason == DisconnectReason::ClosedByPeer { code, text } || reason == by_itself,
        "{reason:?}"
    );
    assert!(server.is_empty());
}
