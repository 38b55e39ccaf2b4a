//! Handlers that borrow what they get: bytes and text from the read buffer, the socket or the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use gatewire::{Client, DropReason, Rejection, RequestError, Server, Socket, Value, concurrent};
use gatewire_codec::{Message, NackCode, ValueRef};

use crate::raw::{Raw, frame};
use crate::rig::{dial, fence, record, serve, within};

/// One of each kind on a server, as closures are written: nothing but the types of their arguments.
fn listen(server: &Server) {
    server.on("bytes", |bytes: &[u8]| bytes.len() as u64);
    server.on("text", |text: &str| text.to_uppercase());
    server.on("context", |socket: &Socket| socket.id());
    server.on("context and bytes", |_: &Socket, bytes: &[u8]| bytes.to_vec());
    server.on("context and text", |_: &Socket, text: &str| text.len() as u64);
    server.on("context and value", |_: &Socket, number: i64| number + 1);
    server.on("context and array", |_: &Socket, bytes: [u8; 3]| bytes);
    server.on("owned context and bytes", |socket: Socket, bytes: &[u8]| {
        assert!(socket.is_connected());
        bytes.len() as u64
    });
    server.on("owned context and text", |_: Socket, text: &str| format!("{text}!"));
    server.on("nothing", |_: &[u8]| ());
    server.on("refuses", |text: &str| match text {
        "good" => Ok(text.len() as u64),
        other => Err(Rejection::new(other)),
    });
    server.on("function", length);
    server.on("concurrent", concurrent(2, |bytes: &[u8]| Bytes::copy_from_slice(bytes)));
    server.once("once", |_: &Socket, text: &str| text.to_owned());
}

fn length(_: &Socket, text: &str) -> u64 {
    text.len() as u64
}

#[tokio::test]
async fn a_servers_handlers_borrow_and_answer() {
    let server = serve().await;
    listen(&server);
    let client = dial(&server).await;
    let bytes: &[u8] = &[1, 2, 3];
    let text = Value::String;
    // Twice: the first message of an event looks its handlers up, the others recognise it.
    for _ in 0..2 {
        let ask =
            async |event, value: Value| within(client.request::<Value, _>(event, value)).await;
        let blob = || Value::Binary(Bytes::copy_from_slice(bytes));
        let word = || text("word".to_owned());
        assert_eq!(ask("bytes", blob()).await, Ok(Value::Integer(3)));
        assert_eq!(ask("text", word()).await, Ok(text("WORD".to_owned())));
        let id = client.id().expect("connected").to_string();
        assert_eq!(ask("context", blob()).await, Ok(text(id)));
        assert_eq!(ask("context and bytes", blob()).await, Ok(blob()));
        assert_eq!(ask("context and text", word()).await, Ok(Value::Integer(4)));
        assert_eq!(ask("context and value", Value::Integer(1)).await, Ok(Value::Integer(2)));
        assert_eq!(ask("context and array", blob()).await, Ok(blob()));
        assert_eq!(ask("owned context and bytes", blob()).await, Ok(Value::Integer(3)));
        assert_eq!(ask("owned context and text", word()).await, Ok(text("word!".to_owned())));
        assert_eq!(ask("nothing", blob()).await, Ok(Value::Empty));
        assert_eq!(ask("refuses", text("good".to_owned())).await, Ok(Value::Integer(4)));
        assert_eq!(ask("refuses", word()).await, Err(RequestError::Rejected(word())));
        assert_eq!(ask("function", word()).await, Ok(Value::Integer(4)));
        assert_eq!(ask("concurrent", blob()).await, Ok(blob()));
    }
    assert_eq!(within(client.request::<String, _>("once", "only")).await.as_deref(), Ok("only"));
    let again = within(client.request::<String, _>("once", "only")).await;
    assert_eq!(again, Err(RequestError::NoHandler));
}

