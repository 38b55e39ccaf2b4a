//! Why a schema was refused.

use std::fmt;

/// A schema cannot be used. The mistake is in the program, not on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaError {
    /// The Rust type that the schema was given for.
    pub type_name: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Avro schema for {} cannot be used: {}", self.type_name, self.message)
    }
}

impl std::error::Error for SchemaError {}
