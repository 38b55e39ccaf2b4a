//! Pre-shared keys: both sides know the same one, or there is no connection. Over plain TCP; `tls` has the same
//! over TLS.

use gatewire::{Client, ConnectError, HandshakeError, KeyRing, Psk, RejectCode, Server, WeakKey};
use gatewire_codec::Message;
use gatewire_codec::v3::handshake::{
    Accept, Challenge, Extensions, Hello, Proof, SUITE_ANONYMOUS, SUITE_HMAC_SHA256,
};

use crate::raw::{Raw, RawListener, hello};
use crate::rig::{build, connect, dial, eventually, fence, serve, serve_with, within};

fn key(byte: u8) -> Psk {
    Psk::new([byte; 32]).expect("a long key")
}

async fn serve_keys() -> Server {
    let keys = KeyRing::new().with("one", key(1)).with("two", key(2));
    serve_with(|builder| builder.psk(keys).plain()).await
}

/// The client is not let in, and told so.
async fn expect_refusal(server: &Server, client: &Client, code: RejectCode) {
    let refused = server.counters().handshakes_failed + 1;
    match within(client.connect()).await {
        Err(ConnectError::Handshake(found)) => {
            assert_eq!(found, HandshakeError::Rejected { code, retry_after_s: 0 });
        }
        other => panic!("{other:?}"),
    }
    assert!(!client.is_connected());
    eventually(|| server.counters().handshakes_failed == refused).await;
    assert!(server.is_empty());
}

#[tokio::test]
async fn who_knows_a_key_is_let_in_under_its_id() {
    let server = serve_keys().await;
    for (id, byte) in [("one", 1), ("two", 2)] {
        let client = build(&server, |builder| builder.psk(id, key(byte)).plain());
        let socket = connect(&client).await;
        let socket = server.socket(&socket).expect("a socket");
        assert_eq!(socket.key_id(), id);
        fence(&client).await;
        client.close().await;
    }
    assert_eq!(server.counters().handshakes_failed, 0);
}

/// From outside a wrong key and an unknown id are the same.
#[tokio::test]
async fn a_wrong_key_and_an_unknown_id_are_refused_alike() {
    let server = serve_keys().await;
    for (id, byte) in [("one", 9), ("one", 2), ("unknown", 1), ("", 1), ("One", 1)] {
        let client = build(&server, |builder| builder.psk(id, key(byte)).plain());
        expect_refusal(&server, &client, RejectCode::Auth).await;
        // Trying again is no better.
        expect_refusal(&server, &client, RejectCode::Auth).await;
    }
}

#[tokio::test]
async fn who_has_no_key_is_refused_by_a_server_that_has_one() {
    let server = serve_keys().await;
    let client = build(&server, |builder| builder);
    expect_refusal(&server, &client, RejectCode::Suite).await;
}

#[tokio::test]
async fn who_has_a_key_refuses_a_server_that_has_none() {
    let server = serve().await;
    let client = build(&server, |builder| builder.psk("one", key(1)).plain());
    expect_refusal(&server, &client, RejectCode::Suite).await;
}

#[tokio::test]
async fn without_keys_everybody_is_let_in_and_is_nobody() {
    let server = serve().await;
    let client = dial(&server).await;
    let socket = server.socket(&client.id().expect("connected")).expect("a socket");
    assert_eq!(socket.key_id(), "");
    fence(&client).await;
}

/// The server must prove it too: one that lets everybody in without knowing the key is found out.
#[tokio::test]
async fn a_server_that_does_not_know_the_key_is_found_out() {
    let listener = RawListener::bind().await;
    let client = Client::builder().psk("one", key(1)).plain().build(listener.address());
    let impostor = async {
        let mut raw = listener.accept_only().await;
        raw.read().await.expect("a hello");
        raw.send(&Message::Challenge(Challenge {
            version: 3,
            suite: SUITE_HMAC_SHA256,
            instance: [2; 16],
            nonce: [3; 32],
            max_frame: 1 << 20,
            auth_timeout_s: 5,
            ping_s: 10,
            extensions: Extensions::NONE,
        }))
        .await;
        raw.read().await.expect("a proof");
        raw.send(&Message::Accept(Accept {
            session_id: [4; 16],
            extensions: Extensions::NONE,
            mac: [5; 32],
        }))
        .await;
        raw.expect_end().await;
    };
    let (connected, ()) = within(async { tokio::join!(client.connect(), impostor) }).await;
    assert!(
        matches!(connected, Err(ConnectError::Handshake(HandshakeError::Proof))),
        "{connected:?}"
    );
}

fn hello_with(suites: &[u8]) -> Message<'_> {
    Message::Hello(Hello { key_id: "one", suites, ..hello() })
}

/// A proof of the right form by somebody who does not know the key, and one that was heard before.
#[tokio::test]
async fn a_made_up_proof_is_refused() {
    let server = serve_keys().await;
    for _ in 0..2 {
        let mut raw = Raw::connect(server.local_addr()).await;
        raw.send(&hello_with(&[SUITE_HMAC_SHA256])).await;
        raw.read().await.expect("a challenge");
        let proof = Proof { extensions: Extensions::NONE, mac: [7; 32] };
        raw.send(&Message::Proof(proof)).await;
        raw.expect(&Message::Reject { code: RejectCode::Auth, retry_after_s: 0 }).await;
        raw.expect_end().await;
    }
    assert!(server.is_empty());
}

/// Who offers less than a key gets nothing, whatever the order of its offers.
#[tokio::test]
async fn the_suite_cannot_be_talked_down() {
    let server = serve_keys().await;
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send(&hello_with(&[SUITE_ANONYMOUS])).await;
    raw.expect(&Message::Reject { code: RejectCode::Suite, retry_after_s: 0 }).await;
    raw.expect_end().await;
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send(&hello_with(&[SUITE_ANONYMOUS, SUITE_HMAC_SHA256])).await;
    let challenge = raw.read().await.expect("a challenge");
    match gatewire_codec::v3::decode(&challenge) {
        Ok(Message::Challenge(challenge)) => assert_eq!(challenge.suite, SUITE_HMAC_SHA256),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_peer_of_another_version_is_told_so() {
    let server = serve().await;
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send(&Message::Hello(Hello { min_version: 4, max_version: 9, ..hello() })).await;
    raw.expect(&Message::Reject { code: RejectCode::Version, retry_after_s: 0 }).await;
    raw.expect_end().await;
}

#[test]
fn a_short_key_is_no_key() {
    assert_eq!(Psk::new([1; 15]).err(), Some(WeakKey { length: 15 }));
    assert!(Psk::new([1; 16]).is_ok());
}
