//! Why a handshake failed.

use std::fmt;

use gatewire_codec::DecodeError;

/// Why a handshake of version 1 or 2 failed. The connection is of no more use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer sent something that is no frame.
    Malformed(DecodeError),
    /// The peer speaks another version.
    Version {
        /// The byte in its frame.
        found: u8,
    },
    /// The peer sent a frame of the wrong kind.
    Unexpected {
        /// What it sent.
        found: &'static str,
        /// What was its turn.
        expected: &'static str,
    },
    /// The peer knows none of the keys.
    Proof,
    /// The peer knows a key, which does not allow its role.
    Role,
    /// The name of a router is empty, longer than 255 bytes, or holds `|`, `/` or `,`.
    HostName,
    /// The peer says what is wrong.
    Refused(String),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "handshake frame: {error}"),
            Self::Version { found } => write!(f, "the peer speaks version {found}"),
            Self::Unexpected { found, expected } => {
                write!(f, "the peer sent {found} where {expected} was expected")
            }
            Self::Proof => f.write_str("the peer does not know the key"),
            Self::Role => f.write_str("this role is not allowed"),
            Self::HostName => {
                f.write_str("a host has a name of 1 to 255 bytes, without '|', '/' and ','")
            }
            Self::Refused(text) => write!(f, "refused: {text}"),
        }
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for HandshakeError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::WrongVersion { found, .. } | DecodeError::UnknownVersion { found } => {
                Self::Version { found }
            }
            error => Self::Malformed(error),
        }
    }
}
