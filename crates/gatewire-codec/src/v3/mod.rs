//! Wire version 3. Specified byte by byte in `docs/protocol/v3.md`.
//!
//! ```text
//! +---------------+-----------+---------+- - - - - -+
//! | length u32 LE | version 3 | kind u8 | body      |
//! +---------------+-----------+---------+- - - - - -+
//! ```
//!
//! Numbers in a body are little-endian; lengths, counts and ids are LEB128 varints in their shortest
//! form. A value is `type u8 | bytes` and runs to the end of the frame.

mod body;
pub mod handshake;
mod kind;
mod named;
mod value;

use bytes::{BufMut, BytesMut};

pub use body::{decode, encode};
pub use kind::is_skippable;
pub use named::Named;

use crate::error::EncodeError;
use crate::value::ValueRef;

/// The version byte.
pub const VERSION: u8 = 3;
/// No frame is longer than this until the handshake is over.
pub const MAX_HANDSHAKE_FRAME: u32 = 512;
/// The longest event name, the same as in versions 1 and 2.
pub const MAX_EVENT: usize = u16::MAX as usize;
/// The most bytes that a frame adds to an event's name and its value: length prefix, version,
/// kind, three bytes of name length, value type and format id.
pub const EVENT_OVERHEAD: usize = 4 + 2 + 3 + 2;

/// Appends an [`Message::Event`](crate::Message::Event) without building the message: the path
/// that each emitted event takes.
///
/// # Errors
///
/// [`EncodeError::TooLong`]: the name is longer than [`MAX_EVENT`]. `out` is as before.
#[inline]
pub fn encode_event(
    event: &str,
    value: ValueRef<'_>,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    crate::write::check_len(crate::Field::Event, event.len(), MAX_EVENT)?;
    crate::write::frame(out, |out| {
        out.reserve(event.len() + value::len_hint(value) + EVENT_OVERHEAD);
        out.put_slice(&[VERSION, kind::EVENT]);
        crate::write::put_lv_str(out, event);
        value::put(out, value);
        Ok(())
    })
}
