//! Objects as values.

use gatewire_format::{
    DecodeContext, EncodeContext, FormatError, FormatId, Formats, FromValue, IntoValue, Object,
    ObjectRef, ValueRef,
};

use crate::{Point, decode, encode, points};

#[test]
fn an_object_is_sent_in_the_default_format() {
    let value = encode(&Object(Point(1, 2)));
    let object = ValueRef::Object { format: FormatId(64), bytes: b"1;2" };
    assert_eq!(value, Ok(object.to_value()));
    assert_eq!(encode(&ObjectRef(&Point(1, 2))), value);
    assert_eq!(decode(object), Ok(Object(Point(1, 2))));
}

#[test]
fn an_object_can_name_its_format() {
    let value = encode(&Object(Point(1, 2)).with(points(65, "other points")));
    let object = ValueRef::Object { format: FormatId(65), bytes: b"1;2" };
    assert_eq!(value, Ok(object.to_value()));
    let mismatch = FormatError::Mismatch {
        found: FormatId(65),
        known: vec![(FormatId(64), "points".to_owned())],
    };
    assert_eq!(decode::<Object<Point>>(object), Err(mismatch));
}

#[test]
fn an_object_can_be_optional() {
    assert_eq!(encode(&None::<Object<Point>>), encode(&()));
    assert_eq!(decode::<Option<Object<Point>>>(ValueRef::Empty), Ok(None));
    let object = ValueRef::Object { format: FormatId(64), bytes: b"1;2" };
    assert_eq!(decode(object), Ok(Some(Object(Point(1, 2)))));
}

#[test]
fn a_value_that_is_no_object_is_refused() {
    let refused = decode::<Object<Point>>(ValueRef::String("1;2"));
    assert_eq!(refused, Err(FormatError::WrongType { expected: "object", found: "string" }));
}

#[test]
fn scratch_memory_holds_one_object_at_a_time() {
    let formats = Formats::new(points(64, "points"));
    let mut scratch = Vec::with_capacity(64);
    let memory = scratch.as_ptr();
    for x in 0..3 {
        let object = Object(Point(x, 0));
        let value = object.to_value(EncodeContext::new(&formats, "event", &mut scratch));
        let text = format!("{x};0");
        let bytes = text.as_bytes();
        assert_eq!(value, Ok(ValueRef::Object { format: FormatId(64), bytes }));
        assert_eq!(scratch.as_ptr(), memory);
    }
}

#[test]
fn an_object_without_an_id_is_read_in_the_default_format() {
    let formats = Formats::new(points(64, "points"));
    let value = ValueRef::Object { format: FormatId::UNSPECIFIED, bytes: b"1;2" };
    let object = Object::from_value(value, &DecodeContext::new(&formats, "event"));
    assert_eq!(object, Ok(Object(Point(1, 2))));
}
