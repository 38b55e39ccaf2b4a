//! Why something did not happen. Each error says whether anything was sent.

use std::fmt;
use std::io;

use gatewire_cluster::LinkError;
use gatewire_codec::{CloseCode, EncodeError, FrameError, NackCode, Value};
use gatewire_core::handshake::HandshakeError;
use gatewire_core::hub::JoinError;
use gatewire_core::session::{ProtocolError, SendError};
use gatewire_format::FormatError;

/// A message was not queued. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmitError {
    /// There is no connection, and the client has no offline queue.
    NotConnected,
    /// The connection, the client or the server is closed.
    Closed,
    /// The send queue (or the offline queue) is full. Wait with `ready()`, or send less.
    QueueFull,
    /// The peer read too slowly and is being disconnected.
    SlowConsumer,
    /// The message is longer than the peer's limit.
    TooLarge {
        /// The frame's length in bytes.
        length: usize,
        /// The limit.
        limit: u32,
    },
    /// The wire cannot carry it: the event's name is too long.
    Encode(Box<EncodeError>),
    /// The value could not be encoded.
    Format(Box<FormatError>),
}

// Each layer hands it on: two words are returned in registers.
const _: () = assert!(size_of::<EmitError>() <= 16);

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("not connected"),
            Self::Closed => f.write_str("closed"),
            Self::QueueFull => f.write_str("the send queue is full"),
            Self::SlowConsumer => f.write_str("the peer reads too slowly"),
            Self::TooLarge { length, limit } => {
                write!(f, "a message of {length} bytes is longer than the limit of {limit}")
            }
            Self::Encode(error) => error.fmt(f),
            Self::Format(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EmitError {}

impl From<FormatError> for EmitError {
    fn from(error: FormatError) -> Self {
        Self::Format(Box::new(error))
    }
}

impl From<EncodeError> for EmitError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(Box::new(error))
    }
}

impl From<SendError> for EmitError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::QueueFull | SendError::TooManyRequests => Self::QueueFull,
            SendError::SlowConsumer => Self::SlowConsumer,
            SendError::TooLarge { length, limit } => Self::TooLarge { length, limit },
            SendError::Encode(error) => Self::Encode(error),
            // `Closed`, and what later versions of the core may add.
            _ => Self::Closed,
        }
    }
}

/// A request has no answer. The variants keep apart whether its handler can have run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RequestError {
    /// It was not sent; the handler did not run.
    NotSent(EmitError),
    /// It was sent, then the connection was lost, the node went out of reach or the router was closed; the handler
    /// may have run.
    MaybeDelivered,
    /// No answer came in time; the handler may have run, or run still.
    Timeout,
    /// Nobody listens for the event there.
    NoHandler,
    /// The handler refused, and says this.
    Rejected(Value),
    /// No socket has this id.
    NoSuchSocket,
    /// The peer could not decode the value; the handler did not run.
    Decode(String),
    /// The handler ran, but its answer could not be sent: not encodable, or the queue was full.
    Unanswered(String),
    /// The handler ran and answered, but the answer is not of the type asked for.
    BadAnswer(FormatError),
    /// The handler panicked.
    Panicked,
    /// The answer was longer than our limit.
    TooLarge,
    /// The permissions of the key, the server's bounds, or the [server's application](crate::authorize) do not
    /// allow it, and why; the handler did not run.
    Denied(String),
    /// The addressed socket's queue is full; the handler did not run.
    Busy,
    /// The node of the addressed socket cannot be reached, a router on the way could not pass the request on, or it
    /// came late; the handler did not run.
    Unreachable,
    /// The wire version of the peer, 1 or 2, cannot carry it, and why; the handler did not run.
    Untranslatable(String),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(error) => write!(f, "the request was not sent: {error}"),
            Self::MaybeDelivered => f.write_str("the connection was lost before the answer came"),
            Self::Timeout => f.write_str("no answer came in time"),
            Self::NoHandler => f.write_str("nobody listens for this event"),
            Self::Rejected(Value::String(text)) => write!(f, "rejected: {text}"),
            Self::Rejected(_) => f.write_str("rejected by the handler"),
            Self::NoSuchSocket => f.write_str("no such socket"),
            Self::Decode(text) => write!(f, "the peer could not decode the value: {text}"),
            Self::Unanswered(text) => write!(f, "the answer could not be sent: {text}"),
            Self::BadAnswer(error) => write!(f, "the answer could not be decoded: {error}"),
            Self::Panicked => f.write_str("the handler panicked"),
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::Denied(text) => write!(f, "denied: {text}"),
            Self::Busy => f.write_str("the addressed socket's queue is full"),
            Self::Unreachable => f.write_str("the node of the addressed socket cannot be reached"),
            Self::Untranslatable(text) => {
                write!(f, "the peer's wire version cannot carry it: {text}")
            }
        }
    }
}

