//! Certificates, for those who have them.

use gatewire::tls::{Identity, TlsError, Verify};
use gatewire::{ClientBuilder, ConnectError, Server};

use super::kit::{Authority, key, ring};
use crate::rig::{build, dial_with, fence, serve_with, within};

const HOST: &str = "127.0.0.1";

async fn serve_as(identity: Identity) -> Server {
    serve_with(|builder| builder.psk(ring()).tls(identity)).await
}

fn with(verify: Verify) -> impl FnOnce(ClientBuilder) -> ClientBuilder {
    |builder| builder.psk("one", key()).tls(verify)
}

async fn expect_certificate_refused(server: &Server, verify: Verify) {
    let client = build(server, with(verify));
    let refused = within(client.connect()).await;
    assert!(matches!(refused, Err(ConnectError::Tls(TlsError::Certificate(_)))), "{refused:?}");
    assert!(server.is_empty());
}

/// What the server has against a client shows when the client first reads.
async fn expect_refused_by_server(server: &Server, verify: Verify) {
    let client = build(server, with(verify));
    let refused = within(client.connect()).await;
    assert!(matches!(refused, Err(ConnectError::Tls(TlsError::Refused(_)))), "{refused:?}");
    assert!(server.is_empty());
}

#[tokio::test]
async fn a_certificate_of_the_right_authority_for_the_right_host_is_taken() {
    let authority = Authority::new();
    let server = serve_as(authority.identity(HOST)).await;
    let client = dial_with(&server, with(Verify::Roots(authority.roots()))).await;
    fence(&client).await;

    // By name; the address is that of the same host.
    let server = serve_as(authority.identity("localhost")).await;
    let client = with(Verify::Roots(authority.roots()))(gatewire::Client::builder());
    let client = client.build(format!("localhost:{}", server.local_addr().port()));
    within(client.connect()).await.expect("a connection");
    fence(&client).await;
}

#[tokio::test]
async fn another_host_another_authority_and_another_time_are_refused() {
    let authority = Authority::new();
    let elsewhere = serve_as(authority.identity("elsewhere.example")).await;
    expect_certificate_refused(&elsewhere, Verify::Roots(authority.roots())).await;

    let server = serve_as(authority.identity(HOST)).await;
    expect_certificate_refused(&server, Verify::Roots(Authority::new().roots())).await;

    let old = authority.identity_with(HOST, |params| {
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    });
    expect_certificate_refused(&serve_as(old).await, Verify::Roots(authority.roots())).await;

    let own = serve_as(Identity::self_signed().expect("random numbers")).await;
    expect_certificate_refused(&own, Verify::Roots(authority.roots())).await;
}

#[tokio::test]
async fn a_pinned_certificate_is_the_only_one() {
    let (first, second) =
        (Identity::self_signed().expect("random"), Identity::self_signed().expect("random"));
    let server = serve_as(first.clone()).await;
    let both = Verify::Pin(vec![second.fingerprint(), first.fingerprint()]);
    let client = dial_with(&server, with(both)).await;
    fence(&client).await;
    client.close().await;
    crate::rig::eventually(|| server.is_empty()).await;
    expect_certificate_refused(&server, Verify::Pin(vec![second.fingerprint()])).await;
    expect_certificate_refused(&server, Verify::Pin(Vec::new())).await;
}

#[tokio::test]
async fn a_server_may_ask_for_the_clients_certificate() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let (identity, roots) = (servers.identity(HOST), clients.roots());
    let server = serve_with(|builder| builder.psk(ring()).mutual_tls(identity, roots)).await;
    let mutual = |identity| Verify::Mutual { roots: servers.roots(), identity };
    let client = dial_with(&server, with(mutual(clients.identity("client")))).await;
    fence(&client).await;
    client.close().await;
    crate::rig::eventually(|| server.is_empty()).await;

    expect_refused_by_server(&server, Verify::Roots(servers.roots())).await;
    expect_refused_by_server(&server, Verify::Psk).await;
    expect_refused_by_server(&server, mutual(servers.identity("client"))).await;
    // The client looks at the server all the same.
    let verify = Verify::Mutual { roots: clients.roots(), identity: clients.identity("client") };
    expect_certificate_refused(&server, verify).await;
}

#[test]
fn what_is_no_certificate_is_told_apart() {
    let from = |certificate: &str, key: &str| {
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).expect_err("no identity")
    };
    assert_eq!(from("", ""), TlsError::Missing("certificate"));
    let (one, other) = (rcgen::KeyPair::generate(), rcgen::KeyPair::generate());
    let (one, other) = (one.expect("random numbers"), other.expect("random numbers"));
    let params = rcgen::CertificateParams::new([HOST.to_owned()]).expect("a good name");
    let certificate = params.self_signed(&one).expect("a certificate").pem();
    assert_eq!(from(&certificate, ""), TlsError::Missing("private key"));
    assert!(matches!(from(&certificate, &other.serialize_pem()), TlsError::Identity(_)));
    let broken = certificate.replace("-----END", "!");
    assert!(matches!(from(&broken, &one.serialize_pem()), TlsError::Pem(_)), "{broken}");
    let shown =
        format!("{:?}", Identity::from_pem(certificate.as_bytes(), one.serialize_pem().as_bytes()));
    assert_eq!(shown, "Ok(Identity { certificates: 1, .. })");
}
