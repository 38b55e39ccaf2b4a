//! The key authenticates both ends, and its proof belongs to one TLS connection.

use gatewire::tls::{Identity, TlsError, Verify};
use gatewire::{Client, ConnectError, HandshakeError, Psk, RejectCode, Server};

use super::kit::{Between, key, ring, serve_tls};
use crate::rig::{build, dial_with, eventually, fence, serve, serve_with, within};

async fn expect_refusal(server: &Server, client: &Client, code: RejectCode) {
    match within(client.connect()).await {
        Err(ConnectError::Handshake(found)) => {
            assert_eq!(found, HandshakeError::Rejected { code, retry_after_s: 0 });
        }
        other => panic!("{other:?}"),
    }
    eventually(|| server.counters().handshakes_failed > 0).await;
    assert!(server.is_empty());
}

#[tokio::test]
async fn a_wrong_key_and_an_unknown_id_are_refused_alike() {
    let server = serve_tls(|builder| builder).await;
    for (id, byte) in [("one", 9), ("unknown", 1), ("", 1)] {
        let key = Psk::new([byte; 32]).expect("a long key");
        let client = build(&server, |builder| builder.psk(id, key));
        expect_refusal(&server, &client, RejectCode::Auth).await;
    }
    let client = build(&server, |builder| builder.tls(Verify::Psk));
    expect_refusal(&server, &client, RejectCode::Suite).await;
}

/// It accepts any certificate, so anybody can stand between: but not be part of the proof.
#[tokio::test]
async fn a_relay_between_two_connections_is_refused() {
    let server = serve_tls(|builder| builder).await;
    let relay = Between::relay(server.local_addr()).await;
    let client = Client::builder().psk("one", key()).build(relay.address);
    expect_refusal(&server, &client, RejectCode::Auth).await;
    // It did see the handshake, and handed it on as it was.
    assert!(relay.saw(b"GW3\0"));
}

/// As the documentation says.
#[tokio::test]
async fn without_a_key_anybody_can_be_the_server_unless_its_certificate_is_checked() {
    let real = own();
    let (server, rogue) = (serve_as(real.clone()).await, serve_as(own()).await);
    let pin = Verify::Pin(vec![real.fingerprint()]);
    fence(&dial_with(&rogue, |builder| builder.tls(Verify::Psk)).await).await;
    let client = build(&rogue, |builder| builder.tls(pin.clone()));
    let refused = within(client.connect()).await;
    assert!(matches!(refused, Err(ConnectError::Tls(TlsError::Certificate(_)))), "{refused:?}");
    fence(&dial_with(&server, |builder| builder.tls(pin)).await).await;
    // Who only hands on is found out here too.
    let relay = Between::relay(server.local_addr()).await;
    let client = Client::builder().tls(Verify::Psk).build(relay.address);
    let refused = within(client.connect()).await;
    let code = RejectCode::Auth;
    let expected = HandshakeError::Rejected { code, retry_after_s: 0 };
    assert!(
        matches!(&refused, Err(ConnectError::Handshake(found)) if *found == expected),
        "{refused:?}"
    );
}

fn own() -> Identity {
    Identity::self_signed().expect("random numbers")
}

async fn serve_as(identity: Identity) -> Server {
    serve_with(|builder| builder.tls(identity)).await
}

#[tokio::test]
async fn a_server_without_a_key_is_refused_over_tls_too() {
    let server = serve_as(own()).await;
    let client = build(&server, |builder| builder.psk("one", key()));
    expect_refusal(&server, &client, RejectCode::Suite).await;

    // And one that does not even speak TLS: the client does not fall back.
    let server = serve().await;
    let client = build(&server, |builder| builder.psk("one", key()));
    let refused = within(client.connect()).await;
    assert!(matches!(refused, Err(ConnectError::Tls(TlsError::HungUp))), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_gets_its_first_key_speaks_tls_from_then_on() {
    let server = serve().await;
    fence(&dial_with(&server, |builder| builder).await).await;
    server.set_keys(&ring());
    let client = dial_with(&server, |builder| builder.psk("one", key())).await;
    fence(&client).await;
    client.close().await;
    let client = build(&server, |builder| builder.psk("one", key()).plain());
    let refused = within(client.connect()).await;
    let code = RejectCode::TlsOnly;
    let expected = HandshakeError::Rejected { code, retry_after_s: 0 };
    assert!(
        matches!(&refused, Err(ConnectError::Handshake(found)) if *found == expected),
        "{refused:?}"
    );
}
