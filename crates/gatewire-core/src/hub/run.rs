//! Publishes that follow each other, taken together.
//!
//! A client that publishes much sends one PUBLISH behind the other to the same target. All but the
//! first need no decoding of their target: they begin with the same bytes. What is behind them,
//! name and value, stands in the EVENT for the receivers as it came. So a run of publishes becomes a
//! run of events, which is delivered at once: one walk over the receivers, one entry into each
//! outbox.
//!
//! Each event of the run is the same as if it had been delivered alone, and the receivers must be
//! too: a run ends before anything happens that could change them or that a receiver could
//! notice in between.

use bytes::{BufMut, BytesMut};
use gatewire_codec::{EncodeError, LENGTH_PREFIX, Message, Target, ValueRef, v3};

use crate::session::{FrameBuffer, Frames};

/// Consecutive publishes of one sender to one target, as the events that the receivers get.
#[derive(Debug, Default)]
pub struct PublishRun {
    /// A PUBLISH of an empty event to the target, with its length prefix.
    target: BytesMut,
    /// What each PUBLISH of the run begins with: that one without the event.
    head: usize,
    /// The header of an EVENT, behind its length.
    kind: [u8; 2],
    events: FrameBuffer,
}

impl PublishRun {
    /// The longest run in bytes, but for a single long event: one large write to a receiver. Longer
    /// ones save nothing, and would leave the cache while they are copied to many sockets.
    pub const MAX_BYTES: usize = 64 << 10;

    /// A longer target is forgotten when it is delivered: peers choose its names, and a run is kept for
    /// as long as its thread.
    const KEEP_TARGET: usize = 16 << 10;

    /// Begins a run with a publish that was decoded.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]: the name is too long; the run is empty.
    pub fn begin(
        &mut self,
        target: &Target<'_>,
        event: &str,
        value: ValueRef<'_>,
    ) -> Result<(), EncodeError> {
        debug_assert!(self.is_empty(), "the run before was delivered");
        self.head = 0;
        self.target.clear();
        let empty = ValueRef::Empty;
        v3::encode_event("", empty, &mut self.target)?;
        let header = LENGTH_PREFIX + self.kind.len();
        self.kind.copy_from_slice(&self.target[LENGTH_PREFIX..header]);
        let tail = self.target.len() - header;
        self.target.clear();
        let publish = Message::Publish { request: None, target: *target, event: "", value: empty };
        v3::encode(&publish, &mut self.target)?;
        self.head = self.target.len() - tail;
        self.events.push(|out| v3::encode_event(event, value, out))
    }

    /// Adds a frame (without its length prefix) if it is a sound PUBLISH to the same target as the
    /// last that was [begun](Self::begin), even if that one was delivered (unless its target is very
    /// long). `false`: decode it.
    #[inline]
    pub fn follow(&mut self, frame: &[u8]) -> bool {
        let head = self.target.get(LENGTH_PREFIX..self.head).filter(|head| !head.is_empty());
        let Some(tail) = head.and_then(|head| frame.strip_prefix(head)) else { return false };
        let Ok(length) = u32::try_from(self.kind.len() + tail.len()) else { return false };
        let kind = self.kind;
        self.events
            .push(|out| {
                out.reserve(LENGTH_PREFIX + kind.len() + tail.len());
                out.put_u32_le(length);
                out.put_slice(&kind);
                let event = out.len() - kind.len();
                out.put_slice(tail);
                v3::decode(&out[event..]).map(drop)
            })
            .is_ok()
    }

    /// Whether a frame of this length may be added. If not, deliver first.
    #[must_use]
    pub fn has_room(&self, length: usize) -> bool {
        self.is_empty() || self.events.bytes().len() + LENGTH_PREFIX + length <= Self::MAX_BYTES
    }

    /// Whether nothing waits to be delivered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Ends the run: lends its target and its events to `deliver`. `None`: there is none.
    pub fn deliver<R>(&mut self, deliver: impl FnOnce(&Target<'_>, &Frames<'_>) -> R) -> Option<R> {
        if self.is_empty() {
            return None;
        }
        let result = match v3::decode(&self.target[LENGTH_PREFIX..]) {
            Ok(Message::Publish { target, .. }) => {
                self.events.drain(|events| deliver(&target, events))
            }
            other => unreachable!("a publish was encoded, not {other:?}"),
        };
        if self.target.capacity() > Self::KEEP_TARGET {
            self.target = BytesMut::new();
        }
        Some(result)
    }
}

#[cfg(test)]
mod tests;