impl std::error::Error for RequestError {}

impl RequestError {
    /// Whether the one who was asked is silent or gone, so that it is not known what it would have said.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::Timeout
                | Self::MaybeDelivered
                | Self::NoSuchSocket
                | Self::NotSent(EmitError::Closed | EmitError::NotConnected)
        )
    }

    /// The error for a peer's refusal.
    pub(crate) fn from_nack(code: NackCode, value: Value) -> Self {
        let text = |value| match value {
            Value::String(text) => text,
            _ => code.to_string(),
        };
        match code {
            NackCode::NoHandler => Self::NoHandler,
            NackCode::Decode => Self::Decode(text(value)),
            NackCode::Unanswered => Self::Unanswered(text(value)),
            NackCode::Panicked => Self::Panicked,
            NackCode::NoSuchSocket => Self::NoSuchSocket,
            NackCode::TooLarge => Self::TooLarge,
            NackCode::Denied => Self::Denied(text(value)),
            NackCode::Disconnected => Self::MaybeDelivered,
            NackCode::Timeout => Self::Timeout,
            NackCode::Busy => Self::Busy,
            NackCode::Unreachable => Self::Unreachable,
            NackCode::Untranslatable => Self::Untranslatable(text(value)),
            // `Rejected`, and codes of a newer peer.
            _ => Self::Rejected(value),
        }
    }

    /// The refusal that tells a third party of this error.
    pub(crate) fn to_nack(&self) -> (NackCode, Value) {
        match self {
            Self::NotSent(EmitError::QueueFull | EmitError::SlowConsumer) | Self::Busy => {
                (NackCode::Busy, Value::Empty)
            }
            Self::NotSent(EmitError::TooLarge { .. }) | Self::TooLarge => {
                (NackCode::TooLarge, Value::Empty)
            }
            Self::NotSent(_) | Self::NoSuchSocket => (NackCode::NoSuchSocket, Value::Empty),
            Self::MaybeDelivered => (NackCode::Disconnected, Value::Empty),
            Self::Timeout => (NackCode::Timeout, Value::Empty),
            Self::NoHandler => (NackCode::NoHandler, Value::Empty),
            Self::Rejected(value) => (NackCode::Rejected, value.clone()),
            Self::Decode(text) => (NackCode::Decode, Value::String(text.clone())),
            Self::Unanswered(text) => (NackCode::Unanswered, Value::String(text.clone())),
            Self::BadAnswer(error) => (NackCode::Unanswered, Value::String(error.to_string())),
            Self::Panicked => (NackCode::Panicked, Value::Empty),
            Self::Denied(text) => (NackCode::Denied, Value::String(text.clone())),
            Self::Unreachable => (NackCode::Unreachable, Value::Empty),
            Self::Untranslatable(text) => (NackCode::Untranslatable, Value::String(text.clone())),
        }
    }
}

