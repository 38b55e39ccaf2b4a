//! What it costs to speak with a peer of an older version, beyond the session's own part.

use std::hint::black_box;
use std::sync::Arc;

use bytes::BytesMut;
use gatewire_codec::{FormatId, LENGTH_PREFIX, Message, ValueRef, Version, v3};
use gatewire_legacy::downlink::{EventMemo, JsonOnly, Settings, Side, Translator, ValueRules};

use super::{BATCH, EVENT, frame};

/// Each event becomes one of the peer's.
pub(super) fn out(version: Version, iterations: u64) {
    let event = frame(Version::V3, 128);
    let mut memo = EventMemo::default();
    let mut translator = translator(version);
    for _ in 0..iterations / BATCH as u64 {
        for _ in 0..BATCH {
            translator.handle_near_with(&mut memo, black_box(&event[LENGTH_PREFIX..]));
        }
        taken(translator.peer_output());
    }
}

/// The peer's events become those of a session.
pub(super) fn back(version: Version, iterations: u64) {
    let batch = frame(version, 128).repeat(BATCH);
    let mut translator = translator(version);
    for _ in 0..iterations / BATCH as u64 {
        translator.handle_peer(black_box(&batch)).expect("the peer is sound");
        taken(translator.near_output());
    }
}

/// One event with an object for as many peers as a batch has: it is looked at once.
pub(super) fn object_to_many(iterations: u64) {
    let mut event = BytesMut::new();
    let object = format!(r#"{{"text":"{}"}}"#, "x".repeat(117));
    let value = ValueRef::Object { format: FormatId::JSON, bytes: object.as_bytes() };
    v3::encode(&Message::Event { event: EVENT, value }, &mut event).expect("it is short");
    let objects = Arc::new(JsonOnly);
    let peers = (0..BATCH).map(|_| Translator::new(settings(Version::V1, objects.clone()), 2));
    let mut peers: Vec<_> = peers.collect();
    let length = event.len();
    for iteration in 0..iterations / BATCH as u64 {
        // Another one each time, by its last character before the closing quote.
        event[length - 3] = b'a' + (iteration % 2) as u8;
        let mut memo = EventMemo::default();
        for peer in &mut peers {
            peer.handle_near_with(&mut memo, black_box(&event[LENGTH_PREFIX..]));
            taken(peer.peer_output());
        }
    }
}

fn translator(version: Version) -> Translator {
    Translator::new(settings(version, Arc::new(JsonOnly)), 2)
}

fn settings(version: Version, objects: Arc<JsonOnly>) -> Settings {
    Settings {
        version,
        side: Side::Server,
        max_frame: 1 << 20,
        stream_buffer: 1 << 20,
        pad_streams: true,
        values: ValueRules::default(),
        objects,
    }
}

/// It was written: the memory is used again.
fn taken(output: &mut BytesMut) {
    assert!(!black_box(&output[..]).is_empty());
    output.clear();
}
