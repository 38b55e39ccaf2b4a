//! A client that leaves a connection for another: what it waits for, and what it does not lose.

use std::future::IntoFuture;
use std::time::Duration;

use gatewire::keys::KeyEntry;
use gatewire::{
    Client, DisconnectReason, EmitError, Error, KeyRing, RequestError, Server, StreamReader,
    concurrent,
};
use tokio::sync::{mpsc, watch};

use super::key;
use crate::rig::{
    Record, build, connect, dial, dial_with, eventually, fence, record, record_ends, serve,
    serve_with, within,
};

fn record_begins(client: &Client) -> Record<()> {
    let (begun, begins) = record();
    client.on_connect(move |_| begun.note(()));
    begins
}

/// Answers when it is let to.
fn on_gate(server: &Server, seen: mpsc::UnboundedSender<()>) -> watch::Sender<bool> {
    let gate = watch::Sender::new(false);
    let opened = gate.clone();
    let handler = move || {
        let (mut opened, seen) = (opened.subscribe(), seen.clone());
        async move {
            seen.send(()).expect("the test goes on");
            opened
                .wait_for(|open| *open)
                .await
                .map(|_| "through")
                .map_err(|error| error.to_string())
        }
    };
    server.on("gate", concurrent(8, handler));
    gate
}

#[tokio::test]
async fn what_was_asked_is_answered_before_the_connection_is_left() {
    let server = serve().await;
    let (seen, mut asked) = mpsc::unbounded_channel();
    let gate = on_gate(&server, seen);
    let client = dial(&server).await;
    let before = client.id();
    let mut begins = record_begins(&client);
    let asking = client.clone();
    let waiting = tokio::spawn(async move { asking.request::<String, _>("gate", ()).await });
    within(asked.recv()).await.expect("it is asked");

    client.reconnect();
    // From some moment on nothing new is begun, though the connection is there.
    let refused = RequestError::NotSent(EmitError::NotConnected);
    within(async { while client.request::<(), _>("fence", ()).await != Err(refused.clone()) {} })
        .await;
    assert_eq!(client.id(), before);
    begins.expect_nothing();

    gate.send_replace(true);
    assert_eq!(within(waiting).await.expect("no panic").as_deref(), Ok("through"));
    begins.next().await;
    assert_ne!(client.id(), before);
    fence(&client).await;
}

