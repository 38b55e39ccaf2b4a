//! Certificates that are replaced while the server runs: sessions go on, handshakes use the new ones.

use gatewire::tls::{Identity, TlsError, Verify};
use gatewire::{Client, ConnectError, Server};

use super::kit::{Authority, key, ring, serve_tls};
use crate::rig::{build, dial_with, eventually, fence, record, serve, serve_with, within};

const HOST: &str = "127.0.0.1";

fn own() -> Identity {
    Identity::self_signed().expect("random numbers")
}

fn pin(identity: &Identity) -> Verify {
    Verify::Pin(vec![identity.fingerprint()])
}

async fn dial(server: &Server, verify: Verify) -> Client {
    dial_with(server, |builder| builder.psk("one", key()).tls(verify)).await
}

async fn expect_refused(server: &Server, verify: Verify) -> TlsError {
    let client = build(server, |builder| builder.psk("one", key()).tls(verify));
    match within(client.connect()).await {
        Err(ConnectError::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_from_then_on_and_sessions_go_on() {
    let (old, new) = (own(), own());
    let server = serve_tls(|builder| builder.tls(old.clone())).await;
    let session = dial(&server, pin(&old)).await;
    let before = session.id();
    server.set_identity(new.clone()).expect("usable");
    fence(&session).await;
    fence(&dial(&server, pin(&new)).await).await;
    assert!(matches!(expect_refused(&server, pin(&old)).await, TlsError::Certificate(_)));
    fence(&session).await;
    assert_eq!(session.id(), before);
}

/// The server made one for itself, and is given one that somebody vouches for.
#[tokio::test]
async fn a_server_with_a_key_alone_may_get_a_certificate_later() {
    let authority = Authority::new();
    let server = serve_tls(|builder| builder).await;
    expect_refused(&server, Verify::Roots(authority.roots())).await;
    server.set_identity(authority.identity(HOST)).expect("usable");
    fence(&dial(&server, Verify::Roots(authority.roots())).await).await;
    // Those who look at the key alone need not know.
    fence(&dial(&server, Verify::Psk).await).await;
}

#[tokio::test]
async fn a_certificate_that_is_set_before_the_server_listens_is_used() {
    let identity = own();
    let server = Server::builder().psk(ring()).build();
    server.set_identity(identity.clone()).expect("usable");
    server.listen("127.0.0.1:0").await.expect("a free port");
    server.on("fence", || ());
    fence(&dial(&server, pin(&identity)).await).await;
}

#[tokio::test]
async fn the_authorities_of_clients_are_replaced() {
    let (servers, old, new) = (Authority::new(), Authority::new(), Authority::new());
    let identity = servers.identity(HOST);
    let server = serve_with(|builder| builder.psk(ring()).mutual_tls(identity, old.roots())).await;
    let mutual = |identity| Verify::Mutual { roots: servers.roots(), identity };
    let session = dial(&server, mutual(old.identity("client"))).await;
    server.set_client_roots(new.roots()).expect("usable");
    fence(&session).await;
    fence(&dial(&server, mutual(new.identity("client"))).await).await;
    let refused = expect_refused(&server, mutual(old.identity("client"))).await;
    assert!(matches!(refused, TlsError::Refused(_)), "{refused:?}");
    // The server's own certificate is still the same, and may be replaced without them.
    server.set_identity(servers.identity(HOST)).expect("usable");
    expect_refused(&server, mutual(old.identity("client"))).await;
    fence(&dial(&server, mutual(new.identity("client"))).await).await;
}

#[tokio::test]
async fn a_server_may_begin_to_ask_for_certificates() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let server = serve_tls(|builder| builder.tls(servers.identity(HOST))).await;
    let session = dial(&server, Verify::Roots(servers.roots())).await;
    server.set_client_roots(clients.roots()).expect("usable");
    fence(&session).await;
    expect_refused(&server, Verify::Roots(servers.roots())).await;
    let verify = Verify::Mutual { roots: servers.roots(), identity: clients.identity("client") };
    fence(&dial(&server, verify).await).await;
}

#[tokio::test]
async fn where_no_tls_is_spoken_there_is_nothing_to_replace() {
    let server = serve_with(|builder| builder.psk(ring()).plain()).await;
    assert_eq!(server.set_identity(own()), Err(TlsError::PlainOnly));
    assert_eq!(server.set_client_roots(Authority::new().roots()), Err(TlsError::PlainOnly));
    let client = dial_with(&server, |builder| builder.psk("one", key()).plain()).await;
    assert_eq!(client.set_verify(&Verify::Psk), Err(TlsError::PlainOnly));
    fence(&client).await;
    // Without keys it may get some, and TLS with them.
    serve().await.set_identity(own()).expect("usable");
}

/// A pin is renewed at both ends without a moment in which they do not fit: the client learns the new one first.
#[tokio::test]
async fn a_client_learns_a_new_pin_before_the_server_shows_it() {
    let (old, new) = (own(), own());
    let server = serve_tls(|builder| builder.tls(old.clone())).await;
    let client = dial(&server, pin(&old)).await;
    let (begun, mut begins) = record();
    client.on_connect(move |_| begun.note(()));
    let both = Verify::Pin(vec![old.fingerprint(), new.fingerprint()]);
    client.set_verify(&both).expect("usable");
    for _ in 0..2 {
        client.reconnect();
        begins.next().await;
        fence(&client).await;
        server.set_identity(new.clone()).expect("usable");
    }
    client.set_verify(&pin(&new)).expect("usable");
    client.reconnect();
    begins.next().await;
    fence(&client).await;
}

/// While certificates are replaced again and again, each handshake sees one whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_certificates_disturbs_no_handshake() {
    let identities = [own(), own()];
    let server = serve_tls(|builder| builder.tls(identities[0].clone())).await;
    let any = Verify::Pin(identities.iter().map(Identity::fingerprint).collect());
    for round in 0..20 {
        let replacing = async { server.set_identity(identities[round % 2].clone()) };
        let (replaced, client) = tokio::join!(replacing, dial(&server, any.clone()));
        replaced.expect("usable");
        fence(&client).await;
        client.close().await;
    }
    eventually(|| server.is_empty()).await;
    assert_eq!(server.counters().handshakes_failed, 0);
}
