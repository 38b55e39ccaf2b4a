//! Who speaks something else, or breaks off.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatewire::tls::TlsError;
use gatewire::{Client, ConnectError, HandshakeError, RejectCode, Server};
use gatewire_codec::Message;
use gatewire_codec::v3::handshake::{Extensions, Hello, SUITE_HMAC_SHA256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::kit::{Between, dial_tls, key, raw_client, serve_tls};
use crate::anybody::connector;
use crate::raw::{Raw, frame, hello};
use crate::rig::{build, dial, eventually, fence, limits, record_ends, serve_with, within};

/// The server goes on for others.
async fn expect_alive(server: &Server) {
    let client = dial_tls(server).await;
    fence(&client).await;
    client.close().await;
}

#[tokio::test]
async fn a_plain_client_is_told_that_it_is_to_use_tls() {
    let server = serve_tls(|builder| builder).await;
    for with_key in [false, true] {
        let client =
            build(
                &server,
                |builder| {
                    if with_key { builder.psk("one", key()).plain() } else { builder }
                },
            );
        match within(client.connect()).await {
            Err(ConnectError::Handshake(error)) => {
                let code = RejectCode::TlsOnly;
                assert_eq!(error, HandshakeError::Rejected { code, retry_after_s: 0 });
            }
            other => panic!("{other:?}"),
        }
    }
    eventually(|| server.counters().handshakes_failed == 2).await;
    expect_alive(&server).await;
}

/// What is no HELLO gets no answer, as from any server.
#[tokio::test]
async fn garbage_gets_no_answer() {
    let server = serve_tls(|builder| builder).await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 600], &[0x16], &[0x16, 1, 0, 0, 9]] {
        let mut raw = Raw::connect(server.local_addr()).await;
        raw.try_write(garbage).await;
        raw.finish().await;
        raw.expect_end().await;
    }
    eventually(|| server.counters().handshakes_failed == 4).await;
    expect_alive(&server).await;
}

/// Behind `16 03` TLS answers, with an alert or by hanging up.
#[tokio::test]
async fn garbage_that_looks_like_tls_ends_it() {
    let server = serve_tls(|builder| builder).await;
    for length in [1, 3, 100, 5000, 100_000] {
        for fill in [0, 1, 0xff] {
            let mut stream = TcpStream::connect(server.local_addr()).await.expect("a server");
            let garbage = [&[0x16, 0x03][..], &vec![fill; length]].concat();
            // The server may hang up before it has read all.
            let _sent = within(stream.write_all(&garbage)).await;
            let _ended = stream.shutdown().await;
            let mut answer = Vec::new();
            let _read = within(stream.read_to_end(&mut answer)).await;
            assert!(answer.len() < 100, "{length} of {fill}: {answer:?}");
        }
    }
    eventually(|| server.counters().handshakes_failed == 15).await;
    expect_alive(&server).await;
}

/// A client hello that announces 60 KB, in good records: whoever sends so much is no client, and is not kept.
#[tokio::test]
async fn a_client_hello_without_end_ends_it_before_the_deadline() {
    let patient = |limits: &mut gatewire::Limits| {
        limits.handshake_timeout = Duration::from_secs(600);
    };
    let server = serve_tls(|builder| builder.limits(limits(patient))).await;
    let mut stream = TcpStream::connect(server.local_addr()).await.expect("a server");
    let hello = [&[1, 0, 0xf0, 0][..], &[7; 996]].concat();
    for _ in 0..5 {
        stream.write_all(&[0x16, 3, 1, 0x03, 0xe8]).await.expect("a live socket");
        stream.write_all(&hello).await.expect("a live socket");
    }
    // With bytes of ours that it has not read, it ends in an error.
    let _ended = within(stream.read_to_end(&mut Vec::new())).await;
    eventually(|| server.counters().handshakes_failed == 1).await;
    expect_alive(&server).await;
}

