//! Values as the JSON between routers, and back.
//!
//! | value | JSON | and back |
//! |---|---|---|
//! | empty | no key | empty, and so is `null` |
//! | boolean, string | the same | the same |
//! | integer | its digits | an integer; a decimal outside of 64 bits |
//! | decimal | as JavaScript writes it; `null` for NaN and the infinities | a decimal, an integer if it is integral |
//! | binary | `{"type":"Buffer","data":[1,2,255]}` | binary |
//! | object | its JSON | an object in JSON |
//!
//! An original that receives binary from a router gets that object, and so do its clients. An integer above 2^53 loses its
//! last digits there.

use bytes::Bytes;
use gatewire_codec::{FormatId, Value, ValueRef};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::error::PublishError;

/// A value as it stands in a packet. `None`: it has no key there.
pub(super) fn to_json(value: ValueRef<'_>) -> Result<Option<Box<RawValue>>, PublishError> {
    let json = match value {
        ValueRef::Empty => return Ok(None),
        ValueRef::Bool(value) => to_raw_value(&value),
        ValueRef::Integer(value) => to_raw_value(&value),
        ValueRef::Decimal(value) => match integral(value) {
            Some(value) => to_raw_value(&value),
            None => to_raw_value(&value),
        },
        ValueRef::String(text) => to_raw_value(text),
        ValueRef::Binary(bytes) => {
            to_raw_value(&Buffer { kind: BUFFER.into(), data: bytes.into() })
        }
        ValueRef::Object { format: FormatId::JSON | FormatId::UNSPECIFIED, bytes } => {
            let json: Result<&RawValue, _> = serde_json::from_slice(bytes);
            json.map(ToOwned::to_owned)
        }
        ValueRef::Object { format, .. } => return Err(PublishError::Format(format)),
    };
    json.map(Some).map_err(|_| PublishError::NotJson)
}

/// The value that stands in a packet.
pub(super) fn from_json(json: Option<&RawValue>) -> Value {
    let Some(json) = json else { return Value::Empty };
    let text = json.get();
    let object =
        || Value::Object { format: FormatId::JSON, bytes: Bytes::copy_from_slice(text.as_bytes()) };
    match text.as_bytes().first() {
        None | Some(b'n') => Value::Empty,
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'"') => serde_json::from_str(text)
            .or_else(|_| serde_json::from_str(&without_lone_surrogates(text)))
            .map_or_else(|_| object(), Value::String),
        Some(b'{') => match serde_json::from_str::<Buffer<'_>>(text) {
            Ok(buffer) if buffer.kind == BUFFER => Value::Binary(buffer.data.into_owned().into()),
            _ => object(),
        },
        Some(b'[') => object(),
        Some(_) => number(text).unwrap_or_else(object),
    }
}

/// What `JSON.stringify` makes of a Node buffer.
#[derive(Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
struct Buffer<'a> {
    #[serde(rename = "type")]
    kind: std::borrow::Cow<'a, str>,
    data: std::borrow::Cow<'a, [u8]>,
}

const BUFFER: &str = "Buffer";

fn number(text: &str) -> Option<Value> {
    if let Ok(value) = text.parse() {
        return Some(Value::Integer(value));
    }
    let value: f64 = text.parse().ok()?;
    Some(integral(value).map_or(Value::Decimal(value), Value::Integer))
}

/// A decimal without a fraction, which is an integer in JavaScript.
#[expect(clippy::cast_possible_truncation, reason = "integral and inside of 64 bits")]
fn integral(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < TWO_63).then_some(value as i64)
}

const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// JavaScript writes half of a pair as `\ud800`, which stands for no character: it becomes U+FFFD, as it does where the
/// originals write UTF-8.
fn without_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let length = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push('\u{fffd}');
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            // An escape of two characters; the JSON was read before, so the second is ASCII.
            (None, _) => 2,
        };
        out.push_str(escape.get(..length).unwrap_or(escape));
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The number in `\uXXXX`.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
