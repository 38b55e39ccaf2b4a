//! Requests whose connection is lost, or is not there.

use std::time::Duration;

use futures_util::FutureExt;
use gatewire::{Backoff, Client, EmitError, RequestError, Value};
use gatewire_codec::{Message, ValueRef};

use crate::raw::RawListener;
use crate::rig::{build, connect, dial, record, serve, within};

/// Longer than any test: what ends earlier was ended by something else.
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn without_a_connection_nothing_is_sent() {
    let server = serve().await;
    let client = build(&server, |builder| builder);
    let ask = async || within(client.request::<(), _>("fence", ())).await;
    let not_connected = Err(RequestError::NotSent(EmitError::NotConnected));
    assert_eq!(ask().await, not_connected);
    assert_eq!(within(client.join("room")).await, not_connected);
    connect(&client).await;
    assert_eq!(ask().await, Ok(()));
    client.close().await;
    assert_eq!(ask().await, Err(RequestError::NotSent(EmitError::Closed)));
    assert_eq!(client.emit("fence", ()), Err(EmitError::Closed));
}

#[tokio::test]
async fn a_lost_connection_ends_its_requests_at_once() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(Backoff::Fixed(HOUR)).build(listener.address());
    let (connected, mut raw) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");
    let ask = || client.request::<(), _>("wait", ()).timeout(HOUR);
    let room = client.join("room");
    let peer = async {
        for _ in 0..3 {
            raw.read().await.expect("a request");
        }
        drop(raw);
    };
    let (one, two, room, ()) = within(async { tokio::join!(ask(), ask(), room, peer) }).await;
    assert_eq!(one, Err(RequestError::MaybeDelivered));
    assert_eq!(two, Err(RequestError::MaybeDelivered));
    assert_eq!(room, Err(RequestError::MaybeDelivered));
    // Until the next connection nothing can be asked.
    let not_connected = Err(RequestError::NotSent(EmitError::NotConnected));
    assert_eq!(within(ask()).await, not_connected);
    within(client.close()).await;
}

#[tokio::test]
async fn a_request_that_the_kernel_did_not_take_was_not_sent() {
    let listener = RawListener::bind().await;
    let client = Client::builder().no_reconnect().build(listener.address());
    let (connected, raw) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");
    // The peer reads nothing: sooner or later its kernel takes no more.
    let block = vec![0_u8; 64 << 10];
    while client.emit("block", &block).is_ok() {}
    let mut request = Box::pin(client.request::<(), _>("wait", ()).timeout(HOUR));
    assert_eq!(request.as_mut().now_or_never(), None);
    drop(raw);
    let not_connected = Err(RequestError::NotSent(EmitError::NotConnected));
    assert_eq!(within(request).await, not_connected);
}

#[tokio::test]
async fn a_server_is_told_at_once_that_its_client_is_gone() {
    let server = serve().await;
    let client = dial(&server).await;
    let (asked, mut asks) = record();
    client.on("wait", move || {
        asked.note(());
        std::future::pending::<()>()
    });
    let socket = server.sockets().pop().expect("a socket");
    let request = socket.request::<(), _>("wait", ()).timeout(HOUR);
    let end = async {
        asks.next().await;
        client.close().await;
    };
    let (answer, ()) = within(async { tokio::join!(request, end) }).await;
    assert_eq!(answer, Err(RequestError::MaybeDelivered));
    let closed = Err(RequestError::NotSent(EmitError::Closed));
    assert_eq!(within(socket.request::<(), _>("wait", ())).await, closed);
}

#[tokio::test]
async fn a_client_is_told_that_the_client_it_asked_is_gone() {
    let server = serve().await;
    let (one, two) = (dial(&server).await, dial(&server).await);
    let (asked, mut asks) = record();
    two.on("wait", move || {
        asked.note(());
        std::future::pending::<()>()
    });
    let id = two.id().expect("connected");
    let request = one.to_socket(id);
    let request = request.request::<(), _>("wait", ()).timeout(HOUR);
    let end = async {
        asks.next().await;
        two.close().await;
    };
    let (answer, ()) = within(async { tokio::join!(request, end) }).await;
    assert_eq!(answer, Err(RequestError::MaybeDelivered));
}

