//! The ends of requests whose connection lives on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use gatewire::{Client, EmitError, RequestError, Value};
use gatewire_codec::{Message, ValueRef};
use tokio::sync::Notify;

use crate::raw::RawListener;
use crate::rig::{dial, dial_with, limits, serve, serve_with, within};

#[tokio::test]
async fn an_event_without_a_handler_is_told_to_its_asker() {
    let server = serve().await;
    let client = dial(&server).await;
    let answer = within(client.request::<(), _>("nobody", ())).await;
    assert_eq!(answer, Err(RequestError::NoHandler));
    let socket = server.sockets().pop().expect("a socket");
    let answer = within(socket.request::<(), _>("nobody", ())).await;
    assert_eq!(answer, Err(RequestError::NoHandler));
}

#[tokio::test]
async fn a_request_ends_at_its_deadline() {
    let server = serve().await;
    let never = Arc::new(Notify::new());
    server.on("wait", move || {
        let never = Arc::clone(&never);
        async move { never.notified().await }
    });
    let client = dial(&server).await;
    let start = Instant::now();
    let limit = Duration::from_millis(60);
    let long = client.request::<(), _>("wait", ()).timeout(Duration::from_secs(3600));
    let short = client.request::<(), _>("wait", ()).timeout(limit);
    tokio::select! {
        answer = long => panic!("{answer:?}"),
        answer = within(short) => assert_eq!(answer, Err(RequestError::Timeout)),
    }
    let took = start.elapsed();
    assert!(took >= limit, "{took:?}");
    assert!(took < limit * 50, "{took:?}");
}

#[tokio::test]
async fn an_earlier_deadline_overtakes_a_later_one() {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let (connected, _raw) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");
    let ask = |limit| client.request::<(), _>("wait", ()).timeout(Duration::from_millis(limit));
    let (mut hour, mut day) = (Box::pin(ask(3_600_000)), Box::pin(ask(86_400_000)));
    assert_eq!(day.as_mut().now_or_never(), None);
    assert_eq!(hour.as_mut().now_or_never(), None);
    assert_eq!(within(ask(20)).await, Err(RequestError::Timeout));
    assert_eq!(within(ask(0)).await, Err(RequestError::Timeout));
    assert_eq!(day.as_mut().now_or_never(), None);
}

#[tokio::test]
async fn a_late_answer_is_ignored() {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let (connected, mut raw) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");

    let late = client.request::<i64, _>("add", 1).timeout(Duration::from_millis(20));
    assert_eq!(within(late).await, Err(RequestError::Timeout));
    let answer = |id, value| Message::Ack { id, value: ValueRef::Integer(value) };
    let request =
        |id, value| Message::Request { id, event: "add", value: ValueRef::Integer(value) };
    raw.expect(&request(1, 1)).await;
    raw.send(&answer(1, 100)).await;

    let next = client.request::<i64, _>("add", 2);
    let peer = async {
        raw.expect(&request(2, 2)).await;
        // Once more the late one, then one that nobody asked for, then the right one twice.
        for (id, value) in [(1, 100), (77, 100), (2, 200), (2, 300)] {
            raw.send(&answer(id, value)).await;
        }
    };
    let (answer, ()) = tokio::join!(within(next), peer);
    assert_eq!(answer, Ok(200));
    assert!(client.is_connected());
}

#[tokio::test]
async fn an_answer_longer_than_the_limit_is_told_to_its_asker() {
    let server =
        serve_with(|builder| builder.limits(limits(|limits| limits.max_frame = 4096))).await;
    server.on("text", |length: usize| "x".repeat(length));
    server.on("refusal", |length: usize| Err::<(), _>("x".repeat(length)));
    let client = dial(&server).await;
    let ask = async |length: usize| within(client.request::<String, _>("text", length)).await;
    // The frame is version, kind, id, type, text.
    assert_eq!(ask(4096 - 4).await.map(|text| text.len()), Ok(4096 - 4));
    assert_eq!(ask(4096 - 3).await, Err(RequestError::TooLarge));
    let answer = within(client.request::<(), _>("refusal", 5000)).await;
    assert_eq!(answer, Err(RequestError::TooLarge));
}

