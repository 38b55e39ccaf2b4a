//! What is expected of each entry of the `reject` sections, by name.

use gatewire_codec::legacy::Kind;
use gatewire_codec::{DecodeError, Field, FrameError, Version};

/// The limit of an authenticated connection.
pub(crate) const LIMIT: u32 = 1 << 20;

/// What this codec says to a sequence.
#[derive(Debug)]
pub(crate) enum Rule {
    /// Refused from its four length bytes.
    Frame(FrameError),
    /// The frame is whole, and no packet.
    Decode(DecodeError),
    /// A packet of an unassigned kind, which has no meaning.
    Kind(u8),
    /// More bytes are needed. That they never come is for a timer to find.
    Incomplete,
    /// A good packet whose object is broken: found by the crate of the object's format.
    Object,
    /// Good packets, one outcome each. What they mean now is known to the session alone.
    Session(&'static [Outcome]),
}

/// What a packet of a sequence means.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A message of this kind.
    Is(&'static str),
    /// This kind cannot carry a value of this type.
    WrongType(Kind, u8),
    /// `targets|event` without `|`.
    NoTarget,
}

impl Outcome {
    pub(crate) fn in_version(&self, version: Version) -> Result<&'static str, DecodeError> {
        match *self {
            Self::Is(kind) => Ok(kind),
            Self::WrongType(kind, tag) => {
                let kind = kind.code(version).expect("the version has the kind");
                Err(DecodeError::WrongType { kind, tag })
            }
            Self::NoTarget => Err(DecodeError::BadValue { field: Field::Event }),
        }
    }
}

use Outcome::{Is, NoTarget, WrongType};
use Rule::{Decode, Incomplete, Object, Session};

const fn too_short(length: u32) -> Rule {
    Rule::Frame(FrameError::TooShort { length })
}

const fn too_large(length: u32) -> Rule {
    Rule::Frame(FrameError::TooLarge { length, limit: LIMIT })
}

const fn truncated(field: Field) -> Rule {
    Decode(DecodeError::Truncated { field })
}

const fn bad_length(field: Field, length: usize) -> Rule {
    Decode(DecodeError::BadLength { field, length })
}

const fn trailing(count: usize) -> Rule {
    Decode(DecodeError::TrailingBytes { count })
}

const fn no_utf8(field: Field) -> Rule {
    Decode(DecodeError::InvalidUtf8 { field })
}

const fn unknown_version(found: u8) -> Rule {
    Decode(DecodeError::UnknownVersion { found })
}

const fn wrong_version(found: u8, expected: u8) -> Rule {
    Decode(DecodeError::WrongVersion { found, expected })
}

const INTEGER: u8 = 3;
const OBJECT: u8 = 5;
const EMPTY: u8 = 7;

/// The rules that hold in both versions.
pub(crate) const RULES: &[(&str, Rule)] = &[
    ("length_too_small/0", too_short(0)),
    ("length_too_small/1", too_short(1)),
    // Two bytes are a frame for the framer, which serves version 3 as well; no packet has so few.
    ("length_too_small/2", truncated(Field::Header)),
    ("length_too_small/3", truncated(Field::Header)),
    ("length_too_small/4", truncated(Field::Header)),
    ("length_too_small/7", truncated(Field::Header)),
    ("length_too_small/8", truncated(Field::Header)),
    ("length_huge/ffffffff", too_large(0xffff_ffff)),
    ("length_huge/fffffffc", too_large(0xffff_fffc)),
    ("length_huge/80000000", too_large(0x8000_0000)),
    ("length_huge/7fffffff", too_large(0x7fff_ffff)),
    ("length_huge/40000000", too_large(0x4000_0000)),
    ("truncated/1", Incomplete),
    ("truncated/2", Incomplete),
    ("truncated/3", Incomplete),
    ("truncated/4", Incomplete),
    ("truncated/5", Incomplete),
    ("truncated/8", Incomplete),
    ("version/0", unknown_version(0)),
    ("version/127", unknown_version(127)),
    ("version/255", unknown_version(255)),
    ("event_len/one_past_end", truncated(Field::ValueLength)),
    ("event_len/65535", truncated(Field::Event)),
    ("event_len/exactly_end", truncated(Field::ValueLength)),
    ("data_len/string_one_past", truncated(Field::Value)),
    ("data_len/string_ffffffff", truncated(Field::Value)),
    ("data_len/binary_one_past", truncated(Field::Value)),
    ("data_len/object_one_past", truncated(Field::Value)),
    ("data_len/decimal_short", truncated(Field::Value)),
    ("data_len/decimal_4", bad_length(Field::Decimal, 4)),
    ("data_len/decimal_16", bad_length(Field::Decimal, 16)),
    ("data_len/decimal_0_no_bytes", bad_length(Field::Decimal, 0)),
    ("data_len/decimal_0_trailing_8", trailing(8)),
    ("data_len/int_0", bad_length(Field::Integer, 0)),
    ("data_len/int_7", bad_length(Field::Integer, 7)),
    ("data_len/int_8", bad_length(Field::Integer, 8)),
    ("data_len/int_6_short", truncated(Field::Value)),
    ("data_len/bool_0", bad_length(Field::Bool, 0)),
    ("data_len/bool_2", bad_length(Field::Bool, 2)),
    ("data_len/trailing_bytes", trailing(3)),
    ("utf8/event_invalid", no_utf8(Field::Event)),
    ("utf8/string_invalid", no_utf8(Field::String)),
    ("utf8/string_truncated_seq", no_utf8(Field::String)),
    ("utf8/string_overlong", no_utf8(Field::String)),
    ("utf8/string_surrogate", no_utf8(Field::String)),
    ("utf8/object_invalid", Object),
    ("json/bad", Object),
    ("json/empty", Object),
    ("json/deep_100k", Object),
    ("type/unknown_data_type", Decode(DecodeError::UnknownType { tag: 9 })),
    ("state/ack_unknown_id", Session(&[Is("ack")])),
    ("state/ack_proto_id", Session(&[Is("ack")])),
    ("state/stream_chunk_unknown_id", Session(&[Is("stream-chunk")])),
    ("state/stream_close_unknown_id", Session(&[Is("stream-finish")])),
    ("state/stream_chunk_int", Session(&[Is("stream-open"), WrongType(Kind::Stream, INTEGER)])),
    (
        "state/stream_chunk_after_close",
        Session(&[Is("stream-open"), Is("stream-finish"), Is("stream-chunk")]),
    ),
    (
        "state/stream_close_twice",
        Session(&[Is("stream-open"), Is("stream-finish"), Is("stream-finish")]),
    ),
    ("state/stream_unread_40k", Session(&[Is("stream-open"), Is("stream-chunk")])),
    (
        "state/stream_to_nobody_100k",
        Session(&[
            Is("stream-open"),
            Is("stream-chunk"),
            Is("stream-chunk"),
            Is("stream-chunk"),
            Is("stream-chunk"),
        ]),
    ),
    ("state/event_error", Session(&[Is("event")])),
    ("state/event_close", Session(&[Is("event")])),
    ("state/event_empty", Session(&[Is("event")])),
    ("state/event_proto", Session(&[Is("event")])),
    ("state/event_newListener", Session(&[Is("event")])),
    ("state/mt_error", Session(&[Is("error")])),
    ("state/register_again", Session(&[Is("register")])),
    ("state/join_int", Session(&[WrongType(Kind::JoinRoom, INTEGER)])),
    ("state/join_empty", Session(&[WrongType(Kind::JoinRoom, EMPTY)])),
    ("state/leave_object", Session(&[WrongType(Kind::LeaveRoom, OBJECT)])),
    ("state/join_proto", Session(&[Is("join")])),
    ("state/join_constructor", Session(&[Is("join")])),
    ("state/join_empty_name", Session(&[Is("join")])),
    ("state/leave_not_joined", Session(&[Is("leave")])),
    ("state/to_room_no_pipe", Session(&[NoTarget])),
    ("state/to_room_constructor", Session(&[Is("publish")])),
    ("state/to_socket_no_pipe", Session(&[NoTarget])),
    ("state/to_socket_unknown", Session(&[Is("publish")])),
    ("state/to_socket_proto", Session(&[Is("publish")])),
    ("state/to_socket_self", Session(&[Is("publish")])),
    ("state/to_socket_self_no_pipe", Session(&[NoTarget])),
    ("state/broadcast_event_undefined", Session(&[Is("publish")])),
];

