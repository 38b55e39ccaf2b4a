//! Connecting by hand: what can go wrong, and that it can be tried again.

use std::io;
use std::time::Duration;

use futures_util::FutureExt;
use gatewire::{Client, ConnectError, HandshakeError, Psk};
use gatewire_codec::{DecodeError, FrameError, Message};

use crate::raw::{RawListener, frame_of};
use crate::rig::{build, connect, dial, limits, serve, within};

#[tokio::test]
async fn a_connected_client_is_not_connected_twice() {
    let server = serve().await;
    let client = dial(&server).await;
    let id = client.id();
    let again = within(client.connect()).await;
    assert!(matches!(again, Err(ConnectError::Closed)), "{again:?}");
    assert_eq!(client.id(), id);
    assert_eq!(server.len(), 1);
}

#[tokio::test]
async fn a_client_that_is_being_connected_is_not_connected_twice() {
    let server = serve().await;
    let client = build(&server, |builder| builder);
    let (first, second) = within(async { tokio::join!(client.connect(), client.connect()) }).await;
    assert!(first.is_ok());
    assert!(matches!(second, Err(ConnectError::Closed)), "{second:?}");
    crate::rig::fence(&client).await;
    assert_eq!(server.len(), 1);
}

#[tokio::test]
async fn where_nobody_listens_the_system_says_so() {
    let server = serve().await;
    server.close().await;
    let client = build(&server, |builder| builder);
    for _ in 0..3 {
        match within(client.connect()).await {
            Err(ConnectError::Io(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            }
            other => panic!("{other:?}"),
        }
    }
    let nowhere = Client::builder().build("no port");
    assert!(matches!(within(nowhere.connect()).await, Err(ConnectError::Io(_))));
}

/// A client that connects to a peer which does what the script says.
async fn connect_to<F: Future<Output = ()>>(
    script: impl FnOnce(crate::raw::Raw) -> F,
) -> Result<(), ConnectError> {
    let listener = RawListener::bind().await;
    let short = limits(|limits| limits.handshake_timeout = Duration::from_millis(100));
    let client = Client::builder().limits(short).build(listener.address());
    let script = async { script(listener.accept_only().await).await };
    let (connected, ()) = within(async { tokio::join!(client.connect(), script) }).await;
    assert!(!client.is_connected());
    // Whatever went wrong, the next attempt is a new one.
    let (id, raw) = tokio::join!(connect(&client), listener.accept(1));
    assert_eq!(raw.id(), id);
    drop(raw);
    client.close().await;
    connected
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_not_waited_for() {
    let connected = connect_to(async |mut raw| {
        raw.read().await.expect("a hello");
        // And nothing else, until the client hangs up.
        raw.expect_end().await;
    })
    .await;
    assert!(matches!(connected, Err(ConnectError::Timeout)), "{connected:?}");
}

/// A server that has no place for a handshake hangs up; soon it has one again.
#[tokio::test]
async fn a_peer_that_hangs_up_is_tried_again_for_a_while() {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    let mut times = 0;
    let hang_up = async {
        loop {
            listener.accept_only().await.read().await.expect("a hello");
            times += 1;
        }
    };
    let connected = within(async {
        tokio::select! {
            connected = client.connect() => connected,
            () = hang_up => unreachable!("it goes on for ever"),
        }
    })
    .await;
    match connected {
        Err(ConnectError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
        other => panic!("{other:?}"),
    }
    assert_eq!(times, 7);

    let let_in = async {
        listener.accept_only().await.read().await.expect("a hello");
        listener.accept_only().await.break_off();
        listener.accept(1).await
    };
    let (connected, _raw) = within(async { tokio::join!(client.connect(), let_in) }).await;
    connected.expect("the third attempt");
}

#[tokio::test]
async fn a_peer_that_speaks_something_else_is_found_out() {
    let connected = connect_to(async |mut raw| {
        raw.read().await.expect("a hello");
        raw.write(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        raw.expect_end().await;
    })
    .await;
    let error = FrameError::TooLarge { length: u32::from_le_bytes(*b"HTTP"), limit: 512 };
    match connected {
        Err(ConnectError::Frame(found)) => assert_eq!(found, error),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn expect_handshake_error(connected: Result<(), ConnectError>, expected: HandshakeError) {
    match connected {
        Err(ConnectError::Handshake(found)) => assert_eq!(found, expected),
        other => panic!("{other:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn a_peer_of_another_version_is_found_out() {
    let connected = connect_to(async |mut raw| {
        raw.read().await.expect("a hello");
        raw.write(&frame_of(&[2, 1, 0, 0])).await;
        raw.expect_end().await;
    })
    .await;
    let error = DecodeError::WrongVersion { found: 2, expected: 3 };
    expect_handshake_error(connected, HandshakeError::Malformed(error));
}

#[tokio::test]
async fn a_peer_that_skips_the_handshake_is_found_out() {
    let connected = connect_to(async |mut raw| {
        raw.read().await.expect("a hello");
        raw.send(&Message::Ping { token: 1 }).await;
        raw.expect_end().await;
    })
    .await;
    let error = HandshakeError::Unexpected { found: "ping", expected: "challenge" };
    expect_handshake_error(connected, error);
}

#[tokio::test]
async fn an_attempt_that_is_given_up_can_be_made_again() {
    let listener = RawListener::bind().await;
    let client = Client::builder().build(listener.address());
    assert!(client.connect().now_or_never().is_none());
    let attempt = client.connect();
    tokio::select! {
        connected = attempt => panic!("{connected:?}"),
        _raw = listener.accept_only() => {}
    }
    // The attempts that were given up are still in the listener's queue.
    let accept = async {
        loop {
            let mut raw = listener.accept_only().await;
            if let Some(hello) = raw.read().await
                && let Some(raw) = raw.greet(&hello, 1).await
            {
                return raw;
            }
        }
    };
    let (id, raw) = tokio::join!(connect(&client), within(accept));
    assert_eq!(raw.id(), id);
    drop(raw);
    client.close().await;
}

/// No server reads a hello with such an id; that must not end the program.
#[tokio::test]
async fn a_key_id_that_does_not_fit_is_an_error() {
    let server = serve().await;
    let key = Psk::new([1; 32]).expect("a long key");
    let client = build(&server, |builder| builder.psk("x".repeat(256), key).plain());
    let connected = within(client.connect()).await;
    assert!(
        matches!(connected, Err(ConnectError::Handshake(HandshakeError::Encode(_)))),
        "{connected:?}"
    );
}
