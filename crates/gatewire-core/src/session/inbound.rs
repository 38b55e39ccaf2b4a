//! What comes in: frames become things that the application has to know.

use std::fmt;

use super::streams::{self, FlowError};
use gatewire_codec::{
    CloseCode, DecodeError, ErrorCode, Field, GoAwayCode, Message, NackCode, Names,
    ReceiverOutcome, StreamCode, Target, ValueRef, v3,
};

/// The receiving half of a session.
#[derive(Debug, Default)]
pub struct Inbound {
    closed: bool,
}

/// One message from the peer. It borrows the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Incoming<'f> {
    /// An event.
    Event {
        /// Its name.
        event: &'f str,
        /// What it carries.
        value: ValueRef<'f>,
    },
    /// An event that wants an answer: exactly one [`Outbound::ack`](super::Outbound::ack) or
    /// [`Outbound::nack`](super::Outbound::nack).
    Request {
        /// For the answer.
        id: u32,
        /// Its name.
        event: &'f str,
        /// What it carries.
        value: ValueRef<'f>,
    },
    /// An event for others. For the hub of a server.
    Publish {
        /// The receivers are asked; their answers go back under this id.
        request: Option<u32>,
        /// For whom.
        target: Target<'f>,
        /// Its name.
        event: &'f str,
        /// What it carries.
        value: ValueRef<'f>,
    },
    /// The peer joins rooms. For the hub of a server.
    Join {
        /// For the answer; 0: none is wanted.
        id: u32,
        /// Which.
        rooms: Names<'f>,
    },
    /// The peer leaves rooms.
    Leave {
        /// For the answer; 0: none is wanted.
        id: u32,
        /// Which.
        rooms: Names<'f>,
    },
    /// The peer leaves all rooms.
    LeaveAll {
        /// For the answer; 0: none is wanted.
        id: u32,
    },
    /// A request has an answer, or will have none.
    Answer {
        /// The request.
        id: u32,
        /// The answer.
        result: Result<ValueRef<'f>, Refused<'f>>,
    },
    /// The peer opens a stream.
    StreamOpen {
        /// The stream's.
        id: u32,
        /// `None`: this end reads it; else whom it is for, for the hub of a server.
        target: Option<Target<'f>>,
        /// The event's name.
        event: &'f str,
        /// What comes with it.
        info: ValueRef<'f>,
        /// Whether an answer is wanted: exactly one [`Outbound::ack`](super::Outbound::ack) or
        /// [`Outbound::nack`](super::Outbound::nack).
        ack: bool,
    },
    /// Bytes of a stream that the peer writes. Skip it if the stream is not open any more.
    StreamChunk {
        /// The stream's.
        id: u32,
        /// At least one.
        bytes: &'f [u8],
    },
    /// The end of a stream that the peer writes.
    StreamFinish {
        /// The stream's.
        id: u32,
        /// Its whole length.
        length: Option<u64>,
    },
    /// The peer gives up a stream that it writes.
    StreamReset {
        /// The stream's.
        id: u32,
        /// Why.
        code: StreamCode,
        /// For people.
        text: &'f str,
    },
    /// The peer reads no more of a stream that this end writes.
    StreamStop {
        /// The stream's.
        id: u32,
        /// Why.
        code: StreamCode,
        /// For people.
        text: &'f str,
    },
    /// A stream that this end writes may go on.
    StreamCredit {
        /// The stream's.
        id: u32,
        /// Up to here.
        limit: u64,
    },
    /// The PONG of [`Outbound::probe_stream`](super::Outbound::probe_stream).
    StreamProbed {
        /// The stream's.
        id: u32,
    },
    /// What became of one receiver of a stream to many that this end writes, or of a request to many.
    Outcome {
        /// The stream's or the request's.
        id: u32,
        /// The receiver, or a node.
        socket_id: &'f str,
        /// What became of it.
        outcome: ReceiverOutcome<'f>,
    },
    /// The server will close the connection soon.
    GoAway {
        /// Why.
        code: GoAwayCode,
        /// Reconnect at a random time within this many milliseconds.
        retry_window_ms: u32,
    },
    /// The peer has closed the connection; nothing follows.
    Closed {
        /// Why.
        code: CloseCode,
        /// For people.
        text: &'f str,
    },
    /// The peer refused something that wanted no answer.
    Error {
        /// The id of what was refused, or 0.
        id: u32,
        /// Why.
        code: ErrorCode,
        /// For people.
        text: &'f str,
    },
    /// The session's own business: hand it to
    /// [`Outbound::handle_control`](super::Outbound::handle_control).
    Control(Control),
}

/// Messages that the application never sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// To be answered.
    Ping {
        /// Goes back.
        token: u64,
    },
    /// The answer to a ping.
    Pong {
        /// The ping's.
        token: u64,
    },
    /// From a newer peer, and marked as harmless.
    Skipped,
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refused<'f> {
    /// The reason.
    pub code: NackCode,
    /// What the handler says, or a text for people.
    pub value: ValueRef<'f>,
}

