//! Talking either end down to less than it has: another version, another suite, no TLS.

use std::convert::Infallible;

use bytes::{Bytes, BytesMut};
use gatewire::{ConnectError, HandshakeError, RejectCode};
use gatewire_codec::v3::handshake::Role;
use gatewire_codec::{Message, v3};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::kit::{BOTH, Over, Rogue, Target, client_of, key, reject};
use super::rogue::challenge;
use crate::raw::frame;
use crate::rig::within;
use crate::tls::kit::Between;

/// What somebody between a client and a server does to a frame.
type Change = fn(&mut Message<'_>);

fn changed(body: &Bytes, change: Change) -> Bytes {
    let mut message = v3::decode(body).expect("a frame of a handshake");
    change(&mut message);
    let mut out = BytesMut::new();
    v3::encode(&message, &mut out).expect("no longer than before");
    out.freeze()
}

fn same(_: &mut Message<'_>) {}

/// What a client says whose frames, and those of its server, go through the hands of somebody on plain TCP.
async fn between(to_server: Change, to_client: Change) -> HandshakeError {
    let mut target = Target::new(Over::Plain).await;
    let rogue = Rogue::bind(Over::Plain).await;
    let (client, mut heard) = client_of(rogue.address(), Over::Plain);
    let script = async {
        let (mut near, mut far) = (rogue.accept().await, target.stranger().await);
        while let Some(said) = near.read().await {
            let is_hello = matches!(v3::decode(&said), Ok(Message::Hello(_)));
            let change = if is_hello { to_server } else { same };
            far.say(&changed(&said, change)).await;
            let Some(answer) = far.read().await else { break };
            let is_challenge = matches!(v3::decode(&answer), Ok(Message::Challenge(_)));
            let change = if is_challenge { to_client } else { same };
            near.say(&changed(&answer, change)).await;
        }
    };
    let (connected, ()) = within(async { tokio::join!(client.connect(), script) }).await;
    heard.expect_nothing();
    target.expect_failure().await;
    match connected {
        Err(ConnectError::Handshake(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn rejected(code: RejectCode) -> HandshakeError {
    HandshakeError::Rejected { code, retry_after_s: 0 }
}

/// The server takes the offer for what it is, and the proof shows that it is not what the client said.
#[tokio::test]
async fn an_offer_that_was_changed_on_the_way_is_found_out() {
    fn hello(message: &mut Message<'_>, change: fn(&mut v3::handshake::Hello<'_>)) {
        if let Message::Hello(hello) = message {
            change(hello);
        }
    }
    let changes: [(Change, RejectCode); 7] = [
        (|m| hello(m, |hello| hello.max_version = 9), RejectCode::Auth),
        (|m| hello(m, |hello| hello.min_version = 1), RejectCode::Auth),
        (|m| hello(m, |hello| hello.suites = &[1, 0]), RejectCode::Auth),
        (|m| hello(m, |hello| hello.role = Role::Router), RejectCode::Auth),
        (|m| hello(m, |hello| hello.key_id = "hub"), RejectCode::Auth),
        // What is struck out is missed at once.
        (|m| hello(m, |hello| hello.suites = &[0]), RejectCode::Suite),
        (
            |m| hello(m, |hello| (hello.min_version, hello.max_version) = (1, 2)),
            RejectCode::Version,
        ),
    ];
    for (change, code) in changes {
        assert_eq!(between(change, same).await, rejected(code));
    }
}

#[tokio::test]
async fn a_choice_that_was_changed_on_the_way_is_found_out() {
    fn challenge(message: &mut Message<'_>, change: fn(&mut v3::handshake::Challenge<'_>)) {
        if let Message::Challenge(challenge) = message {
            change(challenge);
        }
    }
    let changes: [(Change, HandshakeError); 5] = [
        (|m| challenge(m, |challenge| challenge.suite = 0), HandshakeError::Suite),
        (|m| challenge(m, |challenge| challenge.version = 2), HandshakeError::Version),
        (|m| challenge(m, |challenge| challenge.max_frame = 100), rejected(RejectCode::Auth)),
        (|m| challenge(m, |challenge| challenge.ping_s = 0), rejected(RejectCode::Auth)),
        (|m| challenge(m, |challenge| challenge.nonce = [9; 32]), rejected(RejectCode::Auth)),
    ];
    for (change, error) in changes {
        assert_eq!(between(same, change).await, error);
    }
}

/// A server that chooses what was not offered, over either channel.
#[tokio::test]
async fn a_client_with_a_key_takes_no_other_version_and_no_other_suite() {
    for over in BOTH {
        for (version, suite, expected) in [
            (2, 1, HandshakeError::Version),
            (4, 1, HandshakeError::Version),
            (3, 0, HandshakeError::Suite),
            (3, 2, HandshakeError::Suite),
        ] {
            let rogue = Rogue::bind(over).await;
            let (client, _) = client_of(rogue.address(), over);
            let script = async {
                let mut stranger = rogue.accept().await;
                stranger.read().await.expect("a hello");
                stranger.say(&challenge(version, suite)).await;
                stranger.expect_end().await;
            };
            let (connected, ()) = within(async { tokio::join!(client.connect(), script) }).await;
            let found =
                matches!(&connected, Err(ConnectError::Handshake(found)) if *found == expected);
            assert!(found, "{connected:?}");
        }
    }
}

/// Anybody on the way can make a REJECT. Whatever it says, the next try offers the same, over the same.
#[tokio::test]
async fn a_forged_reject_changes_no_offer() {
    for over in BOTH {
        let rogue = Rogue::bind(over).await;
        let (client, _) = client_of(rogue.address(), over);
        let mut offers = Vec::new();
        for code in (0..=10).map(RejectCode::from_u8) {
            let script = async {
                // Over TLS this takes a client that speaks it.
                let mut stranger = rogue.accept().await;
                let hello = stranger.read().await.expect("a hello");
                stranger.say(&reject(code)).await;
                stranger.expect_end().await;
                let Ok(Message::Hello(mut hello)) = v3::decode(&hello) else { panic!("{hello:?}") };
                // The nonce is another one each time, and nothing else.
                hello.nonce = [0; 32];
                frame(&Message::Hello(hello))
            };
            let (connected, offer) = within(async { tokio::join!(client.connect(), script) }).await;
            let expected = rejected(code);
            let found =
                matches!(&connected, Err(ConnectError::Handshake(found)) if *found == expected);
            assert!(found, "{connected:?}");
            offers.push(offer);
        }
        assert!(offers.iter().all(|offer| *offer == offers[0]));
    }
}

/// However a server answers to TLS: the client speaks TLS the next time, or nothing.
#[tokio::test]
async fn a_client_that_speaks_tls_never_goes_on_without() {
    async fn serve(listener: &TcpListener, answer: &Bytes) -> Infallible {
        loop {
            let (mut tcp, _) = listener.accept().await.expect("a client");
            let mut first = [0; 3];
            tcp.read_exact(&mut first).await.expect("a client hello");
            assert_eq!(first[..2], [0x16, 3], "a record of TLS");
            let _unless_gone = tcp.write_all(answer).await;
            let _unless_gone = tcp.shutdown().await;
            let mut rest = Vec::new();
            let _until_the_end = tcp.read_to_end(&mut rest).await;
            assert!(!rest.windows(4).any(|bytes| bytes == b"GW3\0"), "nothing in the clear");
        }
    }

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (client, _) = client_of(listener.local_addr().expect("it is bound"), Over::Tls);
    let nothing = Bytes::new();
    for answer in [challenge(3, 1), challenge(3, 0), reject(RejectCode::Version), nothing] {
        let connected = tokio::select! {
            connected = within(client.connect()) => connected,
            never = serve(&listener, &answer) => match never {},
        };
        assert!(matches!(connected, Err(ConnectError::Tls(_))), "{connected:?}");
    }
}

/// On the way to a server that speaks TLS there is nothing to see but TLS, its key's id neither.
#[tokio::test]
async fn nothing_is_said_in_the_clear() {
    let mut target = Target::new(Over::Tls).await;
    let tap = Between::tap(target.server.local_addr(), usize::MAX).await;
    for byte in [1, 2] {
        let client = gatewire::Client::builder().psk("a.rather.long.id", key(byte)).no_reconnect();
        within(client.build(tap.address).connect()).await.expect_err("nobody knows this id");
        target.expect_failure().await;
    }
    assert!(!tap.saw(b"GW3\0") && !tap.saw(b"a.rather.long.id"));
    target.expect_alive().await;
}
