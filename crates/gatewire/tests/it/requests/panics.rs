//! Handlers that panic: the asker is told, the panic is counted, everything else goes on.

use gatewire::{DropReason, Error, FormatError, IntoValue, RequestError, ValueRef, concurrent};
use gatewire_codec::{Message, NackCode, v3};
use gatewire_format::EncodeContext;

use crate::raw::{Raw, frame};
use crate::rig::{Recorder, dial, dial_with, fence, record, serve, within};

fn panicked(event: &str, message: &str) -> Error {
    Error::HandlerPanicked { event: event.to_owned(), message: message.to_owned() }
}

#[tokio::test]
async fn a_panic_is_told_to_the_asker_wherever_it_comes() {
    let server = serve().await;
    server.on("sync", || -> i64 { panic!("in sync") });
    server.on("before", || {
        panic!("before the future");
        #[expect(unreachable_code, reason = "gives the closure its type")]
        async {
            1
        }
    });
    server.on("early", async || -> i64 { panic!("before the await") });
    server.on("late", async || -> i64 {
        tokio::task::yield_now().await;
        panic!("after {}", "the await")
    });
    let (told, mut errors) = record();
    server.on_error(move |_, error| told.note(error));
    let client = dial(&server).await;

    let expected = [
        ("sync", "in sync"),
        ("before", "before the future"),
        ("early", "before the await"),
        ("late", "after the await"),
    ];
    for (event, message) in expected {
        let answer = within(client.request::<i64, _>(event, ())).await;
        assert_eq!(answer, Err(RequestError::Panicked), "{event}");
        assert_eq!(errors.next().await, panicked(event, message));
        client.emit(event, ()).expect("queued");
        assert_eq!(errors.next().await, panicked(event, message));
    }
    fence(&client).await;
    client.close().await;
    server.close().await;
    let counters = server.counters();
    assert_eq!(counters.handler_panics, 8);
    assert_eq!(counters.inbound.dropped(DropReason::Panicked), 8);
    assert_eq!((counters.inbound.accepted, counters.inbound.done), (9, 1));
}

#[tokio::test]
async fn a_panic_at_a_client_is_told_to_the_server() {
    let server = serve().await;
    let client = dial(&server).await;
    client.on("sync", || -> i64 { panic!("in sync") });
    client.on("late", async || -> i64 {
        tokio::task::yield_now().await;
        panic!("after the await")
    });
    let (told, mut errors) = record();
    client.on_error(move |error| told.note(error));
    let socket = server.sockets().pop().expect("a socket");
    for (event, message) in [("sync", "in sync"), ("late", "after the await")] {
        let answer = within(socket.request::<i64, _>(event, ())).await;
        assert_eq!(answer, Err(RequestError::Panicked));
        assert_eq!(errors.next().await, panicked(event, message));
    }
    assert_eq!(client.counters().handler_panics, 2);
}

#[tokio::test]
async fn a_panic_of_a_concurrent_handler_is_told_and_counted_too() {
    let server = serve().await;
    server.on(
        "late",
        concurrent(2, async || -> i64 {
            tokio::task::yield_now().await;
            panic!("in a task")
        }),
    );
    let (told, mut errors) = record();
    server.on_error(move |_, error| told.note(error));
    let client = dial(&server).await;
    let answer = within(client.request::<i64, _>("late", ())).await;
    assert_eq!(answer, Err(RequestError::Panicked));
    assert_eq!(errors.next().await, panicked("late", "in a task"));
    assert_eq!(server.counters().handler_panics, 1);
    // Its place among the concurrent ones is free again.
    for _ in 0..4 {
        let answer = within(client.request::<i64, _>("late", ())).await;
        assert_eq!(answer, Err(RequestError::Panicked));
    }
}

/// An answer that panics, or fails, when it is encoded.
struct Bad {
    panics: bool,
}

impl IntoValue for Bad {
    fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        assert!(!self.panics, "in the format");
        Err(FormatError::WrongType { expected: "nothing", found: "this" })
    }
}

/// Whatever goes wrong on the way of an answer, even twice, the asker gets one.
#[tokio::test]
async fn an_answer_that_cannot_be_encoded_is_one_refusal() {
    let server = serve().await;
    server.on_error(|_, _| panic!("on error"));
    server.on("sync", |panics: bool| Bad { panics });
    server.on("sync", |_: bool| 1);
    server.on("rejects", |panics: bool| Err::<(), _>(Bad { panics }));
    server.on("early", async |panics: bool| Bad { panics });
    server.on("late", async |panics: bool| {
        tokio::task::yield_now().await;
        Bad { panics }
    });
    server.on("concurrent", concurrent(2, async |panics: bool| Bad { panics }));
    let mut raw = Raw::dial(server.local_addr()).await;
    let events = ["sync", "rejects", "early", "late", "concurrent"];
    let requests: Vec<_> =
        events.iter().flat_map(|event| [(event, true), (event, false)]).collect();
    // The second time the event is recognised.
    for _ in 0..2 {
        for (id, (event, panics)) in (1..).zip(&requests) {
            let value = ValueRef::Bool(*panics);
            let fence = Message::Request { id: 9999, event: "fence", value: ValueRef::Empty };
            raw.write(&[frame(&Message::Request { id, event, value }), frame(&fence)].concat())
                .await;
            let mut codes = Vec::new();
            // A concurrent run may answer behind the fence.
            for _ in 0..2 {
                let answer = raw.read().await.expect("an answer");
                match v3::decode(&answer) {
                    Ok(Message::Nack { id: found, code, .. }) => codes.push((found, code)),
                    found => {
                        let ack = Message::Ack { id: 9999, value: ValueRef::Empty };
                        assert_eq!(found, Ok(ack));
                    }
                }
            }
            let code = if *panics { NackCode::Panicked } else { NackCode::Unanswered };
            assert_eq!(codes, [(id, code)], "{event}");
        }
    }
}

#[tokio::test]
async fn a_panic_of_a_lifecycle_handler_costs_nobody_anything() {
    let server = serve().await;
    server.on("wrong", |_: i64| {});
    server.on_connect(async |_| panic!("on connect"));
    server.on_disconnect(async |_, _| panic!("on disconnect"));
    server.on_error(|_, _| panic!("on error"));
    server.on_any(|_, event, _| assert_ne!(event, "wrong", "on any"));
    let client = dial_with(&server, |builder| builder).await;
    client.on_error(|_| panic!("on error"));
    client.on_disconnect(|_| panic!("on disconnect"));
    let bystander = dial(&server).await;

    client.emit("wrong", "text").expect("queued");
    fence(&client).await;
    fence(&bystander).await;
    client.close().await;
    crate::rig::eventually(|| server.len() == 1).await;
    fence(&bystander).await;
    bystander.close().await;
    within(server.close()).await;
    assert_eq!(server.len(), 0);
}

fn fail() {
    panic!("on purpose")
}

/// Notes when it is dropped.
struct Guard(Recorder<&'static str>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.note("dropped");
    }
}

#[tokio::test]
async fn what_a_panicking_handler_held_is_dropped_before_the_next_message() {
    let server = serve().await;
    let (seen, mut order) = record();
    let note = seen.clone();
    server.on("panic", move || {
        let guard = Guard(note.clone());
        async move {
            let _guard = guard;
            tokio::task::yield_now().await;
            fail();
        }
    });
    server.on("next", move || seen.note("next"));
    let client = dial(&server).await;
    client.emit("panic", ()).expect("queued");
    client.emit("next", ()).expect("queued");
    fence(&client).await;
    assert_eq!(order.so_far(), ["dropped", "next"]);
}