/// A connection was not made.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address could not be resolved or reached, or the connection broke.
    Io(io::Error),
    /// The peer speaks gatewire but refused, or does not speak it.
    Handshake(HandshakeError),
    /// The peer sent something that is no frame.
    Frame(FrameError),
    /// The handshake took too long.
    Timeout,
    /// TLS could not be set up, or the peer does not speak it, or is not who it should be.
    #[cfg(feature = "tls")]
    Tls(crate::tls::TlsError),
    /// The client was closed, or is connected already.
    Closed,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::Frame(error) => write!(f, "the peer does not speak gatewire: {error}"),
            Self::Timeout => f.write_str("the handshake took too long"),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.fmt(f),
            Self::Closed => f.write_str("the client is closed"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Handshake(error) => Some(error),
            Self::Frame(error) => Some(error),
            #[cfg(feature = "tls")]
            Self::Tls(error) => Some(error),
            Self::Timeout | Self::Closed => None,
        }
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(error) = crate::tls::TlsError::of_io(&error) {
            return Self::Tls(error);
        }
        Self::Io(error)
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// This side closed it.
    Closed,
    /// This side left it in order and makes another, to authenticate anew.
    Reconnecting,
    /// The peer closed it and said why.
    ClosedByPeer {
        /// Why.
        code: CloseCode,
        /// For people.
        text: String,
    },
    /// The peer ended the TCP connection without a word.
    Lost,
    /// The TCP connection broke.
    Io(io::ErrorKind),
    /// The peer gave no sign of life.
    HeartbeatTimeout,
    /// The peer sent no event for the idle timeout.
    IdleTimeout,
    /// The peer read too slowly: the queue overflowed, or nothing was taken for the stall limit.
    SlowConsumer,
    /// The peer's key has expired, or was taken away.
    KeyExpired,
    /// The peer broke the protocol.
    Protocol(ProtocolError),
    /// The peer sent a frame that is too long or no frame.
    Frame(FrameError),
    /// The peer, a router, broke the protocol of the cluster, or cannot be a neighbour.
    Cluster(LinkError),
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Reconnecting => f.write_str("left for a new connection"),
            Self::ClosedByPeer { code, text } if text.is_empty() => {
                write!(f, "the peer closed the connection: {code}")
            }
            Self::ClosedByPeer { code, text } => {
                write!(f, "the peer closed the connection: {code} ({text})")
            }
            Self::Lost => f.write_str("the connection was lost"),
            Self::Io(kind) => write!(f, "the connection broke: {kind}"),
            Self::HeartbeatTimeout => f.write_str("the peer gave no sign of life"),
            Self::IdleTimeout => f.write_str("the peer was idle for too long"),
            Self::SlowConsumer => f.write_str("the peer read too slowly"),
            Self::KeyExpired => f.write_str("the key has expired"),
            Self::Protocol(error) => error.fmt(f),
            Self::Frame(error) => error.fmt(f),
            Self::Cluster(error) => error.fmt(f),
        }
    }
}

impl DisconnectReason {
    /// What the peer is told, where it can be told.
    pub(crate) fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Closed | Self::Reconnecting => Some(CloseCode::Normal),
            Self::IdleTimeout => Some(CloseCode::IdleTimeout),
            Self::SlowConsumer => Some(CloseCode::SlowConsumer),
            Self::KeyExpired => Some(CloseCode::GoingAway),
            Self::Protocol(_) | Self::Frame(FrameError::TooShort { .. }) | Self::Cluster(_) => {
                Some(CloseCode::Protocol)
            }
            Self::Frame(FrameError::TooLarge { .. }) => Some(CloseCode::TooLarge),
            Self::ClosedByPeer { .. } | Self::Lost | Self::Io(_) | Self::HeartbeatTimeout => None,
        }
    }
}

/// Something went wrong that no caller waits for. Handed to `on_error`, and logged.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// An event's value was not what its handler takes. The event was dropped.
    Decode {
        /// The event.
        event: String,
        /// What is wrong.
        error: FormatError,
    },
    /// A handler panicked. The event counts as dropped.
    HandlerPanicked {
        /// The event. `connect` and `authorize` also stand for the closures of these names.
        event: String,
        /// The panic's message.
        message: String,
    },
    /// A handler's answer could not be sent; the requester is told, if that fits.
    Answer {
        /// The event.
        event: String,
        /// What is wrong.
        error: EmitError,
    },
    /// The peer sent a message that is malformed or out of place. The message was dropped.
    Protocol(ProtocolError),
    /// The peer refused something that this side sent.
    Refused {
        /// Why.
        code: gatewire_codec::ErrorCode,
        /// For people.
        text: String,
    },
    /// The client could not connect; it tries again.
    Connect(String),
    /// A room could not be joined again after a reconnect.
    Join(JoinError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode { event, error } => write!(f, "event {event:?}: {error}"),
            Self::HandlerPanicked { event, message } => {
                write!(f, "the handler of {event:?} panicked: {message}")
            }
            Self::Answer { event, error } => write!(f, "the answer to {event:?}: {error}"),
            Self::Protocol(error) => error.fmt(f),
            Self::Refused { code, text } => write!(f, "the peer refused: {code} ({text})"),
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Join(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
