//! TCP keeps no boundaries: frames come in any pieces and are the same.

use gatewire::{Client, DisconnectReason, Value};
use gatewire_codec::{Message, ValueRef};

use super::bystander::Scene;
use crate::raw::{RawListener, frame};
use crate::rig::{Record, connect, record};

fn event(number: i64) -> bytes::Bytes {
    frame(&Message::Event { event: "number", value: ValueRef::Integer(number) })
}

fn record_numbers(scene: &Scene) -> Record<i64> {
    let (seen, numbers) = record();
    scene.server.on("number", move |number: i64| seen.note(number));
    numbers
}

#[tokio::test]
async fn frames_may_come_byte_by_byte() {
    let mut scene = Scene::new().await;
    let mut numbers = record_numbers(&scene);
    let mut raw = scene.intruder().await;
    for number in 0..20 {
        for byte in &event(number) {
            raw.write(&[*byte]).await;
            // So that the other side sees this byte alone.
            tokio::task::yield_now().await;
        }
    }
    assert!(numbers.next_many(20).await.into_iter().eq(0..20));
    let id = raw.id();
    drop(raw);
    scene.expect_end(id, DisconnectReason::Lost).await;
}

#[tokio::test]
async fn one_piece_may_hold_many_frames_and_a_part_of_the_next() {
    let mut scene = Scene::new().await;
    let mut numbers = record_numbers(&scene);
    let mut raw = scene.intruder().await;
    let bytes: Vec<u8> = (0..3000).flat_map(event).collect();
    // Cut at every place of a frame.
    let frame_length = event(2999).len();
    let cuts: Vec<usize> = (1..2 * frame_length).map(|cut| cut * bytes.len() / 64 + cut).collect();
    let mut start = 0;
    for cut in cuts.into_iter().chain([bytes.len()]) {
        raw.write(&bytes[start..cut]).await;
        tokio::task::yield_now().await;
        start = cut;
    }
    assert!(numbers.next_many(3000).await.into_iter().eq(0..3000));
    let id = raw.id();
    drop(raw);
    scene.expect_end(id, DisconnectReason::Lost).await;
}

/// Pieces around the sizes at which the reading changes its ways, between small frames.
#[tokio::test]
async fn a_large_frame_may_come_in_pieces_of_any_size() {
    let mut scene = Scene::new().await;
    let (seen, mut blocks) = record();
    scene.server.on("block", move |block: Vec<u8>| seen.note(block));
    let mut numbers = record_numbers(&scene);
    let mut raw = scene.intruder().await;
    let lengths = [60_000, 65_536, 65_537, 70_000, 262_144, 300_000, 1_048_000];
    for (number, length) in (0..).zip(lengths) {
        let block: Vec<u8> = (0_u8..251).cycle().take(length).collect();
        let large = frame(&Message::Event { event: "block", value: ValueRef::Binary(&block) });
        let bytes = [&event(number)[..], &large, &event(number + 100)].concat();
        for piece in [1, 3, 4, 5, 1000, 4096, 65_536, 65_540, 200_000] {
            if bytes.len() / piece > 2000 {
                // One piece of this size, then the rest.
                raw.write(&bytes[..piece]).await;
                tokio::task::yield_now().await;
                raw.write(&bytes[piece..]).await;
            } else {
                for bytes in bytes.chunks(piece) {
                    raw.write(bytes).await;
                    tokio::task::yield_now().await;
                }
            }
            assert_eq!(numbers.next().await, number);
            assert!(blocks.next().await == block, "{length} bytes in pieces of {piece}");
            assert_eq!(numbers.next().await, number + 100);
        }
    }
    let id = raw.id();
    drop(raw);
    scene.expect_end(id, DisconnectReason::Lost).await;
}

/// The bytes of a large frame that a handler keeps are its own: the buffer goes on without them.
#[tokio::test]
async fn what_a_handler_keeps_is_not_overwritten() {
    let mut scene = Scene::new().await;
    let (seen, mut blocks) = record();
    scene.server.on("block", move |block: Value| seen.note(block));
    let mut raw = scene.intruder().await;
    for byte in 0..20 {
        for length in [10, 5000, 100_000] {
            let block = vec![byte; length];
            raw.send(&Message::Event { event: "block", value: ValueRef::Binary(&block) }).await;
        }
    }
    let kept = blocks.next_many(60).await;
    for (index, value) in kept.iter().enumerate() {
        let Value::Binary(bytes) = value else { panic!("{value:?}") };
        assert_eq!(bytes.len(), [10, 5000, 100_000][index % 3]);
        assert!(bytes.iter().all(|byte| usize::from(*byte) == index / 3), "block {index}");
    }
    let id = raw.id();
    drop(raw);
    scene.expect_end(id, DisconnectReason::Lost).await;
}

#[tokio::test]
async fn a_client_reads_any_pieces_too() {
    let listener = RawListener::bind().await;
    let client = Client::builder().no_reconnect().build(listener.address());
    let (seen, mut numbers) = record();
    client.on("number", move |number: i64| seen.note(number));
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
    let bytes: Vec<u8> = (0..200).flat_map(event).collect();
    for piece in [1, 7, 13, 1000] {
        for bytes in bytes.chunks(piece) {
            raw.write(bytes).await;
            tokio::task::yield_now().await;
        }
        assert!(numbers.next_many(200).await.into_iter().eq(0..200));
    }
    drop(raw);
}
