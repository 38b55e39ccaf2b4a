//! Servers that close or drain in the middle of streams.

use std::time::Duration;

use gatewire::{ClientBuilder, Drain, RequestError, Server, StreamError};

use super::kit::{Pump, bytes, expect_balance, gated_reader, note_ends, sender_lost};
use crate::rig::{dial, dial_with, eventually, fence, fence_all, record, serve, within};

/// Streams in both directions, and from one client to the other.
async fn both_ends_hear_of(close: impl AsyncFn(&Server)) {
    let server = serve().await;
    let (one, other) = (
        dial_with(&server, ClientBuilder::no_reconnect).await,
        dial_with(&server, ClientBuilder::no_reconnect).await,
    );
    let (handler, mut server_ends) = note_ends();
    server.on("file", handler);
    let (handler, mut client_ends) = note_ends();
    other.on("file", handler);
    let id = other.id().expect("up");
    let mut up = one.stream("file", ()).await.expect("opened");
    let mut across = one.to_socket(id).stream("file", ()).await.expect("opened");
    let mut down = server.socket(&id).expect("up").stream("file", ()).await.expect("opened");
    let mut room = server.broadcast().stream("file", ()).await.expect("opened");
    let streams = [&mut up, &mut across, &mut down];
    for stream in streams {
        within(stream.send(bytes(1000))).await.expect("sent");
    }
    within(room.send(bytes(1000))).await.expect("sent");
    fence(&one).await;
    fence_all(&server).await;

    within(close(&server)).await;
    let lost = Some(StreamError::Disconnected);
    assert_eq!(server_ends.next().await, (1000, lost.clone()));
    for (length, end) in client_ends.next_many(3).await {
        assert_eq!(length, 1000);
        assert!(end == lost || end == sender_lost(), "{end:?}");
    }
    for stream in [up, across, down] {
        assert_eq!(within(stream.finish::<()>()).await, Err(StreamError::Disconnected));
    }
    let report = within(room.finish()).await.expect("a report");
    // The sender does not listen.
    for (socket, error) in report.failed() {
        let unheard = RequestError::NoHandler.into();
        assert_eq!(
            *error,
            if socket.session() == id { StreamError::Disconnected } else { unheard }
        );
    }
    assert_eq!(report.failed().count(), 2);
    for client in [&one, &other] {
        within(client.closed()).await;
        expect_balance(&client.counters());
    }
    expect_balance(&server.counters());
}

#[tokio::test]
async fn a_server_that_closes_ends_its_streams_and_both_ends_hear_it() {
    both_ends_hear_of(async |server| server.close().await).await;
}

#[tokio::test]
async fn a_server_that_drains_ends_its_streams_and_both_ends_hear_it() {
    both_ends_hear_of(async |server| server.drain(Drain::over(Duration::from_millis(50))).await)
        .await;
}

/// A stream that can end within the window of a drain ends well.
#[tokio::test]
async fn a_stream_may_end_while_its_server_drains() {
    let server = serve().await;
    let client = dial(&server).await;
    let (handler, _, gate) = gated_reader();
    server.on("file", handler);
    let pump = Pump::start(client.stream("file", ()).await.expect("opened"), 4 << 20);
    pump.wait_until_stopped().await;
    let (told, mut windows) = record();
    client.on_go_away(move |window| told.note(window));
    let drained = tokio::spawn({
        let server = server.clone();
        async move { server.drain(Drain::over(Duration::from_millis(500))).await }
    });
    windows.next().await;
    gate.open();
    // One client is closed at the end of the first slice: what is done by then is done.
    let end = pump.end().await;
    assert!(matches!(end, Ok(_) | Err(StreamError::Disconnected)), "{end:?}");
    within(client.close()).await;
    within(drained).await.expect("no panic");
    eventually(|| server.is_empty()).await;
    expect_balance(&server.counters());
}
