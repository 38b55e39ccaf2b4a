//! What stays when frames are dropped from the queue, or the connection is lost.

use std::mem;

use bytes::Bytes;

use super::{Outbox, SHARE_ABOVE, frame_length};
use crate::DropReason;

impl Outbox {
    /// Keeps the queued frames that `keep` wants (given with their length prefix); the others are
    /// counted as dropped. Frames in flight, and one that is partly written, stay.
    pub fn retain(&mut self, reason: DropReason, mut keep: impl FnMut(&[u8]) -> bool) {
        self.seal();
        let segments = mem::take(&mut self.sealed);
        // With a batch in flight, the partly written frame is in the batch.
        let mut head = if self.in_flight { 0 } else { self.head_left };
        for mut segment in segments {
            if head > 0 {
                self.sealed.push_back(segment.split_to(head));
                head = 0;
            }
            self.retain_of(&segment, reason, &mut keep);
        }
        if self.bytes == 0 {
            // Nothing is left whose writing would tell that the kernel takes more again.
            self.blocked = false;
        }
    }

    /// A segment of which nothing is dropped stays as it is. Else what stays is copied: a part of a
    /// shared segment would keep all of it in memory.
    fn retain_of(
        &mut self,
        segment: &Bytes,
        reason: DropReason,
        keep: &mut impl FnMut(&[u8]) -> bool,
    ) {
        let (mut position, mut run) = (0, 0);
        while let Some(length) = frame_length(&segment[position..]) {
            let frame = position..position + length;
            position = frame.end;
            if keep(&segment[frame.clone()]) {
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
    }

    /// The connection is lost: what is partly written is lost with it, the frames that `keep` wants
    /// wait for the next connection, the others are counted as dropped.
    pub fn disconnect(&mut self, keep: impl FnMut(&[u8]) -> bool) {
        debug_assert!(!self.in_flight, "the batch in flight is given back before");
        self.seal();
        if self.head_left > 0 {
            if let Some(front) = self.sealed.front_mut() {
                let lost = front.split_to(self.head_left);
                self.bytes -= lost.len();
                self.ledger.queued -= 1;
                self.ledger.drop_for(DropReason::Disconnected, 1);
            }
            self.head_left = 0;
        }
        self.retain(DropReason::Disconnected, keep);
        self.blocked = false;
        self.overflowed = false;
    }
}
