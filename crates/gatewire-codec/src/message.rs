//! The one message model. All wire versions are translated to and from it.

use crate::code::{CloseCode, ErrorCode, GoAwayCode, NackCode, RejectCode, StreamCode};
use crate::legacy;
use crate::names::Names;
use crate::v3::handshake::{Accept, Challenge, Hello, Proof};
use crate::value::ValueRef;

/// Whom a published message is for.
///
/// The receivers are the union of everyone, the members of `rooms` and `sockets`; a socket that is
/// named in several ways receives once. Then `except_*` are taken away, and the sender itself
/// unless `include_self`. An empty list is nobody, never everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Target<'a> {
    /// All sockets (`MT_DATA_BROADCAST` of the Node packages).
    pub everyone: bool,
    /// The members of these rooms (`MT_DATA_TO_ROOM`).
    pub rooms: Names<'a>,
    /// The sockets with these ids (`MT_DATA_TO_SOCKET`).
    pub sockets: Names<'a>,
    /// Not the members of these rooms.
    pub except_rooms: Names<'a>,
    /// Not the sockets with these ids.
    pub except_sockets: Names<'a>,
    /// Also the sender, if it is among the receivers. Sockets named by id always receive.
    pub include_self: bool,
}

/// A message, borrowed from the frame it came in.
///
/// Which kinds a version can carry: handshake frames, `Ping` to `Error`, `Nack` and targets that mix
/// lists, exceptions or `include_self` exist in version 3 only, and so do `StreamReset` to
/// `Outcome`; `AuthSeed` to `Downlink` and `Register` in versions 1 and 2 only. Encoding a message for a version that has no such thing
/// is [`EncodeError::Unsupported`](crate::EncodeError::Unsupported).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// First frame of a version 3 handshake, from the side that dialled.
    Hello(Hello<'a>),
    /// Answer to [`Message::Hello`].
    Challenge(Challenge<'a>),
    /// The dialler's proof.
    Proof(Proof<'a>),
    /// The listener's proof, and the session's id.
    Accept(Accept<'a>),
    /// The handshake was refused.
    Reject {
        /// Why.
        code: RejectCode,
        /// Do not try again for this long.
        retry_after_s: u16,
    },

    /// Are you there? The peer answers with the same token.
    Ping {
        /// Any number.
        token: u64,
    },
    /// Answer to [`Message::Ping`].
    Pong {
        /// The token of the ping.
        token: u64,
    },
    /// The server will close this connection soon.
    GoAway {
        /// Why.
        code: GoAwayCode,
        /// Reconnect at a random time within this many milliseconds.
        retry_window_ms: u32,
        /// For people.
        text: &'a str,
    },
    /// The last frame of a connection.
    Close {
        /// Why.
        code: CloseCode,
        /// For people.
        text: &'a str,
    },
    /// Something was refused that asked for no answer.
    Error {
        /// The id of the message that was refused, or 0.
        id: u32,
        /// Why.
        code: ErrorCode,
        /// For people.
        text: &'a str,
    },

    /// A named event.
    Event {
        /// Its name.
        event: &'a str,
        /// What it carries.
        value: ValueRef<'a>,
    },
    /// A named event that wants an answer.
    Request {
        /// Comes back in the answer. Never 0 from gatewire; a peer's 0 is answered with 0.
        id: u32,
        /// Its name.
        event: &'a str,
        /// What it carries.
        value: ValueRef<'a>,
    },
    /// The answer to a request.
    Ack {
        /// The id of the request.
        id: u32,
        /// The answer.
        value: ValueRef<'a>,
    },
    /// There will be no answer to a request.
    Nack {
        /// The id of the request.
        id: u32,
        /// Why.
        code: NackCode,
        /// With [`NackCode::Rejected`] what the handler says; else empty or a text for people.
        value: ValueRef<'a>,
    },
    /// An event for others, sent by a client through its server.
    Publish {
        /// Present: each receiver is asked, and its answer comes back under this id.
        request: Option<u32>,
        /// For whom.
        target: Target<'a>,
        /// The event's name.
        event: &'a str,
        /// What it carries.
        value: ValueRef<'a>,
    },
    /// The sender joins rooms.
    Join {
        /// Version 3: answered by `Ack` or `Nack` with this id, unless 0.
        id: u32,
        /// Which rooms.
        rooms: Names<'a>,
    },
    /// The sender leaves rooms.
    Leave {
        /// As in [`Message::Join`].
        id: u32,
        /// Which rooms.
        rooms: Names<'a>,
    },
    /// The sender leaves all its rooms.
    LeaveAll {
        /// As in [`Message::Join`].
        id: u32,
    },

    /// Opens a stream: bytes from the sender of this message, behind the named event.
    StreamOpen {
        /// The stream's id. Never 0 in version 3.
        id: u32,
        /// For whom, through the server; `None`: for the peer itself.
        target: Option<Target<'a>>,
        /// The event's name.
        event: &'a str,
        /// What comes with the stream.
        info: ValueRef<'a>,
        /// Whether the stream is to be acknowledged.
        ack: bool,
    },
    /// Bytes of a stream.
    StreamChunk {
        /// The stream's id.
        id: u32,
        /// Versions 1 and 2: the event string of the open frame, with its `targets|` prefix. Version 3
        /// does not write it, and reads it as empty.
        event: &'a str,
        /// The bytes. Version 3: 1 to [`MAX_CHUNK`](crate::v3::MAX_CHUNK).
        bytes: &'a [u8],
    },
    /// The end of a stream (`MT_STREAM_CLOSE` of the Node packages): all bytes were sent.
    StreamFinish {
        /// The stream's id.
        id: u32,
        /// As in [`Message::StreamChunk`].
        event: &'a str,
        /// Version 3: how many bytes the stream has. Versions 1 and 2 do not say it: `None` when
        /// read, ignored when written.
        length: Option<u64>,
    },
    /// The sender of a stream gives it up. What has arrived may still be read, and then this.
    StreamReset {
        /// The stream's id.
        id: u32,
        /// Why.
        code: StreamCode,
        /// For people.
        text: &'a str,
    },
    /// The reader of a stream wants no more of it.
    StreamStop {
        /// The stream's id.
        id: u32,
        /// Why.
        code: StreamCode,
        /// For people.
        text: &'a str,
    },
    /// The reader of a stream is ready for more of it.
    StreamCredit {
        /// The stream's id.
        id: u32,
        /// How many bytes of the stream may be sent in all, counted from its beginning.
        limit: u64,
    },
    /// What became of one receiver of a stream or a request that goes to many.
    Outcome {
        /// The id of the stream or of the publish.
        id: u32,
        /// The receiver's address: its id, or in a cluster `node/id`. With
        /// [`ReceiverOutcome::Unreachable`] the name of the node.
        socket_id: &'a str,
        /// Its end, or its beginning.
        outcome: ReceiverOutcome<'a>,
    },

    /// Versions 1 and 2: the id that the server gives to a client (`MT_REGISTER`).
    Register {
        /// The socket id.
        socket_id: &'a str,
    },
    /// Version 2: the string to authenticate (`MT_AUTH_SEED`).
    AuthSeed {
        /// 32 letters and digits.
        seed: &'a str,
    },
    /// Version 2: the proof (`MT_AUTH_HMAC`).
    AuthHmac {
        /// HMAC-SHA256 of the seed in 64 lower-case hexadecimal digits.
        hmac: &'a str,
    },
    /// Version 2: the peer is a router (`MT_UPLINK`).
    Uplink {
        /// Its host name.
        host: &'a str,
    },
    /// Version 2: the peer is a client (`MT_DOWNLINK`).
    Downlink,
    /// Version 2: what routers tell each other, as it stands on the wire.
    RouterLink(legacy::Packet<'a>),
}

/// What became of one receiver of a stream or a request to many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReceiverOutcome<'a> {
    /// Its handler answered.
    Answered(ValueRef<'a>),
    /// There will be no answer from it.
    Refused {
        /// Why.
        code: NackCode,
        /// As in [`Message::Nack`].
        value: ValueRef<'a>,
    },
    /// It was left out, or wants no more. Streams only.
    Stopped {
        /// Why.
        code: StreamCode,
    },
    /// It is asked, and another outcome follows. Requests only.
    Asked,
    /// A node of the cluster cannot be reached: which receivers it has is not known. Requests only.
    Unreachable,
}

impl Message<'_> {
    /// A short name for logs and sniffers.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Challenge(_) => "challenge",
            Self::Proof(_) => "proof",
            Self::Accept(_) => "accept",
            Self::Reject { .. } => "reject",
            Self::Ping { .. } => "ping",
            Self::Pong { .. } => "pong",
            Self::GoAway { .. } => "goaway",
            Self::Close { .. } => "close",
            Self::Error { .. } => "error",
            Self::Event { .. } => "event",
            Self::Request { .. } => "request",
            Self::Ack { .. } => "ack",
            Self::Nack { .. } => "nack",
            Self::Publish { .. } => "publish",
            Self::Join { .. } => "join",
            Self::Leave { .. } => "leave",
            Self::LeaveAll { .. } => "leave-all",
            Self::StreamOpen { .. } => "stream-open",
            Self::StreamChunk { .. } => "stream-chunk",
            Self::StreamFinish { .. } => "stream-finish",
            Self::StreamReset { .. } => "stream-reset",
            Self::StreamStop { .. } => "stream-stop",
            Self::StreamCredit { .. } => "stream-credit",
            Self::Outcome { .. } => "outcome",
            Self::Register { .. } => "register",
            Self::AuthSeed { .. } => "auth-seed",
            Self::AuthHmac { .. } => "auth-hmac",
            Self::Uplink { .. } => "uplink",
            Self::Downlink => "downlink",
            Self::RouterLink(_) => "router-link",
        }
    }
}
