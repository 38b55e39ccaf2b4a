//! Who is let in, and what others see before.

use std::time::Duration;

use gatewire::{Client, ConnectError, HandshakeError, Router, Server, Wire};
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{ValueRef, Version};
use tokio::net::TcpListener;

use crate::legacy::raw::{Peer, Raw, encode, proof};
use crate::legacy::rig::{Everything, secret};
use crate::rig::{connect, eventually, limits, record, within};

fn packet(kind: Kind, value: ValueRef<'_>) -> Packet<'_> {
    Packet { value, ..Packet::new(Version::V2, kind, 2) }
}

/// What is sent to all is not for who has proven nothing, and the application does not hear of them.
#[tokio::test]
async fn who_has_proven_nothing_gets_nothing() {
    let all = Everything::new().await;
    let (seen, mut connected) = record();
    all.server.on_connect(move |_| {
        seen.note(());
        std::future::ready(())
    });
    let mut stranger = Raw::dial(&all, Wire::V2).await;
    let _seed = stranger.next().await.expect("a seed");
    let mut member = Peer::connect(&all, Wire::V2).await;
    all.server.emit("secret", "for members only").expect("queued");
    member.next(|packet| assert_eq!(packet.event, "secret")).await;
    connected.next().await;
    connected.expect_nothing();
    stranger.shutdown().await;
    assert_eq!(stranger.next().await, None);
}

#[tokio::test]
async fn who_proves_nothing_in_time_is_closed() {
    let short = limits(|limits| limits.handshake_timeout = Duration::from_millis(50));
    let all = Everything::with(|builder| builder.limits(short)).await;
    let mut raw = Raw::dial(&all, Wire::V2).await;
    let _seed = raw.next().await.expect("a seed");
    assert_eq!(raw.next().await, None);
}

#[tokio::test]
async fn a_server_that_closes_does_not_wait_for_who_has_proven_nothing() {
    let all = Everything::new().await;
    let mut raw = Raw::dial(&all, Wire::V2).await;
    let _seed = raw.next().await.expect("a seed");
    within(all.server.close()).await;
    while raw.next().await.is_some() {}
}

#[tokio::test]
async fn nothing_behind_a_wrong_proof_is_read() {
    let all = Everything::new().await;
    let mut raw = Raw::dial(&all, Wire::V2).await;
    let seed = raw.next().await.expect("a seed");
    let right = proof(&seed, secret());
    let wrong = "0".repeat(64);
    for hmac in [&wrong, &wrong, &right] {
        raw.send(&encode(&packet(Kind::AuthHmac, ValueRef::String(hmac)))).await;
    }
    raw.send(&encode(&packet(Kind::Downlink, ValueRef::String("")))).await;
    let answer = raw.next().await.expect("a text");
    let refused = packet(Kind::Error, ValueRef::String("authentication failed"));
    assert_eq!(Packet::decode(&answer), Ok(Packet { id: 3, ..refused }));
    assert_eq!(all.server.len(), 0);
}

/// Upper case is refused, as by the originals, and so is a part of it.
#[tokio::test]
async fn a_proof_is_right_in_one_way_only() {
    let all = Everything::new().await;
    let changes: [fn(String) -> String; 3] =
        [|hmac| hmac.to_uppercase(), |hmac| hmac[..63].to_owned(), |_| String::new()];
    for change in changes {
        let mut raw = Raw::dial(&all, Wire::V2).await;
        let seed = raw.next().await.expect("a seed");
        let hmac = change(proof(&seed, secret()));
        raw.send(&encode(&packet(Kind::AuthHmac, ValueRef::String(&hmac)))).await;
        let answer = raw.next().await.expect("a text");
        assert_eq!(Packet::decode(&answer).expect("a frame").kind, Kind::Error);
    }
}

/// A server that is played, and a client of it.
async fn played() -> (TcpListener, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let client = Client::builder().wire(Wire::V2).v2_key(secret()).build(address);
    (listener, client)
}

#[tokio::test]
async fn a_client_answers_one_seed_of_a_connection() {
    let (listener, client) = played().await;
    let server = async {
        let (stream, _) = within(listener.accept()).await.expect("a client");
        let mut raw = Raw::new(stream);
        raw.send(&encode(&packet(Kind::AuthSeed, ValueRef::String("first")))).await;
        for kind in [Kind::AuthHmac, Kind::Downlink] {
            let frame = raw.next().await.expect("a frame");
            assert_eq!(Packet::decode(&frame).expect("a frame").kind, kind);
        }
        raw.send(&encode(&packet(Kind::AuthSeed, ValueRef::String("second")))).await;
        raw.send(&encode(&packet(Kind::Register, ValueRef::String("id")))).await;
        raw.send(&encode(&packet(Kind::AuthSeed, ValueRef::String("third")))).await;
        raw
    };
    let (mut raw, _) = tokio::join!(server, connect(&client));
    client.emit("next", 1).expect("queued");
    let frame = raw.next().await.expect("a frame");
    assert_eq!(Packet::decode(&frame).expect("a frame").event, "next");
}

/// What is emitted meanwhile waits.
#[tokio::test]
async fn nothing_goes_before_the_proof() {
    let (listener, client) = played().await;
    let server = async {
        let (stream, _) = within(listener.accept()).await.expect("a client");
        let mut raw = Raw::new(stream);
        client.emit("early", 1).expect("queued");
        raw.send(&encode(&packet(Kind::AuthSeed, ValueRef::String("seed")))).await;
        for kind in [Kind::AuthHmac, Kind::Downlink] {
            let frame = raw.next().await.expect("a frame");
            assert_eq!(Packet::decode(&frame).expect("a frame").kind, kind);
        }
        client.emit("early", 2).expect("queued");
        raw.send(&encode(&packet(Kind::Register, ValueRef::String("id")))).await;
        for value in [1, 2] {
            let frame = raw.next().await.expect("a frame");
            let packet = Packet::decode(&frame).expect("a frame");
            assert_eq!((packet.event, packet.value), ("early", ValueRef::Integer(value)));
        }
        raw
    };
    let (_raw, _) = tokio::join!(server, connect(&client));
}

#[tokio::test]
async fn a_seed_that_is_no_text_is_an_error_of_the_connect() {
    for value in [ValueRef::Empty, ValueRef::Integer(5)] {
        let (listener, client) = played().await;
        let server = async {
            let (stream, _) = within(listener.accept()).await.expect("a client");
            let mut raw = Raw::new(stream);
            raw.send(&encode(&packet(Kind::AuthSeed, value))).await;
            raw
        };
        let (_raw, refused) = tokio::join!(server, within(client.connect()));
        assert!(
            matches!(refused, Err(ConnectError::Handshake(HandshakeError::Malformed(_)))),
            "{refused:?}"
        );
    }
}

/// Who connects is told, and whoever wants to try again does so.
#[tokio::test]
async fn a_wrong_key_fails_the_connect_and_is_counted_once() {
    let all = Everything::new().await;
    let (seen, mut errors) = record();
    let wrong = gatewire::legacy::V2Secret::new(*b"another");
    let client = all.build(Wire::V2, |builder| builder.v2_key(wrong));
    client.on_error(move |error| seen.note(error.to_string()));
    let refused = within(client.connect()).await;
    assert!(matches!(refused, Err(ConnectError::Handshake(_))), "{refused:?}");
    errors.expect_nothing();
    assert_eq!(all.server.counters().handshakes_failed, 1);
}

/// Without keys a router is nobody, and with keys only who has one for it.
#[tokio::test]
async fn a_clients_key_does_not_make_a_router() {
    for keys in [true, false] {
        let all = match keys {
            true => Everything::new().await,
            false => {
                Everything::with(|builder| builder.v2_keys(gatewire::legacy::V2Keys::new())).await
            }
        };
        let router = Router::builder("node").serve(&all.server).start().expect("a router");
        let mut raw = Raw::dial(&all, Wire::V2).await;
        let seed = raw.next().await.expect("a seed");
        let hmac = proof(&seed, secret());
        raw.send(&encode(&packet(Kind::AuthHmac, ValueRef::String(&hmac)))).await;
        raw.send(&encode(&packet(Kind::Uplink, ValueRef::String("host9")))).await;
        let answer = raw.next().await.expect("a text");
        assert_eq!(Packet::decode(&answer).expect("a frame").kind, Kind::Error);
        assert_eq!(raw.next().await, None);
        router.close().await;
    }
}

/// On one port with version 3: who says nothing for 50 ms gets a seed.
#[tokio::test]
async fn versions_2_and_3_share_a_port() {
    let keys = gatewire::legacy::V2Keys::new().with(gatewire::legacy::V2Key::new("k", secret()));
    let server =
        Server::builder().v2_keys(keys).allow_v2().bind("127.0.0.1:0").await.expect("a port");
    server.on("fence", || ());
    let address = server.local_addr();
    let newer = Client::builder().build(address);
    connect(&newer).await;
    let older = Client::builder().wire(Wire::V2).v2_key(secret()).build(address);
    connect(&older).await;
    for client in [&newer, &older] {
        crate::rig::fence(client).await;
    }
    eventually(|| server.len() == 2).await;
    let wires: Vec<Wire> = server.sockets().iter().map(gatewire::Socket::wire).collect();
    assert!(wires.contains(&Wire::V2) && wires.contains(&Wire::V3), "{wires:?}");
    // One that speaks first says so in its first frame.
    let open = Server::builder().allow_v2().bind("127.0.0.1:0").await.expect("a port");
    let keyless = Client::builder().wire(Wire::V2).build(open.local_addr());
    connect(&keyless).await;
}
