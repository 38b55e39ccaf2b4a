//! What a format is tried with.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A type to try a format with.
///
/// Formats that need to know their types (Protocol Buffers, Avro) must know this one. [`Reading`]
/// is a type that fits most formats.
pub trait Sample: Serialize + DeserializeOwned + PartialEq + Debug + Send + Sync + 'static {
    /// Objects to encode and decode: at least one, small (each truncation of it is tried), equal
    /// to itself (no NaN).
    fn samples() -> Vec<Self>;
}

/// A sample with a field of each kind that JSON, `MessagePack`, Protocol Buffers and Avro share.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// A string.
    pub sensor: String,
    /// An integer.
    pub sequence: i64,
    /// A decimal.
    pub value: f64,
    /// A boolean.
    pub valid: bool,
    /// Raw bytes.
    pub raw: Bytes,
    /// A list.
    pub tags: Vec<String>,
    /// A map.
    pub counters: BTreeMap<String, i64>,
    /// An optional field.
    pub comment: Option<String>,
    /// A nested object, optional.
    pub place: Option<Place>,
    /// A list of nested objects.
    pub track: Vec<Place>,
}

/// The object inside a [`Reading`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

impl Sample for Reading {
    fn samples() -> Vec<Self> {
        let place = Place { latitude: 40.4168, longitude: -3.7038 };
        let full = Self {
            sensor: "caldera ñ 温度 🌡 \"\\\n\u{0}".to_owned(),
            sequence: 9_007_199_254_740_993, // 2^53 + 1: no double has it
            value: 21.375,
            valid: true,
            raw: Bytes::from_static(&[0x00, 0xff, 0x80, 0xc1, b'{']),
            tags: vec![String::new(), "outdoor".to_owned(), "x".repeat(300)],
            counters: BTreeMap::from([(String::new(), 0), ("lost".to_owned(), -1)]),
            comment: Some(String::new()),
            place: Some(place.clone()),
            track: vec![Place::default(), place],
        };
        let least = Self { sequence: i64::MIN, value: f64::MIN, ..Self::default() };
        let most = Self { sequence: i64::MAX, value: f64::MAX, ..Self::default() };
        let small = Self { sequence: -1, value: f64::MIN_POSITIVE, ..Self::default() };
        // A careless parser of decimal text misses this one by one bit.
        let uneven = Self { value: 31.245_270_191_439_438, ..Self::default() };
        vec![Self::default(), full, least, most, small, uneven]
    }
}
