//! All that works over plain TCP.

use bytes::Bytes;
use gatewire::tls::{Identity, Verify};
use gatewire::{Limits, Rejection, ServerBuilder, StreamError, StreamReader};

use super::kit::{Between, dial_tls, key, raw_client, ring, serve_tls};
use crate::rig::{build, connect, dial, dial_with, fence, fence_all, record, serve_with, within};

/// Bytes that tell where they stand.
fn pattern(length: usize) -> Vec<u8> {
    (0..=u32::MAX)
        .flat_map(|word| (word.wrapping_mul(2_654_435_761)).to_le_bytes())
        .take(length)
        .collect()
}

async fn is_pattern(mut stream: StreamReader, length: usize) -> Result<bool, StreamError> {
    let mut all = Vec::new();
    while let Some(chunk) = stream.chunk().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all == pattern(length))
}

#[tokio::test]
async fn events_and_requests_go_both_ways_in_order() {
    let server = serve_tls(|builder| builder).await;
    let (heard, mut news) = record();
    server.on("news", move |number: u32| heard.note(number));
    server.on("double", |number: u32| number * 2);
    let client = dial_tls(&server).await;
    let (heard, mut back) = record();
    client.on("news", move |number: u32| heard.note(number));
    client.on("half", |number: u32| number / 2);
    let socket = server.socket(&client.id().expect("connected")).expect("a socket");
    for number in 0..10_000 {
        client.emit("news", number).expect("queued");
        socket.emit("news", number).expect("queued");
        if number % 500 == 0 {
            within(client.flush()).await.expect("flushed");
        }
    }
    assert_eq!(within(client.request::<u32, _>("double", 21)).await, Ok(42));
    assert_eq!(within(socket.request::<u32, _>("half", 42)).await, Ok(21));
    assert_eq!(news.next_many(10_000).await, (0..10_000).collect::<Vec<_>>());
    assert_eq!(back.next_many(10_000).await, (0..10_000).collect::<Vec<_>>());
    client.close().await;
}

#[tokio::test]
async fn rooms_hear_what_is_said_in_them() {
    let server = serve_tls(|builder| builder).await;
    let (first, second) = (dial_tls(&server).await, dial_tls(&server).await);
    let (heard, mut said) = record();
    second.on("say", move |text: String| heard.note(text));
    within(second.join("room")).await.expect("joined");
    first.to("room").emit("say", "hello").expect("queued");
    assert_eq!(said.next().await, "hello");
    server.to("room").emit("say", "all").expect("queued");
    assert_eq!(said.next().await, "all");
    fence_all(&server).await;
    said.expect_nothing();
}

#[tokio::test]
async fn large_frames_arrive_whole() {
    let large = |limits: &mut Limits| limits.max_frame = 16 << 20;
    let server = serve_tls(|builder| builder.limits(crate::rig::limits(large))).await;
    server.on("echo", |bytes: Bytes| bytes);
    let client = dial_tls(&server).await;
    for length in [0, 1, 16_383, 16_384, 16_385, 65_536, 1 << 20, 3_000_001] {
        let bytes = Bytes::from(pattern(length));
        let back = within(client.request::<Bytes, _>("echo", bytes.clone())).await;
        assert!(back.expect("an answer") == bytes, "{length} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_megabytes_go_both_ways_at_once() {
    const LENGTH: usize = 8 << 20;

    let server = serve_tls(|builder| builder).await;
    server.on("sum", |stream: StreamReader| async move {
        is_pattern(stream, LENGTH).await.map_err(|error| Rejection::new(error.to_string()))
    });
    let client = dial_tls(&server).await;
    client.on("sum", |stream: StreamReader| async move {
        is_pattern(stream, LENGTH).await.map_err(|error| Rejection::new(error.to_string()))
    });
    let socket = server.socket(&client.id().expect("connected")).expect("a socket");
    let bytes = Bytes::from(pattern(LENGTH));
    let up = async {
        let mut up = client.stream("sum", ()).await.expect("opened");
        for part in 0..LENGTH / 65_536 {
            up.send(bytes.slice(part * 65_536..(part + 1) * 65_536)).await.expect("sent");
        }
        up.finish::<bool>().await
    };
    let down = async {
        let mut down = socket.stream("sum", ()).await.expect("opened");
        down.send(bytes.clone()).await.expect("sent");
        down.finish::<bool>().await
    };
    let (up, down) = within(async { tokio::join!(up, down) }).await;
    assert_eq!((up, down), (Ok(true), Ok(true)));
    client.close().await;
}

/// Who listens sees neither names nor values nor the id of the key.
#[tokio::test]
async fn nothing_of_it_can_be_read_on_the_way() {
    const SECRETS: [&str; 3] = ["a telling name", "a telling value", "one"];

    let say = |plain: bool| async move {
        let server = serve_tls(|builder| if plain { builder.plain() } else { builder }).await;
        let tap = Between::tap(server.local_addr(), usize::MAX).await;
        let builder = gatewire::Client::builder().psk("one", key());
        let builder = if plain { builder.plain() } else { builder };
        let client = within(builder.connect(tap.address)).await.expect("a connection");
        client.emit(SECRETS[0], SECRETS[1]).expect("queued");
        fence(&client).await;
        client.close().await;
        tap
    };
    let (tls, plain) = (say(false).await, say(true).await);
    for secret in SECRETS {
        assert!(plain.saw(secret.as_bytes()), "the tap sees what is plain");
        assert!(secret == "one" || !tls.saw(secret.as_bytes()), "{secret:?}");
    }
    // Three bytes come by chance, a frame's beginning does not.
    assert!(plain.saw(b"GW3\0") && !tls.saw(b"GW3\0"));
}

#[tokio::test]
async fn a_server_without_keys_may_have_tls() {
    let identity = Identity::self_signed().expect("random numbers");
    let server = serve_with(|builder| builder.tls(identity)).await;
    let client = dial_with(&server, |builder| builder.tls(Verify::Psk)).await;
    let socket = server.socket(&client.id().expect("connected")).expect("a socket");
    assert_eq!(socket.key_id(), "");
    fence(&client).await;
}

#[tokio::test]
async fn a_server_may_take_both() {
    let server = serve_with(|builder| builder.psk(ring()).tls_or_plain()).await;
    let tls = dial_tls(&server).await;
    let plain = dial_with(&server, |builder| builder.psk("one", key()).plain()).await;
    fence(&tls).await;
    fence(&plain).await;
    // The key is asked for on both.
    let client = build(&server, |builder| builder);
    assert!(within(client.connect()).await.is_err());
    assert_eq!(server.len(), 2);

    let open = serve_with(ServerBuilder::tls_or_plain).await;
    fence(&dial(&open).await).await;
    fence(&dial_with(&open, |builder| builder.tls(Verify::Psk)).await).await;
}

#[tokio::test]
async fn a_peer_of_another_making_may_be_at_the_other_end() {
    let server = serve_tls(|builder| builder).await;
    let raw = raw_client(server.local_addr()).await;
    assert_eq!(server.len(), 1);
    drop(raw);
    crate::rig::eventually(|| server.is_empty()).await;
    let client = build(&server, |builder| builder.psk("one", key()));
    connect(&client).await;
}
