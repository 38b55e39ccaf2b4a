//! Why a value could not be encoded or decoded.

use core::fmt;

use gatewire_codec::FormatId;

/// A value could not be encoded or decoded. Nothing was sent, or the message was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// The object is in a format that this endpoint does not know.
    Mismatch {
        /// The format of the object.
        found: FormatId,
        /// The formats that this endpoint knows, default first.
        known: Vec<(FormatId, String)>,
    },
    /// The value is of another type than asked for.
    WrongType {
        /// What was asked for.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A number does not fit the type asked for.
    OutOfRange {
        /// The number.
        number: String,
        /// The type.
        target: &'static str,
    },
    /// The format has no rule for this type (no schema, no message was given for it).
    UnknownType {
        /// The format's name.
        format: String,
        /// The Rust type.
        type_name: &'static str,
    },
    /// The format could not encode the object.
    Encode {
        /// The format's name.
        format: String,
        /// What it says.
        message: String,
    },
    /// The format could not decode the bytes.
    Decode {
        /// The format's name.
        format: String,
        /// What it says.
        message: String,
    },
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { found, known } => {
                write!(f, "the object is in {found}, this endpoint knows ")?;
                for (index, (id, name)) in known.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{name} ({})", id.0)?;
                }
                Ok(())
            }
            Self::WrongType { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::OutOfRange { number, target } => write!(f, "{number} does not fit {target}"),
            Self::UnknownType { format, type_name } => {
                write!(f, "{format} was not told how to encode {type_name}")
            }
            Self::Encode { format, message } => write!(f, "{format} cannot encode: {message}"),
            Self::Decode { format, message } => write!(f, "{format} cannot decode: {message}"),
        }
    }
}

impl std::error::Error for FormatError {}