#[tokio::test]
async fn events_that_are_emitted_meanwhile_all_arrive_in_order() {
    const EVENTS: u32 = 10_000;

    let server = serve().await;
    let (note, mut notes) = record();
    server.on("note", move |number: u32| note.note(number));
    let client = dial(&server).await;
    let mut begins = record_begins(&client);
    for number in 0..EVENTS {
        if number % (EVENTS / 4) == EVENTS / 8 {
            client.reconnect();
        }
        client.ready().await.expect("not closed");
        // The offline queue is full when the new connection takes long.
        while client.emit("note", number) == Err(EmitError::QueueFull) {
            tokio::task::yield_now().await;
        }
        if number % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    begins.next().await;
    assert_eq!(notes.next_many(EVENTS as usize).await, Vec::from_iter(0..EVENTS));
}

#[tokio::test]
async fn a_stream_comes_to_its_end_first() {
    let server = serve().await;
    server.on("upload", |mut stream: StreamReader| async move {
        let mut length = 0;
        while let Some(bytes) = stream.chunk().await? {
            length += bytes.len();
        }
        Ok::<_, gatewire::Rejection>(length as u64)
    });
    let client = dial(&server).await;
    let mut begins = record_begins(&client);
    let mut upload = within(client.stream("upload", ()).into_future()).await.expect("opened");
    within(upload.send(vec![7; 1000])).await.expect("taken");
    client.reconnect();
    // Requests go on meanwhile.
    for _ in 0..10 {
        fence(&client).await;
    }
    begins.expect_nothing();
    within(upload.send(vec![7; 1000])).await.expect("taken");
    assert_eq!(within(upload.finish::<u64>()).await, Ok(2000));
    begins.next().await;
}

#[tokio::test]
async fn what_is_never_answered_is_waited_for_five_seconds() {
    let server = serve().await;
    let (seen, mut asked) = mpsc::unbounded_channel();
    let _shut = on_gate(&server, seen);
    let client = dial(&server).await;
    let mut begins = record_begins(&client);
    let asking = client.clone();
    let waiting = tokio::spawn(async move {
        asking.request::<String, _>("gate", ()).timeout(Duration::from_secs(3600)).await
    });
    within(asked.recv()).await.expect("it is asked");
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    client.reconnect();
    begins.next().await;
    assert!((5..7).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    let lost = within(waiting).await.expect("no panic");
    assert_eq!(lost, Err(RequestError::MaybeDelivered));
}

#[tokio::test]
async fn the_server_sees_an_orderly_end_and_rooms_are_joined_again() {
    let server = serve().await;
    let mut ends = record_ends(&server);
    let client = dial(&server).await;
    let mut begins = record_begins(&client);
    within(client.join("lobby")).await.expect("joined");
    let id = client.id().expect("connected");
    client.reconnect();
    begins.next().await;
    let (ended, reason) = ends.next().await;
    assert_eq!(ended, id);
    let DisconnectReason::ClosedByPeer { code, .. } = reason else { panic!("{reason:?}") };
    assert_eq!(code, gatewire::CloseCode::Normal);
    fence(&client).await;
    assert_eq!(server.members("lobby").len(), 1);
}

#[tokio::test]
async fn a_client_that_does_not_reconnect_stays_until_it_is_closed() {
    let grace = Duration::from_millis(50);
    let keys = KeyRing::new().with("a", key(1));
    let server = serve_with(|builder| builder.psk(keys).reauth_grace(grace)).await;
    let mut ends = record_ends(&server);
    let client = dial_with(&server, |builder| builder.psk("a", key(1)).no_reconnect()).await;
    client.reconnect();
    fence(&client).await;
    server.set_keys(&KeyRing::new().with("b", key(2)));
    assert_eq!(ends.next().await.1, DisconnectReason::KeyExpired);
    within(client.closed()).await;
}

/// The old key is still all that the client has: it tries again until it is given the new one.
#[tokio::test]
async fn a_key_that_comes_late_is_not_too_late() {
    let grace = Duration::from_millis(50);
    let keys = KeyRing::new().with("a", key(1));
    let server = serve_with(|builder| builder.psk(keys).reauth_grace(grace)).await;
    let client = dial_with(&server, |builder| builder.psk("a", key(1))).await;
    let mut begins = record_begins(&client);
    let (told, mut errors) = record();
    client.on_error(move |error| told.note(error));
    server.set_keys(&KeyRing::new().with("b", key(2)));
    assert!(matches!(errors.next().await, Error::Connect(_)));
    client.emit("fence", ()).expect("it waits");
    client.set_key("b", key(2));
    begins.next().await;
    fence(&client).await;
}

/// What the channel is follows the keys of the moment at both ends.
#[tokio::test]
async fn a_client_that_gets_its_first_key_speaks_tls_from_then_on() {
    let server = serve_with(|builder| builder.reauth_grace(Duration::from_millis(50))).await;
    let client = dial(&server).await;
    let mut begins = record_begins(&client);
    client.on_error(|error| assert!(matches!(error, Error::Connect(_)), "{error}"));
    client.set_key("a", key(1));
    server.set_keys(&KeyRing::new().with("a", key(1)));
    begins.next().await;
    fence(&client).await;
    assert_eq!(server.sockets()[0].key_id(), "a");
}

/// A server that asks each time a client comes does not make it run in circles without a pause.
#[tokio::test]
async fn a_client_that_is_asked_again_and_again_takes_its_time() {
    let server = serve().await;
    let client = dial(&server).await;
    let (told, mut delays) = record();
    client.on_reconnecting(move |_, delay| told.note(delay));
    let mut begins = record_begins(&client);
    for _ in 0..5 {
        client.reconnect();
        begins.next().await;
    }
    let delays = delays.so_far();
    assert_eq!(delays[0], Duration::ZERO);
    assert!(delays[1..].iter().any(|delay| *delay > Duration::ZERO), "{delays:?}");
}

#[tokio::test]
async fn a_client_may_be_closed_while_it_leaves() {
    let server = serve().await;
    let (seen, mut asked) = mpsc::unbounded_channel();
    let _shut = on_gate(&server, seen);
    let client = build(&server, |builder| builder);
    connect(&client).await;
    let asking = client.clone();
    let waiting = tokio::spawn(async move { asking.request::<String, _>("gate", ()).await });
    within(asked.recv()).await.expect("it is asked");
    client.reconnect();
    within(client.close()).await;
    assert!(within(waiting).await.expect("no panic").is_err());
    eventually(|| server.is_empty()).await;
}

#[tokio::test]
async fn a_key_that_is_given_more_time_keeps_its_sessions() {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let until = |seconds| gatewire::keys::UnixTime::from_secs(now.as_secs() + seconds);
    let ring =
        |seconds| KeyRing::new().with_entry(KeyEntry::new("a", key(1)).not_after(until(seconds)));
    let server = serve_with(|builder| builder.psk(ring(100))).await;
    let client = dial_with(&server, |builder| builder.psk("a", key(1)).no_reconnect()).await;
    let (told, mut goes) = record();
    client.on_go_away(move |window| told.note(window));
    server.set_keys(&ring(1000));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(200)).await;
    fence(&client).await;
    goes.expect_nothing();
}
