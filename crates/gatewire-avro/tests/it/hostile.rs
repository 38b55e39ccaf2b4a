//! Bytes that a peer made up: no announcement is believed, nothing overflows the stack.

use std::collections::BTreeMap;

use gatewire_format::FormatError;
use serde::{Deserialize, Serialize};

use crate::{POINT, Point, avro, decode, encode, refused};

const INTS: &str = r#"{ "type": "array", "items": "int" }"#;

fn lacking<T>(needed: u64, left: usize) -> Result<T, FormatError> {
    refused(&format!("at least {needed} more bytes are needed, {left} are left"))
}

/// Zigzag, seven bits to a byte.
fn varint(number: i64) -> Vec<u8> {
    let mut bits = (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned();
    let mut bytes = Vec::new();
    while bits > 0x7f {
        bytes.push(0x80 | bits.to_le_bytes()[0]);
        bits >>= 7;
    }
    bytes.push(bits.to_le_bytes()[0]);
    bytes
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
}

const CHAIN: &str = r#"{
    "type": "record", "name": "Chain",
    "fields": [{ "name": "next", "type": ["null", "Chain"] }]
}"#;

/// `depth` records in one another: the branch with a record, then the one without.
fn chain(depth: usize) -> Vec<u8> {
    let mut bytes = vec![2; depth - 1];
    bytes.push(0);
    bytes
}

#[test]
fn records_may_be_128_deep_and_no_deeper() {
    let avro = avro::<Chain>(CHAIN);
    let deepest = decode::<Chain>(&avro, chain(128)).expect("128 is not too deep");
    assert_eq!(encode(&avro, &deepest), Ok(chain(128)));
    let message = "more than 128 records, arrays and maps in one another";
    assert_eq!(decode::<Chain>(&avro, chain(129)), refused(message));
    assert_eq!(decode::<Chain>(&avro, chain(100_000)), refused(message));
}

#[test]
fn a_record_that_can_have_no_end_is_refused() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Endless {
        next: Box<Endless>,
    }
    let schema = r#"{
        "type": "record", "name": "Endless", "fields": [{ "name": "next", "type": "Endless" }]
    }"#;
    let message = "more than 128 records, arrays and maps in one another";
    assert_eq!(decode::<Endless>(&avro::<Endless>(schema), []), refused(message));
}

