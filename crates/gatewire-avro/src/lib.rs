//! Objects as Avro data, through `apache-avro`.
//!
//! [`Avro`] is told its types, each with a schema as JSON text: [`Avro::with`]. An object is one
//! datum and nothing else (no header, no fingerprint): names and types of the fields are in the
//! schema only, so objects are the smallest of all formats, and both sides must have the same
//! schema.
//!
//! # How Rust types and schemas go together
//!
//! | Rust, as serde sees it | Avro |
//! |---|---|
//! | `bool`, `f32`, `f64`, `String` | `boolean`, `float`, `double`, `string` |
//! | `i8`, `i16`, `i32`, `u8`, `u16` | `int` |
//! | `i64`, `u32` | `long` |
//! | `u64` | `fixed` of 8 bytes with the name `org.apache.avro.rust.u64` |
//! | `bytes::Bytes`, `serde_bytes` | `bytes` |
//! | `Vec<T>`, maps with string keys | `array`, `map` |
//! | `Option<T>` | `["null", T]` or `[T, "null"]` |
//! | struct | `record` with the name of the struct; the order of the fields is that of the schema |
//! | enum of names | `enum` |
//!
//! Other shapes (tuples, enums with data, newtypes) follow
//! [`apache_avro::documentation`](https://docs.rs/apache-avro/latest/apache_avro/documentation/);
//! `#[serde(transparent)]` saves a newtype its record. What does not match the schema is an error
//! when it is encoded or decoded.
//!
//! # Trust
//!
//! Before anything is decoded, the bytes are walked once along the schema without allocating: they
//! must be one complete datum of bounded depth, and an announced length is never believed.
//! `apache-avro` itself would allocate what is announced up to a process-wide setting
//! (`max_allocation_bytes`, 512 MiB), and has no depth limit. The setting is not touched.
//!
//! # Limits
//!
//! * 128 records, arrays and maps in one another; deeper data is an error.
//! * All arrays and maps of a datum together have at most as many items as the datum has bytes.
//!   Only items that take no bytes (`null`, empty records) ever reach this.
//! * A schema stands alone: it cannot refer to names in other schemas.
//! * The receiver's schema is the sender's. There is no resolution between two versions.
//!
//! # Example
//!
//! ```
//! use gatewire_avro::Avro;
//! use gatewire_format::{DecodeContext, EncodeContext, Formats, FromValue, IntoValue, Object};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Point {
//!     x: i32,
//!     y: i32,
//! }
//!
//! let schema = r#"{
//!     "type": "record", "name": "Point",
//!     "fields": [{ "name": "x", "type": "int" }, { "name": "y", "type": "int" }]
//! }"#;
//! let formats = Formats::new(Avro::new().with::<Point>(schema)?);
//! let mut scratch = Vec::new();
//! let point = Object(Point { x: 3, y: -4 });
//! let value = point.to_value(EncodeContext::new(&formats, "move", &mut scratch))?;
//! let Object(back) = Object::<Point>::from_value(value, &DecodeContext::new(&formats, "move"))?;
//! assert_eq!((back.x, back.y), (3, -4));
//! assert_eq!(scratch, [6, 7]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod datum;
mod error;
mod layout;

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

pub use error::SchemaError;
use gatewire_format::{Format, FormatError, FormatId, ObjectSlot, ObjectSource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::datum::DatumType;

/// Avro, [`FormatId::AVRO`], for the types that it was told about. See the [crate] for its
/// limits. Cheap to clone once built.
#[derive(Clone, Default)]
pub struct Avro {
    types: HashMap<TypeId, Arc<DatumType>>,
}

impl Avro {
    /// Knows no type yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also encodes and decodes `T`, by this schema. Told twice, the later schema holds.
    ///
    /// Whether `T` goes with the schema shows when the first object is encoded or decoded.
    ///
    /// # Errors
    ///
    /// [`SchemaError`]: the text is no Avro schema, or it refers to a name that is not in it.
    pub fn with<T>(mut self, schema_json: &str) -> Result<Self, SchemaError>
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        self.types.insert(TypeId::of::<T>(), Arc::new(DatumType::new::<T>(schema_json)?));
        Ok(self)
    }
}

impl Format for Avro {
    fn id(&self) -> FormatId {
        FormatId::AVRO
    }

    fn name(&self) -> &str {
        NAME
    }

    fn encode(
        &self,
        object: ObjectSource<'_>,
        _event: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        match self.types.get(&object.as_any().type_id()) {
            Some(datum_type) => datum_type.encode(object, out),
            None => Err(unknown(object.type_name())),
        }
    }

    fn decode(
        &self,
        bytes: &[u8],
        _event: &str,
        slot: &mut dyn ObjectSlot,
    ) -> Result<(), FormatError> {
        match self.types.get(&slot.type_id()) {
            Some(datum_type) => datum_type.decode(bytes, slot),
            None => Err(unknown(slot.type_name())),
        }
    }
}

impl fmt::Debug for Avro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.types.values().map(|known| known.type_name()).collect();
        names.sort_unstable();
        f.debug_tuple("Avro").field(&names).finish()
    }
}

fn unknown(type_name: &'static str) -> FormatError {
    FormatError::UnknownType { format: NAME.to_owned(), type_name }
}

const NAME: &str = "avro";