/// The peer broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A frame is not a message. If only its value is at fault, the session can go on.
    Malformed(DecodeError),
    /// A message of the handshake, or of an older version, in an established session.
    Unexpected(&'static str),
    /// Frames after CLOSE.
    AfterClose,
    /// A stream did not keep to its credit or its length.
    Stream(FlowError),
    /// A stream was opened under the id of another that is open.
    StreamIdInUse(u32),
}

impl ProtocolError {
    /// Whether the connection must be closed. What is wrong inside one message (text that is not
    /// UTF-8, a value of an unknown type) costs that message only. A frame of the handshake has no
    /// place here, whatever else is wrong with it.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Malformed(DecodeError::UnknownType { .. }) => false,
            Self::Malformed(
                DecodeError::InvalidUtf8 { field }
                | DecodeError::BadValue { field }
                | DecodeError::BadLength { field, .. },
            ) => *field == Field::Handshake,
            _ => true,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "malformed message: {error}"),
            Self::Unexpected(kind) => write!(f, "a {kind} message has no place here"),
            Self::AfterClose => f.write_str("a message after the close"),
            Self::Stream(error) => error.fmt(f),
            Self::StreamIdInUse(id) => write!(f, "stream {id} was opened twice"),
        }
    }
}

impl std::error::Error for ProtocolError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Stream(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for ProtocolError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<FlowError> for ProtocolError {
    fn from(error: FlowError) -> Self {
        Self::Stream(error)
    }
}

impl Inbound {
    /// A half that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one frame (without its length prefix).
    ///
    /// # Errors
    ///
    /// [`ProtocolError`]. Unless it is fatal, the next frame can be handled.
    #[inline]
    pub fn handle<'f>(&mut self, frame: &'f [u8]) -> Result<Incoming<'f>, ProtocolError> {
        if self.closed {
            return Err(ProtocolError::AfterClose);
        }
        match v3::decode(frame) {
            Ok(Message::Event { event, value }) => Ok(Incoming::Event { event, value }),
            Ok(other) => self.handle_other(other),
            Err(DecodeError::UnknownKind { kind }) if v3::is_skippable(kind) => {
                Ok(Incoming::Control(Control::Skipped))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes an event or a request apart without reading its name, for a receiver that knows the names
    /// that it waits for; see [`v3::Named`]. `None`: [`handle`](Self::handle) the frame.
    #[inline]
    #[must_use]
    pub fn named<'f>(&self, frame: &'f [u8]) -> Option<v3::Named<'f>> {
        if self.closed { None } else { v3::Named::of(frame) }
    }

    fn handle_other<'f>(&mut self, message: Message<'f>) -> Result<Incoming<'f>, ProtocolError> {
        Ok(match message {
            Message::Event { event, value } => Incoming::Event { event, value },
            Message::Request { id, event, value } => Incoming::Request { id, event, value },
            Message::Ack { id, value } => Incoming::Answer { id, result: Ok(value) },
            Message::Nack { id, code, value } => {
                Incoming::Answer { id, result: Err(Refused { code, value }) }
            }
            Message::Publish { request, target, event, value } => {
                Incoming::Publish { request, target, event, value }
            }
            Message::Join { id, rooms } => Incoming::Join { id, rooms },
            Message::Leave { id, rooms } => Incoming::Leave { id, rooms },
            Message::LeaveAll { id } => Incoming::LeaveAll { id },
            Message::Ping { token } => Incoming::Control(Control::Ping { token }),
            Message::Pong { token } => match streams::probed(token) {
                Some(id) => Incoming::StreamProbed { id },
                None => Incoming::Control(Control::Pong { token }),
            },
            Message::StreamOpen { id, target, event, info, ack } => {
                Incoming::StreamOpen { id, target, event, info, ack }
            }
            Message::StreamChunk { id, bytes, .. } => Incoming::StreamChunk { id, bytes },
            Message::StreamFinish { id, length, .. } => Incoming::StreamFinish { id, length },
            Message::StreamReset { id, code, text } => Incoming::StreamReset { id, code, text },
            Message::StreamStop { id, code, text } => Incoming::StreamStop { id, code, text },
            Message::StreamCredit { id, limit } => Incoming::StreamCredit { id, limit },
            Message::Outcome { id, socket_id, outcome } => {
                Incoming::Outcome { id, socket_id, outcome }
            }
            Message::GoAway { code, retry_window_ms, .. } => {
                Incoming::GoAway { code, retry_window_ms }
            }
            Message::Close { code, text } => {
                self.closed = true;
                Incoming::Closed { code, text }
            }
            Message::Error { id, code, text } => Incoming::Error { id, code, text },
            other => return Err(ProtocolError::Unexpected(other.kind())),
        })
    }
}
