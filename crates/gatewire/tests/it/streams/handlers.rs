//! Who hears of a stream: handlers that come and go, run once, or several at a time.

use gatewire::{
    Client, DropReason, Rejection, RequestError, Server, Socket, StreamError, StreamReader, Value,
    concurrent,
};

use super::kit::{bytes, check_all, close_and_balance, gated_reader};
use crate::rig::{Recorder, dial, eventually, fence, record, serve, within};

/// What a stream of 1,000 bytes is answered with.
async fn ask(client: &Client, event: &str) -> Result<i64, StreamError> {
    let mut stream = client.stream(event, 5).await.expect("opened");
    match within(stream.send(bytes(1000))).await {
        Ok(()) => within(stream.finish()).await,
        Err(error) => Err(error),
    }
}

fn unheard() -> Result<i64, StreamError> {
    Err(StreamError::Refused(RequestError::NoHandler))
}

/// Answers with a number.
fn answers(
    number: i64,
) -> impl Fn(StreamReader) -> std::pin::Pin<Box<dyn Future<Output = Result<i64, Rejection>> + Send>>
{
    move |stream| {
        Box::pin(async move {
            check_all(stream).await?;
            Ok(number)
        })
    }
}

async fn pair() -> (Server, Client) {
    let server = serve().await;
    let client = dial(&server).await;
    (server, client)
}

