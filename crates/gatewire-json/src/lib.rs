//! Objects as JSON text, through `serde_json`.
//!
//! [`Json`] is the format that the Node packages speak by default, and the one to start with: each
//! serde type goes, nothing has to be agreed on beforehand, and people can read what is on the
//! wire.
//!
//! Text is written without white space, in the order of the fields. Reading takes one JSON value,
//! with white space around it, and nothing else. The text must be UTF-8 throughout, also in parts
//! that the asked type ignores.
//!
//! # Limits
//!
//! * 127 arrays and objects in one another; deeper text is an error before it is walked.
//! * JSON has no NaN and no infinity: they are written as `null`, as in JavaScript.
//! * Bytes are written as an array of numbers. Send large ones as binary values instead.
//! * Map keys are strings, numbers or booleans.
//!
//! # Example
//!
//! ```
//! use gatewire_format::{DecodeContext, EncodeContext, Formats, FromValue, IntoValue, Object};
//! use gatewire_json::Json;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Point {
//!     x: i32,
//!     y: i32,
//! }
//!
//! let formats = Formats::new(Json);
//! let mut scratch = Vec::new();
//! let point = Object(Point { x: 3, y: 4 });
//! let value = point.to_value(EncodeContext::new(&formats, "move", &mut scratch))?;
//! let Object(back) = Object::<Point>::from_value(value, &DecodeContext::new(&formats, "move"))?;
//! assert_eq!((back.x, back.y), (3, 4));
//! assert_eq!(scratch, br#"{"x":3,"y":4}"#);
//! # Ok::<(), gatewire_format::FormatError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use std::fmt::Display;

use gatewire_format::erased_serde::Deserializer;
use gatewire_format::{Format, FormatError, FormatId, ObjectSlot, ObjectSource};

/// JSON text, [`FormatId::JSON`]. See the [crate] for its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Json;

impl Format for Json {
    fn id(&self) -> FormatId {
        FormatId::JSON
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
        serde_json::to_writer(out, object.as_serialize()).map_err(|error| FormatError::Encode {
            format: NAME.to_owned(),
            message: error.to_string(),
        })
    }

    fn decode(
        &self,
        bytes: &[u8],
        _event: &str,
        slot: &mut dyn ObjectSlot,
    ) -> Result<(), FormatError> {
        // Checked here because serde_json looks at the strings that it hands out only.
        let text = std::str::from_utf8(bytes).map_err(refuse)?;
        let mut json = serde_json::Deserializer::from_str(text);
        slot.deserialize(&mut <dyn Deserializer<'_>>::erase(&mut json)).map_err(refuse)?;
        json.end().map_err(refuse)
    }
}

fn refuse(error: impl Display) -> FormatError {
    FormatError::Decode { format: NAME.to_owned(), message: error.to_string() }
}

const NAME: &str = "json";
