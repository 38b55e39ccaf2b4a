//! What peers can do to each other, to the server's locks and to waiting futures, and cannot.

use std::sync::Arc;
use std::time::Duration;

use gatewire::{Backoff, Client, EmitError, ErrorCode, Socket};
use gatewire_codec::{CloseCode, Message, Names, Target, ValueRef, v3};
use tokio::sync::Notify;

use crate::raw::{Raw, RawListener};
use crate::rig::{
    build, connect, dial, eventually, fence, limits, record, record_ends, serve, serve_with, within,
};

/// More than the kernel takes for a peer that does not read.
const LARGE: &[u8] = &[7; 500_000];

#[tokio::test]
async fn a_client_that_asks_much_at_once_gets_all_answers() {
    let server = serve().await;
    server.on("get", || vec![7_u8; 64 << 10]);
    let client = dial(&server).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..400 {
        let client = client.clone();
        asked.spawn(async move { client.request::<Vec<u8>, _>("get", ()).await });
    }
    for answer in within(asked.join_all()).await {
        assert_eq!(answer.map(|bytes| bytes.len()), Ok(64 << 10));
    }
    assert!(client.is_connected());
}

#[tokio::test]
async fn a_list_of_too_many_names_is_refused() {
    let server = serve().await;
    let mut raw = Raw::dial(server.local_addr()).await;
    let names = vec!["a"; 100_000];
    let rooms = Names::from_slice(&names);

    let target = Target { rooms, ..Target::default() };
    let value = ValueRef::Empty;
    raw.send(&Message::Publish { request: None, target, event: "e", value }).await;
    let text = "a message may name 1024 rooms or sockets at most";
    raw.expect(&Message::Error { id: 0, code: ErrorCode::Denied, text }).await;

    raw.send(&Message::Join { id: 0, rooms }).await;
    let text = "1024 rooms at most can be named at once";
    raw.expect(&Message::Error { id: 0, code: ErrorCode::TooManyRooms, text }).await;
    assert!(server.members("a").is_empty());
}

#[tokio::test]
async fn a_peer_that_is_reset_while_it_is_closed_is_gone_at_once() {
    let server = serve().await;
    let mut ends = record_ends(&server);
    let raw = Raw::dial_narrow(server.local_addr()).await;
    let socket = server.socket(&raw.id()).expect("a socket");
    while socket.queued_bytes() < 1 << 20 {
        socket.emit("x", LARGE).expect("queued");
        tokio::task::yield_now().await;
    }
    socket.disconnect();
    // Bytes that it has not read make the kernel answer with a reset.
    drop(raw);
    // Long before the grace for the last frames is over.
    let end = tokio::time::timeout(Duration::from_secs(1), ends.next()).await;
    assert_eq!(end.map(|(id, _)| id), Ok(socket.id()));
}

#[tokio::test]
async fn nothing_follows_the_first_frame_that_did_not_fit() {
    let server = serve().await;
    let mut raw = Raw::dial(server.local_addr()).await;
    let socket = server.socket(&raw.id()).expect("a socket");
    let mut refused = None;
    for number in 0..40_i64 {
        let name = number.to_string();
        // Small ones would still fit where a large one does not.
        let sent = match number % 2 {
            0 => socket.emit(&name, LARGE),
            _ => socket.emit(&name, ()),
        };
        if sent.is_err() && refused.is_none() {
            assert_eq!(sent, Err(EmitError::SlowConsumer));
            refused = Some(number);
        }
    }
    let refused = refused.expect("40 of them do not fit");
    let mut next = 0;
    while let Some(frame) = raw.read().await {
        match v3::decode(&frame) {
            Ok(Message::Event { event, .. }) => {
                assert_eq!(event, next.to_string());
                next += 1;
            }
            other => {
                let Ok(Message::Close { code, .. }) = other else { panic!("{other:?}") };
                assert_eq!(code, CloseCode::SlowConsumer);
            }
        }
    }
    assert_eq!(next, refused);
}

#[tokio::test]
async fn flush_fails_for_what_is_lost_with_the_connection() {
    let listener = RawListener::bind().await;
    let client = Client::builder().no_offline_queue().build(listener.address());
    let (connected, raw) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");
    while client.emit("x", LARGE).is_ok() {
        tokio::task::yield_now().await;
    }
    let flush = tokio::spawn({
        let client = client.clone();
        async move { client.flush().await }
    });
    tokio::task::yield_now().await;
    drop(raw);
    let flushed = within(flush).await.expect("no panic");
    assert_eq!(flushed, Err(EmitError::Closed));
}

#[tokio::test]
async fn ready_sees_that_a_new_connection_takes_less() {
    let server =
        serve_with(|builder| builder.limits(limits(|limits| limits.max_frame = 1000))).await;
    let client = build(&server, |builder| builder);
    while client.emit("x", &LARGE[..100_000]).is_ok() {}
    let ready = tokio::spawn({
        let client = client.clone();
        async move { client.ready().await }
    });
    tokio::task::yield_now().await;
    // What waits is too long for this server, and dropped.
    connect(&client).await;
    assert_eq!(within(ready).await.expect("no panic"), Ok(()));
}

#[tokio::test]
async fn close_ends_a_connect_that_nobody_polls() {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let mut connecting = std::pin::pin!(client.connect());
    tokio::select! {
        biased;
        _ = &mut connecting => panic!("nobody answers"),
        _accepted = listener.accept_only() => {}
    }
    within(client.close()).await;
}

