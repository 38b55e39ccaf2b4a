//! A message of version 3 that owns its parts, so that it can be read from a file or made up.

use bytes::BytesMut;
use gatewire_codec::v3::handshake::{
    Accept, Challenge, Extensions, Hello, Proof, Role, put_extension,
};
use gatewire_codec::{
    CloseCode, ErrorCode, FormatId, GoAwayCode, Message, NackCode, Names, ReceiverOutcome,
    RejectCode, StreamCode, Target, Value,
};
use serde_json::Value as Json;

use crate::golden::{hex, list, number, text};

/// The parts of a message of any kind. What the kind does not use stays at its default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) kind: String,
    pub(crate) id: u32,
    pub(crate) request: Option<u32>,
    pub(crate) token: u64,
    pub(crate) code: u8,
    pub(crate) retry_window_ms: u32,
    pub(crate) event: String,
    pub(crate) text: String,
    pub(crate) value: Value,
    pub(crate) everyone: bool,
    pub(crate) include_self: bool,
    pub(crate) rooms: Vec<String>,
    pub(crate) sockets: Vec<String>,
    pub(crate) except_rooms: Vec<String>,
    pub(crate) except_sockets: Vec<String>,
    pub(crate) stream: Stream,
    pub(crate) shake: Shake,
}

/// The parts of a stream's frame that no other frame has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream {
    pub(crate) ack: bool,
    pub(crate) targeted: bool,
    pub(crate) bytes: Vec<u8>,
    pub(crate) offset: u64,
    pub(crate) socket_id: String,
    pub(crate) status: &'static str,
}

/// The parts of a handshake frame.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shake {
    pub(crate) versions: [u8; 2],
    pub(crate) router: bool,
    pub(crate) key_id: String,
    pub(crate) instance: [u8; 16],
    pub(crate) nonce: [u8; 32],
    pub(crate) suites: Vec<u8>,
    pub(crate) max_frame: u32,
    pub(crate) auth_timeout_s: u16,
    pub(crate) ping_s: u16,
    pub(crate) retry_after_s: u16,
    pub(crate) extensions: Vec<(u8, Vec<u8>)>,
}

/// All kinds of version 3.
pub(crate) const KINDS: [&str; 25] = [
    "hello",
    "challenge",
    "proof",
    "accept",
    "reject",
    "ping",
    "pong",
    "goaway",
    "close",
    "error",
    "event",
    "request",
    "ack",
    "nack",
    "publish",
    "join",
    "leave",
    "leave-all",
    "stream-open",
    "stream-finish",
    "stream-reset",
    "stream-stop",
    "stream-credit",
    "outcome",
    "stream-chunk",
];

/// How one receiver ends, or begins.
pub(crate) const STATUSES: [&str; 5] = ["answered", "refused", "stopped", "asked", "unreachable"];

impl Draft {
    /// Reads a description as it stands in `v3.json`.
    pub(crate) fn of(json: &Json) -> Self {
        let strings = |name: &str| match &json[name] {
            Json::Null => Vec::new(),
            names => list(names).iter().map(|name| text(name).to_owned()).collect(),
        };
        let string = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        let flag = |name: &str| json[name].as_bool().unwrap_or_default();
        let id = |json: &Json| u32::try_from(number(json)).expect("32 bits");
        Self {
            kind: string("kind"),
            id: optional(&json["id"]),
            request: json["request"].is_number().then(|| id(&json["request"])),
            token: digits(&json["token"]),
            code: optional(&json["code"]),
            retry_window_ms: optional(&json["retry_window_ms"]),
            event: string("event"),
            text: string("text"),
            value: value(&json["value"]),
            everyone: flag("everyone"),
            include_self: flag("include_self"),
            rooms: strings("rooms"),
            sockets: strings("sockets"),
            except_rooms: strings("except_rooms"),
            except_sockets: strings("except_sockets"),
            stream: Stream::of(json),
            shake: Shake::of(json),
        }
    }

