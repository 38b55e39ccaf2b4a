//! What is written is read back, whole, in pieces and damaged.

use bytes::BytesMut;
use gatewire_codec::legacy::{self, Packet};
use gatewire_codec::{Framer, LENGTH_PREFIX, Message, Names, ValueRef, Version, split_frame, v3};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::draft::Draft;
use crate::properties;
use crate::strategy::{draft, packet};

const LIMIT: u32 = 1 << 20;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_message_of_version_3_is_read_as_it_was_written(draft in draft()) {
        let frame = written(&draft);
        let body = &frame[LENGTH_PREFIX..];
        let found = v3::decode(body).expect("what was written can be read");
        let debug = format!("{found:?}");
        draft.with(|message| assert_eq!(debug, format!("{message:?}")));
        properties::v3_decode(body);
    }

    #[test]
    fn a_packet_of_versions_1_and_2_is_read_as_it_was_written(owned in packet()) {
        let packet = owned.packet();
        let mut out = BytesMut::new();
        packet.encode(&mut out).expect("within bounds");
        let found = Packet::decode_as(packet.version, &out[LENGTH_PREFIX..]).expect("a packet");
        prop_assert_eq!(format!("{found:?}"), format!("{packet:?}"));
        let mut again = BytesMut::new();
        found.encode(&mut again).expect("it was read");
        prop_assert_eq!(&again, &out);
        properties::legacy_decode(&out[LENGTH_PREFIX..]);
    }

    #[test]
    fn a_stream_split_anywhere_gives_the_same_frames(
        drafts in vec(draft(), 1..6),
        cuts in vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let frames: Vec<BytesMut> = drafts.iter().map(written).collect();
        let stream = frames.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        check_pieces(&pieces, &frames);
    }

    #[test]
    fn a_stream_that_arrives_byte_by_byte_gives_the_same_frames(drafts in vec(draft(), 1..4)) {
        let frames: Vec<BytesMut> = drafts.iter().map(written).collect();
        let stream = frames.concat();
        let pieces: Vec<&[u8]> = stream.chunks(1).collect();
        check_pieces(&pieces, &frames);
    }

    #[test]
    fn a_damaged_frame_of_version_3_is_an_error_or_another_message(
        draft in draft(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut frame = written(&draft);
        let at = at.index(frame.len());
        frame[at] = byte;
        check_damaged(&frame);
    }

    #[test]
    fn a_damaged_frame_of_versions_1_and_2_is_an_error_or_another_packet(
        owned in packet(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut frame = BytesMut::new();
        owned.packet().encode(&mut frame).expect("within bounds");
        let at = at.index(frame.len());
        frame[at] = byte;
        check_damaged(&frame);
    }

    #[test]
    fn arbitrary_bytes_are_frames_or_errors(bytes in vec(any::<u8>(), 0..300)) {
        properties::framer(&bytes);
        properties::v3_decode(&bytes);
        properties::legacy_decode(&bytes);
    }

    #[test]
    fn arbitrary_bytes_behind_a_known_kind_are_messages_or_errors(
        version in 1_u8..=3,
        code in prop_oneof![0_u8..=34, 99_u8..=116, 199_u8..=204],
        bytes in vec(prop_oneof![0_u8..8, any::<u8>()], 0..80),
    ) {
        properties::v3_decode(&[&[version, code][..], &bytes].concat());
        properties::legacy_decode(&[&[version, 0, 1 + code % 7, code][..], &bytes].concat());
    }

    #[test]
    fn a_message_that_all_versions_know_means_the_same_in_all(
        draft in draft(),
        frame_id in any::<u32>(),
    ) {
        for version in [Version::V1, Version::V2] {
            draft.with(|message| check_translation(message, version, frame_id));
        }
    }
}

#[test]
fn a_list_of_names_is_the_same_in_each_notation() {
    let strings = ["a", "", "b"].map(String::from);
    let slice = Names::from_slice(&["a", "", "b"]);
    let comma = Names::from_comma_list("a,,b");
    assert_eq!(slice, comma);
    assert_eq!(slice, Names::from_strings(&strings));
    assert_eq!((slice.len(), comma.len()), (3, 3));
    assert_eq!(Names::from_comma_list(""), Names::EMPTY);
    let mut out = BytesMut::new();
    v3::encode(&Message::Join { id: 1, rooms: comma }, &mut out).expect("within bounds");
    assert_eq!(v3::decode(&out[4..]), Ok(Message::Join { id: 1, rooms: slice }));
}

fn written(draft: &Draft) -> BytesMut {
    let mut out = BytesMut::new();
    draft.with(|message| v3::encode(message, &mut out)).expect("within bounds");
    out
}

#[track_caller]
fn check_pieces(pieces: &[&[u8]], frames: &[BytesMut]) {
    let mut framer = Framer::new(LIMIT);
    let mut buffer = BytesMut::new();
    let mut found = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(frame) = framer.next_frame(&mut buffer).expect("in step") {
            found.push(frame);
        }
    }
    assert!(buffer.is_empty());
    assert_eq!(found.len(), frames.len());
    for (found, written) in found.iter().zip(frames) {
        assert_eq!(found[..], written[LENGTH_PREFIX..]);
    }
}

/// Cuts the damaged stream and decodes what comes out.
#[track_caller]
fn check_damaged(stream: &[u8]) {
    let mut rest = stream;
    while let Ok(Some((frame, behind))) = split_frame(rest, LIMIT) {
        properties::v3_decode(frame);
        properties::legacy_decode(frame);
        rest = behind;
    }
}

/// What an older version can carry comes back with the same meaning.
#[track_caller]
fn check_translation(message: &Message<'_>, version: Version, frame_id: u32) {
    let mut out = BytesMut::new();
    if legacy::encode(message, version, frame_id, &mut out).is_err() {
        assert!(out.is_empty());
        return;
    }
    let packet = Packet::decode_as(version, &out[LENGTH_PREFIX..]).expect("a packet");
    let found = packet.to_message().expect("it has a meaning");
    assert_eq!(shown(&found), shown(message));
}

/// The message without what versions 1 and 2 do not carry: format ids, the ids of joins, codes, the
/// lengths of streams.
fn shown(message: &Message<'_>) -> String {
    let plain = |value| match value {
        ValueRef::Object { bytes, .. } => format!("object {bytes:?}"),
        other => format!("{other:?}"),
    };
    match *message {
        Message::Event { event, value } => format!("event {event} {}", plain(value)),
        Message::Request { id, event, value } => format!("request {id} {event} {}", plain(value)),
        Message::Ack { id, value } | Message::Nack { id, value, .. } => {
            format!("ack {id} {}", plain(value))
        }
        Message::Publish { target, event, value, .. } => {
            format!("publish {target:?} {event} {}", plain(value))
        }
        Message::Join { rooms, .. } => format!("join {rooms:?}"),
        Message::Leave { rooms, .. } => format!("leave {rooms:?}"),
        Message::LeaveAll { .. } => "leave all".into(),
        Message::Error { text, .. } => format!("error {text}"),
        Message::StreamOpen { id, target, event, info, ack } => {
            format!("open {id} {target:?} {event} {} {ack}", plain(info))
        }
        Message::StreamFinish { id, event, .. } => format!("finish {id} {event}"),
        ref other => format!("{other:?}"),
    }
}
