//! Any serde type as a value.

use std::fmt;

use gatewire_codec::ValueRef;
use serde::{Serialize, de::DeserializeOwned};

use crate::format::{Format, ObjectSource};
use crate::{DecodeContext, EncodeContext, FormatError, FromValue, IntoValue};

/// A serde type. It is emitted in the endpoint's default format, and received in any format that
/// the endpoint knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Object<T>(pub T);

impl<T> Object<T> {
    /// The same object in a format of the caller's choice.
    pub fn with<F: Format>(self, format: F) -> With<T, F> {
        With { object: self.0, format }
    }
}

/// As [`Object`], for an object that is only borrowed. For sending only.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ObjectRef<'a, T>(pub &'a T);

impl<T> Clone for ObjectRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ObjectRef<'_, T> {}

/// An object and the format to send it in. See [`Object::with`].
#[derive(Clone, Copy)]
pub struct With<T, F> {
    object: T,
    format: F,
}

impl<T: fmt::Debug, F: Format> fmt::Debug for With<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("With")
            .field("object", &self.object)
            .field("format", &self.format.name())
            .finish()
    }
}

fn encode<'a, T: Serialize + 'static>(
    object: &T,
    format: Option<&dyn Format>,
    context: EncodeContext<'a>,
) -> Result<ValueRef<'a>, FormatError> {
    let EncodeContext { formats, event, scratch } = context;
    let format = formats.encode(format, ObjectSource::new(object), event, scratch)?;
    Ok(ValueRef::Object { format, bytes: scratch })
}

impl<T: Serialize + 'static> IntoValue for Object<T> {
    fn to_value<'a>(&'a self, context: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        encode(&self.0, None, context)
    }
}

impl<T: Serialize + 'static> IntoValue for ObjectRef<'_, T> {
    fn to_value<'a>(&'a self, context: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        encode(self.0, None, context)
    }
}

impl<T: Serialize + 'static, F: Format> IntoValue for With<T, F> {
    fn to_value<'a>(&'a self, context: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        encode(&self.object, Some(&self.format), context)
    }
}

impl<T: DeserializeOwned + 'static> FromValue for Object<T> {
    fn from_value(value: ValueRef<'_>, context: &DecodeContext<'_>) -> Result<Self, FormatError> {
        match value {
            ValueRef::Object { format, bytes } => {
                context.formats.decode(format, bytes, context.event).map(Object)
            }
            other => Err(FormatError::WrongType { expected: "object", found: other.kind() }),
        }
    }
}
