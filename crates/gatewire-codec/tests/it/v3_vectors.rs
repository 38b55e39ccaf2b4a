//! Version 3 as an independent implementation of its specification writes and reads it.

use std::collections::BTreeSet;

use bytes::BytesMut;
use gatewire_codec::{Framer, LENGTH_PREFIX, Message, ValueRef, split_frame, v3};
use serde_json::Value as Json;

use crate::draft::{Draft, KINDS};
use crate::golden::{hex, list, name, parse, prefixed, size, text};

const LIMIT: u32 = 1 << 20;

fn file() -> Json {
    parse(include_str!("../vectors/v3.json"))
}

#[test]
fn every_message_is_written_as_specified() {
    for entry in list(&file()["messages"]) {
        let mut out = BytesMut::from(&b"before"[..]);
        let written = Draft::of(&entry["message"]).with(|message| v3::encode(message, &mut out));
        assert_eq!(written, Ok(()), "{}", name(entry));
        assert_eq!(out[6..], hex(&entry["hex"]), "{}", name(entry));
        assert_eq!(out[..6], *b"before");
    }
}

#[test]
fn every_message_is_read_as_specified() {
    for entry in list(&file()["messages"]) {
        let bytes = hex(&entry["hex"]);
        let (frame, rest) = split_frame(&bytes, LIMIT).expect("in step").expect("whole");
        assert_eq!(rest, b"", "{}", name(entry));
        let found = v3::decode(frame).unwrap_or_else(|error| panic!("{}: {error}", name(entry)));
        Draft::of(&entry["message"]).with(|expected| assert_same(&found, expected, name(entry)));
    }
}

#[test]
fn the_vectors_cover_every_kind_and_every_type() {
    let file = file();
    let messages: Vec<&Json> = list(&file["messages"]).iter().map(|e| &e["message"]).collect();
    let kinds: BTreeSet<&str> = messages.iter().map(|message| text(&message["kind"])).collect();
    assert_eq!(kinds, BTreeSet::from(KINDS));
    let types = messages.iter().filter_map(|message| message["value"]["type"].as_str());
    let types: BTreeSet<&str> = types.collect();
    let all = ["binary", "bool", "decimal", "empty", "integer", "object", "string"];
    assert_eq!(types, BTreeSet::from(all));
}

#[test]
fn every_bad_frame_gives_the_specified_error() {
    let file = file();
    let entries = list(&file["reject"]);
    assert_eq!(entries.len(), 269);
    for entry in entries {
        let mut buffer = BytesMut::from(&hex(&entry["hex"])[..]);
        let error = match Framer::new(LIMIT).next_frame(&mut buffer) {
            Err(error) => format!("{error:?}"),
            Ok(None) => panic!("{} is not whole", name(entry)),
            Ok(Some(frame)) => match v3::decode(&frame) {
                Err(error) => format!("{error:?}"),
                Ok(message) => panic!("{} is {message:?}", name(entry)),
            },
        };
        assert_eq!(error, text(&entry["error"]), "{}", name(entry));
        assert!(buffer.is_empty() || error.starts_with("Too"), "{}", name(entry));
    }
}

#[test]
fn every_message_cut_at_every_byte_gives_the_specified_outcome() {
    for entry in list(&file()["messages"]) {
        let bytes = hex(&entry["hex"]);
        let body = &bytes[LENGTH_PREFIX..];
        let mut runs = list(&entry["cut"]).iter().peekable();
        let mut expected = "";
        for length in 0..body.len() {
            if let Some(run) = runs.next_if(|run| size(&run[0]) == length) {
                expected = text(&run[1]);
            }
            let found = match v3::decode(&body[..length]) {
                Err(error) => format!("{error:?}"),
                Ok(message) => {
                    let mut out = BytesMut::new();
                    v3::encode(&message, &mut out).expect("it was decoded");
                    assert_eq!(out, prefixed(&body[..length]), "{} cut at {length}", name(entry));
                    "ok".into()
                }
            };
            assert_eq!(found, expected, "{} cut at {length}", name(entry));
        }
        assert_eq!(runs.next(), None, "{}", name(entry));
    }
}

#[test]
fn half_a_frame_needs_more_bytes_wherever_it_is_cut() {
    for entry in list(&file()["messages"]) {
        let bytes = hex(&entry["hex"]);
        for length in 0..bytes.len() {
            let mut buffer = BytesMut::from(&bytes[..length]);
            let capacity = buffer.capacity();
            assert_eq!(Framer::new(LIMIT).next_frame(&mut buffer), Ok(None), "{}", name(entry));
            assert_eq!(split_frame(&buffer, LIMIT), Ok(None), "{}", name(entry));
            assert_eq!(buffer.capacity(), capacity);
        }
    }
}

#[test]
fn only_kinds_from_128_on_may_be_skipped() {
    for kind in 0..=255 {
        assert_eq!(v3::is_skippable(kind), kind >= 128);
    }
}

#[test]
fn encode_event_writes_what_encode_writes() {
    let value = ValueRef::Integer(-300);
    let (mut short, mut long) = (BytesMut::new(), BytesMut::new());
    v3::encode_event("count", value, &mut short).expect("within bounds");
    v3::encode(&Message::Event { event: "count", value }, &mut long).expect("within bounds");
    assert_eq!(short, long);
    assert!(short.len() <= "count".len() + 10 + v3::EVENT_OVERHEAD);
}

/// Asserts that two messages are the same; a NaN is the same as itself, with its bits.
#[track_caller]
fn assert_same(found: &Message<'_>, expected: &Message<'_>, name: &str) {
    let bits = |message: &Message<'_>| match message {
        Message::Event { value: ValueRef::Decimal(value), .. } => Some(value.to_bits()),
        _ => None,
    };
    assert_eq!(bits(found), bits(expected), "{name}");
    let nan = matches!(found, Message::Event { value: ValueRef::Decimal(d), .. } if d.is_nan());
    assert!(nan || found == expected, "{name}: {found:?} is not {expected:?}");
}