/// Ids of requests begin anew with each session: an answer must not go to the next one, where
/// another request may have the same id.
#[tokio::test]
async fn an_answer_to_a_lost_session_does_not_reach_the_next_one() {
    let listener = RawListener::bind().await;
    let client = Client::builder()
        .reconnect(Backoff::Fixed(Duration::from_millis(1)))
        .build(listener.address());
    let (release, released) = tokio::sync::watch::channel(false);
    let (began, mut begins) = record();
    client.on("slow", move || {
        let mut released = released.clone();
        began.note(());
        async move {
            released.wait_for(|released| *released).await.expect("the test goes on");
            "from the lost session"
        }
    });
    client.on("fence", || ());
    let (connected, mut first) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");
    let request = |id, event| Message::Request { id, event, value: ValueRef::Empty };
    first.send(&request(1, "slow")).await;
    begins.next().await;
    drop(first);
    let mut second = listener.accept(2).await;
    // The handler of the lost session is done; its answer has no place any more.
    release.send(true).expect("the handler runs");
    second.send(&request(2, "fence")).await;
    second.expect(&Message::Ack { id: 2, value: ValueRef::Empty }).await;
    second.send(&request(3, "fence")).await;
    second.expect(&Message::Ack { id: 3, value: ValueRef::Empty }).await;
    drop(second);
    client.close().await;
}

/// As above, with the answer given while there is no connection.
#[tokio::test]
async fn an_answer_is_not_kept_for_the_next_session() {
    let listener = RawListener::bind().await;
    let client = Client::builder()
        .reconnect(Backoff::Fixed(Duration::from_millis(50)))
        .build(listener.address());
    let (ended, mut ends) = record();
    let (release, released) = tokio::sync::watch::channel(());
    let (began, mut begins) = record();
    client.on("slow", move || {
        let (mut released, began) = (released.clone(), began.clone());
        async move {
            began.note("begun");
            released.changed().await.expect("the test goes on");
            began.note("done");
            Value::Integer(1)
        }
    });
    client.on("fence", || ());
    client.on_disconnect(move |_| ended.note(()));
    let (connected, mut first) = tokio::join!(client.connect(), listener.accept(1));
    connected.expect("a connection");
    let request = |id, event| Message::Request { id, event, value: ValueRef::Empty };
    first.send(&request(1, "slow")).await;
    assert_eq!(begins.next().await, "begun");
    drop(first);
    ends.next().await;
    release.send(()).expect("the handler runs");
    assert_eq!(begins.next().await, "done");
    let mut second = listener.accept(2).await;
    second.send(&request(2, "fence")).await;
    second.expect(&Message::Ack { id: 2, value: ValueRef::Empty }).await;
    drop(second);
    client.close().await;
}

/// The tasks of a connection die with their runtime. Who waits in another one is told.
#[test]
fn a_request_ends_with_the_runtime_of_its_connection() {
    let here =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let there = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener = here.block_on(RawListener::bind());
    let client = Client::builder().build(listener.address());
    let connecting = client.clone();
    let connected = there.spawn(async move { connecting.connect().await });
    let mut raw = here.block_on(listener.accept(1));
    here.block_on(within(connected)).expect("no panic").expect("a connection");

    let mut request = Box::pin(client.request::<(), _>("wait", ()).timeout(HOUR));
    here.block_on(async {
        assert_eq!(request.as_mut().now_or_never(), None);
        raw.read().await.expect("the request");
    });
    drop(there);
    here.block_on(async {
        assert_eq!(within(request).await, Err(RequestError::MaybeDelivered));
        assert!(!client.is_connected());
        let asked = within(client.request::<(), _>("wait", ()).timeout(HOUR)).await;
        assert!(matches!(asked, Err(RequestError::NotSent(_))), "{asked:?}");
        within(client.close()).await;
    });
}

#[test]
fn a_servers_request_ends_with_the_runtime_of_the_server() {
    let here =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let there = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let server = here.block_on(async { within(there.spawn(serve())).await.expect("no panic") });
    let (client, socket) = here.block_on(async {
        let client = Client::builder().no_reconnect().build(server.local_addr());
        client.on("wait", std::future::pending::<()>);
        let id = connect(&client).await;
        (client, server.socket(&id).expect("a socket"))
    });
    let mut request = Box::pin(socket.request::<(), _>("wait", ()).timeout(HOUR));
    here.block_on(async { assert_eq!(request.as_mut().now_or_never(), None) });
    drop(there);
    here.block_on(async {
        let answer = within(request).await;
        assert!(
            matches!(answer, Err(RequestError::MaybeDelivered | RequestError::NotSent(_))),
            "{answer:?}"
        );
        assert!(server.is_empty());
        within(client.closed()).await;
    });
}