#[tokio::test]
async fn a_handler_may_wait_for_the_connection_that_comes_after_its_own() {
    let listener = RawListener::bind().await;
    let backoff = Backoff::Fixed(Duration::from_millis(5));
    let client = Client::builder().reconnect(backoff).build(listener.address());
    let (go, flushing) = (Arc::new(Notify::new()), client.clone());
    let (begun, mut begins) = record();
    let gate = Arc::clone(&go);
    client.on("m", move |number: u64| {
        begun.note(number);
        let (gate, client) = (Arc::clone(&gate), flushing.clone());
        async move {
            gate.notified().await;
            client.emit("done", number).is_ok() && client.flush().await.is_ok()
        }
    });
    let (connected, mut raw) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");
    for number in 1..=2_u8 {
        raw.send(&Message::Event { event: "m", value: ValueRef::Integer(number.into()) }).await;
        if number == 1 {
            assert_eq!(begins.next().await, 1);
        }
        // Lost, with the handler in the middle.
        drop(raw);
        raw = listener.accept(number + 1).await;
    }
    go.notify_one();
    raw.expect(&Message::Event { event: "done", value: ValueRef::Integer(1) }).await;
}

#[tokio::test]
async fn the_handlers_of_a_socket_go_with_it() {
    let server = serve().await;
    let held = Arc::new(());
    let holding = Arc::clone(&held);
    server.on_connect(move |socket| {
        let (held, own) = (Arc::clone(&holding), socket.clone());
        socket.on("ping", move || {
            let _alive = &held;
            own.emit("pong", ()).is_ok()
        });
        std::future::ready(())
    });
    for _ in 0..10 {
        let client = dial(&server).await;
        fence(&client).await;
        client.close().await;
    }
    // One here, one in the closure above.
    eventually(|| Arc::strong_count(&held) == 2).await;
}

/// Uses its server or its client when it goes.
struct LastWord<F: FnMut()>(F);

impl<F: FnMut()> Drop for LastWord<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Runs something that may lock up, on a thread that nobody has to wait for then.
async fn not_locked_up(run: impl FnOnce() + Send + 'static) {
    let (done, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        run();
        done.send(()).expect("the test waits for it");
    });
    within(ended).await.expect("no panic");
}

#[tokio::test]
async fn what_a_handler_holds_may_use_the_server_when_it_goes() {
    let server = serve().await;
    let (seen, mut order) = record();
    let last_word = |name: &'static str| {
        let (server, seen) = (server.clone(), seen.clone());
        LastWord(move || {
            server.on(name, || ());
            server.on_drain(|_| ());
            server.on_error(|_, _| ());
            seen.note(name);
        })
    };
    let (one, all, told) = (last_word("one"), last_word("all"), last_word("told"));
    let changer = server.clone();
    not_locked_up(move || {
        let id = changer.on_any(move |_, _, _| _ = &all);
        changer.on("event", move || _ = &one);
        changer.on_error(move |_, _| _ = &told);
        assert_eq!(changer.off_event("event"), 1);
        assert!(changer.off(id));
        changer.on_error(|_, _| ());
    })
    .await;
    // The first to go replaces the handler that holds the last.
    assert_eq!(order.so_far(), ["told", "one", "all"]);
}

/// Wakes nobody, but looks at the client.
struct Curious(Client);

impl std::task::Wake for Curious {
    fn wake(self: Arc<Self>) {
        assert!(self.0.is_connected() && self.0.queued_bytes() < 100);
    }
}

#[tokio::test]
async fn a_waker_may_use_the_client_whose_request_is_given_up() {
    let server = serve().await;
    server.on("never", std::future::pending::<()>);
    let client = dial(&server).await;
    let asking = client.clone();
    not_locked_up(move || {
        let waker = Arc::new(Curious(asking.clone())).into();
        let mut request = std::pin::pin!(asking.request::<(), _>("never", ()));
        let polled = request.as_mut().poll(&mut std::task::Context::from_waker(&waker));
        assert!(polled.is_pending());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_blocks_its_thread_delays_no_other_sender() {
    let server = serve().await;
    let (slow, fast, receiver) = (dial(&server).await, dial(&server).await, dial(&server).await);
    let id = receiver.id().expect("connected");
    let (seen, mut heard) = record();
    receiver.on("m", move |from: String| seen.note(from));
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let (blocked, mut blocks) = record();
    server.on("slow", move |socket: Socket| {
        let sent = socket.to_socket(id).emit("m", "slow").is_ok();
        blocked.note(sent);
        let released = released.lock().expect("not poisoned");
        released.recv_timeout(Duration::from_secs(5)).is_ok()
    });
    server.on("fast", move |socket: Socket| socket.to_socket(id).emit("m", "fast").is_ok());
    slow.emit("slow", ()).expect("queued");
    assert!(blocks.next().await);
    fast.emit("fast", ()).expect("queued");
    // Both, in the order in which they were emitted, while the first handler still blocks.
    assert_eq!(heard.next_many(2).await, ["slow", "fast"]);
    release.send(()).expect("it waits");
}

#[tokio::test]
async fn a_wait_that_is_given_up_does_not_hinder_the_next() {
    let client = Client::builder().build("127.0.0.1:1");
    while client.emit("x", &LARGE[..100_000]).is_ok() {}
    for _ in 0..2000 {
        tokio::select! {
            biased;
            _ = client.ready() => panic!("the queue is full and nobody takes anything"),
            () = std::future::ready(()) => {}
        }
    }
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.ready().await }
    });
    tokio::task::yield_now().await;
    within(client.close()).await;
    assert_eq!(within(waiting).await.expect("no panic"), Err(EmitError::Closed));
}