/// The rules of version 1 alone.
pub(crate) const V1_RULES: &[(&str, Rule)] = &[
    ("length_too_small/13", truncated(Field::ValueLength)),
    ("truncated/22", Incomplete),
    ("version/2", wrong_version(2, 1)),
    ("version/3", wrong_version(3, 1)),
    ("type/unknown_message_type", Rule::Kind(18)),
];

/// The rules of version 2 alone.
pub(crate) const V2_RULES: &[(&str, Rule)] = &[
    ("length_too_small/15", truncated(Field::ValueLength)),
    ("truncated/24", Incomplete),
    ("version/1", wrong_version(1, 2)),
    ("version/3", wrong_version(3, 2)),
    ("type/unknown_message_type", Rule::Kind(116)),
    ("utf8/cells_invalid", no_utf8(Field::Cells)),
    ("cells_len/past_end", truncated(Field::Cells)),
    ("cells_len/exactly_end", truncated(Field::Header)),
    ("state/auth_seed_to_server", Session(&[Is("auth-seed")])),
    ("state/auth_seed_int", Session(&[WrongType(Kind::AuthSeed, INTEGER)])),
    ("state/uplink_msg", Session(&[Is("uplink")])),
    ("state/new_link_from_downlink", Session(&[Is("router-link")])),
    ("uplink/new_link_empty", Session(&[Is("router-link")])),
    ("uplink/new_link_cost_0", Session(&[Is("router-link")])),
    ("uplink/new_link_cost_negative", Session(&[Is("router-link")])),
    ("uplink/new_link_cost_missing", Session(&[Is("router-link")])),
    ("uplink/new_link_cost_string", Session(&[Is("router-link")])),
    ("uplink/new_link_proto", Session(&[Is("router-link")])),
    ("uplink/new_link_string", Session(&[Is("router-link")])),
    ("uplink/del_link_empty", Session(&[Is("router-link")])),
    ("uplink/del_link_unknown", Session(&[Is("router-link")])),
    ("uplink/join_empty", Session(&[Is("router-link")])),
    ("uplink/leave_empty", Session(&[Is("router-link")])),
    ("uplink/join_proto_room", Session(&[Is("router-link")])),
    ("uplink/join_ref_string", Session(&[Is("router-link")])),
    ("uplink/join_ref_negative", Session(&[Is("router-link")])),
    ("uplink/to_socket_unknown", Session(&[Is("router-link")])),
    ("uplink/to_socket_empty", Session(&[Is("router-link")])),
    ("uplink/to_room_no_rooms", Session(&[Is("router-link")])),
    ("uplink/broadcast_no_except", Session(&[Is("router-link")])),
    ("uplink/data_ignored", Session(&[Is("event")])),
    ("uplink/data_with_ack_ignored", Session(&[Is("request")])),
    ("uplink/cells_empty_sub", Session(&[Is("router-link")])),
    ("uplink/host_is_victim", Session(&[Is("router-link")])),
];
