//! What can be emitted, and what a handler can take.

use bytes::Bytes;
use gatewire_codec::{ValueRef, share};

use crate::{FormatError, Formats};

/// Something that can be emitted or given as an answer.
///
/// Implemented for `()`, `bool`, integers, floats, `str`, `String`, `[u8]`, `[u8; N]`, `Vec<u8>`,
/// [`Bytes`], [`Value`](crate::Value), [`SocketId`](gatewire_codec::SocketId),
/// [`SocketAddress`](gatewire_codec::SocketAddress), `Option` of them (`None` is
/// empty), references to them, and [`Object`](crate::Object).
pub trait IntoValue {
    /// The value, borrowed from `self` or from the context's scratch memory.
    ///
    /// # Errors
    ///
    /// [`FormatError`]: the object's format refused, or an integer is above `i64::MAX`.
    fn to_value<'a>(&'a self, context: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError>;

    /// Whether [`to_value`](Self::to_value) writes to the context's scratch memory. If not, none that
    /// is kept is fetched for it. `true` is always right.
    #[inline]
    fn uses_scratch(&self) -> bool {
        true
    }
}

/// Something that a handler can take, or that a request can be answered with.
///
/// Numbers convert where nothing is lost: Node peers write `1.0` as an integer, and integers
/// beyond 48 bits travel as decimals.
pub trait FromValue: Sized {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`FormatError`]: another type, out of range, or the object's format refused.
    fn from_value(value: ValueRef<'_>, context: &DecodeContext<'_>) -> Result<Self, FormatError>;
}

/// What a handler may return: the answer to the request that it handled.
///
/// Everything that can be emitted is an answer; `Err` of a `Result` is a rejection, which the
/// requester sees as such. For an event that wants no answer it is dropped.
pub trait IntoAnswer {
    /// The answer, borrowed from `self` or from the context's scratch memory.
    ///
    /// # Errors
    ///
    /// As [`IntoValue::to_value`].
    fn to_answer<'a>(&'a self, context: EncodeContext<'a>) -> Result<Answer<'a>, FormatError>;

    /// As [`IntoValue::uses_scratch`].
    #[inline]
    fn uses_scratch(&self) -> bool {
        true
    }
}

/// How a request ends at its handler.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer<'a> {
    /// With a value.
    Ack(ValueRef<'a>),
    /// The handler refused, and says this.
    Rejected(ValueRef<'a>),
}

impl<T: IntoValue> IntoAnswer for T {
    fn to_answer<'a>(&'a self, context: EncodeContext<'a>) -> Result<Answer<'a>, FormatError> {
        self.to_value(context).map(Answer::Ack)
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        IntoValue::uses_scratch(self)
    }
}

impl<T: IntoValue, E: IntoValue> IntoAnswer for Result<T, E> {
    fn to_answer<'a>(&'a self, context: EncodeContext<'a>) -> Result<Answer<'a>, FormatError> {
        match self {
            Ok(value) => value.to_value(context).map(Answer::Ack),
            Err(refusal) => refusal.to_value(context).map(Answer::Rejected),
        }
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        match self {
            Ok(value) => value.uses_scratch(),
            Err(refusal) => refusal.uses_scratch(),
        }
    }
}

/// What an [`IntoValue`] may use.
#[derive(Debug)]
pub struct EncodeContext<'a> {
    pub(crate) formats: &'a Formats,
    pub(crate) event: &'a str,
    pub(crate) scratch: &'a mut Vec<u8>,
}

impl<'a> EncodeContext<'a> {
    /// `scratch` is emptied; objects are encoded into it. Keep it for the next value.
    pub fn new(formats: &'a Formats, event: &'a str, scratch: &'a mut Vec<u8>) -> Self {
        scratch.clear();
        Self { formats, event, scratch }
    }
}

/// What a [`FromValue`] may use.
#[derive(Debug, Clone, Copy)]
pub struct DecodeContext<'a> {
    pub(crate) formats: &'a Formats,
    pub(crate) event: &'a str,
    frame: Option<&'a Bytes>,
}

impl<'a> DecodeContext<'a> {
    /// Bytes that are taken out of the value are copied.
    #[must_use]
    pub fn new(formats: &'a Formats, event: &'a str) -> Self {
        Self { formats, event, frame: None }
    }

    /// The value borrows `frame`: bytes may share its memory instead of being copied.
    #[must_use]
    pub fn in_frame(self, frame: Option<&'a Bytes>) -> Self {
        Self { frame, ..self }
    }

    /// `slice` to keep: shared with the frame when it is most of it, copied when a few bytes would
    /// keep a large buffer alive.
    pub(crate) fn keep(&self, slice: &[u8]) -> Bytes {
        match self.frame {
            Some(frame) if slice.len() >= frame.len() / 2 => share(frame, slice),
            _ => Bytes::copy_from_slice(slice),
        }
    }
}
