//! The `MessagePack` format from the outside.

mod hostile;

use gatewire_format::conformance::{self, Reading};
use gatewire_format::{FormatError, FormatId, Formats, ObjectSource};
use gatewire_msgpack::MsgPack;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn encode<T: Serialize + 'static>(object: &T) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    Formats::new(MsgPack).encode(None, ObjectSource::new(object), "event", &mut out)?;
    Ok(out)
}

fn decode<T: DeserializeOwned + 'static>(bytes: impl AsRef<[u8]>) -> Result<T, FormatError> {
    Formats::new(MsgPack).decode(FormatId::MSGPACK, bytes.as_ref(), "event")
}

fn refused<T>(message: &str) -> Result<T, FormatError> {
    Err(FormatError::Decode { format: "msgpack".to_owned(), message: message.to_owned() })
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

#[test]
fn it_behaves_as_each_format_must() {
    conformance::check::<Reading>(MsgPack);
}

#[test]
fn structs_are_maps_with_named_fields() {
    assert_eq!(encode(&Point { x: 3, y: -4 }), Ok(b"\x82\xa1x\x03\xa1y\xfc".to_vec()));
}

#[test]
fn fields_may_come_in_any_order_and_with_company() {
    let bytes = b"\x83\xa1y\xfc\xa1z\x91\xc0\xa1x\x03";
    assert_eq!(decode(bytes), Ok(Point { x: 3, y: -4 }));
}

#[test]
fn a_struct_as_an_array_of_its_fields_is_understood() {
    assert_eq!(decode(b"\x92\x03\xfc"), Ok(Point { x: 3, y: -4 }));
}

#[test]
fn a_missing_field_is_refused() {
    assert_eq!(decode::<Point>(b"\x81\xa1x\x03"), refused("missing field `y`"));
}

#[test]
fn an_integer_of_any_width_is_read() {
    for bytes in [&b"\x07"[..], b"\xcc\x07", b"\xd1\0\x07", b"\xcf\0\0\0\0\0\0\0\x07"] {
        assert_eq!(decode::<u8>(bytes), Ok(7));
    }
    let message = "invalid value: integer `256`, expected u8";
    assert_eq!(decode::<u8>(b"\xcd\x01\x00"), refused(message));
}

#[test]
fn enums_of_all_shapes_come_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Empty,
        Circle(f64),
        Line(Point, Point),
        Box { width: u32, height: Option<u32> },
    }
    let shapes = [
        Shape::Empty,
        Shape::Circle(1.5),
        Shape::Line(Point { x: 1, y: 2 }, Point { x: 3, y: 4 }),
        Shape::Box { width: 1, height: None },
    ];
    for shape in shapes {
        assert_eq!(encode(&shape).and_then(decode), Ok(shape));
    }
}

#[test]
fn a_sequence_of_unknown_length_comes_back() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(transparent)]
    struct Counted(Vec<u8>);

    impl Serialize for Counted {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut sequence = serializer.serialize_seq(None)?;
            self.0.iter().try_for_each(|item| sequence.serialize_element(item))?;
            sequence.end()
        }
    }
    assert_eq!(encode(&Counted(vec![1, 2])), Ok(b"\x92\x01\x02".to_vec()));
    assert_eq!(decode(b"\x92\x01\x02"), Ok(Counted(vec![1, 2])));
}
