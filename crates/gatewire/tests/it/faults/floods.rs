//! Peers that send much and read nothing.

use std::time::Duration;

use gatewire::{DisconnectReason, DropReason, OutboxLimits, Overflow};
use gatewire_codec::{Message, ValueRef};

use super::bystander::Scene;
use crate::raw::{Raw, frame, frame_of};
use crate::rig::limits;

const MAX_BYTES: usize = 256 << 10;

/// What control messages may take beyond the bound.
const RESERVE: usize = 64 << 10;

async fn scene(overflow: Overflow) -> (Scene, Raw) {
    let limits = limits(|limits| {
        limits.outbox = OutboxLimits { max_bytes: MAX_BYTES, max_frames: 1 << 20, overflow };
        limits.write_stall = Duration::from_millis(500);
    });
    let scene = Scene::with(|builder| builder.limits(limits)).await;
    scene.server.on_error(|_, _| {});
    scene.server.on("echo", |bytes: Vec<u8>| bytes);
    let raw = Raw::dial_narrow(scene.server.local_addr()).await;
    (scene, raw)
}

/// Sends these bytes again and again, until an answer is dropped or this peer is cut. Then it waits for
/// the cut.
async fn flood(mut scene: Scene, mut raw: Raw, bytes: &[u8]) {
    let socket = scene.server.socket(&raw.id()).expect("a socket");
    let dropped = || scene.server.counters().outbound.dropped(DropReason::QueueFull);
    while socket.is_connected() && dropped() == 0 {
        raw.try_write(bytes).await;
        let queued = socket.queued_bytes();
        assert!(queued <= MAX_BYTES + RESERVE, "{queued}");
    }
    scene.expect_end(socket.id(), DisconnectReason::SlowConsumer).await;
    drop(raw);
}

/// Who does not read the answers is asked for no more questions: nothing overflows, and the stall
/// decides.
async fn flood_of_questions(overflow: Overflow) {
    let (mut scene, mut raw) = scene(overflow).await;
    let value = ValueRef::Binary(&[7; 4000]);
    let questions = frame(&Message::Request { id: 1, event: "echo", value }).repeat(8);
    let socket = scene.server.socket(&raw.id()).expect("a socket");
    while socket.is_connected() {
        raw.try_write(&questions).await;
        let queued = socket.queued_bytes();
        assert!(queued <= MAX_BYTES, "{queued}");
    }
    assert_eq!(scene.server.counters().outbound.dropped(DropReason::QueueFull), 0);
    scene.expect_end(socket.id(), DisconnectReason::SlowConsumer).await;
}

#[tokio::test]
async fn a_flood_of_questions_does_not_overflow_with_their_answers() {
    flood_of_questions(Overflow::Disconnect).await;
}

#[tokio::test]
async fn a_flood_of_bad_messages_ends_at_the_bound_of_their_errors() {
    let (scene, raw) = scene(Overflow::Disconnect).await;
    flood(scene, raw, &frame_of(&[3, 16, 1, b'x', 99]).repeat(1000)).await;
}

/// Answers to pings are not worth a disconnect by themselves: there the stall decides.
#[tokio::test]
async fn a_flood_of_pings_is_answered_within_the_bound() {
    let (scene, raw) = scene(Overflow::Disconnect).await;
    flood(scene, raw, &frame(&Message::Ping { token: u64::MAX }).repeat(1000)).await;
}

#[tokio::test]
async fn no_answer_is_dropped_where_the_policy_would_allow_it() {
    flood_of_questions(Overflow::DropNewest).await;
}
