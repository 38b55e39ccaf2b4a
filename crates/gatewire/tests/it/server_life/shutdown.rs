//! A server that closes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewire::{ClientBuilder, CloseCode, DisconnectReason, EmitError, RequestError, Server};
use gatewire_codec::{Message, ValueRef};
use tokio::sync::Notify;

use crate::raw::Raw;
use crate::rig::{build, connect, dial, record, serve, within};

#[tokio::test]
async fn clients_are_told_that_the_server_goes_away() {
    let server = serve().await;
    let (seen, mut ends) = record();
    for _ in 0..3 {
        let client = build(&server, ClientBuilder::no_reconnect);
        let seen = seen.clone();
        client.on_disconnect(move |reason| seen.note(reason.clone()));
        connect(&client).await;
    }
    let mut raw = Raw::dial(server.local_addr()).await;
    let close = async {
        let text = raw.expect_close(CloseCode::GoingAway).await;
        drop(raw);
        text
    };
    let (text, ()) = within(async { tokio::join!(close, server.close()) }).await;
    assert_eq!(text, "");
    let going_away =
        DisconnectReason::ClosedByPeer { code: CloseCode::GoingAway, text: String::new() };
    assert_eq!(ends.next_many(3).await, [going_away.clone(), going_away.clone(), going_away]);
    assert!(server.is_empty());
    assert_eq!(server.counters().connections, 0);
}

#[tokio::test]
async fn what_was_emitted_before_the_close_is_received() {
    let server = serve().await;
    let client = build(&server, ClientBuilder::no_reconnect);
    let (seen, mut order) = record();
    client.on("number", move |number: usize| seen.note(number));
    connect(&client).await;
    for number in 0..5000_usize {
        server.emit("number", number).expect("sent");
    }
    within(server.close()).await;
    within(client.closed()).await;
    assert!(order.so_far().into_iter().eq(0..5000));
}

#[tokio::test]
async fn a_closed_server_sends_nothing_and_accepts_nobody() {
    let server = serve().await;
    let client = dial(&server).await;
    let socket = server.sockets().pop().expect("a socket");
    within(server.close()).await;
    assert_eq!(socket.emit("event", ()), Err(EmitError::Closed));
    assert_eq!(within(socket.ready()).await, Err(EmitError::Closed));
    let asked = within(socket.request::<(), _>("event", ())).await;
    assert_eq!(asked, Err(RequestError::NotSent(EmitError::Closed)));
    // There is nobody left to hear it.
    assert_eq!(server.emit("event", ()), Ok(()));
    assert!(tokio::net::TcpStream::connect(server.local_addr()).await.is_err());
    within(server.close()).await;
    client.close().await;
}

#[tokio::test]
async fn the_port_is_free_when_the_close_returns() {
    let mut server = serve().await;
    let address = server.local_addr();
    for _ in 0..20 {
        let client = dial(&server).await;
        within(server.close()).await;
        server = Server::builder().bind(address).await.expect("the port is free again");
        server.on("fence", || ());
        client.close().await;
    }
}

#[tokio::test]
async fn who_shakes_hands_does_not_hold_up_the_close() {
    let server = serve().await;
    let mut silent = Raw::connect(server.local_addr()).await;
    let mut slow = Raw::connect(server.local_addr()).await;
    slow.write(&[1, 0]).await;
    let client = dial(&server).await;
    let start = Instant::now();
    within(server.close()).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    silent.expect_end().await;
    slow.expect_end().await;
    client.close().await;
}

#[tokio::test]
async fn requests_of_both_sides_end_with_the_close() {
    let server = serve().await;
    let (began, mut begins) = record();
    let note = began.clone();
    server.on("wait", move || {
        note.note(());
        std::future::pending::<()>()
    });
    let client = build(&server, ClientBuilder::no_reconnect);
    client.on("wait", move || {
        began.note(());
        std::future::pending::<()>()
    });
    connect(&client).await;
    let socket = server.sockets().pop().expect("a socket");
    let hour = Duration::from_secs(3600);
    let up = client.request::<(), _>("wait", ()).timeout(hour);
    let down = socket.request::<(), _>("wait", ()).timeout(hour);
    let close = async {
        begins.next_many(2).await;
        // It waits for handlers, but not for ever.
        server.close().await;
    };
    let (up, down, ()) = within(async { tokio::join!(up, down, close) }).await;
    assert_eq!(up, Err(RequestError::MaybeDelivered));
    assert_eq!(down, Err(RequestError::MaybeDelivered));
}

#[tokio::test]
async fn the_close_waits_for_on_disconnect_and_for_handlers() {
    let server = serve().await;
    let (seen, mut order) = record();
    let release = Arc::new(Notify::new());
    let (note, released) = (seen.clone(), Arc::clone(&release));
    server.on("work", move || {
        let (note, released) = (note.clone(), Arc::clone(&released));
        async move {
            note.note("begun");
            released.notified().await;
            note.note("done");
        }
    });
    let note = seen.clone();
    server.on_disconnect(move |_, _| {
        let (note, release) = (note.clone(), Arc::clone(&release));
        async move {
            note.note("disconnected");
            tokio::task::yield_now().await;
            release.notify_one();
        }
    });
    let mut raw = Raw::dial(server.local_addr()).await;
    raw.send(&Message::Event { event: "work", value: ValueRef::Empty }).await;
    assert_eq!(order.next().await, "begun");
    let ((), ()) = within(async {
        tokio::join!(server.close(), async {
            raw.expect_close(CloseCode::GoingAway).await;
            drop(raw);
        })
    })
    .await;
    assert_eq!(order.so_far(), ["disconnected", "done"]);
    let inbound = server.counters().inbound;
    assert_eq!((inbound.accepted, inbound.done), (1, 1));
}

#[tokio::test]
async fn a_handler_may_close_its_own_server() {
    let server = serve().await;
    let (seen, mut closes) = record();
    let closing = server.clone();
    server.on("stop", move || {
        let (server, seen) = (closing.clone(), seen.clone());
        async move {
            // Not before the close is under way, since that waits for handlers.
            tokio::spawn(async move {
                server.close().await;
                seen.note(());
            });
        }
    });
    let client = build(&server, ClientBuilder::no_reconnect);
    connect(&client).await;
    client.emit("stop", ()).expect("queued");
    closes.next().await;
    within(client.closed()).await;
    assert!(server.is_empty());
}

/// The peer takes nothing: what is queued for it is waited for, but not for ever.
#[tokio::test]
async fn a_client_that_does_not_read_cannot_hold_up_the_close() {
    let server = serve().await;
    let raw = Raw::dial_narrow(server.local_addr()).await;
    let socket = server.socket(&raw.id()).expect("a socket");
    let block = vec![0; 60_000];
    while socket.queued_bytes() < 1 << 20 {
        socket.emit("block", &block).expect("queued");
        tokio::task::yield_now().await;
    }
    let start = Instant::now();
    within(server.close()).await;
    let took = start.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&took), "{took:?}");
    assert!(server.is_empty());
    drop(raw);
}
