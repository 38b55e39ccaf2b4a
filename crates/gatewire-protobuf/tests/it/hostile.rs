//! Bytes that a peer made up: no announcement is believed, nothing overflows the stack.

use crate::{Chain, Other, Point, decode, encode, refused};
use gatewire_format::{FormatError, FormatId, Formats};
use gatewire_protobuf::Protobuf;

fn decode_other(bytes: &[u8]) -> Result<Other, FormatError> {
    Formats::new(Protobuf::new().with::<Other>()).decode(FormatId::PROTOBUF, bytes, "event")
}

/// `depth` messages in one another, as bytes: each is a length and the one inside.
fn chain(depth: usize) -> Vec<u8> {
    let mut reversed: Vec<u8> = Vec::new();
    for _ in 0..depth {
        let mut varint = Vec::new();
        let mut length = reversed.len();
        while length > 0x7f {
            varint.push(0x80 | length.to_le_bytes()[0]);
            length >>= 7;
        }
        varint.push(length.to_le_bytes()[0]);
        reversed.extend(varint.iter().rev());
        reversed.push(0x0a);
    }
    reversed.reverse();
    reversed
}

#[test]
fn messages_may_be_100_deep_and_no_deeper() {
    let deepest = decode::<Chain>(chain(100)).expect("100 is not too deep");
    assert_eq!(encode(&deepest), Ok(chain(100)));
    let text = decode::<Chain>(chain(101)).expect_err("101 is too deep").to_string();
    assert!(text.ends_with("recursion limit reached"), "{text}");
}

#[test]
fn messages_100_000_deep_are_refused() {
    match decode::<Chain>(chain(100_000)) {
        Err(FormatError::Decode { format, message }) => {
            assert_eq!(format, "protobuf");
            assert!(message.ends_with("recursion limit reached"), "{message}");
        }
        other => panic!("decoded to {:?}", other.map(|_| ())),
    }
}

#[test]
fn groups_100_000_deep_are_refused_where_nobody_looks() {
    // Field 9 is unknown to the message; 0x4b begins a group, which may hold groups.
    assert_eq!(decode::<Point>(vec![0x4b; 100_000]), refused("recursion limit reached"));
}

#[test]
fn announced_lengths_are_not_believed() {
    let message = "Other.text: buffer underflow";
    assert_eq!(decode_other(b"\x0a\xff\xff\xff\xff\x07x"), refused(message));
    assert_eq!(decode::<Point>(b"\x1a\xff\xff\xff\xff\x07x"), refused("buffer underflow"));
}

#[test]
fn bytes_that_begin_no_field_are_refused_after_the_message() {
    let message = "invalid tag value: 0";
    assert_eq!(decode::<Point>([0x08, 6, 0]), refused(message));
    assert_eq!(decode::<Point>([0x08, 6, 0x80]), refused("invalid varint"));
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let message = "Other.text: invalid string value: data is not UTF-8 encoded";
    assert_eq!(decode_other(b"\x0a\x01\xff"), refused(message));
}

#[test]
fn a_field_of_another_kind_is_refused() {
    let message = "Point.x: invalid wire type: LengthDelimited (expected Varint)";
    assert_eq!(decode::<Point>(b"\x0a\x01x"), refused(message));
}
