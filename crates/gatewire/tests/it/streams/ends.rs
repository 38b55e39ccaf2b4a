//! Ends of streams that their handler brings about.

use bytes::Bytes;
use gatewire::{Rejection, RequestError, StreamCode, StreamError, StreamReader, Value};
use tokio::sync::mpsc;

use super::kit::{bytes, check_all, close_and_balance, failed};
use crate::rig::{Record, dial, fence, record, serve, within};
use crate::slow::reader::{MAX_BYTES, SlowReader};

fn fail() {
    panic!("expected by this test");
}

/// Nobody waits for an answer any more, and still the writer hears it.
/// Who has been refused sends no more, so who still reads must not wait.
#[tokio::test]
async fn a_refusal_ends_the_stream_also_for_who_reads_on() {
    let server = serve().await;
    let client = dial(&server).await;
    let (hand, mut readers) = mpsc::unbounded_channel();
    let other_hand = hand.clone();
    server.on("sync", move |stream: StreamReader| {
        hand.send(stream).expect("the test goes on");
        Err::<(), _>("no")
    });
    let panicking = other_hand.clone();
    server.on("async", move |stream: StreamReader| {
        let hand = other_hand.clone();
        async move {
            hand.send(stream).expect("the test goes on");
            tokio::task::yield_now().await;
            Err::<(), _>("no")
        }
    });
    server.on("panic", move |stream: StreamReader| {
        panicking.send(stream).expect("the test goes on");
        fail();
    });
    server.on_error(|_, _| {});
    for event in ["sync", "async", "panic"] {
        let mut stream = client.stream(event, ()).await.expect("opened");
        // Some of it is under way when the refusal comes.
        within(stream.send(bytes(100_000))).await.expect("sent");
        let mut reader = within(readers.recv()).await.expect("a reader");
        let error = loop {
            match within(reader.chunk()).await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("an end that is none"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StreamError::Reset { .. }), "{error:?}");
        let refused = match event {
            "panic" => RequestError::Panicked,
            _ => RequestError::Rejected(Value::String("no".to_owned())),
        };
        let end = within(stream.finish::<()>()).await;
        assert_eq!(end, Err(StreamError::Refused(refused)));
        fence(&client).await;
    }
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_stream_alone() {
    let server = serve().await;
    let client = dial(&server).await;
    server.on_error(|_, _| {});
    server.on("sync", |_: StreamReader| fail());
    server.on("async", |mut stream: StreamReader| async move {
        let _first = stream.chunk().await;
        fail();
    });
    for event in ["sync", "async"] {
        let mut stream = client.stream(event, ()).await.expect("opened");
        let error = loop {
            if let Err(error) = within(stream.send(bytes(100_000))).await {
                break error;
            }
        };
        assert_eq!(error, StreamError::Refused(RequestError::Panicked));
        assert_eq!(within(stream.finish::<()>()).await, Err(error));
    }
    assert_eq!(server.counters().handler_panics, 2);
    fence(&client).await;
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn what_comes_with_a_stream_has_to_be_of_the_type_that_its_handler_takes() {
    let server = serve().await;
    let client = dial(&server).await;
    let (told, mut errors) = record();
    server.on_error(move |_, error| told.note(error));
    server.on("file", |_: i64, stream: StreamReader| async move {
        check_all(stream).await.map_err(Rejection::from)
    });
    let mut stream = client.stream("file", "text").await.expect("opened");
    let error = loop {
        if let Err(error) = within(stream.send(bytes(100_000))).await {
            break error;
        }
    };
    assert!(matches!(error, StreamError::Refused(RequestError::Decode(_))), "{error:?}");
    assert!(
        matches!(errors.next().await, gatewire::Error::Decode { event, .. } if event == "file")
    );
    assert_eq!(server.counters().inbound.dropped(gatewire::DropReason::Decode), 1);
    let stream = client.stream("file", 1).await.expect("opened");
    assert_eq!(within(stream.finish::<u64>()).await, Ok(0));
    close_and_balance(&server, &[&client]).await;
}

/// Members of a room that answer early count when they have everything.
/// The writer is told as soon as the reader is dropped, not when its handler ends.
#[tokio::test]
async fn a_handler_that_drops_its_reader_and_goes_on_stops_the_writer() {
    let server = serve().await;
    let client = dial(&server).await;
    let goes_on = |stream: StreamReader| async move {
        tokio::task::yield_now().await;
        drop(stream);
        std::future::pending::<()>().await;
    };
    server.on("plain", goes_on);
    server.on("concurrent", gatewire::concurrent(2, goes_on));
    for event in ["plain", "concurrent"] {
        let mut stream = client.stream(event, ()).await.expect("opened");
        let error = loop {
            if let Err(error) = within(stream.send(bytes(100_000))).await {
                break error;
            }
        };
        let code = StreamCode::Dropped;
        assert_eq!(error, StreamError::Stopped { code, text: String::new() });
    }
    close_and_balance(&server, &[&client]).await;
}

/// A place of a connection is taken until the handler ends, also by a handler that has no reader any
/// more.
#[tokio::test]
async fn a_stream_whose_handler_still_runs_keeps_its_place() {
    let server = serve().await;
    let client = dial(&server).await;
    let (noted, mut started): (_, Record<()>) = record();
    let other_noted = noted.clone();
    server.on("plain", move |stream: StreamReader| {
        let noted = noted.clone();
        async move {
            drop(stream);
            noted.note(());
            std::future::pending::<()>().await;
        }
    });
    let concurrently = move |stream: StreamReader| {
        let noted = other_noted.clone();
        async move {
            drop(stream);
            noted.note(());
            std::future::pending::<()>().await;
        }
    };
    server.on("concurrent", gatewire::concurrent(1000, concurrently));
    let mut streams = Vec::new();
    for event in ["plain", "concurrent"] {
        for _ in 0..64 {
            streams.push(client.stream(event, ()).await.expect("opened"));
        }
    }
    started.next_many(128).await;
    let stream = client.stream("plain", ()).await.expect("opened");
    let end = within(stream.finish::<()>()).await;
    assert_eq!(end, Err(StreamError::Refused(RequestError::Busy)));
    drop(streams);
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn a_queue_of_the_receiver_that_is_full_refuses_the_stream_as_busy() {
    let (server, reader) = SlowReader::serve(gatewire::Overflow::DropNewest).await;
    let sender = dial(&server).await;
    // To the brim.
    reader.fill("block", MAX_BYTES / 2).await;
    while reader.socket.emit("block", vec![0; 1000]).is_ok() {}
    while reader.socket.emit("block", ()).is_ok() {}
    let id = reader.socket.id();
    let stream = sender.to_socket(id).stream("file", ()).await.expect("opened");
    let end = within(stream.finish::<Value>()).await;
    assert_eq!(end, Err(StreamError::Refused(RequestError::Busy)));
    reader.socket.join("all").expect("joined");
    let mut stream = sender.to("all").stream("file", ()).await.expect("opened");
    within(stream.send(Bytes::from_static(b"to nobody"))).await.expect("sent");
    let report = within(stream.finish()).await.expect("a report");
    let busy = StreamError::Refused(RequestError::Busy);
    assert_eq!(failed(&report), [(id, &busy)]);
    drop(reader);
    close_and_balance(&server, &[&sender]).await;
}

/// The refusal is not lost when the handler refuses before it has read all.
#[tokio::test]
async fn a_refusal_says_more_than_that_the_reader_is_gone() {
    let server = serve().await;
    let client = dial(&server).await;
    server.on("file", |mut stream: StreamReader| async move {
        let _first = stream.chunk().await;
        Err::<(), _>(Rejection::new("full"))
    });
    let mut stream = client.stream("file", ()).await.expect("opened");
    let error = loop {
        if let Err(error) = within(stream.send(bytes(100_000))).await {
            break error;
        }
    };
    let rejected = RequestError::Rejected(Value::String("full".to_owned()));
    assert_eq!(error, StreamError::Refused(rejected));
    close_and_balance(&server, &[&client]).await;
}
