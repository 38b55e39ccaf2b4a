//! Streams and chunks in numbers: they are bounded, and the rest is refused.

use gatewire::{StreamCode, StreamReader};
use gatewire_codec::{Message, NackCode, Names, Target, ValueRef};

use super::frames::{ack, data, finish, open, open_for, open_unanswered, reset};
use super::kit::{CREDIT, bytes, gated_reader};
use super::script::{expect, expect_alive, leave, push, scene};
use crate::faults::bystander::Scene;

#[tokio::test]
async fn of_ten_thousand_streams_at_once_all_but_128_are_refused() {
    const COUNT: u32 = 10_000;

    for acked in [true, false] {
        let (scene, gate) = scene().await;
        let mut raw = scene.intruder().await;
        let mut all = Vec::new();
        for id in 1..=COUNT {
            push(&mut all, &if acked { open(id, "file") } else { open_unanswered(id, "file") });
        }
        raw.write(&all).await;
        for id in 129..=COUNT {
            let busy = Message::Nack { id, code: NackCode::Busy, value: ValueRef::Empty };
            let many = Message::StreamStop { id, code: StreamCode::TooMany, text: "" };
            raw.expect(if acked { &busy } else { &many }).await;
        }
        gate.open();
        for id in 1..=128 {
            raw.send(&finish(id, 0)).await;
            if acked {
                raw.expect(&ack(id, ValueRef::Integer(0))).await;
            }
        }
        expect_alive(&mut raw).await;
        raw.send(&open(1, "file")).await;
        raw.send(&finish(1, 0)).await;
        raw.expect(&ack(1, ValueRef::Integer(0))).await;
        leave(scene, raw).await;
    }
}

/// To a room with nobody in it each is stopped, and counted.
#[tokio::test]
async fn ten_thousand_streams_to_nobody_are_stopped() {
    let (scene, _gate) = scene().await;
    let mut raw = scene.intruder().await;
    let rooms = ["nowhere"];
    let target = Target { rooms: Names::from_slice(&rooms), ..Target::default() };
    let mut all = Vec::new();
    for id in 1..=10_000 {
        push(&mut all, &open_for(id, target, "file"));
    }
    raw.write(&all).await;
    for id in 1..=10_000 {
        expect(&mut raw, &Message::StreamStop { id, code: StreamCode::Enough, text: "" }).await;
        expect(&mut raw, &ack(id, ValueRef::Integer(0))).await;
    }
    leave(scene, raw).await;
}

/// Opened and given up at once, as fast as it goes: no more handlers run than there are places.
#[tokio::test]
async fn streams_that_are_reset_at_once_keep_their_places_until_their_handlers_end() {
    let scene = Scene::new().await;
    let (noted, mut started) = crate::rig::record();
    let (handler, _, gate) = gated_reader();
    scene.server.on("file", move |stream: StreamReader| {
        noted.note(());
        handler(stream)
    });
    let mut raw = scene.intruder().await;
    let mut all = Vec::new();
    for id in 1..=1000 {
        push(&mut all, &open(id, "file"));
        push(&mut all, &reset(id));
    }
    raw.write(&all).await;
    for id in 129..=1000 {
        raw.expect(&Message::Nack { id, code: NackCode::Busy, value: ValueRef::Empty }).await;
    }
    assert_eq!(started.so_far().len(), 128);
    gate.open();
    expect_alive(&mut raw).await;
    leave(scene, raw).await;
}

#[tokio::test]
async fn chunks_of_one_byte_are_a_stream() {
    let (scene, gate) = scene().await;
    let mut raw = scene.intruder().await;
    let mut all = Vec::new();
    push(&mut all, &open(1, "file"));
    for byte in bytes(CREDIT).chunks(1) {
        push(&mut all, &data(1, byte));
    }
    push(&mut all, &finish(1, CREDIT as u64));
    raw.write(&all).await;
    gate.open();
    let length = i64::try_from(CREDIT).expect("little");
    expect(&mut raw, &ack(1, ValueRef::Integer(length))).await;
    leave(scene, raw).await;
}
