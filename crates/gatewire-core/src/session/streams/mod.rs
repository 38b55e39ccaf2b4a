//! Streams of bytes beside the messages: each with flow control and an end of its own.
//!
//! A stream goes one way, from its opener, the writer, to a reader. Its id is that of a pending request
//! of the writer: what the reader's handler returns is the answer, and ends the wait for it.
//!
//! ```text
//! writer                                          reader
//!
//!  open  --OPEN-->  Sending                        --OPEN-->  Receiving --(drop)--> Stopped, tells STOP
//!                      |  CREDIT raises the limit                 |  CREDIT, as bytes are read
//!        finish        v                                          |
//!                   Finishing                      --FINISH-->  Finished --(all read)--> Ended
//!     all sent, FINISH |                           --RESET-->   Failed   --(all read)--> Error
//!                      v                           connection lost: as RESET
//!                    gone: only the request waits, for ACK or NACK
//!
//!  reset, STOP, NACK, connection lost: gone at once, what waits is dropped
//! ```
//!
//! * [`SendStreams`] is the writers' half. Bytes wait in the stream's own buffer, not in the outbox. When a
//!   batch is taken to be written, chunks are moved behind the messages that wait: so messages overtake
//!   streams, and no stream makes a message wait for more than one batch.
//! * [`ReceiveStream`] is the reader's half: a buffer that is never longer than the credit given. More is
//!   given as bytes are read; [how much](CreditWindow) follows the connection's delay times its bandwidth.
//! * [`Flow`] says who bounds the buffer: credit in version 3; in versions 1 and 2, which have none, a budget
//!   above which the connection is not read.
//!
//! # Invariants
//!
//! * A writer never has more than its credit on the way; a reader never holds more than it gave.
//! * A reader sees all bytes and the end, or an error. Never an end that is none.

mod credit;
mod receive;
mod send;

pub use credit::{CreditPool, CreditWindow};
pub use receive::{Chunk, FlowError, Read, ReadFailure, ReceiveStream};
pub use send::{SEND_BUFFER, SendStreams, Sent};

/// The tokens of PINGs that measure the delay of a stream: with its id in the lower half. The heartbeat's
/// count from 1 and never get there.
const PROBE: u64 = 1 << 63;

/// The token of a stream's PING.
pub(crate) fn probe(id: u32) -> u64 {
    PROBE | u64::from(id)
}

/// The stream whose PING had this token, if it is one.
pub(crate) fn probed(token: u64) -> Option<u32> {
    u32::try_from(token.checked_sub(PROBE)?).ok()
}

/// Who bounds what a reader has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Version 3: the writer sends within the credit that the reader gives.
    Credit,
    /// Versions 1 and 2: nothing on the wire. The connection is not read while a stream holds more than
    /// this many bytes.
    Budget(u64),
}

/// The bounds of the streams that come in on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// The most streams whose reader or handler has not ended: 128. More are refused as busy.
    pub max_streams: usize,
    /// The most credit of one stream, and so what an unread one costs: 4 MiB. It begins with 256 KiB.
    /// `gatewire` shares read buffers among chunks: a peer that puts other frames between long chunks can make
    /// that four times as much.
    pub max_credit: u64,
    /// The most credit of all streams of the connection beyond those first 256 KiB each: 32 MiB.
    pub max_total_credit: u64,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { max_streams: 128, max_credit: 4 << 20, max_total_credit: 32 << 20 }
    }
}
