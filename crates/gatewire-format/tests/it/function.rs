//! A format made of two closures.

use gatewire_format::{Format, FormatError, FormatFn, FormatId, Formats, ObjectSource};

use crate::{Point, points};

const ID: FormatId = FormatId(64);

#[test]
fn a_pair_of_closures_is_a_format() {
    let formats = Formats::new(points(64, "points"));
    let mut out = Vec::new();
    let id = formats.encode(None, ObjectSource::new(&Point(3, -4)), "move", &mut out);
    assert_eq!(id, Ok(ID));
    assert_eq!(out, b"3;-4");
    assert_eq!(formats.decode(ID, &out, "move"), Ok(Point(3, -4)));
}

#[test]
fn the_closures_are_told_the_event() {
    let encode = |_: &u8, event: &str| Ok(event.as_bytes().to_vec());
    let decode = |bytes: &[u8], event: &str| Ok(u8::from(bytes == event.as_bytes()));
    let formats = Formats::new(FormatFn::new(ID, "event names", encode, decode));
    let mut out = Vec::new();
    assert_eq!(formats.encode(None, ObjectSource::new(&0_u8), "move", &mut out), Ok(ID));
    assert_eq!(out, b"move");
    assert_eq!(formats.decode(ID, b"move", "move"), Ok(1_u8));
    assert_eq!(formats.decode(ID, b"move", "stay"), Ok(0_u8));
}

#[test]
fn an_object_of_another_type_is_unknown_to_the_closures() {
    let format = points(64, "points");
    let unknown = |type_name| FormatError::UnknownType { format: "points".to_owned(), type_name };
    let mut out = Vec::new();
    let refused = format.encode(ObjectSource::new(&1_u64), "move", &mut out);
    assert_eq!(refused, Err(unknown("u64")));
    assert_eq!(out, b"");
    let refused = Formats::new(format).decode::<u64>(ID, b"1;2", "move");
    assert_eq!(refused, Err(unknown("u64")));
    assert_eq!(unknown("u64").to_string(), "points was not told how to encode u64");
}

#[test]
fn what_a_closure_says_is_in_the_error() {
    let formats = Formats::new(points(64, "points"));
    let mut out = Vec::new();
    let refused = formats.encode(None, ObjectSource::new(&Point(i32::MIN, 0)), "move", &mut out);
    let (format, message) = ("points".to_owned(), "too far left".to_owned());
    assert_eq!(refused, Err(FormatError::Encode { format, message }));
    let refused = formats.decode::<Point>(ID, b"1,2", "move");
    let (format, message) = ("points".to_owned(), "no ';'".to_owned());
    let error = FormatError::Decode { format, message };
    assert_eq!(error.to_string(), "points cannot decode: no ';'");
    assert_eq!(refused, Err(error));
}

#[test]
fn its_debug_text_shows_id_and_name() {
    let text = format!("{:?}", points(64, "points"));
    assert_eq!(text, "FormatFn { id: FormatId(64), name: \"points\", .. }");
}