#[test]
fn announced_lengths_are_not_believed() {
    let text = avro::<String>(r#""string""#);
    // From a few bytes too many, over what apache-avro would allocate, to what it would not.
    for length in [2, 1 << 29, (1 << 29) + 1, 1 << 40, i64::MAX] {
        let announced = [varint(length), b"x".to_vec()].concat();
        assert_eq!(decode::<String>(&text, announced), lacking(length.cast_unsigned(), 1));
    }
    let negative = [varint(-1), b"x".to_vec()].concat();
    assert_eq!(decode::<String>(&text, negative), refused("-1 is no length"));
    let least = [varint(i64::MIN), b"x".to_vec()].concat();
    assert_eq!(decode::<String>(&text, least), refused("-9223372036854775808 is no length"));
    let keys = avro::<BTreeMap<String, i32>>(r#"{ "type": "map", "values": "int" }"#);
    let announced = [varint(1), varint(1 << 29), b"x".to_vec()].concat();
    assert_eq!(decode::<BTreeMap<String, i32>>(&keys, announced), lacking(1 << 29, 1));
}

#[test]
fn announced_counts_are_not_believed() {
    let ints = avro::<Vec<i32>>(INTS);
    for count in [5, 1 << 29, i64::MAX] {
        let announced = [varint(count), vec![2]].concat();
        let message = format!("{count} items are announced, more than bytes");
        assert_eq!(decode::<Vec<i32>>(&ints, announced), refused(&message));
    }
    // A negative count has the size of its block behind it.
    let announced = [varint(i64::MIN), varint(0)].concat();
    let message = "9223372036854775808 items are announced, more than bytes";
    assert_eq!(decode::<Vec<i32>>(&ints, announced), refused(message));
    let announced = [varint(-1), varint(1 << 29)].concat();
    assert_eq!(decode::<Vec<i32>>(&ints, announced), lacking(1 << 29, 0));
}

#[test]
fn units_cannot_be_multiplied() {
    // They take no bytes, so that only their count stands against them.
    let nulls = avro::<Vec<()>>(r#"{ "type": "array", "items": "null" }"#);
    assert_eq!(decode(&nulls, [4, 0]), Ok(vec![(), ()]));
    let message = "4294967296 items are announced, more than bytes";
    let announced = [varint(1 << 32), vec![0]].concat();
    assert_eq!(decode::<Vec<()>>(&nulls, announced), refused(message));
}

#[test]
fn units_cannot_be_multiplied_by_nesting() {
    let schema = r#"{ "type": "array", "items": { "type": "array", "items": "null" } }"#;
    let nested = avro::<Vec<Vec<()>>>(schema);
    // Each inner list has fewer items than the whole has bytes; together they have more.
    let inner = [varint(60), vec![0]].concat();
    let bytes = [varint(30), inner.repeat(30), vec![0]].concat();
    let message = "60 items are announced, more than bytes";
    assert_eq!(decode::<Vec<Vec<()>>>(&nested, bytes), refused(message));
}

#[test]
fn blocks_with_their_size_are_read_and_their_size_is_checked() {
    let ints = avro::<Vec<i32>>(INTS);
    let blocks = [varint(-2), varint(2), vec![2, 4], varint(1), vec![6], vec![0]].concat();
    assert_eq!(decode(&ints, blocks), Ok(vec![1, 2, 3]));
    let wrong = [varint(-2), varint(3), vec![2, 4], vec![0]].concat();
    let message = "a block of 3 bytes is announced, its items take 2";
    assert_eq!(decode::<Vec<i32>>(&ints, wrong), refused(message));
}

#[test]
fn bytes_after_the_datum_are_refused() {
    let point = avro::<Point>(POINT);
    assert_eq!(decode::<Point>(&point, [6, 7, 0]), refused("1 bytes after the datum"));
}

#[test]
fn a_truncated_datum_is_refused() {
    let point = avro::<Point>(POINT);
    assert_eq!(decode::<Point>(&point, []), lacking(1, 0));
    assert_eq!(decode::<Point>(&point, [6]), lacking(1, 0));
    assert_eq!(decode::<f64>(&avro::<f64>(r#""double""#), [0; 7]), lacking(8, 7));
    assert_eq!(decode::<bool>(&avro::<bool>(r#""boolean""#), []), lacking(1, 0));
    // A missing branch is not taken for none.
    assert_eq!(
        decode::<Option<i32>>(&avro::<Option<i32>>(r#"["null", "int"]"#), []),
        lacking(1, 0)
    );
}

#[test]
fn a_union_has_no_other_branches_than_its_own() {
    let option = avro::<Option<i32>>(r#"["null", "int"]"#);
    for branch in [2, -1, i64::MAX] {
        let message = format!("a union has no branch {branch}");
        assert_eq!(decode::<Option<i32>>(&option, varint(branch)), refused(&message));
    }
}

#[test]
fn a_number_ends_after_ten_bytes() {
    let long = avro::<i64>(r#""long""#);
    assert_eq!(decode::<i64>(&long, [0x80; 11]), refused("a number of more than 10 bytes"));
    assert_eq!(decode(&long, varint(i64::MIN)), Ok(i64::MIN));
}

#[test]
fn text_and_booleans_are_checked() {
    let text = decode::<String>(&avro::<String>(r#""string""#), [2, 0xff]);
    assert!(matches!(text, Err(FormatError::Decode { .. })), "{text:?}");
    let boolean = decode::<bool>(&avro::<bool>(r#""boolean""#), [2]);
    assert!(matches!(boolean, Err(FormatError::Decode { .. })), "{boolean:?}");
}