#[tokio::test]
async fn a_request_longer_than_the_limit_is_not_sent() {
    let server =
        serve_with(|builder| builder.limits(limits(|limits| limits.max_frame = 4096))).await;
    let client = dial(&server).await;
    let answer = within(client.request::<(), _>("fence", "x".repeat(4096))).await;
    // Version, kind, id, the name with its length, and the type of the value.
    let error = EmitError::TooLarge { length: 4096 + 10, limit: 4096 };
    assert_eq!(answer, Err(RequestError::NotSent(error)));
}

#[tokio::test]
async fn a_dropped_request_is_forgotten() {
    const MOST: usize = 65_536;

    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let (connected, mut raw) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");
    let reader = tokio::spawn(async move { while raw.read().await.is_some() {} });

    let mut waiting = Vec::new();
    for _ in 0..MOST {
        within(client.ready()).await.expect("connected");
        let mut request = Box::pin(client.request::<(), _>("wait", ()));
        assert_eq!(request.as_mut().now_or_never(), None);
        waiting.push(request);
    }
    let full = within(client.request::<(), _>("wait", ())).await;
    assert_eq!(full, Err(RequestError::NotSent(EmitError::QueueFull)));

    drop(waiting);
    let asked = client.request::<(), _>("wait", ()).timeout(Duration::from_millis(20));
    assert_eq!(within(asked).await, Err(RequestError::Timeout));
    client.close().await;
    within(reader).await.expect("the script ends");
}

#[tokio::test]
async fn a_request_that_is_not_awaited_is_not_sent() {
    let server = serve().await;
    let (seen, mut seen_events) = crate::rig::record();
    server.on_any(move |_, event, _| seen.note(event.to_owned()));
    let client = dial(&server).await;
    drop(client.request::<(), _>("never", ()));
    crate::rig::fence(&client).await;
    assert_eq!(seen_events.so_far(), ["fence"]);
}

#[tokio::test]
async fn two_clients_ask_each_other_through_the_server() {
    let server = serve().await;
    let (one, two) = (dial(&server).await, dial_with(&server, |builder| builder).await);
    two.on("add", |number: i64| number + 1);
    two.on("refuse", || Err::<(), _>("no"));
    two.on("panic", || -> () { panic!("on purpose") });
    let id = two.id().expect("connected");
    let ask = async |event| within(one.to_socket(id).request::<i64, _>(event, 1)).await;
    assert_eq!(ask("add").await, Ok(2));
    let refused = RequestError::Rejected(Value::String("no".to_owned()));
    assert_eq!(ask("refuse").await, Err(refused));
    assert_eq!(ask("nobody").await, Err(RequestError::NoHandler));
    assert_eq!(ask("panic").await, Err(RequestError::Panicked));
    two.close().await;
    assert_eq!(ask("add").await, Err(RequestError::NoSuchSocket));
}

/// The answer fits the frame from the one client to the server. On the way to the other its number
/// takes one byte more.
#[tokio::test]
async fn an_answer_that_grows_on_its_way_is_told_to_its_asker() {
    let limits = limits(|limits| limits.max_frame = 4096);
    let server = serve_with(|builder| builder.limits(limits)).await;
    let (one, two) = (dial(&server).await, dial(&server).await);
    // Version, kind, id, type, and the text.
    two.on("text", |length: usize| "x".repeat(length));
    let id = two.id().expect("connected");
    let ask =
        async |length: usize| within(one.to_socket(id).request::<String, _>("text", length)).await;
    assert_eq!(ask(4096 - 4).await.map(|text| text.len()), Ok(4096 - 4));
    // From 128 on a number takes two bytes: here as many questions as it takes.
    for _ in 0..128 {
        crate::rig::fence(&one).await;
    }
    assert_eq!(ask(4096 - 4).await, Err(RequestError::TooLarge));
    assert_eq!(ask(4096 - 5).await.map(|text| text.len()), Ok(4096 - 5));
}
