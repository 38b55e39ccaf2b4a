//! What is wrong with keys that were to be loaded.

use std::fmt;
use std::io;

use gatewire_core::handshake::WeakKey;
use gatewire_core::permissions::PatternError;

/// Keys that cannot be loaded. Nothing that could be a secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysError {
    pub(super) place: Place,
    pub(super) key_id: Option<String>,
    pub(super) fault: KeysFault,
}

/// Where in the text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Everywhere.
    Whole,
    /// A line, from 1.
    #[cfg(feature = "key-file")]
    Line(usize),
    /// An entry of a list in a variable, from 1.
    Entry(usize),
}

impl KeysError {
    /// There is no file to read the keys from.
    #[cfg(feature = "key-file")]
    pub(crate) fn no_file() -> Self {
        Self { place: Place::Whole, key_id: None, fault: KeysFault::NoKeyFile }
    }

    /// The line of the key file, from 1; `None` where it is not about one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self.place {
            #[cfg(feature = "key-file")]
            Place::Line(line) => Some(line),
            Place::Whole | Place::Entry(_) => None,
        }
    }

    /// The id of the key that it is about, as far as that is known.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> &KeysFault {
        &self.fault
    }
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Whole => f.write_str("keys")?,
            #[cfg(feature = "key-file")]
            Place::Line(line) => write!(f, "keys, line {line}")?,
            Place::Entry(entry) => write!(f, "keys, entry {entry}")?,
        }
        if let Some(id) = &self.key_id {
            write!(f, ", key {id:?}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

impl std::error::Error for KeysError {}

/// What is wrong with keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeysFault {
    /// The file or the variable cannot be read. `InvalidData`: it is not UTF-8. `FileTooLarge`: no key
    /// file has so many bytes.
    Unreadable(io::ErrorKind),
    /// The server was given no key file.
    NoKeyFile,
    /// It is not TOML; or an entry of a variable is not `id=secret`.
    Syntax,
    /// There is no key in it. (A server without keys is open to all, which is not done by mistake.)
    NoKeys,
    /// A field that is not known stands here.
    UnknownField,
    /// A field that must be there is not.
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A field has another type, or a value that is not possible.
    Expected {
        /// Its name.
        field: &'static str,
        /// What it can be.
        what: &'static str,
    },
    /// A pattern is wrong.
    Pattern {
        /// The name of its field.
        field: &'static str,
        /// Which one, and why.
        error: PatternError,
    },
    /// A key has not exactly one of `secret`, `file` and `env`.
    NotOneSecret,
    /// The file or the variable that should hold the secret cannot be read.
    SecretUnreadable(io::ErrorKind),
    /// The secret is not an even number of hexadecimal digits.
    NotHex,
    /// The secret is too short.
    Weak(WeakKey),
    /// Another key has the same id.
    Duplicate,
    /// The key expires before it begins.
    NeverValid,
}

impl fmt::Display for KeysFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(kind) => write!(f, "cannot be read: {kind}"),
            Self::NoKeyFile => f.write_str("the server was given no key file"),
            Self::Syntax => f.write_str("this cannot be understood"),
            Self::NoKeys => f.write_str("there is none"),
            Self::UnknownField => f.write_str("there is no such field"),
            Self::Missing { field } => write!(f, "the field `{field}` is missing"),
            Self::Expected { field, what } => write!(f, "`{field}` has to be {what}"),
            Self::Pattern { field, error } => write!(f, "`{field}`, {error}"),
            Self::NotOneSecret => f.write_str("a key has one of `secret`, `file` and `env`"),
            Self::SecretUnreadable(kind) => write!(f, "the secret cannot be read: {kind}"),
            Self::NotHex => f.write_str("the secret is not written in hexadecimal digits"),
            Self::Weak(weak) => write!(f, "{weak}"),
            Self::Duplicate => f.write_str("another key has the same id"),
            Self::NeverValid => f.write_str("`not_after` comes before `not_before`"),
        }
    }
}
