//! What can become of a stream besides its end.

use std::{fmt, io};

use gatewire_codec::StreamCode;
use gatewire_core::session::ReadFailure;

use crate::error::{EmitError, RequestError};

/// A stream did not come to its end. As an [`io::Error`] it is the inner error of one whose kind is said
/// here for each variant.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamError {
    /// For a writer: the reader wants no more (`BrokenPipe`). With [`StreamCode::Enough`] it has what it
    /// wanted, and [`finish`](crate::StreamWriter::finish) still gives its answer.
    Stopped {
        /// Why.
        code: StreamCode,
        /// For people.
        text: String,
    },
    /// For a reader: the writer gave up; what came before could be read (`ConnectionReset`).
    Reset {
        /// Why.
        code: StreamCode,
        /// For people.
        text: String,
    },
    /// The connection ended before the stream did (`ConnectionAborted`).
    Disconnected,
    /// For a writer: it was shut down before (`BrokenPipe`).
    Finished,
    /// For a writer: the stream was not opened, was refused, or has no answer (`Other`, or `TimedOut`).
    Refused(RequestError),
}

impl StreamError {
    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Stopped { .. } | Self::Finished => io::ErrorKind::BrokenPipe,
            Self::Reset { .. } => io::ErrorKind::ConnectionReset,
            Self::Disconnected => io::ErrorKind::ConnectionAborted,
            Self::Refused(RequestError::Timeout) => io::ErrorKind::TimedOut,
            Self::Refused(_) => io::ErrorKind::Other,
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (who, code, text) = match self {
            Self::Stopped { code, text } => ("the reader stopped the stream", code, text),
            Self::Reset { code, text } => ("the writer gave the stream up", code, text),
            Self::Disconnected => return f.write_str("the connection ended before the stream did"),
            Self::Finished => return f.write_str("the stream was shut down before"),
            Self::Refused(error) => return error.fmt(f),
        };
        if text.is_empty() {
            write!(f, "{who}: {code}")
        } else {
            write!(f, "{who}: {code} ({text})")
        }
    }
}

impl std::error::Error for StreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        Self::new(error.kind(), error)
    }
}

impl From<ReadFailure> for StreamError {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Reset { code, text } => Self::Reset { code, text: text.into() },
            ReadFailure::Disconnected => Self::Disconnected,
        }
    }
}

impl From<RequestError> for StreamError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::MaybeDelivered => Self::Disconnected,
            error => Self::Refused(error),
        }
    }
}

impl From<EmitError> for StreamError {
    fn from(error: EmitError) -> Self {
        Self::Refused(RequestError::NotSent(error))
    }
}
