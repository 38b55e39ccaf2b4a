//! Peers that do not get through the handshake.

use std::time::{Duration, Instant};

use gatewire_codec::Message;
use gatewire_codec::v3::handshake::{Extensions, Proof, Role};

use super::bystander::Scene;
use crate::raw::{Raw, frame, frame_of};
use crate::rig::{eventually, limits};

fn hello() -> Message<'static> {
    Message::Hello(crate::raw::hello())
}

/// These first bytes end the connection without an answer.
async fn check(scene: &mut Scene, bytes: &[u8]) {
    let failed = scene.server.counters().handshakes_failed + 1;
    let mut raw = Raw::connect(scene.server.local_addr()).await;
    raw.try_write(bytes).await;
    raw.expect_end().await;
    eventually(|| scene.server.counters().handshakes_failed == failed).await;
    scene.expect_alone().await;
}

#[tokio::test]
async fn garbage_is_not_answered() {
    let mut scene = Scene::new().await;
    check(&mut scene, b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n").await;
    check(&mut scene, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    check(&mut scene, b"SSH-2.0-OpenSSH_9.6\r\n").await;
    check(&mut scene, &[0xff; 4]).await;
    check(&mut scene, &[0xff; 100_000]).await;
    check(&mut scene, &[0; 4]).await;
    check(&mut scene, &[0; 100_000]).await;
    check(&mut scene, &[1, 0, 0, 0, 3]).await;
}

/// 513 bytes are too many before the handshake is over, known from four of them.
#[tokio::test]
async fn a_length_above_512_is_refused_from_its_four_bytes() {
    let mut scene = Scene::new().await;
    check(&mut scene, &513_u32.to_le_bytes()).await;
    check(&mut scene, &(1_u32 << 20).to_le_bytes()).await;
    let mut raw = Raw::connect(scene.server.local_addr()).await;
    raw.send(&hello()).await;
    raw.read().await.expect("a challenge");
    raw.write(&513_u32.to_le_bytes()).await;
    raw.expect_end().await;
    scene.expect_alone().await;
}

#[tokio::test]
async fn another_version_and_other_messages_are_refused() {
    let mut scene = Scene::new().await;
    for version in [0, 1, 2, 4, 255] {
        let mut wrong = frame(&hello()).to_vec();
        wrong[4] = version;
        check(&mut scene, &wrong).await;
    }
    check(&mut scene, &frame(&Message::Ping { token: 1 })).await;
    let proof = Proof { extensions: Extensions::NONE, mac: [7; 32] };
    check(&mut scene, &frame(&Message::Proof(proof))).await;
    check(&mut scene, &frame_of(&[3, 16, 1, b'x', 7])).await;
    check(&mut scene, &frame_of(&[3, 200])).await;
    // A hello that is cut within its frame, and one with bytes behind it.
    let whole = frame(&hello());
    check(&mut scene, &frame_of(&whole[4..40])).await;
    check(&mut scene, &frame_of(&[&whole[4..], b"more"].concat())).await;
}

#[tokio::test]
async fn a_second_hello_is_no_proof() {
    let mut scene = Scene::new().await;
    let mut raw = Raw::connect(scene.server.local_addr()).await;
    raw.send(&hello()).await;
    raw.read().await.expect("a challenge");
    raw.send(&hello()).await;
    raw.expect_end().await;
    scene.expect_alone().await;
}

#[tokio::test]
async fn who_goes_in_the_middle_leaves_nothing() {
    let mut scene = Scene::new().await;
    let hello = frame(&hello());
    for length in [0, 1, 3, 4, 5, hello.len() - 1, hello.len()] {
        let failed = scene.server.counters().handshakes_failed + 1;
        let mut raw = Raw::connect(scene.server.local_addr()).await;
        raw.write(&hello[..length]).await;
        raw.finish().await;
        if length == hello.len() {
            raw.read().await.expect("a challenge");
        }
        raw.expect_end().await;
        eventually(|| scene.server.counters().handshakes_failed == failed).await;
        scene.expect_alone().await;
    }
}

const SHORT: Duration = Duration::from_millis(100);

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn the_first_byte_has_a_deadline() {
    let limits = limits(|limits| {
        limits.first_byte_timeout = SHORT;
        limits.handshake_timeout = HOUR;
    });
    let mut scene = Scene::with(|builder| builder.limits(limits)).await;
    let start = Instant::now();
    let mut raw = Raw::connect(scene.server.local_addr()).await;
    raw.expect_end().await;
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    eventually(|| scene.server.counters().handshakes_failed == 1).await;
    scene.expect_alone().await;
}

/// However slowly the bytes come, all of them must be there in time.
#[tokio::test]
async fn a_handshake_has_a_deadline() {
    let limits = limits(|limits| limits.handshake_timeout = SHORT);
    let mut scene = Scene::with(|builder| builder.limits(limits)).await;
    let hello = frame(&hello());
    for length in [1, 20, hello.len()] {
        let start = Instant::now();
        let mut raw = Raw::connect(scene.server.local_addr()).await;
        raw.write(&hello[..length]).await;
        if length == hello.len() {
            raw.read().await.expect("a challenge");
        }
        raw.expect_end().await;
        assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    }
    // One byte after the other, each long before the deadline.
    let mut raw = Raw::connect(scene.server.local_addr()).await;
    let start = Instant::now();
    let mut pause = tokio::time::interval(SHORT / 10);
    for byte in hello.iter().take(40) {
        pause.tick().await;
        raw.try_write(&[*byte]).await;
    }
    raw.expect_end().await;
    assert!(start.elapsed() >= SHORT);
    eventually(|| scene.server.counters().handshakes_failed == 4).await;
    scene.expect_alone().await;
}

/// Slow is no fault as long as the deadline holds.
#[tokio::test]
async fn a_handshake_may_come_byte_by_byte_with_the_first_messages_behind_it() {
    use gatewire_codec::ValueRef;
    use gatewire_core::handshake::{ChannelBinding, DiallerConfig};

    let mut scene = Scene::new().await;
    let config = DiallerConfig { role: Role::Client, key: None, instance: [1; 16] };
    let (hello, expect) =
        config.start([7; 32], ChannelBinding::None, Extensions::NONE).expect("it fits");
    let mut raw = Raw::connect(scene.server.local_addr()).await;
    for byte in &hello {
        raw.write(&[*byte]).await;
    }
    let challenge = raw.read().await.expect("a challenge");
    let (proof, expect) = expect.handle(&challenge, Extensions::NONE).expect("a challenge");
    // With the proof come two requests and a part of the third, before the server has answered.
    let request =
        |id| frame(&Message::Request { id, event: "add", value: ValueRef::Integer(id.into()) });
    raw.write(&[&proof[..], &request(1), &request(2), &request(3)[..6]].concat()).await;
    let accept = raw.read().await.expect("an accept");
    let id = expect.handle(&accept).expect("an accept").session_id;
    raw.expect(&Message::Ack { id: 1, value: ValueRef::Integer(2) }).await;
    raw.expect(&Message::Ack { id: 2, value: ValueRef::Integer(3) }).await;
    raw.write(&request(3)[6..]).await;
    raw.expect(&Message::Ack { id: 3, value: ValueRef::Integer(4) }).await;
    drop(raw);
    scene.expect_end(id, gatewire::DisconnectReason::Lost).await;
}
