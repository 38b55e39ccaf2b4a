//! How a typed value becomes a payload and back.
//!
//! * [`IntoValue`] and [`FromValue`]: what can be emitted and what a handler can take. Primitives,
//!   strings, bytes and `Option`s of them are values by themselves.
//! * [`Object`]: any serde type, in the endpoint's default format; [`Object::with`] names another.
//! * [`Format`]: one encoding of objects. JSON, `MessagePack`, Protocol Buffers and Avro live in crates
//!   of their own; [`FormatFn`] makes one from a pair of closures.
//! * [`Formats`]: the formats that an endpoint knows. The receiver picks by the id on the wire.
//!
//! This crate chooses no format: it knows that objects have one, and that two peers may differ.
//!
//! # Example
//!
//! ```
//! use gatewire_format::{DecodeContext, EncodeContext, FormatFn, Formats, FromValue, IntoValue, Object};
//! # use gatewire_codec::FormatId;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Point(i32, i32);
//!
//! // A format of one's own: "x;y".
//! let points = FormatFn::new(FormatId(64), "points",
//!     |point: &Point, _event: &str| Ok(format!("{};{}", point.0, point.1).into_bytes()),
//!     |bytes: &[u8], _event: &str| {
//!         let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
//!         let (x, y) = text.split_once(';').ok_or("no ';'")?;
//!         Ok(Point(x.parse().map_err(|_| "bad x")?, y.parse().map_err(|_| "bad y")?))
//!     });
//! let formats = Formats::new(points);
//!
//! let mut scratch = Vec::new();
//! let point = Object(Point(3, 4));
//! let value = point.to_value(EncodeContext::new(&formats, "move", &mut scratch))?;
//! let Object(back): Object<Point> = Object::from_value(value, &DecodeContext::new(&formats, "move"))?;
//! assert_eq!((back.0, back.1), (3, 4));
//! # Ok::<(), gatewire_format::FormatError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod format;
mod formats;
mod function;
mod object;
mod primitive;
mod traits;

pub use erased_serde;
pub use error::FormatError;
pub use format::{Format, ObjectSlot, ObjectSource};
pub use formats::Formats;
pub use function::FormatFn;
pub use gatewire_codec::{FormatId, Value, ValueRef};
pub use object::{Object, ObjectRef, With};
pub use traits::{Answer, DecodeContext, EncodeContext, FromValue, IntoAnswer, IntoValue};
