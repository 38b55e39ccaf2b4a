//! Arbitrary messages and packets.

use bytes::Bytes;
use gatewire_codec::legacy::{Kind, Packet, Policy};
use gatewire_codec::{FormatId, Value, Version, v3};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::draft::{Draft, KINDS, STATUSES, Shake, Stream};

/// A value of any type.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Empty),
        any::<bool>().prop_map(Value::Bool),
        integer().prop_map(Value::Integer),
        any::<u64>().prop_map(|bits| Value::Decimal(f64::from_bits(bits))),
        ".{0,40}".prop_map(Value::String),
        bytes().prop_map(Value::Binary),
        (any::<u8>(), bytes())
            .prop_map(|(format, bytes)| Value::Object { format: FormatId(format), bytes }),
    ]
}

/// Integers of all magnitudes.
fn integer() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0_u32..64).prop_map(|(value, shift)| value >> shift)
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

/// Ids of all magnitudes.
fn id() -> impl Strategy<Value = u32> {
    (any::<u32>(), 0_u32..32).prop_map(|(value, shift)| value >> shift)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    vec(".{0,12}", 0..5)
}

fn event() -> impl Strategy<Value = String> {
    prop_oneof![9 => ".{0,24}", 1 => "[a-z]{120,140}"]
}

/// A message of version 3 of any kind.
pub(crate) fn draft() -> impl Strategy<Value = Draft> {
    let numbers = (id(), option::of(id()), any::<u64>(), 0_u32..64, any::<u8>(), id());
    let lists = (names(), names(), names(), names());
    let own = (stream(), shake());
    (select(&KINDS[..]), numbers, event(), ".{0,40}", value(), lists, any::<[bool; 2]>(), own)
        .prop_map(|(kind, numbers, event, text, value, lists, flags, (stream, shake))| Draft {
            kind: kind.into(),
            id: numbers.0,
            request: numbers.1,
            token: numbers.2 >> numbers.3,
            code: numbers.4,
            retry_window_ms: numbers.5,
            event,
            text,
            value,
            everyone: flags[0],
            include_self: flags[1],
            rooms: lists.0,
            sockets: lists.1,
            except_rooms: lists.2,
            except_sockets: lists.3,
            stream,
            shake,
        })
}

fn stream() -> impl Strategy<Value = Stream> {
    let bytes = prop_oneof![20 => vec(any::<u8>(), 1..200), 1 => long_chunk()];
    let offset = (any::<u64>(), 0_u32..64);
    (any::<[bool; 2]>(), bytes, offset, ".{0,40}", select(&STATUSES[..])).prop_map(
        |([ack, targeted], bytes, (offset, shift), socket_id, status)| Stream {
            ack,
            targeted,
            bytes,
            offset: offset >> shift,
            socket_id,
            status,
        },
    )
}

/// Lengths about the largest one.
fn long_chunk() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), v3::MAX_CHUNK - 3..=v3::MAX_CHUNK).prop_map(|(byte, length)| vec![byte; length])
}

fn shake() -> impl Strategy<Value = Shake> {
    let fixed = any::<([u8; 2], bool, [u8; 16], [u8; 32], u32, u16, u16, u16)>();
    let extensions = vec((any::<u8>(), vec(any::<u8>(), 0..20)), 0..4);
    (fixed, ".{0,20}", vec(any::<u8>(), 1..5), extensions).prop_map(
        |(fixed, key_id, suites, extensions)| Shake {
            versions: fixed.0,
            router: fixed.1,
            key_id,
            instance: fixed.2,
            nonce: fixed.3,
            suites,
            max_frame: fixed.4,
            auth_timeout_s: fixed.5,
            ping_s: fixed.6,
            retry_after_s: fixed.7,
            extensions,
        },
    )
}

/// A packet of version 1 or 2 that owns its parts.
#[derive(Debug, Clone)]
pub(crate) struct OwnedPacket {
    version: Version,
    flags: u8,
    code: u8,
    sub: bool,
    cells: String,
    id: u32,
    event: String,
    value: Value,
}

impl OwnedPacket {
    pub(crate) fn packet(&self) -> Packet<'_> {
        let two = self.version == Version::V2;
        Packet {
            version: self.version,
            flags: self.flags,
            kind: Kind::from_code(self.version, self.code),
            policy: if two && self.sub { Policy::Sub } else { Policy::Add },
            cells: if two { &self.cells } else { "" },
            id: self.id,
            event: &self.event,
            value: self.value.as_ref(),
        }
    }
}

/// A packet of any kind, assigned or not, that its version can carry.
pub(crate) fn packet() -> impl Strategy<Value = OwnedPacket> {
    let version = select(&[Version::V1, Version::V2][..]);
    let code = prop_oneof![0_u8..=18, 99_u8..=116, 199_u8..=204, any::<u8>()];
    let event = prop_oneof![event(), "[a-c,|]{0,12}", "[a-c]{1,3}(,[a-c]{1,3}){0,2}\\|[a-c]{0,3}"];
    let value = value().prop_map(|value| match value {
        Value::Integer(value) => Value::Integer(value >> 16),
        Value::Object { bytes, .. } => Value::Object { format: FormatId::UNSPECIFIED, bytes },
        other => other,
    });
    (version, any::<u8>(), code, any::<bool>(), "[a-z|]{0,20}", id(), event, value).prop_map(
        |(version, flags, code, sub, cells, id, event, value)| OwnedPacket {
            version,
            flags,
            code,
            sub,
            cells,
            id,
            event,
            value,
        },
    )
}
