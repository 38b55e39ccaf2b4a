//! The Avro format from the outside.

mod hostile;
mod mapping;

use gatewire_avro::{Avro, SchemaError};
use gatewire_format::conformance::{self, Reading};
use gatewire_format::{FormatError, FormatId, Formats, ObjectSource};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Of [`conformance::Reading`].
const READING: &str = r#"{
    "type": "record", "name": "Reading", "fields": [
        { "name": "sensor", "type": "string" },
        { "name": "sequence", "type": "long" },
        { "name": "value", "type": "double" },
        { "name": "valid", "type": "boolean" },
        { "name": "raw", "type": "bytes" },
        { "name": "tags", "type": { "type": "array", "items": "string" } },
        { "name": "counters", "type": { "type": "map", "values": "long" } },
        { "name": "comment", "type": ["null", "string"] },
        { "name": "place", "type": ["null", {
            "type": "record", "name": "Place", "fields": [
                { "name": "latitude", "type": "double" },
                { "name": "longitude", "type": "double" }
            ]
        }] },
        { "name": "track", "type": { "type": "array", "items": "Place" } }
    ]
}"#;

const POINT: &str = r#"{
    "type": "record", "name": "Point",
    "fields": [{ "name": "x", "type": "int" }, { "name": "y", "type": "int" }]
}"#;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

/// The format with one type in it.
fn avro<T: Serialize + DeserializeOwned + 'static>(schema: &str) -> Formats {
    Formats::new(Avro::new().with::<T>(schema).expect("the schema is right"))
}

fn encode<T: Serialize + 'static>(formats: &Formats, object: &T) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    formats.encode(None, ObjectSource::new(object), "event", &mut out)?;
    Ok(out)
}

fn decode<T: DeserializeOwned + 'static>(
    formats: &Formats,
    bytes: impl AsRef<[u8]>,
) -> Result<T, FormatError> {
    formats.decode(FormatId::AVRO, bytes.as_ref(), "event")
}

fn refused<T>(message: &str) -> Result<T, FormatError> {
    Err(FormatError::Decode { format: "avro".to_owned(), message: message.to_owned() })
}

#[test]
fn it_behaves_as_each_format_must() {
    let avro = Avro::new().with::<Reading>(READING).expect("the schema is right");
    conformance::check::<Reading>(avro);
}

#[test]
fn an_object_is_its_fields_and_nothing_else() {
    let avro = avro::<Point>(POINT);
    assert_eq!(encode(&avro, &Point { x: 3, y: -4 }), Ok(vec![6, 7]));
    assert_eq!(decode(&avro, [6, 7]), Ok(Point { x: 3, y: -4 }));
}

#[test]
fn a_type_that_was_not_told_is_unknown() {
    let avro = avro::<Point>(POINT);
    let unknown = FormatError::UnknownType { format: "avro".to_owned(), type_name: "u64" };
    assert_eq!(encode(&avro, &1_u64), Err(unknown.clone()));
    assert_eq!(decode::<u64>(&avro, [2]), Err(unknown));
}

#[test]
fn a_text_that_is_no_schema_is_refused() {
    let refused = Avro::new().with::<Point>("{").expect_err("half a text");
    assert_eq!(refused.type_name, "it::Point");
    let text = "the Avro schema for it::Point cannot be used: Failed to parse schema from JSON";
    assert_eq!(refused.to_string(), text);
}

#[test]
fn a_schema_that_refers_to_another_is_refused() {
    let schema = r#"{ "type": "array", "items": "Elsewhere" }"#;
    let refused: Result<Avro, SchemaError> = Avro::new().with::<Vec<Point>>(schema);
    let error = refused.expect_err("a name that is not there");
    assert!(error.message.contains("Elsewhere"), "{error}");
}

#[test]
fn a_type_told_twice_has_the_later_schema() {
    let avro = Avro::new()
        .with::<i64>(r#""string""#)
        .and_then(|avro| avro.with::<i64>(r#""long""#))
        .expect("both are schemas");
    assert_eq!(format!("{avro:?}"), "Avro([\"i64\"])");
    assert_eq!(encode(&Formats::new(avro), &1_i64), Ok(vec![2]));
}

#[test]
fn an_object_that_does_not_go_with_the_schema_cannot_be_encoded() {
    let avro = avro::<Point>(
        r#"{
        "type": "record", "name": "Point",
        "fields": [{ "name": "x", "type": "int" }, { "name": "y", "type": "string" }]
    }"#,
    );
    match encode(&avro, &Point { x: 3, y: -4 }) {
        Err(FormatError::Encode { format, message }) => {
            assert_eq!(format, "avro");
            assert!(message.contains("'y'"), "{message}");
        }
        other => panic!("a number as a string became {other:?}"),
    }
}