#[tokio::test]
async fn a_clients_and_a_sockets_handlers_borrow_and_answer() {
    let server = serve().await;
    let client = dial(&server).await;
    client.on("bytes", |bytes: &[u8]| bytes.len() as u64);
    client.on("text", |client: &Client, text: &str| client.is_connected() && text == "text");
    let socket = server.sockets().pop().expect("a socket");
    socket.on("own", |socket: &Socket, bytes: &[u8]| socket.is_connected() && bytes == b"own");
    for _ in 0..2 {
        let answer = within(socket.request::<u64, _>("bytes", b"four".as_slice())).await;
        assert_eq!(answer, Ok(4));
        assert_eq!(within(socket.request::<bool, _>("text", "text")).await, Ok(true));
        assert_eq!(within(client.request::<bool, _>("own", b"own".as_slice())).await, Ok(true));
    }
}

/// The same as for handlers that own their values: the closure does not run, a requester is told, the
/// event counts as dropped.
#[tokio::test]
async fn a_value_of_another_type_does_not_reach_a_handler_that_borrows() {
    let server = serve().await;
    let (seen, mut order) = record();
    let ran = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&ran);
    server.on("bytes", move |_: &[u8]| count.fetch_add(1, Ordering::Relaxed));
    let count = Arc::clone(&ran);
    server.on("text", move |_: &Socket, _: &str| count.fetch_add(1, Ordering::Relaxed));
    server.on_error(move |_, error| seen.note(error.to_string()));
    let client = dial(&server).await;
    for (event, value, expected) in [
        ("bytes", Value::String("text".to_owned()), "expected binary, found string"),
        ("bytes", Value::Empty, "expected binary, found empty"),
        ("text", Value::Binary(Bytes::from_static(b"text")), "expected string, found binary"),
        ("text", Value::Integer(1), "expected string, found integer"),
    ] {
        let refused = Err(RequestError::Decode(expected.to_owned()));
        for _ in 0..2 {
            let answer = within(client.request::<Value, _>(event, value.clone())).await;
            assert_eq!(answer, refused);
            client.emit(event, value.clone()).expect("queued");
        }
    }
    fence(&client).await;
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    assert_eq!(order.so_far().len(), 16);
    let inbound = server.counters().inbound;
    assert!(inbound.is_balanced());
    assert_eq!((inbound.dropped(DropReason::Decode), inbound.done), (16, 1));
}

/// What is borrowed lies in the read buffer, or where a frame that was cut is put together, or where it
/// was kept while a handler before it waited.
#[tokio::test]
async fn borrowed_bytes_are_the_messages_wherever_it_lies() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.on("waits", async || {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    });
    for name in ["event", "waits"] {
        let seen = seen.clone();
        server.on(name, move |bytes: &[u8]| seen.note((name, bytes.to_vec())));
    }
    let mut raw = Raw::dial(server.local_addr()).await;
    let mut expected = Vec::new();
    let mut wire = Vec::new();
    for length in [0, 1, 100, 5000, 70_000, 300_000, 3] {
        for event in ["event", "waits", "event"] {
            let bytes = vec![u8::try_from(expected.len()).expect("few"); length];
            let value = ValueRef::Binary(&bytes);
            wire.extend(frame(&Message::Event { event, value }));
            expected.push((event, bytes));
        }
    }
    for cut in [wire.len(), 1, 7, 4096, 100_000] {
        for piece in wire.chunks(cut.max(wire.len() / 1000)) {
            raw.write(piece).await;
        }
        assert!(order.next_many(expected.len()).await == expected, "in pieces of {cut}");
    }
}

/// A panic ends the run of that message: one refusal, and the next message is handled.
#[tokio::test]
async fn a_panic_of_a_handler_that_borrows_is_one_refusal() {
    let server = serve().await;
    server.on("ask", |text: &str| {
        assert_ne!(text, "panic");
        text.len() as u64
    });
    let mut raw = Raw::dial(server.local_addr()).await;
    let ask =
        |id, text| frame(&Message::Request { id, event: "ask", value: ValueRef::String(text) });
    let wire = [ask(1, "first"), ask(2, "panic"), ask(3, "panic"), ask(4, "four")].concat();
    raw.write(&wire).await;
    let ack = |id, number| Message::Ack { id, value: ValueRef::Integer(number) };
    let nack = |id| Message::Nack { id, code: NackCode::Panicked, value: ValueRef::Empty };
    for answer in [ack(1, 5), nack(2), nack(3), ack(4, 4)] {
        raw.expect(&answer).await;
    }
    let counters = server.counters();
    assert_eq!((counters.handler_panics, counters.inbound.dropped(DropReason::Panicked)), (2, 2));
}
