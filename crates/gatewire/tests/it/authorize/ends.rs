//! Connections and servers that end while a decision is waited for.

use std::time::{Duration, Instant};

use gatewire::{Client, DisconnectReason, Drain, DropReason, RequestError, Server};
use gatewire_codec::{CloseCode, Message, Names, Target, ValueRef};
use tokio::task::JoinHandle;

use super::{Asked, dial, serve_asking};
use crate::raw::Raw;
use crate::rig::{Record, eventually, record, record_ends, within};

/// A client with a request that waits for its decision, and behind it an event and a message to a room.
async fn wait(
    server: &Server,
    asked: &mut Record<Asked>,
) -> (Client, JoinHandle<Result<(), RequestError>>, Asked) {
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
    (client, request, question)
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
async fn what_a_client_sends_before_it_closes_is_still_decided_about() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let (heard, mut hears) = record();
    server.on("m", move || heard.note("m"));
    let mut ends = record_ends(&server);
    let (client, request, question) = wait(&server, &mut asked).await;
    within(client.close()).await;
    assert_eq!(within(request).await.expect("no panic"), Err(RequestError::MaybeDelivered));
    ends.expect_nothing();
    question.allow();
    asked.next().await.allow();
    assert_eq!(hears.next_many(2).await, ["m", "m"]);
    let room = asked.next().await;
    assert_eq!(room.action, "emit m to room tea");
    room.allow();
    let (_, reason) = ends.next().await;
    assert!(matches!(reason, DisconnectReason::ClosedByPeer { .. }), "{reason:?}");
    let inbound = server.counters().inbound;
    assert_eq!((inbound.accepted, inbound.done), (2, 2));
    within(server.close()).await;
}

#[tokio::test]
async fn a_client_that_closes_is_waited_for_no_longer_than_one_decision_may_take() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    server.on("m", || ());
    let mut raw = Raw::dial(server.local_addr()).await;
    let mut ends = record_ends(&server);
    let event = Message::Event { event: "m", value: ValueRef::Empty };
    for _ in 0..2 {
        raw.send(&event).await;
    }
    let first = asked.next().await;
    tokio::time::pause();
    raw.send(&Message::Close { code: CloseCode::Normal, text: "bye" }).await;
    raw.finish().await;
    let start = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(3)).await;
    first.allow();
    let mut answer = asked.next().await.answer;
    within(answer.closed()).await;
    let took = start.elapsed().as_secs_f64();
    assert!((3.9..4.1).contains(&took), "{took}");
    let (_, reason) = ends.next().await;
    let text = "bye".to_owned();
    assert_eq!(reason, DisconnectReason::ClosedByPeer { code: CloseCode::Normal, text });
    let inbound = server.counters().inbound;
    assert_eq!((inbound.done, inbound.dropped(DropReason::Disconnected)), (1, 1));
    assert!(inbound.is_balanced());
    within(server.close()).await;
}

#[tokio::test]
async fn a_client_that_leaves_for_another_connection_loses_nothing_and_keeps_its_order() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let (heard, mut hears) = record();
    server.on("m", move |number: i64| heard.note(number));
    let (client, _) = dial(&server).await;
    for number in 0..5 {
        client.emit("m", number).expect("queued");
    }
    let first = asked.next().await;
    client.reconnect();
    // It has written all of it, and waits for the end.
    eventually(|| !client.is_connected()).await;
    for number in 5..10 {
        client.emit("m", number).expect("queued");
    }
    first.allow();
    for _ in 1..10 {
        asked.next().await.allow();
    }
    assert_eq!(hears.next_many(10).await, (0..10).collect::<Vec<_>>());
    within(client.close()).await;
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
    let (_client, request, question) = wait(&server, &mut asked).await;
    server.sockets()[0].disconnect();
    assert_eq!(within(request).await.expect("no panic"), Err(RequestError::MaybeDelivered));
    expect_dropped(&server, question).await;
    within(server.close()).await;
}

#[tokio::test]
async fn a_server_closes_without_waiting_for_decisions() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let (_client, request, question) = wait(&server, &mut asked).await;
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
    let (client, request, question) = wait(&server, &mut asked).await;
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
    server.sockets()[0].disconnect();
    within(second.answer.closed()).await;
    go.send(true).expect("it waits");
    assert!(ends.next().await);
    eventually(|| server.counters().inbound.done == 1).await;
    let inbound = server.counters().inbound;
    assert_eq!((inbound.accepted, inbound.dropped(DropReason::Disconnected)), (2, 1));
    within(server.close()).await;
}
