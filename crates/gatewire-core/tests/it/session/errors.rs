//! What a peer does wrong: what costs the message, and what costs the connection.

use gatewire_codec::{DecodeError, Field};

use super::*;

#[test]
fn a_malformed_value_costs_the_message_only() {
    // An event "e" with a string that is not UTF-8, a value of no type, a boolean that is neither.
    check_survives(b"\x03\x10\x01e\x01\xff", DecodeError::InvalidUtf8 { field: Field::String });
    check_survives(b"\x03\x10\x01e\x63", DecodeError::UnknownType { tag: 0x63 });
    check_survives(b"\x03\x10\x01e\x06\x02", DecodeError::BadValue { field: Field::Bool });
    check_survives(b"\x03\x10\x01\xff\x07", DecodeError::InvalidUtf8 { field: Field::Event });
    // Request, answer, close: the same.
    check_survives(b"\x03\x11\x05\x01e\x00", DecodeError::UnknownType { tag: 0 });
    check_survives(b"\x03\x12\x05\x08", DecodeError::UnknownType { tag: 8 });
    check_survives(b"\x03\x0b\x00\xff", DecodeError::InvalidUtf8 { field: Field::Text });
    // An integer that is longer than it need be, a publish with an empty list of rooms.
    check_survives(b"\x03\x10\x01e\x03\x80\x00", DecodeError::BadValue { field: Field::Integer });
    check_survives(b"\x03\x14\x04\x00\x01e\x07", DecodeError::BadValue { field: Field::Names });
}

#[test]
fn a_malformed_structure_costs_the_connection() {
    // A name that runs past the end, a missing value, bytes behind the last field.
    check_fatal(b"\x03\x10\x05ab", DecodeError::Truncated { field: Field::Event });
    check_fatal(b"\x03\x10\x01e", DecodeError::Truncated { field: Field::Value });
    check_fatal(b"\x03\x10\x01e\x06\x01\x01", DecodeError::TrailingBytes { count: 1 });
    check_fatal(b"\x03\x08\x01\x00", DecodeError::TrailingBytes { count: 1 });
    // Another version; a kind below 128 that nobody knows.
    check_fatal(b"\x02\x10\x01e\x07", DecodeError::WrongVersion { found: 2, expected: 3 });
    check_fatal(b"\x03\x7f", DecodeError::UnknownKind { kind: 127 });
}

#[test]
fn a_message_of_the_handshake_costs_the_connection() {
    let reject = b"\x03\x05\x01\x00\x00";
    let mut pair = Pair::new();
    send(&mut pair, reject);
    assert_eq!(pair.server_saw(), [Err(ProtocolError::Unexpected("reject"))]);
    assert!(ProtocolError::Unexpected("reject").is_fatal());
    // Nor does it help that it is malformed: another magic, a role that nobody has, a HELLO that
    // is too long for one.
    let bad = DecodeError::BadValue { field: Field::Handshake };
    check_fatal(b"\x03\x01GW4\0\x03\x03\x00", bad);
    check_fatal(b"\x03\x01GW3\0\x03\x03\x02", bad);
    let mut long = [0; 513];
    long[..2].copy_from_slice(b"\x03\x01");
    check_fatal(&long, DecodeError::BadLength { field: Field::Handshake, length: 513 });
    check_fatal(
        b"\x03\x01GW3\0\x03\x03\x00\x01\xff",
        DecodeError::InvalidUtf8 { field: Field::Handshake },
    );
    assert_eq!(
        ProtocolError::Unexpected("reject").to_string(),
        "a reject message has no place here"
    );
}

#[test]
fn kinds_from_128_on_are_skipped() {
    let mut pair = Pair::new();
    for kind in 128..=255 {
        send(&mut pair, &[3, kind]);
        send(&mut pair, &[3, kind, 0xff, 0xff, 0xff]);
    }
    emit(&mut pair.client, "after", 1).expect("queued");
    pair.settle();
    assert_eq!(pair.server_saw(), [event("after", 1)]);
}

#[test]
fn kinds_below_128_that_nobody_knows_are_errors() {
    let known = [
        1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 32,
    ];
    for kind in (0..128).filter(|kind| !known.contains(kind)) {
        check_fatal(&[3, kind, 0], DecodeError::UnknownKind { kind });
    }
}

#[test]
fn an_error_names_its_cause() {
    let cause = DecodeError::UnknownType { tag: 9 };
    let error = ProtocolError::from(cause);
    assert_eq!(error, ProtocolError::Malformed(cause));
    assert_eq!(error.to_string(), format!("malformed message: {cause}"));
    let source = std::error::Error::source(&error).expect("a cause");
    assert_eq!(source.to_string(), cause.to_string());
}

/// The frame is refused, and the next message still arrives.
#[track_caller]
fn check_survives(frame: &[u8], cause: DecodeError) {
    let mut pair = Pair::new();
    send(&mut pair, frame);
    emit(&mut pair.client, "after", 1).expect("queued");
    pair.settle();
    let error = ProtocolError::Malformed(cause);
    assert!(!error.is_fatal());
    assert_eq!(pair.server_saw(), [Err(error), event("after", 1)]);
}

#[track_caller]
fn check_fatal(frame: &[u8], cause: DecodeError) {
    let mut pair = Pair::new();
    send(&mut pair, frame);
    let error = ProtocolError::Malformed(cause);
    assert!(error.is_fatal());
    assert_eq!(pair.server_saw(), [Err(error)]);
}

/// Sends a frame to the server that no client of ours makes.
fn send(pair: &mut Pair, frame: &[u8]) {
    let length = u32::try_from(frame.len()).expect("short").to_le_bytes();
    pair.up.send(pair.now, &[&length, frame].concat());
    pair.settle();
}
