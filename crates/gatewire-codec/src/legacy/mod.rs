//! Wire versions 1 (`fast-tcp`) and 2 (`@gatejs/cluster`), field by field. Described in
//! `docs/protocol/v1.md` and `v2.md`.
//!
//! [`Packet`] holds exactly what a frame says, so that decoding and encoding again gives the same
//! bytes, message types that nobody has assigned included. [`Packet::to_message`] gives the
//! meaning, and [`encode`] writes a [`Message`](crate::Message) in either version.
//!
//! ```text
//! version 1                                version 2
//! +0  messageLength u32 = 14 + E + D       +0  messageLength u32 = 16 + C + E + D
//! +4  version       u8  = 1                +4  version       u8  = 2
//! +5  flags         u8  (0, ignored)       +5  flags         u8  (0, ignored)
//! +6  dataType      u8                     +6  dataType      u8
//! +7  messageType   u8                     +7  messageType   u8  (other codes than version 1)
//!                                          +8  policy        u8  (2 = CELL_SUB, else CELL_ADD)
//!                                          +9  cellsLength   u8  C
//!                                          +10 cells         C bytes, host names joined by '|'
//! +8  messageId     u32                    +10+C messageId   u32
//! +12 eventLength   u16 E                  +14+C eventLength u16 E
//! +14 event         E bytes, UTF-8         +16+C event       E bytes
//! +14+E dataLength  u32 D                  +16+C+E dataLength u32 D
//! +18+E data        D bytes                +20+C+E data      D bytes
//! ```
//!
//! Where the Node packages are lenient (a length past the end is cut, invalid UTF-8 is replaced),
//! this decoder gives an error: no encoder of theirs produces such a frame.

mod convert;
mod kind;
mod name;
mod packet;

pub use convert::{check_names, check_target, encode};
pub use kind::Kind;
pub use name::is_prototype_name;
pub use packet::{Packet, Policy};

/// The longest event name: its length travels in 16 bits.
pub const MAX_EVENT: usize = u16::MAX as usize;
/// The longest host list of version 2: its length travels in 8 bits.
pub const MAX_CELLS: usize = u8::MAX as usize;
