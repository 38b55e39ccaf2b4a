//! Values that need no format.

use bytes::Bytes;
use gatewire_codec::{SocketAddress, SocketId, Value, ValueRef};

use crate::{DecodeContext, EncodeContext, FormatError, FromValue, IntoValue};

impl<T: IntoValue + ?Sized> IntoValue for &T {
    fn to_value<'a>(&'a self, context: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        (**self).to_value(context)
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        (**self).uses_scratch()
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn to_value<'a>(&'a self, context: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        self.as_ref().map_or(Ok(ValueRef::Empty), |value| value.to_value(context))
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        self.as_ref().is_some_and(IntoValue::uses_scratch)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: ValueRef<'_>, context: &DecodeContext<'_>) -> Result<Self, FormatError> {
        match value {
            ValueRef::Empty => Ok(None),
            value => T::from_value(value, context).map(Some),
        }
    }
}

fn wrong<T>(expected: &'static str, found: ValueRef<'_>) -> Result<T, FormatError> {
    Err(FormatError::WrongType { expected, found: found.kind() })
}

/// `type, "its name" { |self| how to encode; value => how to decode, ... }`.
macro_rules! plain {
    ($($type:ty, $name:literal {
        |$this:ident| $encode:expr;
        $($pattern:pat => |$context:ident| $decode:expr,)+
    })*) => {$(
        impl IntoValue for $type {
            fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
                let $this = self;
                Ok($encode)
            }

            #[inline]
            fn uses_scratch(&self) -> bool {
                false
            }
        }

        impl FromValue for $type {
            fn from_value(
                value: ValueRef<'_>,
                context: &DecodeContext<'_>,
            ) -> Result<Self, FormatError> {
                match value {
                    $($pattern => {
                        let $context = context;
                        Ok($decode)
                    })+
                    other => wrong($name, other),
                }
            }
        }
    )*};
}

plain! {
    bool, "bool" {
        |this| ValueRef::Bool(*this);
        ValueRef::Bool(value) => |_context| value,
    }
    String, "string" {
        |this| ValueRef::String(this);
        ValueRef::String(text) => |_context| text.to_owned(),
    }
    Bytes, "binary" {
        |this| ValueRef::Binary(this);
        ValueRef::Binary(bytes) => |context| context.keep(bytes),
    }
    Vec<u8>, "binary" {
        |this| ValueRef::Binary(this);
        ValueRef::Binary(bytes) => |_context| bytes.to_vec(),
    }
    f64, "decimal" {
        |this| ValueRef::Decimal(*this);
        ValueRef::Decimal(value) => |_context| value,
        ValueRef::Integer(value) => |_context| exact_f64(value)?,
    }
}

impl IntoValue for () {
    fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        Ok(ValueRef::Empty)
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        false
    }
}

/// Anything can be ignored: a handler without an argument takes every value.
impl FromValue for () {
    fn from_value(_: ValueRef<'_>, _: &DecodeContext<'_>) -> Result<Self, FormatError> {
        Ok(())
    }
}

impl IntoValue for str {
    fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        Ok(ValueRef::String(self))
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        false
    }
}

impl IntoValue for [u8] {
    fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        Ok(ValueRef::Binary(self))
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        false
    }
}

impl<const N: usize> IntoValue for [u8; N] {
    fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        Ok(ValueRef::Binary(self))
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        false
    }
}

/// Exactly so many bytes.
impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: ValueRef<'_>, _: &DecodeContext<'_>) -> Result<Self, FormatError> {
        let ValueRef::Binary(bytes) = value else { return wrong("binary", value) };
        bytes.try_into().map_err(|_| FormatError::OutOfRange {
            number: format!("{} bytes", bytes.len()),
            target: std::any::type_name::<Self>(),
        })
    }
}

impl IntoValue for Value {
    fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        Ok(self.as_ref())
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        false
    }
}

