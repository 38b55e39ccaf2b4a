//! Which format an endpoint sends in, and which it understands.

use gatewire_format::{FormatError, FormatId, Formats};

use crate::{Point, points};

fn names(formats: &Formats) -> Vec<(u8, String)> {
    formats.known().into_iter().map(|(id, name)| (id.0, name)).collect()
}

fn named(expected: &[(u8, &str)]) -> Vec<(u8, String)> {
    expected.iter().map(|&(id, name)| (id, name.to_owned())).collect()
}

#[test]
fn the_default_comes_first() {
    let formats = Formats::new(points(70, "a")).with(points(71, "b")).with(points(72, "c"));
    assert_eq!(names(&formats), named(&[(70, "a"), (71, "b"), (72, "c")]));
    assert_eq!(formats.default_format().name(), "a");
    assert_eq!(format!("{formats:?}"), format!("{:?}", formats.known()));
}

#[test]
fn a_format_of_the_same_id_replaces_the_one_there() {
    let formats = Formats::new(points(70, "a")).with(points(71, "b"));
    let other = formats.clone().with(points(71, "new b"));
    assert_eq!(names(&other), named(&[(70, "a"), (71, "new b")]));
    let default = formats.clone().with(points(70, "new a"));
    assert_eq!(names(&default), named(&[(70, "new a"), (71, "b")]));
    assert_eq!(names(&formats), named(&[(70, "a"), (71, "b")]), "a clone changed its origin");
}

#[test]
fn another_default_leaves_the_old_one_understood() {
    let formats = Formats::new(points(70, "a")).with(points(71, "b"));
    let formats = formats.with_default(points(72, "c"));
    assert_eq!(names(&formats), named(&[(72, "c"), (70, "a"), (71, "b")]));
}

#[test]
fn a_default_of_the_same_id_replaces_the_old_default() {
    let formats = Formats::new(points(70, "a")).with(points(71, "b"));
    let formats = formats.with_default(points(70, "new a"));
    assert_eq!(names(&formats), named(&[(70, "new a"), (71, "b")]));
}

#[test]
fn a_format_that_becomes_the_default_is_known_once() {
    let formats = Formats::new(points(70, "a")).with(points(71, "b"));
    let formats = formats.with_default(points(71, "new b"));
    assert_eq!(names(&formats), named(&[(71, "new b"), (70, "a")]));
}

#[test]
fn an_object_without_an_id_is_in_the_default_format() {
    let formats = Formats::new(points(70, "a")).with(points(71, "b"));
    let name = |id| formats.find(id).map(|format| format.name().to_owned());
    assert_eq!(name(FormatId::UNSPECIFIED), Ok("a".to_owned()));
    assert_eq!(name(FormatId(70)), Ok("a".to_owned()));
    assert_eq!(name(FormatId(71)), Ok("b".to_owned()));
}

#[test]
fn an_unknown_id_is_a_mismatch_that_names_all_sides() {
    let formats = Formats::new(points(70, "a")).with(points(71, "b"));
    let refused = formats.decode::<Point>(FormatId::MSGPACK, b"1;2", "event");
    let error = FormatError::Mismatch {
        found: FormatId::MSGPACK,
        known: vec![(FormatId(70), "a".to_owned()), (FormatId(71), "b".to_owned())],
    };
    assert_eq!(refused.as_ref(), Err(&error));
    let text = "the object is in msgpack (2), this endpoint knows a (70), b (71)";
    assert_eq!(error.to_string(), text);
}
