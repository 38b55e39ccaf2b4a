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
pub mod control;
mod frequent;
pub mod handshake;
mod kind;
mod named;
pub mod routed;
mod stream;
mod target;
mod value;

pub use body::{decode, encode};
pub use frequent::{encode_ack, encode_event, encode_request};
pub use kind::{is_event, is_skippable};
pub use named::Named;
pub use stream::{chunk_header_len, encode_chunk_header};

/// The version byte.
pub const VERSION: u8 = 3;
/// No frame is longer than this until the handshake is over.
pub const MAX_HANDSHAKE_FRAME: u32 = 512;
/// The longest event name, the same as in versions 1 and 2.
pub const MAX_EVENT: usize = u16::MAX as usize;
/// The most bytes that a frame adds to an event's name and its value: length prefix, version,
/// kind, three bytes of name length, value type and format id.
pub const EVENT_OVERHEAD: usize = 4 + 2 + 3 + 2;
/// The most bytes of a stream in one frame. Few enough that what overtakes streams waits for half a
/// millisecond at 1 Gbit/s; many enough that headers are less than 0.02 % of what is sent.
pub const MAX_CHUNK: usize = 64 << 10;
/// How many bytes of a stream may be sent before the reader has granted any. They last for a round
/// trip of 2 ms at 1 Gbit/s.
pub const INITIAL_CREDIT: u64 = 256 << 10;
