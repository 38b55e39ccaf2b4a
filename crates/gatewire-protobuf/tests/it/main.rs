//! The Protocol Buffers format from the outside.

mod hostile;
mod reading;

use gatewire_format::{Format, FormatError, FormatId, Formats, ObjectSource};
use gatewire_protobuf::Protobuf;
use prost::Message;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Message, Serialize, Deserialize)]
struct Point {
    #[prost(sint32, tag = "1")]
    x: i32,
    #[prost(sint32, tag = "2")]
    y: i32,
}

/// A message that holds itself.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
struct Chain {
    #[prost(message, optional, boxed, tag = "1")]
    next: Option<Box<Chain>>,
}

fn protobuf() -> Protobuf {
    Protobuf::new().with::<Point>().with::<Chain>()
}

fn encode<T: Serialize + 'static>(object: &T) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    Formats::new(protobuf()).encode(None, ObjectSource::new(object), "event", &mut out)?;
    Ok(out)
}

fn decode<T: DeserializeOwned + 'static>(bytes: impl AsRef<[u8]>) -> Result<T, FormatError> {
    Formats::new(protobuf()).decode(FormatId::PROTOBUF, bytes.as_ref(), "event")
}

/// A refusal with these words, which are those of `prost`.
fn refused<T>(message: &str) -> Result<T, FormatError> {
    let message = format!("failed to decode Protobuf message: {message}");
    Err(FormatError::Decode { format: "protobuf".to_owned(), message })
}

#[test]
fn fields_travel_as_numbers() {
    assert_eq!(encode(&Point { x: 3, y: -4 }), Ok(vec![0x08, 6, 0x10, 7]));
    assert_eq!(decode([0x08, 6, 0x10, 7]), Ok(Point { x: 3, y: -4 }));
}

#[test]
fn fields_may_come_in_any_order_and_with_company() {
    let company = [0x10, 7, 0x1a, 2, b'h', b'i', 0x08, 6];
    assert_eq!(decode(company), Ok(Point { x: 3, y: -4 }));
}

#[test]
fn a_field_that_was_left_out_is_its_default() {
    assert_eq!(encode(&Point { x: 0, y: -4 }), Ok(vec![0x10, 7]));
    assert_eq!(decode([0x10, 7]), Ok(Point { x: 0, y: -4 }));
    assert_eq!(decode([]), Ok(Point { x: 0, y: 0 }));
}

#[test]
fn fields_after_the_message_override_it() {
    assert_eq!(decode([0x08, 6, 0x10, 7, 0x08, 2]), Ok(Point { x: 1, y: -4 }));
}

#[test]
fn a_type_that_was_not_told_is_unknown() {
    let unknown = FormatError::UnknownType {
        format: "protobuf".to_owned(),
        type_name: std::any::type_name::<Other>(),
    };
    assert_eq!(encode(&Other { text: "a".to_owned() }), Err(unknown.clone()));
    assert_eq!(decode::<Other>([]), Err(unknown.clone()));
    let text = unknown.to_string();
    assert!(text.starts_with("protobuf was not told how to encode "), "{text}");
}

/// A message, but not one that [`protobuf`] was told about.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
struct Other {
    #[prost(string, tag = "1")]
    text: String,
}

#[test]
fn a_type_told_twice_is_known_once() {
    let twice = Protobuf::new().with::<Point>().with::<Point>();
    assert_eq!(format!("{twice:?}"), "Protobuf([\"it::Point\"])");
    assert_eq!(twice.id(), FormatId::PROTOBUF);
}
