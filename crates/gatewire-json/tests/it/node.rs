//! Objects as the Node packages (`@gatejs/cluster` and `fast-tcp`) wrote and read them: the
//! recorded cases of their default serializer, `JSON.stringify` and `JSON.parse`.

use serde_json::{Value, json};

use crate::{decode, refused};

/// `object_json/*`: texts that Node decodes, and that give the same here.
#[test]
fn unusual_texts_are_read_as_in_node() {
    let cases = [
        ("null", json!(null)),
        ("5", json!(5)),
        ("\"str\"", json!("str")),
        ("true", json!(true)),
        (" {\"a\" : 1 } ", json!({ "a": 1 })),
        ("{\"a\":1,\"a\":2}", json!({ "a": 2 })),
        ("[1,[2,[3]]]", json!([1, [2, [3]]])),
    ];
    for (text, value) in cases {
        assert_eq!(decode(text), Ok(value), "{text}");
    }
}

/// `object_json/1e400`: Node reads infinity, which it could not write again.
#[test]
fn a_number_beyond_all_doubles_is_refused() {
    assert_eq!(decode::<Value>("1e400"), refused("number out of range at line 1 column 5"));
}

/// `object_json/"\ud800"`: Node reads half a character, which no UTF-8 text can hold.
#[test]
fn half_a_surrogate_pair_is_refused() {
    let message = "unexpected end of hex escape at line 1 column 8";
    assert_eq!(decode::<Value>("\"\\ud800\""), refused(message));
}

/// The second deviation from `{"a":1,"a":2}`: a struct has one place for each field.
#[test]
fn a_field_given_twice_is_refused_where_a_struct_is_asked_for() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Single {
        a: i32,
    }
    let message = "duplicate field `a` at line 1 column 10";
    assert_eq!(decode::<Single>("{\"a\":1,\"a\":2}"), refused(message));
}

/// `json/bad`, which ended the Node process.
#[test]
fn text_that_is_not_json_is_refused() {
    assert_eq!(decode::<Value>("{bad"), refused("key must be a string at line 1 column 2"));
}

/// `json/empty`, which ended the Node process.
#[test]
fn no_text_is_refused() {
    assert_eq!(decode::<Value>(""), refused("EOF while parsing a value at line 1 column 0"));
}

/// `json/deep_100k`, which Node decodes.
#[test]
fn arrays_100_000_deep_are_refused() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let message = "recursion limit exceeded at line 1 column 128";
    assert_eq!(decode::<Value>(&deep), refused(message));
    assert_eq!(decode::<Vec<Value>>(&deep), refused(message));
}

/// `utf8/object_invalid`, which Node decodes with a replacement character.
#[test]
fn invalid_utf8_is_refused() {
    let message = "invalid utf-8 sequence of 1 bytes from index 1";
    assert_eq!(decode::<Value>(b"\"\xff\""), refused(message));
    assert_eq!(decode::<String>(b"\"\xff\""), refused(message));
}
