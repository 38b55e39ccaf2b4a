//! Objects as `MessagePack`, through `rmp-serde`.
//!
//! [`MsgPack`] carries what JSON carries in fewer bytes, with bytes as bytes and integers as
//! integers. Structs are written as maps with the names of their fields, so that a peer with
//! other fields, or with another order of them, understands. A struct written as an array of its
//! fields, as other libraries do, is read too.
//!
//! Before anything is decoded, the bytes are walked once without allocating: they must be one
//! complete object of bounded depth, and an announced length is never believed.
//!
//! # Limits
//!
//! * 128 arrays and maps in one another; deeper objects are an error.
//! * `Some(None)` is read as `None`, as in JSON.
//!
//! # Example
//!
//! ```
//! use gatewire_format::{DecodeContext, EncodeContext, Formats, FromValue, IntoValue, Object};
//! use gatewire_msgpack::MsgPack;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Point {
//!     x: i32,
//!     y: i32,
//! }
//!
//! let formats = Formats::new(MsgPack);
//! let mut scratch = Vec::new();
//! let point = Object(Point { x: 3, y: 4 });
//! let value = point.to_value(EncodeContext::new(&formats, "move", &mut scratch))?;
//! let Object(back) = Object::<Point>::from_value(value, &DecodeContext::new(&formats, "move"))?;
//! assert_eq!((back.x, back.y), (3, 4));
//! assert_eq!(scratch, b"\x82\xa1x\x03\xa1y\x04");
//! # Ok::<(), gatewire_format::FormatError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod walk;

use std::fmt::Display;

use gatewire_format::erased_serde::Deserializer;
use gatewire_format::{Format, FormatError, FormatId, ObjectSlot, ObjectSource};

/// `MessagePack`, [`FormatId::MSGPACK`]. See the [crate] for its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MsgPack;

impl Format for MsgPack {
    fn id(&self) -> FormatId {
        FormatId::MSGPACK
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
        rmp_serde::encode::write_named(out, object.as_serialize()).map_err(|error| {
            FormatError::Encode { format: NAME.to_owned(), message: error.to_string() }
        })
    }

    fn decode(
        &self,
        bytes: &[u8],
        _event: &str,
        slot: &mut dyn ObjectSlot,
    ) -> Result<(), FormatError> {
        walk::one_object(bytes).map_err(refuse)?;
        let mut msgpack = rmp_serde::Deserializer::from_read_ref(bytes);
        slot.deserialize(&mut <dyn Deserializer<'_>>::erase(&mut msgpack)).map_err(refuse)
    }
}

fn refuse(error: impl Display) -> FormatError {
    FormatError::Decode { format: NAME.to_owned(), message: error.to_string() }
}

const NAME: &str = "msgpack";
