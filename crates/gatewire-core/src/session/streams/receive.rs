//! The reader's half of a stream.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gatewire_codec::{StreamCode, v3};

use super::credit::{CreditPool, CreditWindow};
use super::{Flow, StreamLimits};

/// A chunk of at least this length that is owned already is kept as it is. A shorter one is copied, so
/// that it keeps no larger buffer in memory, and many short ones become one.
const KEEP_ABOVE: usize = 16 << 10;

/// Copied chunks are put together up to this length.
const JOIN_UP_TO: usize = v3::MAX_CHUNK;

/// The bytes of one chunk.
#[derive(Debug, Clone, Copy)]
pub enum Chunk<'a> {
    /// They lie in a buffer that will be used again.
    Borrowed(&'a [u8]),
    /// They may be kept.
    Owned(&'a Bytes),
}

impl Chunk<'_> {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// What a reader gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The next bytes, at least one.
    Chunk(Bytes),
    /// Nothing yet.
    Pending,
    /// That was all: the writer finished, and no byte is missing.
    End,
    /// There will be no more, and it is not the end.
    Failed(ReadFailure),
}

/// Why a stream has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFailure {
    /// The writer gave up.
    Reset {
        /// Why.
        code: StreamCode,
        /// For people.
        text: Box<str>,
    },
    /// The connection that the stream came on has ended.
    Disconnected,
}

/// The writer broke the rules of flow control: the connection is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowError {
    /// More bytes than there was credit for.
    BeyondCredit,
    /// The length that FINISH tells is not what came.
    WrongLength,
    /// Bytes or another end after the end.
    AfterEnd,
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeyondCredit => "more stream bytes than credit",
            Self::WrongLength => "the length of a stream is not what came",
            Self::AfterEnd => "stream bytes after the end",
        })
    }
}

impl std::error::Error for FlowError {}

/// One stream that comes in. The owner passes frames to `handle_*`, the reader calls
/// [`read`](Self::read) and sends the [`grant`](Self::grant) that it may make due.
#[derive(Debug)]
pub struct ReceiveStream {
    chunks: VecDeque<Bytes>,
    /// Short chunks, behind `chunks`.
    joined: BytesMut,
    /// What has come, what is read, and up to where the writer may send.
    received: u64,
    consumed: u64,
    granted: u64,
    window: CreditWindow,
    flow: Flow,
    end: Option<Result<(), ReadFailure>>,
}

impl ReceiveStream {
    /// A stream that was just opened.
    #[must_use]
    pub fn new(flow: Flow, limits: &StreamLimits, pool: Arc<CreditPool>) -> Self {
        Self {
            chunks: VecDeque::new(),
            joined: BytesMut::new(),
            received: 0,
            consumed: 0,
            granted: v3::INITIAL_CREDIT,
            window: CreditWindow::new(limits.max_credit.max(v3::INITIAL_CREDIT), pool),
            flow,
            end: None,
        }
    }

    /// Takes the bytes of a DATA frame. `true`: measure the delay, with a PING whose PONG is told to
    /// [`handle_pong`](Self::handle_pong).
    ///
    /// # Errors
    ///
    /// [`FlowError`]; nothing is kept.
    pub fn handle_data(&mut self, chunk: Chunk<'_>) -> Result<bool, FlowError> {
        let length = chunk.bytes().len() as u64;
        if self.end.is_some() {
            return Err(FlowError::AfterEnd);
        }
        if self.flow == Flow::Credit && self.received + length > self.granted {
            return Err(FlowError::BeyondCredit);
        }
        match chunk {
            Chunk::Owned(bytes) if bytes.len() >= KEEP_ABOVE => {
                self.seal();
                self.chunks.push_back(bytes.clone());
            }
            chunk => {
                let bytes = chunk.bytes();
                if self.joined.len() + bytes.len() > JOIN_UP_TO {
                    self.seal();
                }
                self.joined.extend_from_slice(bytes);
            }
        }
        self.received += length;
        Ok(self.flow == Flow::Credit && self.window.arrived(self.received, self.consumed))
    }

    /// The PONG of a PING that [`handle_data`](Self::handle_data) asked for.
    pub fn handle_pong(&mut self) {
        self.window.pong(self.received, self.consumed);
    }

    /// Takes a FINISH. `length`: of the whole stream, where the wire version tells it.
    ///
    /// # Errors
    ///
    /// [`FlowError`]; the stream is as before.
    pub fn handle_finish(&mut self, length: Option<u64>) -> Result<(), FlowError> {
        if self.end.is_some() {
            return Err(FlowError::AfterEnd);
        }
        if length.is_some_and(|length| length != self.received) {
            return Err(FlowError::WrongLength);
        }
        self.end = Some(Ok(()));
        Ok(())
    }

    /// There will be no more: RESET, or the connection has ended. What has come can still be read. After
    /// the end it changes nothing.
    pub fn fail(&mut self, why: ReadFailure) {
        self.end.get_or_insert(Err(why));
    }

    /// Takes the next bytes, `most` at most, which is at least 1.
    pub fn read(&mut self, most: usize) -> Read {
        if self.chunks.is_empty() {
            self.seal();
        }
        let Some(first) = self.chunks.front_mut() else {
            return match &self.end {
                None => Read::Pending,
                Some(Ok(())) => Read::End,
                Some(Err(why)) => Read::Failed(why.clone()),
            };
        };
        let chunk = if first.len() > most {
            first.split_to(most)
        } else {
            self.chunks.pop_front().unwrap_or_default()
        };
        self.consumed += chunk.len() as u64;
        Read::Chunk(chunk)
    }

    /// The credit to tell the writer now, as [`Outbound::grant`](crate::session::Outbound::grant) does; noted
    /// as told. `None`: the writer has enough, or needs no more.
    pub fn grant(&mut self) -> Option<u64> {
        if self.end.is_some() || self.flow != Flow::Credit {
            return None;
        }
        let limit = self.window.grant(self.consumed, self.granted)?;
        self.granted = limit;
        Some(limit)
    }

    /// Whether all was read, or there is nothing more to come.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.end.is_some() && self.buffered() == 0
    }

    /// Whether the writer has finished; what came may still wait to be read.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.end == Some(Ok(()))
    }

    /// Bytes that came and are not read.
    #[must_use]
    pub fn buffered(&self) -> u64 {
        self.received - self.consumed
    }

    /// Bytes that have come in all.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Whether the connection is not to be read before some of this is.
    #[must_use]
    pub fn is_over_budget(&self) -> bool {
        match self.flow {
            Flow::Credit => false,
            Flow::Budget(bytes) => self.buffered() > bytes,
        }
    }

    fn seal(&mut self) {
        if !self.joined.is_empty() {
            self.chunks.push_back(self.joined.split().freeze());
        }
    }
}