    /// Hands the message to `use_it`. (It borrows, so it cannot be returned.)
    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&Message<'_>) -> R) -> R {
        let Self { id, code, ref event, ref text, .. } = *self;
        let value = self.value.as_ref();
        let rooms = Names::from_strings(&self.rooms);
        let message = match self.kind.as_str() {
            "ping" => Message::Ping { token: self.token },
            "pong" => Message::Pong { token: self.token },
            "goaway" => {
                let (code, retry_window_ms) = (GoAwayCode::from_u8(code), self.retry_window_ms);
                Message::GoAway { code, retry_window_ms, text }
            }
            "close" => Message::Close { code: CloseCode::from_u8(code), text },
            "error" => Message::Error { id, code: ErrorCode::from_u8(code), text },
            "event" => Message::Event { event, value },
            "request" => Message::Request { id, event, value },
            "ack" => Message::Ack { id, value },
            "nack" => Message::Nack { id, code: NackCode::from_u8(code), value },
            "publish" => {
                Message::Publish { request: self.request, target: self.target(), event, value }
            }
            "join" => Message::Join { id, rooms },
            "leave" => Message::Leave { id, rooms },
            "leave-all" => Message::LeaveAll { id },
            kind if kind.starts_with("stream-") || kind == "outcome" => {
                return self.with_stream(use_it);
            }
            _ => return self.with_handshake(use_it),
        };
        use_it(&message)
    }

    fn target(&self) -> Target<'_> {
        Target {
            everyone: self.everyone,
            rooms: Names::from_strings(&self.rooms),
            sockets: Names::from_strings(&self.sockets),
            except_rooms: Names::from_strings(&self.except_rooms),
            except_sockets: Names::from_strings(&self.except_sockets),
            include_self: self.include_self,
        }
    }

    fn with_stream<R>(&self, use_it: impl FnOnce(&Message<'_>) -> R) -> R {
        let Stream { ack, targeted, ref bytes, offset, ref socket_id, status } = self.stream;
        // No stream has the id 0.
        let id = self.id.max(1);
        let (code, text) = (StreamCode::from_u8(self.code), &*self.text);
        let value = self.value.as_ref();
        use_it(&match self.kind.as_str() {
            "stream-open" => {
                let target = targeted.then(|| self.target());
                Message::StreamOpen { id, target, event: &self.event, info: value, ack }
            }
            "stream-finish" => Message::StreamFinish { id, event: "", length: Some(offset) },
            "stream-reset" => Message::StreamReset { id, code, text },
            "stream-stop" => Message::StreamStop { id, code, text },
            "stream-credit" => Message::StreamCredit { id, limit: offset },
            "outcome" => {
                let outcome = match status {
                    "answered" => ReceiverOutcome::Answered(value),
                    "refused" => {
                        ReceiverOutcome::Refused { code: NackCode::from_u8(self.code), value }
                    }
                    "asked" => ReceiverOutcome::Asked,
                    "unreachable" => ReceiverOutcome::Unreachable,
                    _ => ReceiverOutcome::Stopped { code },
                };
                Message::Outcome { id, socket_id, outcome }
            }
            "stream-chunk" => Message::StreamChunk { id, event: "", bytes },
            other => panic!("version 3 has no {other}"),
        })
    }

    fn with_handshake<R>(&self, use_it: impl FnOnce(&Message<'_>) -> R) -> R {
        let shake = &self.shake;
        let mut list = BytesMut::new();
        for (tag, value) in &shake.extensions {
            put_extension(&mut list, *tag, value).expect("short");
        }
        let extensions = Extensions::new(&list).expect("well-formed");
        use_it(&match self.kind.as_str() {
            "hello" => Message::Hello(Hello {
                min_version: shake.versions[0],
                max_version: shake.versions[1],
                role: if shake.router { Role::Router } else { Role::Client },
                key_id: &shake.key_id,
                instance: shake.instance,
                nonce: shake.nonce,
                suites: &shake.suites,
                extensions,
            }),
            "challenge" => Message::Challenge(Challenge {
                version: shake.versions[0],
                suite: shake.suites[0],
                instance: shake.instance,
                nonce: shake.nonce,
                max_frame: shake.max_frame,
                auth_timeout_s: shake.auth_timeout_s,
                ping_s: shake.ping_s,
                extensions,
            }),
            "proof" => Message::Proof(Proof { extensions, mac: shake.nonce }),
            "accept" => {
                Message::Accept(Accept { session_id: shake.instance, extensions, mac: shake.nonce })
            }
            "reject" => Message::Reject {
                code: RejectCode::from_u8(self.code),
                retry_after_s: shake.retry_after_s,
            },
            other => panic!("version 3 has no {other}"),
        })
    }
}

impl Stream {
    fn of(json: &Json) -> Self {
        let flag = |name: &str| json[name].as_bool().unwrap_or_default();
        let status = json["status"].as_str().unwrap_or("answered");
        Self {
            ack: flag("ack"),
            targeted: flag("targeted"),
            bytes: if json["bytes"].is_string() { hex(&json["bytes"]) } else { Vec::new() },
            offset: digits(&json["offset"]),
            socket_id: json["socket_id"].as_str().unwrap_or_default().to_owned(),
            status: STATUSES.into_iter().find(|known| *known == status).expect("a status"),
        }
    }
}

impl Shake {
    fn of(json: &Json) -> Self {
        let extension = |entry: &Json| (optional(&entry[0]), hex(&entry[1]));
        Self {
            versions: match &json["version"] {
                Json::Null => [optional(&json["min_version"]), optional(&json["max_version"])],
                version => [optional(version); 2],
            },
            router: json["role"] == "router",
            key_id: json["key_id"].as_str().unwrap_or_default().to_owned(),
            instance: array(&[&json["instance"], &json["session_id"]]),
            nonce: array(&[&json["nonce"], &json["mac"]]),
            suites: match (&json["suites"], &json["suite"]) {
                (Json::Array(suites), _) => suites.iter().map(optional).collect(),
                (_, suite) => vec![optional(suite)],
            },
            max_frame: optional(&json["max_frame"]),
            auth_timeout_s: optional(&json["auth_timeout_s"]),
            ping_s: optional(&json["ping_s"]),
            retry_after_s: optional(&json["retry_after_s"]),
            extensions: match &json["extensions"] {
                Json::Null => Vec::new(),
                extensions => list(extensions).iter().map(extension).collect(),
            },
        }
    }
}

/// The bytes of the field that is there.
fn array<const N: usize>(fields: &[&Json]) -> [u8; N] {
    let field = fields.iter().find(|field| field.is_string());
    field.map_or([0; N], |field| hex(field).try_into().expect("the right size"))
}

/// A number of 64 bits, written as a text, or 0 where there is none.
fn digits(json: &Json) -> u64 {
    json.as_str().map_or(0, |digits| digits.parse().expect("digits"))
}

/// A number, or 0 where there is none.
fn optional<T: TryFrom<u64> + Default>(json: &Json) -> T {
    let Some(number) = json.as_u64() else {
        return T::default();
    };
    T::try_from(number).unwrap_or_else(|_| panic!("{number} is too large"))
}

fn value(json: &Json) -> Value {
    if json.is_null() {
        return Value::Empty;
    }
    let bytes = || match &json["text"] {
        Json::String(text) => text.clone().into_bytes(),
        _ => hex(&json["hex"]),
    };
    match text(&json["type"]) {
        "empty" => Value::Empty,
        "bool" => Value::Bool(json["value"].as_bool().expect("a boolean")),
        "integer" => Value::Integer(text(&json["value"]).parse().expect("digits")),
        "decimal" => {
            let bits = u64::from_str_radix(text(&json["bits"]), 16).expect("hex");
            Value::Decimal(f64::from_bits(bits))
        }
        "string" => Value::String(text(&json["value"]).to_owned()),
        "binary" => Value::Binary(bytes().into()),
        "object" => {
            Value::Object { format: FormatId(optional(&json["format"])), bytes: bytes().into() }
        }
        other => panic!("{other} is no type"),
    }
}
