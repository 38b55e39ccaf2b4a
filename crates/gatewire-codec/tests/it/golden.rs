//! The golden frames of versions 1 and 2: reads the files, builds what they only describe.

use gatewire_codec::legacy::{Kind, Packet, Policy};
use gatewire_codec::{FormatId, Value, ValueRef, Version};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// One of the two files.
pub(crate) struct Golden {
    pub(crate) version: Version,
    json: Json,
}

impl Golden {
    pub(crate) fn of(version: Version) -> Self {
        let text = match version {
            Version::V1 => include_str!("../vectors/v1.json"),
            Version::V2 => include_str!("../vectors/v2.json"),
            Version::V3 => panic!("version 3 has a file of another shape"),
        };
        Self { version, json: parse(text) }
    }

    /// The entries of a section.
    pub(crate) fn section(&self, name: &str) -> &[Json] {
        list(&self.json[name])
    }

    /// The whole frame of an entry of `vectors`, length prefix included.
    pub(crate) fn frame(&self, entry: &Json) -> Vec<u8> {
        if entry["hex"].is_string() {
            return hex(&entry["hex"]);
        }
        let frame = Fields::of(self.version, &entry["fields"]).assemble();
        assert_eq!(frame.len() as u64, number(&entry["frame_len"]), "{}", name(entry));
        assert_eq!(frame[..64], hex(&entry["head_hex"]), "{}", name(entry));
        assert_eq!(sha256(&frame), text(&entry["frame_sha256"]), "{}", name(entry));
        frame
    }

    /// All vectors whose bytes are in the file, one after the other.
    pub(crate) fn stream(&self) -> Vec<u8> {
        let entries = self.section("vectors").iter().filter(|entry| entry["hex"].is_string());
        let stream: Vec<u8> = entries.flat_map(|entry| hex(&entry["hex"])).collect();
        assert_eq!(stream.len() as u64, number(&self.json["framing"]["concat_len"]));
        assert_eq!(sha256(&stream), text(&self.json["framing"]["concat_sha256"]));
        stream
    }

    /// `(chunk size, frames)` that the Node reader was seen to give for [`stream`](Self::stream).
    pub(crate) fn framing(&self) -> Vec<(usize, usize)> {
        let checks = list(&self.json["framing"]["checks"]).iter();
        checks.map(|check| (size(&check["chunk_size"]), size(&check["frames"]))).collect()
    }
}

/// The fields of a frame as the file lists them.
#[derive(Debug)]
pub(crate) struct Fields {
    version: Version,
    flags: u8,
    pub(crate) data_type: u8,
    code: u8,
    pub(crate) policy: u8,
    pub(crate) cells: String,
    id: u32,
    event: String,
    data: Data,
    pub(crate) data_len: usize,
}

#[derive(Debug)]
enum Data {
    Known(Value),
    /// A data type that nobody has assigned.
    Unknown,
}

impl Fields {
    pub(crate) fn of(version: Version, fields: &Json) -> Self {
        let byte = |name: &str| u8::try_from(number(&fields[name])).expect("one byte");
        let two = version == Version::V2;
        assert_eq!(byte("version"), version as u8);
        Self {
            version,
            flags: byte("flags"),
            data_type: byte("data_type"),
            code: byte("message_type"),
            policy: if two { byte("policy") } else { 1 },
            cells: if two { long_text(&fields["cells"]) } else { String::new() },
            id: u32::try_from(number(&fields["message_id"])).expect("32 bits"),
            event: long_text(&fields["event"]),
            data: data(&fields["data"]),
            data_len: size(&fields["data_len"]),
        }
    }

