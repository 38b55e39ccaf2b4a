//! What the Node packages write is read as they meant it, and written as they write it.

use bytes::BytesMut;
use gatewire_codec::legacy::{self, Kind, Packet, Policy};
use gatewire_codec::{EncodeError, Field, Message, ValueRef, Version};

use crate::golden::{Fields, Golden, assert_same, name};

#[test]
fn every_vector_of_version_1_is_read_and_written_byte_for_byte() {
    check_vectors(Version::V1, 143);
}

#[test]
fn every_vector_of_version_2_is_read_and_written_byte_for_byte() {
    check_vectors(Version::V2, 175);
}

#[test]
fn every_vector_of_version_1_keeps_its_bytes_through_the_message_model() {
    check_model(Version::V1);
}

#[test]
fn every_vector_of_version_2_keeps_its_bytes_through_the_message_model() {
    check_model(Version::V2);
}

#[test]
fn frames_that_node_accepts_and_never_writes_are_read_in_version_1() {
    check_decode_only(Version::V1, 38);
}

#[test]
fn frames_that_node_accepts_and_never_writes_are_read_in_version_2() {
    check_decode_only(Version::V2, 42);
}

#[test]
fn what_node_cannot_write_in_version_1_is_not_written() {
    check_encode_reject(Version::V1, 14);
}

#[test]
fn what_node_cannot_write_in_version_2_is_not_written() {
    check_encode_reject(Version::V2, 16);
}

#[test]
fn an_assigned_code_cannot_be_written_as_an_unassigned_kind() {
    for version in [Version::V1, Version::V2] {
        for code in 0..=255 {
            let kind = Kind::from_code(version, code);
            assert_eq!(kind.code(version), Some(code));
            let free = kind == Kind::Unassigned(code);
            assert_eq!(Kind::Unassigned(code).code(version), free.then_some(code));
        }
    }
    let packet = Packet::new(Version::V1, Kind::Unassigned(2), 2);
    check_refused(&packet, EncodeError::Unsupported { version: 1, what: "this kind" });
}

#[test]
fn version_1_has_no_host_list() {
    let packet = Packet::new(Version::V1, Kind::DataToRoom, 2);
    let error = EncodeError::Unsupported { version: 1, what: "a host list" };
    check_refused(&Packet { cells: "host1", ..packet }, error);
    check_refused(&Packet { policy: Policy::Sub, ..packet }, error);
}

#[track_caller]
fn check_vectors(version: Version, count: usize) {
    let golden = Golden::of(version);
    let entries = golden.section("vectors");
    assert_eq!(entries.len(), count);
    for entry in entries {
        let frame = golden.frame(entry);
        let fields = Fields::of(version, &entry["fields"]);
        let expected = fields.packet().expect("Node writes known types only");
        let packet = decode(&frame, name(entry));
        assert_same(&packet, &expected, name(entry));
        assert!(encode(&packet) == frame, "{} comes back changed", name(entry));
    }
}

#[track_caller]
fn check_model(version: Version) {
    let golden = Golden::of(version);
    for entry in golden.section("vectors") {
        let frame = golden.frame(entry);
        let packet = decode(&frame, name(entry));
        if let Kind::Unassigned(kind) = packet.kind {
            let error = gatewire_codec::DecodeError::UnknownKind { kind };
            assert_eq!(packet.to_message(), Err(error), "{}", name(entry));
            continue;
        }
        let message =
            packet.to_message().unwrap_or_else(|error| panic!("{}: {error}", name(entry)));
        let mut out = BytesMut::new();
        legacy::encode(&message, version, packet.id, &mut out)
            .unwrap_or_else(|error| panic!("{}: {error}", name(entry)));
        let expected = encode(&without_meaningless(packet, &message));
        let changed = expected != frame;
        let known = name(entry).starts_with("cells/") || name(entry).contains("java_style");
        assert!(!changed || known, "{} loses something", name(entry));
        assert!(out == expected, "{} comes back changed", name(entry));
    }
}

/// The packet without what the message model leaves out, because nobody reads it: the text in a
/// leave-all of the Java client, and a host list on a kind that is not routed by it.
fn without_meaningless<'a>(packet: Packet<'a>, message: &Message<'_>) -> Packet<'a> {
    match message {
        Message::LeaveAll { .. } => Packet { value: ValueRef::Empty, ..packet },
        Message::Event { .. } => Packet { cells: "", policy: Policy::Add, ..packet },
        _ => packet,
    }
}

