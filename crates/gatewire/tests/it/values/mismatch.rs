//! Values that are not what the other side takes.

use std::time::Duration;

use gatewire::{DropReason, EmitError, Error, FormatError, RequestError};

use crate::rig::{dial, fence, fence_all, record, serve, within};

const TEXT_FOR_INTEGER: FormatError =
    FormatError::WrongType { expected: "integer", found: "string" };

fn decode(event: &str, error: FormatError) -> Error {
    Error::Decode { event: event.to_owned(), error }
}

#[tokio::test]
async fn an_event_of_the_wrong_type_is_dropped_counted_and_told_at_the_server() {
    let server = serve().await;
    let (ran, mut runs) = record();
    server.on("count", move |number: i64| ran.note(number));
    let (told, mut errors) = record();
    server.on_error(move |socket, error| told.note((socket.id(), error)));
    let client = dial(&server).await;

    client.emit("count", "one").expect("queued");
    client.emit("count", 2).expect("queued");
    let id = client.id().expect("connected");
    assert_eq!(errors.next().await, (id, decode("count", TEXT_FOR_INTEGER)));
    assert_eq!(runs.next().await, 2);
    fence(&client).await;
    runs.expect_nothing();

    client.close().await;
    server.close().await;
    let inbound = server.counters().inbound;
    assert_eq!(inbound.dropped(DropReason::Decode), 1);
    assert_eq!((inbound.accepted, inbound.done), (3, 2));
}

#[tokio::test]
async fn an_event_of_the_wrong_type_is_dropped_counted_and_told_at_the_client() {
    let server = serve().await;
    let client = dial(&server).await;
    let (ran, mut runs) = record();
    client.on("count", move |number: i64| ran.note(number));
    let (told, mut errors) = record();
    client.on_error(move |error| told.note(error));

    server.emit("count", "one").expect("queued");
    assert_eq!(errors.next().await, decode("count", TEXT_FOR_INTEGER));
    fence_all(&server).await;
    runs.expect_nothing();
    client.close().await;
    assert_eq!(client.counters().inbound.dropped(DropReason::Decode), 1);
}

#[tokio::test]
async fn a_request_of_the_wrong_type_is_refused_with_what_was_expected_and_found() {
    let server = serve().await;
    server.on("count", |number: i64| number);
    server.on("small", |number: u8| number);
    server.on("async", |number: i64| async move { number });
    let client = dial(&server).await;
    client.on("count", |flag: bool| flag);

    let ask = |event| client.request::<i64, _>(event, "one");
    let refused = RequestError::Decode("expected integer, found string".to_owned());
    assert_eq!(within(ask("count")).await, Err(refused.clone()));
    assert_eq!(within(ask("async")).await, Err(refused));

    let answer = within(client.request::<i64, _>("small", 300)).await;
    assert_eq!(answer, Err(RequestError::Decode("300 does not fit u8".to_owned())));

    let socket = server.sockets().pop().expect("a socket");
    let answer = within(socket.request::<bool, _>("count", 1.5)).await;
    let refused = RequestError::Decode("expected bool, found decimal".to_owned());
    assert_eq!(answer, Err(refused));
}

#[tokio::test]
async fn an_answer_of_the_wrong_type_is_the_askers_error() {
    let server = serve().await;
    server.on("name", || "gatewire");
    let client = dial(&server).await;
    let answer = within(client.request::<i64, _>("name", ())).await;
    assert_eq!(answer, Err(RequestError::BadAnswer(TEXT_FOR_INTEGER)));
}

#[tokio::test]
async fn an_answer_that_cannot_be_encoded_is_told_on_both_sides() {
    let server = serve().await;
    server.on("huge", || u64::MAX);
    let (told, mut errors) = record();
    server.on_error(move |_, error| told.note(error));
    let client = dial(&server).await;

    let answer = within(client.request::<u64, _>("huge", ()).timeout(Duration::from_secs(9))).await;
    let error = FormatError::OutOfRange { number: u64::MAX.to_string(), target: "i64" };
    assert_eq!(answer, Err(RequestError::Unanswered(error.to_string())));
    let error = EmitError::from(error);
    assert_eq!(errors.next().await, Error::Answer { event: "huge".to_owned(), error });
}
