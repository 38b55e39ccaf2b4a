//! Frames that do not wait behind others: what routers tell each other about the cluster.
//!
//! A frame whose first bytes are with the kernel is finished first; before everything else of the queue such
//! frames go, in their own order. A batch that is being written is not looked at: what the kernel takes at once is
//! gone by then, and what it does not take comes back.

use bytes::BytesMut;

use super::Outbox;
use crate::session::SendError;

/// What may wait ahead of the queue, beside its bounds: 16 MiB. A peer that is so far behind is better connected
/// anew than told all of it.
const MAX_AHEAD: usize = 16 << 20;

/// What goes ahead.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// What has no place in the queue yet.
    frames: BytesMut,
    /// The bytes of the queue up to the end of those that have one.
    end: usize,
}

impl Ahead {
    /// So many bytes of the queue are with the kernel.
    pub(super) fn written(&mut self, bytes: usize) {
        self.end = self.end.saturating_sub(bytes);
    }

    /// Those that are in the queue are like all others now.
    pub(super) fn forget_place(&mut self) {
        self.end = 0;
    }
}

impl Outbox {
    /// Queues a whole frame, its length prefix included, before all frames of which no byte is written.
    ///
    /// # Errors
    ///
    /// [`SendError::SlowConsumer`]: 16 MiB wait there. What is missing then cannot be made up for: the connection is
    /// to end.
    pub fn push_ahead(&mut self, frame: &[u8]) -> Result<(), SendError> {
        let ahead = self.ahead.get_or_insert_default();
        if ahead.end + ahead.frames.len() + frame.len() > MAX_AHEAD {
            self.overflowed = true;
            return Err(SendError::SlowConsumer);
        }
        ahead.frames.extend_from_slice(frame);
        self.note(frame.len(), 1);
        Ok(())
    }

    /// Puts what goes ahead where it belongs. No batch is in flight.
    #[cold]
    pub(super) fn put_ahead(&mut self) {
        let Some(ahead) = self.ahead.as_mut().filter(|ahead| !ahead.frames.is_empty()) else {
            return;
        };
        let frames = std::mem::take(&mut ahead.frames).freeze();
        let (mut at, mut left) = (0, self.head_left.max(ahead.end));
        ahead.end = left + frames.len();
        self.seal();
        while left > 0
            && let Some(piece) = self.sealed.get_mut(at)
        {
            at += 1;
            if piece.len() <= left {
                left -= piece.len();
            } else {
                let behind = piece.split_off(left);
                self.sealed.insert(at, behind);
                break;
            }
        }
        self.sealed.insert(at, frames);
    }
}
