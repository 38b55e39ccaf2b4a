//! The common behaviour of formats, with the common sample as a message.

use std::collections::BTreeMap;

use bytes::Bytes;
use gatewire_format::conformance::{self, Sample};
use gatewire_protobuf::Protobuf;
use prost::Message;
use serde::{Deserialize, Serialize};

/// [`conformance::Reading`], with a number for each field.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
struct Reading {
    #[prost(string, tag = "1")]
    sensor: String,
    #[prost(int64, tag = "2")]
    sequence: i64,
    #[prost(double, tag = "3")]
    value: f64,
    #[prost(bool, tag = "4")]
    valid: bool,
    #[prost(bytes = "bytes", tag = "5")]
    raw: Bytes,
    #[prost(string, repeated, tag = "6")]
    tags: Vec<String>,
    #[prost(btree_map = "string, int64", tag = "7")]
    counters: BTreeMap<String, i64>,
    #[prost(string, optional, tag = "8")]
    comment: Option<String>,
    #[prost(message, optional, tag = "9")]
    place: Option<Place>,
    #[prost(message, repeated, tag = "10")]
    track: Vec<Place>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
struct Place {
    #[prost(double, tag = "1")]
    latitude: f64,
    #[prost(double, tag = "2")]
    longitude: f64,
}

impl From<conformance::Place> for Place {
    fn from(place: conformance::Place) -> Self {
        Self { latitude: place.latitude, longitude: place.longitude }
    }
}

impl From<conformance::Reading> for Reading {
    fn from(reading: conformance::Reading) -> Self {
        Self {
            sensor: reading.sensor,
            sequence: reading.sequence,
            value: reading.value,
            valid: reading.valid,
            raw: reading.raw,
            tags: reading.tags,
            counters: reading.counters,
            comment: reading.comment,
            place: reading.place.map(Place::from),
            track: reading.track.into_iter().map(Place::from).collect(),
        }
    }
}

impl Sample for Reading {
    fn samples() -> Vec<Self> {
        conformance::Reading::samples().into_iter().map(Self::from).collect()
    }
}

#[test]
fn it_behaves_as_each_format_must() {
    conformance::check::<Reading>(Protobuf::new().with::<Reading>());
}
