//! Values and codes outside of frames, and the limits of version 3's fields.

use bytes::{Bytes, BytesMut};
use gatewire_codec::{
    CloseCode, DecodeError, EncodeError, ErrorCode, Field, FormatId, GoAwayCode, Message, NackCode,
    RejectCode, StreamCode, Value, ValueRef, Version, share, v3,
};

#[test]
fn a_part_of_a_frame_is_shared_and_anything_else_copied() {
    let frame = Bytes::from(vec![1, 2, 3, 4]);
    for range in [0..4, 0..1, 1..3, 3..4] {
        let part = share(&frame, &frame[range.clone()]);
        assert_eq!(part, frame[range.clone()]);
        assert_eq!(part.as_ptr(), frame[range].as_ptr());
    }
    assert_eq!(share(&frame, &frame[4..]), Bytes::new());
    let elsewhere = [1, 2, 3, 4];
    let part = share(&frame, &elsewhere);
    assert_eq!(part, elsewhere[..]);
    assert_ne!(part.as_ptr(), elsewhere.as_ptr());
    let half = frame.slice(..2);
    assert_ne!(share(&half, &frame[1..3]).as_ptr(), frame[1..3].as_ptr());
}

#[test]
fn a_value_taken_out_of_its_frame_shares_the_frame() {
    let mut out = BytesMut::new();
    let value = ValueRef::Binary(&[7; 100]);
    v3::encode_event("e", value, &mut out).expect("within bounds");
    let frame = out.split_off(4).freeze();
    let Ok(Message::Event { value, .. }) = v3::decode(&frame) else { panic!("an event") };
    let Value::Binary(shared) = value.to_value_in(&frame) else { panic!("binary") };
    assert_eq!(shared.as_ptr(), frame[frame.len() - 100..].as_ptr());
    let Value::Binary(copied) = value.to_value() else { panic!("binary") };
    assert_ne!(copied.as_ptr(), shared.as_ptr());
    assert_eq!(copied, shared);
}

#[test]
fn an_owned_value_is_the_value_that_it_was_taken_from() {
    let bytes = &[1, 2][..];
    for value in [
        ValueRef::Empty,
        ValueRef::Bool(true),
        ValueRef::Integer(-5),
        ValueRef::Decimal(0.5),
        ValueRef::String("text"),
        ValueRef::Binary(bytes),
        ValueRef::Object { format: FormatId::JSON, bytes },
    ] {
        let owned = value.to_value();
        assert_eq!(owned.as_ref(), value);
        assert_eq!(ValueRef::from(&owned).kind(), value.kind());
    }
    assert_eq!(Value::default(), Value::Empty);
}

#[test]
fn a_code_survives_its_byte_and_is_equal_to_it() {
    for byte in 0..=255 {
        assert_eq!(RejectCode::from_u8(byte).to_u8(), byte);
        assert_eq!(CloseCode::from_u8(byte).to_u8(), byte);
        assert_eq!(GoAwayCode::from_u8(byte).to_u8(), byte);
        assert_eq!(NackCode::from_u8(byte).to_u8(), byte);
        assert_eq!(ErrorCode::from_u8(byte).to_u8(), byte);
        assert_eq!(StreamCode::from_u8(byte).to_u8(), byte);
        assert_eq!(NackCode::from_u8(byte), NackCode::Other(byte));
        assert_ne!(NackCode::from_u8(byte), NackCode::from_u8(byte ^ 1));
    }
    assert_eq!(RejectCode::Other(1), RejectCode::Auth);
}

#[test]
fn an_event_name_has_at_most_65535_bytes() {
    let longest = "n".repeat(v3::MAX_EVENT);
    let frame = named_frame(&longest);
    let event = Message::Event { event: &longest, value: ValueRef::Empty };
    assert_eq!(v3::decode(&frame), Ok(event));
    let mut out = BytesMut::new();
    v3::encode(&event, &mut out).expect("it was read");
    assert_eq!(out[4..], frame);

    let longer = "n".repeat(v3::MAX_EVENT + 1);
    let error = DecodeError::BadLength { field: Field::Event, length: 65_536 };
    assert_eq!(v3::decode(&named_frame(&longer)), Err(error));
    check_too_long(&Message::Event { event: &longer, value: ValueRef::Empty });
    check_too_long(&Message::Request { id: 1, event: &longer, value: ValueRef::Empty });
    let (target, value) = (gatewire_codec::Target::default(), ValueRef::Empty);
    check_too_long(&Message::Publish { request: None, target, event: &longer, value });
}

#[test]
fn messages_of_the_older_versions_are_not_written_in_version_3() {
    for message in [
        Message::Register { socket_id: "a" },
        Message::AuthSeed { seed: "a" },
        Message::AuthHmac { hmac: "a" },
        Message::Uplink { host: "a" },
        Message::Downlink,
    ] {
        let error = EncodeError::Unsupported { version: 3, what: message.kind() };
        check_refused(&message, error);
    }
}

#[test]
fn the_version_of_a_frame_is_its_first_byte() {
    assert_eq!(Version::of(b""), Err(DecodeError::Truncated { field: Field::Version }));
    assert_eq!(Version::of(b"\x01"), Ok(Version::V1));
    assert_eq!(Version::of(b"\x02"), Ok(Version::V2));
    assert_eq!(Version::of(b"\x03"), Ok(Version::V3));
    assert_eq!(Version::of(b"\x04"), Err(DecodeError::UnknownVersion { found: 4 }));
}

#[test]
fn errors_tell_people_which_field_and_how_much() {
    let error = DecodeError::Truncated { field: Field::Event };
    assert_eq!(error.to_string(), "event name runs past the end of the frame");
    let error = DecodeError::WrongVersion { found: 2, expected: 3 };
    assert_eq!(error.to_string(), "wire version 2 on a connection of version 3");
    let error = EncodeError::IntegerOutOfRange { value: 1 << 47 };
    let text = "integer 140737488355328 does not fit the 48 bits of wire versions 1 and 2";
    assert_eq!(error.to_string(), text);
    assert_eq!(FormatId::MSGPACK.to_string(), "msgpack (2)");
    assert_eq!(FormatId(64).to_string(), "format 64");
    assert_eq!(NackCode::Other(99).to_string(), "code 99");
}

/// An event frame without a length prefix, put together by hand.
fn named_frame(name: &str) -> Vec<u8> {
    let mut frame = vec![3, 16];
    let mut length = name.len();
    while length >= 0x80 {
        frame.push(0x80 | length.to_le_bytes()[0]);
        length >>= 7;
    }
    frame.push(length.to_le_bytes()[0]);
    frame.extend(name.bytes());
    frame.push(7);
    frame
}

#[track_caller]
fn check_too_long(message: &Message<'_>) {
    check_refused(
        message,
        EncodeError::TooLong { field: Field::Event, length: 65_536, limit: 65_535 },
    );
}

#[track_caller]
fn check_refused(message: &Message<'_>, error: EncodeError) {
    let mut out = BytesMut::from(&b"before"[..]);
    assert_eq!(v3::encode(message, &mut out), Err(error));
    assert_eq!(out, b"before"[..]);
}
