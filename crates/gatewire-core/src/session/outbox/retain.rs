//! What stays when frames are dropped from the queue, or the connection is lost.

use std::mem;

use bytes::Bytes;

use super::{Outbox, SHARE_ABOVE, frame_length};
use crate::DropReason;

/// What is left of a frame whose beginning was looked at, or written.
struct Spill {
    left: usize,
    kept: bool,
}

impl Outbox {
    /// Keeps the queued frames that `keep` wants (given with their length prefix; of a stream's chunk only
    /// the header); the others are counted as dropped. Frames in flight, and one that is partly written,
    /// stay.
    pub fn retain(&mut self, reason: DropReason, mut keep: impl FnMut(&[u8]) -> bool) {
        self.seal();
        if let Some(ahead) = &mut self.ahead {
            // What is dropped may be in front of it.
            ahead.forget_place();
        }
        let segments = mem::take(&mut self.sealed);
        // With a batch in flight, the partly written frame is in the batch.
        let head = if self.in_flight { 0 } else { self.head_left };
        let mut spill = Spill { left: head, kept: true };
        for mut segment in segments {
            let part = segment.split_to(spill.left.min(segment.len()));
            spill.left -= part.len();
            if spill.kept && !part.is_empty() {
                self.seal();
                self.sealed.push_back(part);
            }
            if !segment.is_empty() {
                spill = self.retain_of(&segment, reason, &mut keep);
            }
        }
        if self.bytes == 0 {
            // Nothing is left whose writing would tell that the kernel takes more again.
            self.blocked = false;
        }
    }

    /// A segment of which nothing is dropped stays as it is. Else what stays is copied: a part of a
    /// shared segment would keep all of it in memory. What is left of its last frame lies in the segments
    /// behind it.
    fn retain_of(
        &mut self,
        segment: &Bytes,
        reason: DropReason,
        keep: &mut impl FnMut(&[u8]) -> bool,
    ) -> Spill {
        let (mut position, mut run) = (0, 0);
        let mut spill = Spill { left: 0, kept: true };
        while let Some(length) = frame_length(&segment[position..]) {
            let frame = position..(position + length).min(segment.len());
            spill = Spill { left: length - frame.len(), kept: keep(&segment[frame.clone()]) };
            position = frame.end;
            if spill.kept {
                continue;
            }
            self.tail.extend_from_slice(&segment[run..frame.start]);
            run = position;
            self.bytes -= length;
            self.ledger.queued -= 1;
            self.ledger.drop_for(reason, 1);
        }
        if run == 0 && segment.len() > SHARE_ABOVE {
            self.seal();
            self.sealed.push_back(segment.clone());
        } else {
            self.tail.extend_from_slice(&segment[run..]);
        }
        spill
    }

    /// The connection is lost: what is partly written is lost with it, the frames that `keep` wants
    /// wait for the next connection, the others are counted as dropped.
    pub fn disconnect(&mut self, keep: impl FnMut(&[u8]) -> bool) {
        debug_assert!(!self.in_flight, "the batch in flight is given back before");
        self.put_ahead();
        self.seal();
        if self.head_left > 0 {
            while let Some(front) = self.sealed.front_mut().filter(|_| self.head_left > 0) {
                let lost = front.split_to(self.head_left.min(front.len())).len();
                self.bytes -= lost;
                self.head_left -= lost;
                if front.is_empty() {
                    self.sealed.pop_front();
                }
            }
            self.ledger.queued -= 1;
            self.ledger.drop_for(DropReason::Disconnected, 1);
        }
        self.retain(DropReason::Disconnected, keep);
        self.blocked = false;
        self.overflowed = false;
    }
}