impl FromValue for Value {
    fn from_value(value: ValueRef<'_>, context: &DecodeContext<'_>) -> Result<Self, FormatError> {
        Ok(match value {
            ValueRef::Binary(bytes) => Self::Binary(context.keep(bytes)),
            ValueRef::Object { format, bytes } => {
                Self::Object { format, bytes: context.keep(bytes) }
            }
            small => small.to_value(),
        })
    }
}

/// A socket's id travels as its text.
impl IntoValue for SocketId {
    fn to_value<'a>(&'a self, context: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        let EncodeContext { scratch, .. } = context;
        scratch.extend_from_slice(self.to_string().as_bytes());
        let text = str::from_utf8(scratch).expect("an id is written in hexadecimal digits");
        Ok(ValueRef::String(text))
    }
}

impl FromValue for SocketId {
    fn from_value(value: ValueRef<'_>, _: &DecodeContext<'_>) -> Result<Self, FormatError> {
        let wrong = FormatError::WrongType { expected: "socket id", found: value.kind() };
        match value {
            ValueRef::String(text) => text.parse().map_err(|_| wrong),
            _ => Err(wrong),
        }
    }
}

/// An address travels as its text too.
impl IntoValue for SocketAddress {
    fn to_value<'a>(&'a self, context: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        let EncodeContext { scratch, .. } = context;
        scratch.extend_from_slice(self.to_string().as_bytes());
        let text = str::from_utf8(scratch).expect("an address is text");
        Ok(ValueRef::String(text))
    }
}

impl FromValue for SocketAddress {
    fn from_value(value: ValueRef<'_>, _: &DecodeContext<'_>) -> Result<Self, FormatError> {
        let wrong = FormatError::WrongType { expected: "socket address", found: value.kind() };
        match value {
            ValueRef::String(text) => text.parse().map_err(|_| wrong),
            _ => Err(wrong),
        }
    }
}

impl IntoValue for f32 {
    fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        Ok(ValueRef::Decimal(f64::from(*self)))
    }

    #[inline]
    fn uses_scratch(&self) -> bool {
        false
    }
}

macro_rules! integer {
    ($($type:ident)*) => {$(
        impl IntoValue for $type {
            fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
                i64::try_from(*self).map(ValueRef::Integer).map_err(|_| {
                    FormatError::OutOfRange { number: self.to_string(), target: "i64" }
                })
            }

            #[inline]
            fn uses_scratch(&self) -> bool {
                false
            }
        }

        impl FromValue for $type {
            fn from_value(
                value: ValueRef<'_>,
                _: &DecodeContext<'_>,
            ) -> Result<Self, FormatError> {
                let integer = match value {
                    ValueRef::Integer(value) => value,
                    ValueRef::Decimal(value) => exact_i64(value, stringify!($type))?,
                    other => return wrong("integer", other),
                };
                Self::try_from(integer).map_err(|_| FormatError::OutOfRange {
                    number: integer.to_string(),
                    target: stringify!($type),
                })
            }
        }
    )*};
}

integer! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

/// Up to here each integer has a double of its own: 2^53.
const MAX_EXACT: i64 = 1 << 53;

fn exact_f64(value: i64) -> Result<f64, FormatError> {
    if (-MAX_EXACT..=MAX_EXACT).contains(&value) {
        #[expect(clippy::cast_precision_loss, reason = "in the range where nothing is lost")]
        return Ok(value as f64);
    }
    Err(FormatError::OutOfRange { number: value.to_string(), target: "f64" })
}

fn exact_i64(value: f64, target: &'static str) -> Result<i64, FormatError> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 is exact")]
    let exact = value.fract() == 0.0 && value.abs() <= MAX_EXACT as f64;
    if exact {
        #[expect(clippy::cast_possible_truncation, reason = "in the range where nothing is lost")]
        return Ok(value as i64);
    }
    Err(FormatError::OutOfRange { number: value.to_string(), target })
}