    /// The packet that says the same; `None`: its data type is unassigned.
    pub(crate) fn packet(&self) -> Option<Packet<'_>> {
        let Data::Known(value) = &self.data else {
            return None;
        };
        Some(Packet {
            version: self.version,
            flags: self.flags,
            kind: Kind::from_code(self.version, self.code),
            policy: if self.policy == 2 { Policy::Sub } else { Policy::Add },
            cells: &self.cells,
            id: self.id,
            event: &self.event,
            value: value.as_ref(),
        })
    }

    /// The frame, put together by hand from the layout in the protocol's description.
    fn assemble(&self) -> Vec<u8> {
        let Data::Known(value) = &self.data else { panic!("nobody writes unknown data") };
        let data = match value {
            Value::Empty => Vec::new(),
            Value::String(text) => text.clone().into_bytes(),
            Value::Binary(bytes) => bytes.to_vec(),
            other => panic!("long frames carry no {}", other.as_ref().kind()),
        };
        let mut body = vec![self.version as u8, self.flags, self.data_type, self.code];
        if self.version == Version::V2 {
            body.extend([self.policy, u8::try_from(self.cells.len()).expect("short")]);
            body.extend(self.cells.bytes());
        }
        body.extend(self.id.to_le_bytes());
        body.extend(u16::try_from(self.event.len()).expect("16 bits").to_le_bytes());
        body.extend(self.event.bytes());
        body.extend(u32::try_from(data.len()).expect("32 bits").to_le_bytes());
        body.extend(data);
        prefixed(&body)
    }
}

/// Asserts that two packets say the same, a NaN's bits included.
#[track_caller]
pub(crate) fn assert_same(found: &Packet<'_>, expected: &Packet<'_>, name: &str) {
    let bits = |packet: &Packet<'_>| match packet.value {
        ValueRef::Decimal(value) => Some(value.to_bits()),
        _ => None,
    };
    assert_eq!(bits(found), bits(expected), "{name}");
    let rest = |packet: &Packet<'_>| match packet.value {
        ValueRef::Decimal(_) => format!("{:?}", Packet { value: ValueRef::Empty, ..*packet }),
        _ => format!("{packet:?}"),
    };
    assert!(
        rest(found) == rest(expected),
        "{name}: {:.300} != {:.300}",
        rest(found),
        rest(expected)
    );
}

fn data(json: &Json) -> Data {
    Data::Known(match text(&json["type"]) {
        "string" if json["value"].is_string() => Value::String(text(&json["value"]).into()),
        "string" => Value::String(long_text(json)),
        "int" => Value::Integer(text(&json["value"]).parse().expect("digits")),
        "decimal" => {
            let bits = u64::from_str_radix(text(&json["bits"]), 16).expect("hex");
            Value::Decimal(f64::from_bits(bits))
        }
        "binary" if json["hex"].is_string() => Value::Binary(hex(&json["hex"]).into()),
        "binary" => {
            let bytes = pattern(size(&json["len"]));
            assert_eq!(sha256(&bytes), text(&json["sha256"]));
            Value::Binary(bytes.into())
        }
        "object" => Value::Object {
            format: FormatId::UNSPECIFIED,
            bytes: text(&json["text"]).as_bytes().to_vec().into(),
        },
        "bool" => Value::Bool(json["value"].as_bool().expect("a boolean")),
        "empty" => Value::Empty,
        "unknown" => return Data::Unknown,
        other => panic!("{other} is no type"),
    })
}

/// A text, or `{len, sha256, repeat: {unit, count}}`.
fn long_text(json: &Json) -> String {
    if let Some(short) = json.as_str() {
        return short.into();
    }
    let repeat = &json["repeat"];
    let long = text(&repeat["unit"]).repeat(size(&repeat["count"]));
    assert_eq!(long.len(), size(&json["len"]));
    assert_eq!(sha256(long.as_bytes()), text(&json["sha256"]));
    long
}

/// The bytes of the big binaries.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + 7 + (i >> 8)).to_le_bytes()[0]).collect()
}

/// `body` behind its length.
pub(crate) fn prefixed(body: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(body.len()).expect("32 bits").to_le_bytes().to_vec();
    frame.extend(body);
    frame
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn parse(file: &str) -> Json {
    serde_json::from_str(file).expect("the file is JSON")
}

pub(crate) fn name(entry: &Json) -> &str {
    text(&entry["name"])
}

#[track_caller]
pub(crate) fn text(json: &Json) -> &str {
    json.as_str().expect("a text")
}

#[track_caller]
pub(crate) fn number(json: &Json) -> u64 {
    json.as_u64().expect("a number")
}

#[track_caller]
pub(crate) fn size(json: &Json) -> usize {
    usize::try_from(number(json)).expect("a size")
}

#[track_caller]
pub(crate) fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

#[track_caller]
pub(crate) fn hex(json: &Json) -> Vec<u8> {
    let digits = text(json);
    assert!(digits.len().is_multiple_of(2), "whole bytes");
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}