#[tokio::test]
async fn a_handler_that_runs_once_takes_one_stream() {
    let (server, client) = pair().await;
    server.once("file", answers(1));
    assert_eq!(ask(&client, "file").await, Ok(1));
    assert_eq!(ask(&client, "file").await, unheard());
    // Behind it another listens.
    server.once("file", answers(2));
    server.on("file", answers(3));
    assert_eq!(ask(&client, "file").await, Ok(2));
    assert_eq!(ask(&client, "file").await, Ok(3));
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn a_handler_that_is_taken_off_hears_of_no_more_streams() {
    let (server, client) = pair().await;
    let id = server.on("file", answers(1));
    server.on("file", answers(2));
    // The first takes it, and nobody else.
    assert_eq!(ask(&client, "file").await, Ok(1));
    assert!(server.off(id));
    assert_eq!(ask(&client, "file").await, Ok(2));
    assert!(!server.off(id));
    server.on("file", |_: Value| ());
    assert_eq!(server.off_event("file"), 2);
    assert_eq!(ask(&client, "file").await, unheard());
    assert_eq!(server.counters().inbound.dropped(DropReason::NoHandler), 1);
    close_and_balance(&server, &[&client]).await;
}

/// One that has begun goes on.
#[tokio::test]
async fn a_stream_outlives_its_handler_being_taken_off() {
    let (server, client) = pair().await;
    let (handler, _, gate) = gated_reader();
    let id = server.on("file", handler);
    let mut stream = client.stream("file", ()).await.expect("opened");
    fence(&client).await;
    assert!(server.off(id));
    within(stream.send(bytes(1000))).await.expect("sent");
    gate.open();
    assert_eq!(within(stream.finish::<i64>()).await, Ok(1000));
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn handlers_of_messages_and_of_streams_share_a_name() {
    let (server, client) = pair().await;
    server.on("file", |number: i64| number + 1);
    server.on("file", answers(7));
    assert_eq!(within(client.request::<i64, _>("file", 1)).await, Ok(2));
    assert_eq!(ask(&client, "file").await, Ok(7));
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn who_hears_all_events_hears_of_streams() {
    let (server, client) = pair().await;
    let (noted, mut heard) = record();
    server.on_any(move |_: &Socket, event, value| noted.note((event.to_owned(), value)));
    server.on("file", answers(1));
    assert_eq!(ask(&client, "file").await, Ok(1));
    // That takes no stream from anybody, and is no handler of one.
    assert_eq!(ask(&client, "nowhere").await, unheard());
    let seen = heard.so_far();
    let five = Value::Integer(5);
    assert_eq!(seen, [("file".to_owned(), five.clone()), ("nowhere".to_owned(), five)]);
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn the_handlers_of_a_socket_come_before_those_of_its_server() {
    let (server, client) = pair().await;
    let other = dial(&server).await;
    server.on("file", answers(1));
    let socket = server.socket(&client.id().expect("up")).expect("connected");
    let id = socket.on("file", answers(2));
    assert_eq!(ask(&client, "file").await, Ok(2));
    assert_eq!(ask(&other, "file").await, Ok(1));
    assert!(socket.off(id));
    assert_eq!(ask(&client, "file").await, Ok(1));
    socket.once("file", answers(3));
    assert_eq!(ask(&client, "file").await, Ok(3));
    assert_eq!(ask(&client, "file").await, Ok(1));
    close_and_balance(&server, &[&client, &other]).await;
}

#[tokio::test]
async fn every_shape_of_a_handler_gets_its_stream() {
    let (server, client) = pair().await;
    server.on("async", |stream: StreamReader| async move { check_all(stream).await.is_ok() });
    server.on("async value", |five: i64, stream: StreamReader| async move {
        check_all(stream).await.is_ok() && five == 5
    });
    server.on("async context", |socket: Socket, stream: StreamReader| async move {
        check_all(stream).await.is_ok() && socket.is_connected()
    });
    server.on("async both", |socket: Socket, five: i64, stream: StreamReader| async move {
        check_all(stream).await.is_ok() && socket.is_connected() && five == 5
    });
    let (noted, mut read) = record::<u64>();
    let beside = move |stream: StreamReader, noted: &Recorder<u64>| {
        let noted = noted.clone();
        drop(tokio::spawn(async move { noted.note(check_all(stream).await.expect("all")) }));
        true
    };
    let record = noted.clone();
    server.on("sync", move |stream: StreamReader| beside(stream, &record));
    let record = noted.clone();
    server.on("sync value", move |five: i64, stream: StreamReader| {
        beside(stream, &record) && five == 5
    });
    let record = noted.clone();
    server.on("sync context", move |socket: Socket, stream: StreamReader| {
        beside(stream, &record) && socket.is_connected()
    });
    let record = noted.clone();
    server.on("sync borrowed", move |socket: &Socket, stream: StreamReader| {
        beside(stream, &record) && socket.is_connected()
    });
    server.on("sync both", move |socket: &Socket, five: i64, stream: StreamReader| {
        beside(stream, &noted) && socket.is_connected() && five == 5
    });
    for event in ["async", "async value", "async context", "async both"] {
        let mut stream = client.stream(event, 5).await.expect("opened");
        within(stream.send(bytes(1000))).await.expect("sent");
        assert_eq!(within(stream.finish::<bool>()).await, Ok(true), "{event}");
    }
    for event in ["sync", "sync value", "sync context", "sync borrowed", "sync both"] {
        let mut stream = client.stream(event, 5).await.expect("opened");
        within(stream.send(bytes(1000))).await.expect("sent");
        assert_eq!(within(stream.finish::<bool>()).await, Ok(true), "{event}");
        assert_eq!(read.next().await, 1000, "{event}");
    }
    close_and_balance(&server, &[&client]).await;
}

/// Two run; a third is not read before one of them ends. Everything else goes on.
#[tokio::test]
async fn no_more_streams_are_read_at_a_time_than_a_concurrent_handler_allows() {
    let (server, client) = pair().await;
    let (noted, mut started) = record();
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let passed = std::sync::Arc::clone(&gate);
    let handler = move |number: i64, stream: StreamReader| {
        let (noted, gate) = (noted.clone(), std::sync::Arc::clone(&passed));
        async move {
            noted.note(number);
            gate.acquire().await.expect("it stays open").forget();
            check_all(stream).await.map_err(Rejection::from)
        }
    };
    server.on("file", concurrent(2, handler));
    let mut ends = Vec::new();
    for number in 0..4_i64 {
        let mut stream = client.stream("file", number).await.expect("opened");
        within(stream.send(bytes(1000))).await.expect("sent");
        ends.push(tokio::spawn(stream.finish::<u64>()));
    }
    assert_eq!(started.next_many(2).await, [0, 1]);
    fence(&client).await;
    started.expect_nothing();
    for number in [2, 3] {
        gate.add_permits(1);
        assert_eq!(started.next().await, number);
    }
    gate.add_permits(2);
    for end in ends {
        assert_eq!(within(end).await.expect("no panic"), Ok(1000));
    }
    close_and_balance(&server, &[&client]).await;
}

/// A stream's handler begins in its turn, and does not hold up what comes behind.
#[tokio::test]
async fn a_stream_begins_in_order_with_messages() {
    let (server, client) = pair().await;
    let (noted, mut seen) = record();
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let passed = std::sync::Arc::clone(&gate);
    let note = noted.clone();
    server.on("slow", move |number: i64| {
        let (note, gate) = (note.clone(), std::sync::Arc::clone(&passed));
        async move {
            gate.acquire().await.expect("it stays open").forget();
            note.note(number);
        }
    });
    let note = noted.clone();
    server.on("event", move |number: i64| note.note(number));
    server.on("file", move |number: i64, stream: StreamReader| {
        noted.note(number);
        async move { check_all(stream).await.map_err(Rejection::from) }
    });
    client.emit("slow", 1).expect("queued");
    let mut stream = client.stream("file", 2).await.expect("opened");
    client.emit("event", 3).expect("queued");
    // Its bytes come while it waits for its turn.
    within(stream.send(bytes(400_000))).await.expect("sent");
    within(client.flush()).await.expect("written");
    eventually(|| server.counters().inbound.queued >= 3).await;
    seen.expect_nothing();
    gate.add_permits(1);
    assert_eq!(seen.next_many(3).await, [1, 2, 3]);
    assert_eq!(within(stream.finish::<u64>()).await, Ok(400_000));
    close_and_balance(&server, &[&client]).await;
}
