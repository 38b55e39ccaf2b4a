//! How Rust types and schemas go together: what the crate's documentation promises.

use std::collections::BTreeMap;
use std::fmt::Debug;

use gatewire_format::FormatError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{avro, decode, encode, refused};

fn comes_back<T>(schema: &str, objects: impl IntoIterator<Item = T>)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    let avro = avro::<T>(schema);
    for object in objects {
        let bytes = encode(&avro, &object);
        assert_eq!(bytes.and_then(|bytes| decode(&avro, bytes)), Ok(object));
    }
}

#[test]
fn numbers_come_back_at_both_ends() {
    comes_back(r#""int""#, [i32::MIN, -1, 0, 1, i32::MAX]);
    comes_back(r#""int""#, [u16::MIN, u16::MAX]);
    comes_back(r#""long""#, [i64::MIN, -1, 0, 1, i64::MAX]);
    comes_back(r#""long""#, [u32::MIN, u32::MAX]);
    comes_back(r#""float""#, [f32::MIN_POSITIVE, -1.5]);
    comes_back(r#""double""#, [f64::MIN_POSITIVE, -1.5]);
    let u64_schema = r#"{ "type": "fixed", "name": "org.apache.avro.rust.u64", "size": 8 }"#;
    comes_back(u64_schema, [0, u64::MAX]);
}

#[test]
fn a_number_outside_the_asked_type_is_refused() {
    assert!(matches!(decode::<u8>(&avro::<u8>(r#""int""#), [1]), Err(FormatError::Decode { .. })));
}

#[test]
fn lists_maps_and_options_come_back() {
    comes_back(r#"{ "type": "array", "items": "int" }"#, [vec![], vec![1, -1]]);
    let map = BTreeMap::from([("a".to_owned(), 1), (String::new(), -1)]);
    comes_back(r#"{ "type": "map", "values": "int" }"#, [BTreeMap::new(), map]);
    comes_back(r#"["null", "string"]"#, [None, Some(String::new())]);
    comes_back(r#"["string", "null"]"#, [None, Some("a".to_owned())]);
}

#[test]
fn an_enum_of_names_comes_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Suit {
        Hearts,
        Spades,
    }
    let schema = r#"{ "type": "enum", "name": "Suit", "symbols": ["Hearts", "Spades"] }"#;
    comes_back(schema, [Suit::Hearts, Suit::Spades]);
    let refused = decode::<Suit>(&avro::<Suit>(schema), [4]);
    assert!(matches!(refused, Err(FormatError::Decode { .. })), "{refused:?}");
}

#[test]
fn fields_are_written_in_the_order_of_the_schema() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Swapped {
        b: i32,
        a: i32,
    }
    let schema = r#"{
        "type": "record", "name": "Swapped",
        "fields": [{ "name": "a", "type": "int" }, { "name": "b", "type": "int" }]
    }"#;
    let avro = avro::<Swapped>(schema);
    assert_eq!(encode(&avro, &Swapped { b: 2, a: 1 }), Ok(vec![2, 4]));
    assert_eq!(decode(&avro, [2, 4]), Ok(Swapped { b: 2, a: 1 }));
}

#[test]
fn a_transparent_newtype_is_what_it_holds() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Id(String);
    comes_back(r#""string""#, [Id("a".to_owned())]);
}

#[test]
fn names_in_a_namespace_are_found() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line {
        from: Dot,
        to: Dot,
        kind: Kind,
        then: Option<Kind>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Dot {
        x: i32,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Thin,
        Thick,
    }
    let schema = r#"{
        "type": "record", "name": "Line", "namespace": "org.example", "fields": [
            { "name": "from", "type": {
                "type": "record", "name": "Dot", "fields": [{ "name": "x", "type": "int" }]
            } },
            { "name": "to", "type": "org.example.Dot" },
            { "name": "kind", "type": {
                "type": "enum", "name": "Kind", "namespace": "org.other", "symbols": ["Thin", "Thick"]
            } },
            { "name": "then", "type": ["null", "org.other.Kind"] }
        ]
    }"#;
    let line = |then| Line { from: Dot { x: 1 }, to: Dot { x: 2 }, kind: Kind::Thick, then };
    comes_back(schema, [line(None), line(Some(Kind::Thin))]);
}

#[test]
fn a_struct_under_another_name_is_refused() {
    let schema = r#"{ "type": "record", "name": "Dot", "fields": [] }"#;
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Spot {}
    let refused = decode::<Spot>(&avro::<Spot>(schema), []);
    assert!(matches!(refused, Err(FormatError::Decode { .. })), "{refused:?}");
}

#[test]
fn a_type_that_reads_too_little_is_refused() {
    /// Takes the first item of a list and leaves the others.
    #[derive(Debug, PartialEq, Serialize)]
    struct First(i32);

    impl<'de> Deserialize<'de> for First {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;

            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = First;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a list")
                }

                fn visit_seq<A: serde::de::SeqAccess<'de>>(
                    self,
                    mut items: A,
                ) -> Result<First, A::Error> {
                    items.next_element().map(|first| First(first.unwrap_or_default()))
                }
            }
            deserializer.deserialize_seq(Visitor)
        }
    }
    let avro = avro::<First>(r#"{ "type": "array", "items": "int" }"#);
    assert_eq!(decode(&avro, [2, 14, 0]), Ok(First(7)));
    let message = "the type reads less than its schema has";
    assert_eq!(decode::<First>(&avro, [4, 14, 16, 0]), refused(message));
}