/// Where this decoder says other things than the bytes, and why:
///
/// * `data_type/*`: a type that nobody has assigned has no value in the model. Node hands out
///   `undefined`; here it is an error, so that no data vanishes.
/// * `empty/with_data`: the body of an empty value is not kept; Node does not look at it.
/// * `policy/0`, `/3`, `/255`: all policies but 2 are [`Policy::Add`], as for Node.
///
/// Integers of 1 to 5 bytes and booleans above 1 are read as Node reads them, and are written in
/// the one form that Node writes.
#[track_caller]
fn check_decode_only(version: Version, count: usize) {
    let golden = Golden::of(version);
    let entries = golden.section("decode_only");
    assert_eq!(entries.len(), count);
    for entry in entries {
        let frame = crate::golden::hex(&entry["hex"]);
        let fields = Fields::of(version, &entry["strict_fields"]);
        let Some(expected) = fields.packet() else {
            let error = gatewire_codec::DecodeError::UnknownType { tag: fields.data_type };
            assert!(name(entry).starts_with("data_type/"), "{}", name(entry));
            assert_eq!(Packet::decode(&frame[4..]), Err(error), "{}", name(entry));
            continue;
        };
        let packet = decode(&frame, name(entry));
        assert_same(&packet, &expected, name(entry));
        let same_bytes = encode(&packet) == frame;
        let normal_form = match packet.value {
            ValueRef::Integer(_) => fields.data_len == 6,
            ValueRef::Bool(_) => frame[frame.len() - 1] <= 1,
            ValueRef::Empty => fields.data_len == 0,
            _ => matches!(fields.policy, 1 | 2),
        };
        assert_eq!(same_bytes, normal_form, "{}", name(entry));
    }
}

#[track_caller]
fn check_encode_reject(version: Version, count: usize) {
    let golden = Golden::of(version);
    let entries = golden.section("encode_reject");
    assert_eq!(entries.len(), count);
    let event = "e".repeat(65_536);
    let cells = "h".repeat(256);
    let hosts = vec!["host56789"; 27].join("|");
    let data = Packet { event: "e", ..Packet::new(version, Kind::Data, 2) };
    let out_of_range = |value| {
        let packet = Packet { value: ValueRef::Integer(value), ..data };
        check_refused(&packet, EncodeError::IntegerOutOfRange { value });
    };
    let too_long = |field, length, limit| EncodeError::TooLong { field, length, limit };
    for entry in entries {
        match name(entry) {
            "int/2_pow_47" => out_of_range(1 << 47),
            "int/neg_2_pow_47_minus_1" => out_of_range(-(1 << 47) - 1),
            "int/2_pow_53" => out_of_range(1 << 53),
            // Node takes each number without a fraction for an integer. Here the caller says
            // which of the two it is, and a decimal of any size is written.
            "decimal/big_neg" | "int/neg_1_25e300" => check_written(data, -1.25e300),
            "int/1e21" => check_written(data, 1e21),
            "int/max_value" => check_written(data, f64::MAX),
            "int/date_now_ok" => {
                let value = ValueRef::Integer(1_700_000_000_000);
                let written = encode(&Packet { value, ..data });
                let behaviour = crate::golden::text(&entry["node_behaviour"]);
                let expected = behaviour.strip_prefix("NO THROW, hex=").expect("the bytes");
                let written: String = written.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(written, expected);
            }
            "event/65536_bytes" => {
                let packet = Packet { event: &event, ..data };
                check_refused(&packet, too_long(Field::Event, 65_536, 65_535));
            }
            "cells/256_bytes" => {
                let packet = Packet { cells: &cells, ..data };
                check_refused(&packet, too_long(Field::Cells, 256, 255));
            }
            "cells/27_hosts_of_9" => {
                let packet = Packet { cells: &hosts, ..data };
                check_refused(&packet, too_long(Field::Cells, 269, 255));
            }
            // Ids are `u32` here, and objects are bytes: nothing of the sort can be asked for.
            "id/2_pow_32"
            | "id/negative"
            | "object/circular"
            | "object/toJSON_undefined"
            | "object/bigint_inside" => {}
            other => panic!("{other} has no rule"),
        }
    }
}

#[track_caller]
fn check_refused(packet: &Packet<'_>, error: EncodeError) {
    let mut out = BytesMut::from(&b"before"[..]);
    assert_eq!(packet.encode(&mut out), Err(error));
    assert_eq!(out, b"before"[..]);
}

#[track_caller]
fn check_written(packet: Packet<'_>, value: f64) {
    let packet = Packet { value: ValueRef::Decimal(value), ..packet };
    assert_eq!(decode(&encode(&packet), "decimal"), packet);
}

#[track_caller]
fn decode<'a>(frame: &'a [u8], name: &str) -> Packet<'a> {
    let (frame, rest) = gatewire_codec::split_frame(frame, u32::MAX)
        .expect("the length is good")
        .expect("the frame is whole");
    assert_eq!(rest, b"", "{name}");
    Packet::decode(frame).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[track_caller]
fn encode(packet: &Packet<'_>) -> BytesMut {
    let mut out = BytesMut::new();
    packet.encode(&mut out).unwrap_or_else(|error| panic!("{packet:?}: {error}"));
    out
}
