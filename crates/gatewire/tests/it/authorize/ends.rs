//! Connections and servers that end while a decision is waited for.

use std::time::{Duration, Instant};

use gatewire::{Client, DisconnectReason, Drain, DropReason, RequestError, Server};
use gatewire_codec::{Message, Names, Target, ValueRef};

use super::{Asked, dial, serve_asking};
use crate::raw::Raw;
use crate::rig::{Record, eventually, record, record_ends, within};

/// A client with a request that waits for its decision, and more behind it: an event, a join, a message to a
/// room.
struct Waiting {
    client: Client,
    request: tokio::task::JoinHandle<Result<(), RequestError>>,
    question: Asked,
}

async fn wait(server: &Server, asked: &mut Record<Asked>) -> Waiting {
    let (client, _) = dial(server).await;
    let request = tokio::spawn({
        let client = client.clone();
        async move { client.request("m", ()).await }
    });
    let question = asked.next().await;
    client.emit("m", ()).expect("queued");
    client.to("tea").emit("m", ()).expect("queued");
    client.flush().await.expect("written");
    eventually(|| server.counters().inbound.queued == 2).await;
    Waiting { client, request, question }
}

/// The future is gone, nothing of what waited was handled, and the account says so.
async fn expect_dropped(server: &Server, mut question: Asked) {
    within(question.answer.closed()).await;
    eventually(|| server.is_empty()).await;
    let inbound = server.counters().inbound;
    assert_eq!((inbound.accepted, inbound.done, inbound.queued), (2, 0, 0), "{inbound:?}");
    assert_eq!(inbound.dropped(DropReason::Disconnected), 2);
    assert!(inbound.is_balanced());
}

#[tokio::test]
async fn a_client_that_closes_takes_its_questions_along() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let Waiting { client, request, question } = wait(&server, &mut asked).await;
    within(client.close()).await;
    assert_eq!(within(request).await.expect("no panic"), Err(RequestError::MaybeDelivered));
    expect_dropped(&server, question).await;
    asked.expect_none();
    within(server.close()).await;
}

#[tokio::test]
async fn a_connection_that_breaks_takes_its_questions_along() {
    for polite in [true, false] {
        let (server, mut asked) = serve_asking(|builder| builder).await;
        let mut ends = record_ends(&server);
        let mut raw = Raw::dial(server.local_addr()).await;
        let (event, value) = ("m", ValueRef::Empty);
        raw.send(&Message::Event { event, value }).await;
        let question = asked.next().await;
        raw.send(&Message::Request { id: 1, event, value }).await;
        raw.send(&Message::Join { id: 2, rooms: Names::from_slice(&["tea"]) }).await;
        let target = Target { everyone: true, ..Target::default() };
        raw.send(&Message::Publish { request: None, target, event, value }).await;
        eventually(|| server.counters().inbound.queued == 2).await;
        if polite {
            drop(raw);
        } else {
            raw.break_off();
        }
        expect_dropped(&server, question).await;
        let (_, reason) = ends.next().await;
        assert!(matches!(reason, DisconnectReason::Lost | DisconnectReason::Io(_)), "{reason:?}");
        asked.expect_none();
        within(server.close()).await;
    }
}

#[tokio::test]
async fn a_socket_that_is_disconnected_takes_its_questions_along() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let Waiting { request, question, .. } = wait(&server, &mut asked).await;
    server.sockets()[0].disconnect();
    assert_eq!(within(request).await.expect("no panic"), Err(RequestError::MaybeDelivered));
    expect_dropped(&server, question).await;
    within(server.close()).await;
}

#[tokio::test]
async fn a_server_closes_without_waiting_for_decisions() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let Waiting { request, question, .. } = wait(&server, &mut asked).await;
    let start = Instant::now();
    within(server.close()).await;
    // A decision could take four.
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(within(request).await.expect("no panic"), Err(RequestError::MaybeDelivered));
    expect_dropped(&server, question).await;
}

#[tokio::test]
async fn a_server_that_drains_still_takes_decisions() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let Waiting { client, request, question } = wait(&server, &mut asked).await;
    let (told, mut goes) = record();
    client.on_go_away(move |window| told.note(window));
    server.on("m", || ());
    let draining = tokio::spawn({
        let server = server.clone();
        async move { server.drain(Drain::over(Duration::from_secs(1))).await }
    });
    assert_eq!(goes.next().await, Duration::from_secs(1));
    question.allow();
    assert_eq!(within(request).await.expect("no panic"), Ok(()));
    // The next one is left without.
    let mut last = asked.next().await;
    within(draining).await.expect("no panic");
    within(last.answer.closed()).await;
    assert!(server.is_empty());
}

#[tokio::test]
async fn handlers_that_run_are_not_cancelled_with_the_questions_behind_them() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let (done, mut ends) = record();
    let (go, gone) = tokio::sync::watch::channel(false);
    server.on("slow", move || {
        let (done, mut gone) = (done.clone(), gone.clone());
        async move {
            let went = gone.wait_for(|gone| *gone).await.is_ok();
            done.note(went);
        }
    });
    let (client, _) = dial(&server).await;
    client.emit("slow", ()).expect("queued");
    asked.next().await.allow();
    client.emit("slow", ()).expect("queued");
    client.flush().await.expect("written");
    let mut second = asked.next().await;
    within(client.close()).await;
    within(second.answer.closed()).await;
    go.send(true).expect("it waits");
    assert!(ends.next().await);
    eventually(|| server.counters().inbound.done == 1).await;
    let inbound = server.counters().inbound;
    assert_eq!((inbound.accepted, inbound.dropped(DropReason::Disconnected)), (2, 1));
    within(server.close()).await;
}
