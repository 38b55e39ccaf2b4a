//! Each byte sequence on which a Node peer was tried: what this codec says to it.
//!
//! Every entry of the `reject` sections has a rule by its name; an entry without a rule and a
//! rule without an entry are failures.

use bytes::BytesMut;
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{
    DecodeError, EncodeError, Field, FrameError, Message, ValueRef, Version, split_frame,
};
use serde_json::Value as Json;

use crate::golden::{Golden, hex, name, prefixed, sha256, size, text};
use crate::legacy_rules::{LIMIT, RULES, Rule, V1_RULES, V2_RULES};

#[test]
fn every_bad_sequence_of_version_1_has_its_answer() {
    check_section(Version::V1, V1_RULES, 86);
}

#[test]
fn every_bad_sequence_of_version_2_has_its_answer() {
    check_section(Version::V2, V2_RULES, 115);
}

#[track_caller]
fn check_section(version: Version, own: &[(&str, Rule)], count: usize) {
    let golden = Golden::of(version);
    let entries = golden.section("reject");
    assert_eq!(entries.len(), count);
    let mut rules: Vec<&(&str, Rule)> = RULES.iter().chain(own).collect();
    for entry in entries {
        let at = rules.iter().position(|(rule, _)| *rule == name(entry));
        let at = at.unwrap_or_else(|| panic!("{} has no rule", name(entry)));
        let (_, rule) = rules.swap_remove(at);
        let kind = match rule {
            Rule::Incomplete => "incomplete",
            Rule::Session(_) => "semantic",
            Rule::Frame(_) | Rule::Decode(_) | Rule::Kind(_) | Rule::Object => "malformed",
        };
        assert_eq!(text(&entry["kind"]), kind, "{}", name(entry));
        check_rule(version, entry, &bytes_of(version, entry), rule);
    }
    assert!(rules.is_empty(), "rules for nothing: {rules:?}");
}

#[track_caller]
fn check_rule(version: Version, entry: &Json, bytes: &[u8], rule: &Rule) {
    let name = name(entry);
    let first = || split_frame(bytes, LIMIT).expect("in step").expect("whole").0;
    match *rule {
        Rule::Frame(error) => {
            assert_eq!(split_frame(bytes, LIMIT), Err(error), "{name}");
            assert_eq!(split_frame(&bytes[..4], LIMIT), Err(error), "{name}: four bytes suffice");
        }
        Rule::Incomplete => assert_eq!(split_frame(bytes, LIMIT), Ok(None), "{name}"),
        Rule::Decode(error) => {
            assert_eq!(Packet::decode_as(version, first()), Err(error), "{name}");
        }
        Rule::Kind(kind) => {
            let packet = Packet::decode_as(version, first()).expect("the packet is good");
            assert_eq!(packet.kind, Kind::Unassigned(kind), "{name}");
            assert_eq!(packet.to_message(), Err(DecodeError::UnknownKind { kind }), "{name}");
        }
        // Objects are opaque: that these bytes are no JSON is found by the JSON crate.
        Rule::Object => {
            let packet = Packet::decode_as(version, first()).expect("the packet is good");
            assert!(matches!(packet.value, ValueRef::Object { .. }), "{name}: {packet:?}");
        }
        Rule::Session(expected) => {
            let mut rest = bytes;
            for expected in expected {
                let (frame, behind) = split_frame(rest, LIMIT).expect("in step").expect("whole");
                rest = behind;
                let packet = Packet::decode_as(version, frame);
                let packet = packet.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(encode(&packet).expect("it was decoded")[4..], *frame, "{name}");
                let message = packet.to_message();
                let kind = message.as_ref().map(Message::kind).map_err(|error| *error);
                assert_eq!(kind, expected.in_version(version), "{name}");
            }
            assert_eq!(rest, b"", "{name}");
        }
    }
}

fn encode(packet: &Packet<'_>) -> Result<Vec<u8>, EncodeError> {
    let mut out = BytesMut::new();
    packet.encode(&mut out)?;
    Ok(out.to_vec())
}

/// The bytes of an entry: as listed, or built by the words of its `why`.
fn bytes_of(version: Version, entry: &Json) -> Vec<u8> {
    if entry["hex"].is_string() {
        return hex(&entry["hex"]);
    }
    let stream = |open, event, chunk: usize, chunks| {
        let chunk = written(version, Kind::Stream, 7, event, ValueRef::Binary(&vec![0; chunk]));
        [written(version, open, 7, event, ValueRef::String("")), chunk.repeat(chunks)].concat()
    };
    let built = match name(entry) {
        "json/deep_100k" => {
            let json = ["[".repeat(100_000), "]".repeat(100_000)].concat();
            let json = json.as_bytes();
            let format = gatewire_codec::FormatId::UNSPECIFIED;
            written(version, Kind::Data, 2, "e", ValueRef::Object { format, bytes: json })
        }
        "state/stream_unread_40k" => stream(Kind::StreamOpen, "nobody", 40_000, 1),
        "state/stream_to_nobody_100k" => stream(Kind::StreamOpenToRoom, "emptyroom|s", 25_000, 4),
        // These hold the id that a server has given out: any id does here.
        "state/to_socket_self" => {
            return written(version, Kind::DataToSocket, 2, "Ab3xY|", ValueRef::String("x"));
        }
        "state/to_socket_self_no_pipe" => {
            return written(version, Kind::DataToSocket, 2, "Ab3xY", ValueRef::String("x"));
        }
        other => panic!("{other} cannot be built"),
    };
    assert_eq!(built.len(), size(&entry["len"]));
    assert_eq!(built[..64], hex(&entry["head_hex"]));
    assert_eq!(sha256(&built), text(&entry["sha256"]));
    built
}

fn written(version: Version, kind: Kind, id: u32, event: &str, value: ValueRef<'_>) -> Vec<u8> {
    encode(&Packet { event, value, ..Packet::new(version, kind, id) }).expect("within bounds")
}

#[test]
fn a_value_that_runs_past_its_frame_does_not_reach_into_the_next_one() {
    let first = hex(&entry(Version::V1, "data_len/string_one_past")["hex"]);
    let second = prefixed(b"\x01\0\x07\x0a\x02\0\0\0\0\0\0\0\0\0");
    let stream = [first, second].concat();
    let (frame, rest) = split_frame(&stream, LIMIT).expect("in step").expect("whole");
    assert_eq!(Packet::decode(frame), Err(DecodeError::Truncated { field: Field::Value }));
    let (frame, rest) = split_frame(rest, LIMIT).expect("in step").expect("whole");
    assert_eq!(Packet::decode(frame).expect("good").kind, Kind::LeaveAllRooms);
    assert_eq!(rest, b"");
}

fn entry(version: Version, wanted: &str) -> Json {
    let golden = Golden::of(version);
    let found = golden.section("reject").iter().find(|entry| name(entry) == wanted);
    found.expect("the file has it").clone()
}

#[test]
fn a_length_that_node_reads_as_negative_is_a_large_length() {
    let bytes = hex(&entry(Version::V1, "length_huge/80000000")["hex"]);
    let error = FrameError::TooLarge { length: 1 << 31, limit: LIMIT };
    assert_eq!(split_frame(&bytes, LIMIT), Err(error));
    // Only memory bounds it: with no limit it is a frame of which nothing has arrived.
    assert_eq!(split_frame(&bytes, u32::MAX), Ok(None));
}
