//! Events and requests whose name is recognised, not read.
//!
//! Most messages of a connection carry one of a few names. To a receiver that remembers those, the
//! name of the next message is a few bytes to compare: they need not be checked for UTF-8 again, nor
//! looked up.

use super::kind::{EVENT, REQUEST};
use super::{VERSION, value};
use crate::error::{DecodeError, Field};
use crate::read::Reader;
use crate::value::ValueRef;

/// An EVENT or a REQUEST, taken apart but not checked: the name may not be UTF-8, the value may be
/// anything.
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use gatewire_codec::{LENGTH_PREFIX, ValueRef, v3};
///
/// let mut wire = BytesMut::new();
/// v3::encode_event("hello", ValueRef::Integer(7), &mut wire)?;
///
/// let named = v3::Named::of(&wire[LENGTH_PREFIX..]).expect("it is an event");
/// assert_eq!((named.name, named.request), (&b"hello"[..], None));
/// assert_eq!(named.value()?, ValueRef::Integer(7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Named<'f> {
    /// The name, as it stands in the frame. If it equals a valid name, it is one.
    pub name: &'f [u8],
    /// The id of a request; `None`: an event.
    pub request: Option<u32>,
    value: &'f [u8],
}

impl<'f> Named<'f> {
    /// Takes a frame (without its length prefix) apart. `None`: it is another message, or cut short;
    /// [`decode`](super::decode) tells which.
    #[inline]
    #[must_use]
    pub fn of(frame: &'f [u8]) -> Option<Self> {
        let (request, mut reader) = match frame {
            [VERSION, EVENT, body @ ..] => (None, Reader::new(body)),
            [VERSION, REQUEST, body @ ..] => {
                let mut reader = Reader::new(body);
                (Some(reader.varint_u32(Field::Id).ok()?), reader)
            }
            _ => return None,
        };
        let length = usize::try_from(reader.varint(Field::Event).ok()?).ok()?;
        let name = reader.bytes(length, Field::Event).ok()?;
        Some(Self { name, request, value: reader.rest() })
    }

    /// What it carries.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], as [`decode`](super::decode) of the frame.
    #[inline]
    pub fn value(&self) -> Result<ValueRef<'f>, DecodeError> {
        value::take(Reader::new(self.value))
    }
}
