//! What a value becomes on the way to a peer of version 1 or 2.

use std::borrow::Cow;
use std::fmt;

use gatewire_codec::{FormatId, ValueRef};
use serde::de::IgnoredAny;

/// What becomes of an integer that does not fit the 48 bits which these versions have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WideIntegers {
    /// It goes as a decimal, the nearest one: exact up to 2^53. Node reads integral decimals as what they are.
    #[default]
    AsDecimal,
    /// It is refused.
    Refuse,
}

/// Turns objects of other formats into JSON. For formats that can be read without a schema.
pub trait Objects: Send + Sync {
    /// Appends to `json` what `bytes` say.
    ///
    /// # Errors
    ///
    /// A text for people: the format is unknown or not self-describing, or the bytes are not of it.
    fn to_json(&self, format: FormatId, bytes: &[u8], json: &mut Vec<u8>) -> Result<(), String>;
}

/// Knows JSON alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonOnly;

impl Objects for JsonOnly {
    fn to_json(&self, format: FormatId, _: &[u8], _: &mut Vec<u8>) -> Result<(), String> {
        Err(format!("objects in {format} cannot be turned into JSON here"))
    }
}

/// Why something cannot be said in version 1 or 2.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Untranslatable {
    /// An integer needs more than 48 bits.
    WideInteger(i64),
    /// An object cannot be turned into the format of the peer.
    Object(String),
    /// The frame cannot be written: a name holds `,` or `|`, or is too long, or the version has no such thing.
    Encode(gatewire_codec::EncodeError),
}

impl fmt::Display for Untranslatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WideInteger(value) => write!(f, "the integer {value} needs more than 48 bits"),
            Self::Object(text) => f.write_str(text),
            Self::Encode(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Untranslatable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<gatewire_codec::EncodeError> for Untranslatable {
    fn from(error: gatewire_codec::EncodeError) -> Self {
        match error {
            gatewire_codec::EncodeError::IntegerOutOfRange { value } => Self::WideInteger(value),
            error => Self::Encode(error),
        }
    }
}

/// The rules for values: how wide integers go, and which format the peer's objects have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueRules {
    /// What becomes of wide integers.
    pub wide_integers: WideIntegers,
    /// The format of objects there: JSON, unless the application of the peer replaced its `objectSerializer`.
    pub object_format: FormatId,
}

impl Default for ValueRules {
    fn default() -> Self {
        Self { wide_integers: WideIntegers::default(), object_format: FormatId::JSON }
    }
}

const WIDE: std::ops::Range<i64> = -(1 << 47)..1 << 47;

impl ValueRules {
    /// The value as the peer can read it; `scratch` holds an object that was turned into JSON.
    ///
    /// # Errors
    ///
    /// [`Untranslatable`].
    pub fn outward<'v>(
        &self,
        value: ValueRef<'v>,
        objects: &dyn Objects,
        scratch: &'v mut Vec<u8>,
    ) -> Result<ValueRef<'v>, Untranslatable> {
        Ok(match value {
            ValueRef::Integer(wide) if !WIDE.contains(&wide) => match self.wide_integers {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "the nearest one is what is asked for"
                )]
                WideIntegers::AsDecimal => ValueRef::Decimal(wide as f64),
                WideIntegers::Refuse => return Err(Untranslatable::WideInteger(wide)),
            },
            ValueRef::Object { format, bytes } => {
                let json = self.object(format, bytes, objects)?;
                let bytes = match json {
                    Cow::Borrowed(bytes) => bytes,
                    Cow::Owned(json) => {
                        *scratch = json;
                        scratch
                    }
                };
                ValueRef::Object { format: FormatId::UNSPECIFIED, bytes }
            }
            other => other,
        })
    }

    /// Whether [`outward`](Self::outward) would give a value, without objects being looked into.
    ///
    /// # Errors
    ///
    /// [`Untranslatable`].
    pub fn check(&self, value: ValueRef<'_>) -> Result<(), Untranslatable> {
        match value {
            ValueRef::Integer(wide)
                if self.wide_integers == WideIntegers::Refuse && !WIDE.contains(&wide) =>
            {
                Err(Untranslatable::WideInteger(wide))
            }
            _ => Ok(()),
        }
    }

    fn object<'v>(
        &self,
        format: FormatId,
        bytes: &'v [u8],
        objects: &dyn Objects,
    ) -> Result<Cow<'v, [u8]>, Untranslatable> {
        let format = if format == FormatId::UNSPECIFIED { FormatId::JSON } else { format };
        let bytes = if format == self.object_format {
            Cow::Borrowed(bytes)
        } else if self.object_format == FormatId::JSON {
            let mut json = Vec::with_capacity(bytes.len() * 2);
            objects.to_json(format, bytes, &mut json).map_err(Untranslatable::Object)?;
            Cow::Owned(json)
        } else {
            let text = format!("the peer reads objects in {}, not in {format}", self.object_format);
            return Err(Untranslatable::Object(text));
        };
        // Text that is no JSON ends the process of a Node peer.
        if self.object_format == FormatId::JSON
            && let Err(error) = serde_json::from_slice::<IgnoredAny>(&bytes)
        {
            return Err(Untranslatable::Object(format!("the object is no JSON: {error}")));
        }
        Ok(bytes)
    }

    /// A value from the peer, with the format of its objects named.
    #[must_use]
    pub fn inward<'v>(&self, value: ValueRef<'v>) -> ValueRef<'v> {
        match value {
            ValueRef::Object { bytes, .. } => {
                ValueRef::Object { format: self.object_format, bytes }
            }
            other => other,
        }
    }
}
