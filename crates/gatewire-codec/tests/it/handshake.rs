//! The whole handshakes of version 3, made by an independent implementation.

use bytes::BytesMut;
use gatewire_codec::v3::handshake::{Extensions, MAGIC, Role};
use gatewire_codec::{DecodeError, EncodeError, Field, LENGTH_PREFIX, Message, split_frame, v3};
use serde_json::Value as Json;

use crate::draft::Draft;
use crate::golden::{hex, list, name, number, parse, sha256, text};

fn handshakes() -> Json {
    parse(include_str!("../vectors/v3-handshake.json"))
}

#[test]
fn every_handshake_frame_is_read_and_written_byte_for_byte() {
    let file = handshakes();
    assert_eq!(list(&file).len(), 4);
    for entry in list(&file) {
        for (field, kind) in [
            ("hello", "hello"),
            ("challenge", "challenge"),
            ("proof", "proof"),
            ("accept", "accept"),
        ] {
            let bytes = hex(&entry[field]);
            let message = decode(&bytes);
            assert_eq!(message.kind(), kind, "{}", name(entry));
            let mut out = BytesMut::new();
            v3::encode(&message, &mut out).expect("it was decoded");
            assert_eq!(out, bytes, "{} {field}", name(entry));
        }
    }
}

#[test]
fn the_fields_of_a_handshake_are_those_that_were_put_in() {
    for entry in list(&handshakes()) {
        let suite = u8::try_from(number(&entry["suite"])).expect("one byte");
        let bytes = hex(&entry["hello"]);
        let Message::Hello(hello) = decode(&bytes) else { panic!("{}", name(entry)) };
        assert_eq!((hello.min_version, hello.max_version), (3, 3));
        assert_eq!(hello.key_id, text(&entry["key_id"]));
        assert_eq!(hello.role == Role::Router, number(&entry["role"]) == 1);
        assert_eq!(hello.suites, [suite]);
        assert_eq!((hello.instance, hello.nonce), ([0xc1; 16], [0x11; 32]));
        let bytes = hex(&entry["challenge"]);
        let Message::Challenge(challenge) = decode(&bytes) else { panic!("{}", name(entry)) };
        assert_eq!((challenge.version, challenge.suite), (3, suite));
        assert_eq!((challenge.instance, challenge.nonce), ([0x51; 16], [0x22; 32]));
        assert_eq!(challenge.max_frame, 1 << 20);
        assert_eq!((challenge.auth_timeout_s, challenge.ping_s), (30, 10));
        let bytes = hex(&entry["proof"]);
        let Message::Proof(proof) = decode(&bytes) else { panic!("{}", name(entry)) };
        assert_eq!(proof.mac[..], hex(&entry["mac_c"]));
        let bytes = hex(&entry["accept"]);
        let Message::Accept(accept) = decode(&bytes) else { panic!("{}", name(entry)) };
        assert_eq!(accept.mac[..], hex(&entry["mac_s"]));
        assert_eq!(accept.session_id, [0x53; 16]);
    }
}

#[test]
fn the_transcript_covers_the_frames_as_they_are_encoded() {
    for entry in list(&handshakes()) {
        let binding_type = text(&entry["channel_binding_type"]);
        let binding = hex(&entry["channel_binding"]);
        let mut transcript = b"gatewire v3 transcript\0".to_vec();
        transcript.push(u8::try_from(binding_type.len()).expect("short"));
        transcript.extend(binding_type.bytes());
        transcript.extend(u16::try_from(binding.len()).expect("short").to_le_bytes());
        transcript.extend(binding);
        transcript.extend(hex(&entry["hello"]));
        transcript.extend(hex(&entry["challenge"]));
        assert_eq!(sha256(&transcript), text(&entry["th1"]), "{}", name(entry));
        let transcript = [hex(&entry["th1"]), hex(&entry["proof"])].concat();
        assert_eq!(sha256(&transcript), text(&entry["th2"]), "{}", name(entry));
    }
}

#[test]
fn the_extensions_of_a_router_are_found_by_their_tags() {
    use v3::handshake::extension;
    let file = handshakes();
    let entry = &list(&file)[2];
    check_extension(&hex(&entry["hello"]), extension::NODE_NAME, b"eu-1");
    check_extension(&hex(&entry["challenge"]), extension::SERVER_NAME, b"us");
    check_extension(&hex(&entry["proof"]), extension::RESUME, &[0; 8]);
    check_extension(&hex(&entry["accept"]), extension::RESUMED, &[1]);
}

#[test]
fn a_handshake_frame_that_no_peer_reads_is_not_written() {
    let mut draft = Draft { kind: "hello".into(), ..Draft::default() };
    draft.shake.suites = vec![0; 255];
    draft.shake.extensions = vec![(200, vec![0; 512 - 61 - 255 - 3])];
    let mut out = BytesMut::new();
    draft.with(|message| v3::encode(message, &mut out)).expect("512 bytes");
    assert_eq!(out.len(), LENGTH_PREFIX + 512);
    draft.shake.key_id = "k".into();
    let error = EncodeError::TooLong { field: Field::Handshake, length: 513, limit: 512 };
    check_refused(&draft, error);
}

#[test]
fn a_key_id_longer_than_its_prefix_is_not_written() {
    let mut draft = Draft { kind: "hello".into(), ..Draft::default() };
    draft.shake.key_id = "k".repeat(256);
    let error = EncodeError::TooLong { field: Field::Handshake, length: 256, limit: 255 };
    check_refused(&draft, error);
}

#[test]
fn an_extension_list_is_checked_when_it_is_taken() {
    assert_eq!(Extensions::new(b"").map(|list| list.iter().count()), Ok(0));
    assert_eq!(Extensions::new(b"\x01\0\0\x02\x01\0x").map(|list| list.iter().count()), Ok(2));
    let truncated = Err(DecodeError::Truncated { field: Field::Extensions });
    for bytes in [&b"\x01"[..], b"\x01\0", b"\x01\x01\0", b"\x01\0\0\x02"] {
        assert_eq!(Extensions::new(bytes), truncated);
    }
}

#[test]
fn a_hello_cannot_be_taken_for_a_tls_record() {
    // A TLS handshake record begins with 16 03. A frame that began so would have 790 bytes.
    let length = u32::from_le_bytes([0x16, 0x03, 0, 0]);
    assert!(length > v3::MAX_HANDSHAKE_FRAME);
    assert_eq!(MAGIC, *b"GW3\0");
}

#[track_caller]
fn check_extension(bytes: &[u8], tag: u8, value: &[u8]) {
    let extensions = match decode(bytes) {
        Message::Hello(hello) => hello.extensions,
        Message::Challenge(challenge) => challenge.extensions,
        Message::Proof(proof) => proof.extensions,
        Message::Accept(accept) => accept.extensions,
        other => panic!("{other:?} has no extensions"),
    };
    assert_eq!(extensions.find(tag), Some(value));
    assert_eq!(extensions.find(99), None);
}

#[track_caller]
fn check_refused(draft: &Draft, error: EncodeError) {
    let mut out = BytesMut::from(&b"before"[..]);
    assert_eq!(draft.with(|message| v3::encode(message, &mut out)), Err(error));
    assert_eq!(out, b"before"[..]);
}

#[track_caller]
fn decode(bytes: &[u8]) -> Message<'_> {
    let split = split_frame(bytes, v3::MAX_HANDSHAKE_FRAME).expect("in step").expect("whole");
    assert_eq!(split.1, b"");
    v3::decode(split.0).expect("a message")
}