fn hello_like_tls() -> Bytes {
    let key_id = "k".repeat(255);
    let suites = [SUITE_HMAC_SHA256; 255];
    let length = |suites: usize| {
        let hello = Hello { key_id: &key_id, suites: &[1; 255][..suites], ..hello() };
        frame(&Message::Hello(hello)).len() - 4
    };
    let hello = Hello {
        key_id: &key_id[..255 - (length(0) - 278 + 1)],
        suites: &suites[..1],
        extensions: Extensions::NONE,
        ..hello()
    };
    let bytes = frame(&Message::Hello(hello));
    assert_eq!(bytes[..4], [0x16, 0x01, 0, 0]);
    bytes
}

/// A HELLO of 278 bytes begins with `16 01`: a plain client, however it is looked at.
#[tokio::test]
async fn a_hello_whose_length_begins_as_tls_is_a_hello() {
    let bytes = hello_like_tls();
    let tls = serve_tls(|builder| builder).await;
    let both = serve_with(|builder| builder.psk(super::kit::ring()).tls_or_plain()).await;
    for byte_by_byte in [false, true] {
        for server in [&tls, &both] {
            let mut raw = Raw::connect(server.local_addr()).await;
            for piece in bytes.chunks(if byte_by_byte { 1 } else { bytes.len() }) {
                raw.write(piece).await;
            }
            let answer = raw.read().await.expect("an answer");
            match gatewire_codec::v3::decode(&answer) {
                Ok(Message::Reject { code, .. }) => assert_eq!(code, RejectCode::TlsOnly),
                Ok(Message::Challenge(_)) => assert!(std::ptr::eq(server, &raw const both)),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn older_tls_is_refused() {
    let server = serve_tls(|builder| builder).await;
    let tcp = TcpStream::connect(server.local_addr()).await.expect("a server");
    let name = rustls::pki_types::ServerName::try_from("any").expect("a name");
    let connecting = connector(&[&rustls::version::TLS12]).connect(name, tcp);
    let error = within(connecting).await.expect_err("1.2 is refused");
    let alert = rustls::AlertDescription::ProtocolVersion;
    let found = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    assert_eq!(found, Some(&rustls::Error::AlertReceived(alert)));
    eventually(|| server.counters().handshakes_failed == 1).await;
}

async fn connect_to_script(bytes: &'static [u8]) -> Result<(), ConnectError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address: SocketAddr = listener.local_addr().expect("it is bound");
    let script = async {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut first = [0; 64];
            stream.read_exact(&mut first).await.expect("a client hello");
            stream.write_all(bytes).await.expect("a live socket");
            stream.shutdown().await.expect("a live socket");
            let mut rest = Vec::new();
            let _until_the_client_is_gone = stream.read_to_end(&mut rest).await;
        }
    };
    let client = Client::builder().psk("one", key()).build(address);
    within(async {
        tokio::select! {
            connected = client.connect() => connected,
            () = script => unreachable!("it goes on for ever"),
        }
    })
    .await
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_found_out() {
    for (answer, expected) in [
        (&b""[..], TlsError::HungUp),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", TlsError::NotTls),
        (&[9, 0, 0, 0, 3, 5, 3, 0, 0, 0, 0, 0, 0], TlsError::NotTls),
    ] {
        let refused = connect_to_script(answer).await;
        assert!(
            matches!(&refused, Err(ConnectError::Tls(found)) if *found == expected),
            "{refused:?}"
        );
    }
}

/// The deadline is that of the whole handshake, and TLS is part of it.
#[tokio::test]
async fn who_does_not_go_on_is_cut_in_time() {
    const DEADLINE: Duration = Duration::from_millis(200);

    let short = |limits: &mut gatewire::Limits| {
        limits.handshake_timeout = DEADLINE;
        limits.first_byte_timeout = DEADLINE;
    };
    let server = serve_tls(|builder| builder.limits(limits(short))).await;
    let start = Instant::now();
    for begun in [&[][..], &[0x16], &[0x16, 3], &[0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]] {
        let mut raw = Raw::connect(server.local_addr()).await;
        raw.write(begun).await;
        raw.expect_end().await;
    }
    // TLS is there, and nothing is said in it.
    let mut stream = super::kit::raw_tls(server.local_addr()).await;
    let _ended = within(stream.read(&mut [0; 1])).await;
    assert!(start.elapsed() >= DEADLINE * 4, "{:?}", start.elapsed());
    eventually(|| server.counters().handshakes_failed == 5).await;

    // As for a client.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let client = Client::builder().psk("one", key()).limits(limits(short)).build(address);
    let refused = within(client.connect()).await;
    assert!(matches!(refused, Err(ConnectError::Timeout)), "{refused:?}");
}

/// At every byte of the handshakes, and in a record behind them.
#[tokio::test]
async fn a_connection_may_break_anywhere() {
    let server = serve_tls(|builder| builder).await;
    server.on("news", |_: &[u8]| ());
    // A client tries again when it is hung up on, so each takes its time: all at once.
    let mut connections = JoinSet::new();
    for cut_after in (0..40).chain((40..1500).step_by(53)) {
        let tap = Between::tap(server.local_addr(), cut_after).await;
        connections.spawn(async move {
            let client = Client::builder().psk("one", key()).no_reconnect().build(tap.address);
            if within(client.connect()).await.is_ok() {
                let _while_it_lasts = client.emit("news", vec![0_u8; 4000]);
                within(client.closed()).await;
            }
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended.expect("no panic");
    }
    eventually(|| server.is_empty()).await;
    expect_alive(&server).await;
}

/// What comes behind the end is not looked at, however much it is.
#[tokio::test]
async fn nothing_is_read_behind_the_end() {
    let server = serve_tls(|builder| builder).await;
    let mut ends = record_ends(&server);
    let mut stream = raw_client(server.local_addr()).await;
    let (tcp, session) = stream.get_mut();
    session.send_close_notify();
    let mut bytes = Vec::new();
    session.write_tls(&mut bytes).expect("memory");
    bytes.extend_from_slice(&[0x17; 10_000]);
    within(tcp.write_all(&bytes)).await.expect("the server takes it");
    assert_eq!(ends.next().await.1, gatewire::DisconnectReason::Lost);
    expect_alive(&server).await;
}

/// A record that was changed on the way is none.
#[tokio::test]
async fn a_record_that_was_changed_ends_the_connection() {
    let server = serve_tls(|builder| builder).await;
    let mut ends = record_ends(&server);
    let mut stream = raw_client(server.local_addr()).await;
    let (tcp, _) = stream.get_mut();
    within(tcp.write_all(&[&[0x17, 3, 3, 0, 40][..], &[9; 40]].concat())).await.expect("taken");
    let reason = gatewire::DisconnectReason::Io(std::io::ErrorKind::InvalidData);
    assert_eq!(ends.next().await.1, reason);
    // It is told why, by an alert.
    let told = within(stream.read(&mut [0; 1])).await.expect_err("an alert");
    let told = told.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let alert = rustls::AlertDescription::BadRecordMac;
    assert_eq!(told, Some(&rustls::Error::AlertReceived(alert)));
    expect_alive(&server).await;
}

/// Who began while the server had no keys, and goes on when it has some, is as plain as others.
#[tokio::test]
async fn a_client_that_waits_for_the_first_key_does_not_stay_plain() {
    let server = serve_with(|builder| builder).await;
    let bytes = hello_like_tls();
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.write(&bytes[..1]).await;
    // Another that comes later is through: so the server has seen the byte, and waits for more.
    fence(&dial(&server).await).await;
    server.set_keys(&super::kit::ring());
    raw.write(&bytes[1..]).await;
    raw.expect(&Message::Reject { code: RejectCode::TlsOnly, retry_after_s: 0 }).await;
}
