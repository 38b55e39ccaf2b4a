//! What waits to be written to one connection, bounded in bytes and frames.
//!
//! Small frames are copied one behind the other into one buffer, large ones that many connections
//! share are queued as they are: copying beats counting references up to about 1 KiB (see
//! `docs/decisions.md`). So a batch of any number of frames goes out with one vectored write.

mod batch;

use std::collections::VecDeque;
use std::mem;

use bytes::{Bytes, BytesMut};

use super::SendError;
use crate::{DropReason, Ledger};
use gatewire_codec::{EncodeError, LENGTH_PREFIX, Message, Target, v3};

pub use batch::Batch;

/// The bounds of an outbox, and what happens at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// The most bytes that wait, 4 MiB by default: some seconds of a fast sender, while 1,000
    /// stalled peers still fit in 4 GiB.
    pub max_bytes: usize,
    /// The most frames that wait, 16,384 by default.
    pub max_frames: usize,
    /// What happens to a message that does not fit.
    pub overflow: Overflow,
}

impl OutboxLimits {
    /// The soft mark as a share of the bounds: above it volatile messages are dropped and
    /// producers that can wait do.
    const SOFT_PERCENT: usize = 75;
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { max_bytes: 4 << 20, max_frames: 16_384, overflow: Overflow::Disconnect }
    }
}

/// What happens when a message does not fit the outbox of a slow peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// The peer is disconnected: it can reconnect and catch up, which beats a silent gap.
    #[default]
    Disconnect,
    /// The message is dropped; its sender is told.
    DropNewest,
    /// The oldest events are dropped until the queue is below its soft mark.
    DropOldest,
    /// Queued events of the same name for the same receivers are dropped; if there are none, the
    /// message is.
    Latest,
}

/// How a frame is treated when the peer is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Keeps the connection alive or ends it: never dropped; beyond a reserve above the bound the
    /// peer is disconnected.
    Control,
    /// Queued up to the bound.
    Normal,
    /// Dropped unless the peer keeps up: while the kernel takes no more, or above the soft mark.
    Volatile,
}

/// Frames of up to this length are copied, longer ones shared: where both cost the same for
/// 1,000 receivers.
const SHARE_ABOVE: usize = 1024;

/// What control frames may use above the bound.
const CONTROL_RESERVE: usize = 64 << 10;

/// A buffer of up to this size is kept for the next batch.
const KEEP_CAPACITY: usize = 64 << 10;

/// What waits to be written to one connection, bounded in bytes and frames.
///
/// The writer [takes](Self::take) the whole content as a [`Batch`], writes it without holding any
/// lock, and [gives back](Self::give_back) what is left; frames pushed in the meantime queue up
/// behind. Bytes in a batch count against the bounds until it is given back.
#[derive(Debug)]
pub struct Outbox {
    limits: OutboxLimits,
    /// Whole segments, in front of `tail`.
    sealed: VecDeque<Bytes>,
    /// Where small frames are appended.
    tail: BytesMut,
    /// Bytes at the very front that belong to a frame whose beginning is written.
    head_left: usize,
    /// Everything that waits, the batch in flight included.
    bytes: usize,
    /// Everything that was ever written: progress.
    written: u64,
    in_flight: bool,
    /// The last write left something.
    blocked: bool,
    /// A frame did not fit, and the peer is to be disconnected for it: what came behind it would
    /// be a gap.
    overflowed: bool,
    /// There is no connection that could write anything.
    detached: bool,
    spare: BytesMut,
    ledger: Ledger,
}

impl Outbox {
    /// An empty outbox. Allocates nothing.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            sealed: VecDeque::new(),
            tail: BytesMut::new(),
            head_left: 0,
            bytes: 0,
            written: 0,
            in_flight: false,
            blocked: false,
            overflowed: false,
            detached: false,
            spare: BytesMut::new(),
            ledger: Ledger::default(),
        }
    }

    /// Appends one frame, which `encode` writes at the end of the buffer.
    ///
    /// # Errors
    ///
    /// [`SendError`]: nothing was queued. A dropped volatile frame is no error.
    #[inline]
    pub fn push_with(
        &mut self,
        class: Class,
        max_frame: u32,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<(), SendError> {
        if class == Class::Volatile && self.is_congested() {
            self.ledger.accepted += 1;
            self.ledger.drop_for(DropReason::Volatile, 1);
            return Ok(());
        }
        let start = self.tail.len();
        if let Err(error) = encode(&mut self.tail) {
            self.tail.truncate(start);
            return Err(error.into());
        }
        let length = self.tail.len() - start;
        if length - LENGTH_PREFIX > max_frame as usize {
            self.tail.truncate(start);
            return Err(SendError::TooLarge { length: length - LENGTH_PREFIX, limit: max_frame });
        }
        if !self.fits(class, length) {
            let frame = self.tail.split_off(start);
            return self.push_into_full(class, &frame.freeze());
        }
        self.note(length);
        Ok(())
    }

    /// Appends a whole frame (with its length prefix) that others share.
    ///
    /// # Errors
    ///
    /// As [`push_with`](Self::push_with).
    #[inline]
    pub fn push_shared(
        &mut self,
        class: Class,
        max_frame: u32,
        frame: &Bytes,
    ) -> Result<(), SendError> {
        let length = frame.len();
        if length - LENGTH_PREFIX > max_frame as usize {
            self.ledger.accepted += 1;
            self.ledger.drop_for(DropReason::TooLarge, 1);
            return Err(SendError::TooLarge { length: length - LENGTH_PREFIX, limit: max_frame });
        }
        if class == Class::Volatile && self.is_congested() {
            self.ledger.accepted += 1;
            self.ledger.drop_for(DropReason::Volatile, 1);
            return Ok(());
        }
        if !self.fits(class, length) {
            return self.push_into_full(class, frame);
        }
        self.append(frame);
        Ok(())
    }

    fn append(&mut self, frame: &Bytes) {
        if frame.len() <= SHARE_ABOVE {
            self.tail.extend_from_slice(frame);
        } else {
            self.seal();
            self.sealed.push_back(frame.clone());
        }
        self.note(frame.len());
    }

    fn note(&mut self, length: usize) {
        self.bytes += length;
        self.ledger.accepted += 1;
        self.ledger.queued += 1;
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.sealed.push_back(self.tail.split().freeze());
        }
    }

    #[inline]
    fn fits(&self, class: Class, length: usize) -> bool {
        let max_bytes = match class {
            Class::Control => self.limits.max_bytes + CONTROL_RESERVE,
            Class::Normal | Class::Volatile => self.limits.max_bytes,
        };
        let frames = class == Class::Control || self.ledger.queued < self.limits.max_frames as u64;
        if self.overflowed && class != Class::Control {
            return false;
        }
        // A frame that is longer than the whole bound still passes alone.
        frames && (self.bytes + length <= max_bytes || self.bytes == 0)
    }

    fn push_into_full(&mut self, class: Class, frame: &Bytes) -> Result<(), SendError> {
        match (class, self.limits.overflow) {
            // It takes no other's place, and is not worth the connection.
            (Class::Volatile, _) => {
                self.ledger.accepted += 1;
                self.ledger.drop_for(DropReason::Volatile, 1);
                return Ok(());
            }
            (Class::Control, _) | (_, Overflow::Disconnect) => return Err(self.overflowed()),
            (_, Overflow::DropNewest) => {}
            (_, Overflow::DropOldest) => {
                let soft_bytes = self.limits.max_bytes / 100 * OutboxLimits::SOFT_PERCENT;
                let soft_frames = self.limits.max_frames * OutboxLimits::SOFT_PERCENT / 100;
                let mut bytes = self.bytes + frame.len();
                let mut frames = self.queued_frames() + 1;
                self.retain(DropReason::Displaced, |queued| {
                    let enough = bytes <= soft_bytes && frames <= soft_frames;
                    if enough || event_key(queued).is_none() {
                        return true;
                    }
                    bytes -= queued.len();
                    frames -= 1;
                    false
                });
            }
            (_, Overflow::Latest) => {
                if let Some(key) = event_key(frame) {
                    self.retain(DropReason::Superseded, |queued| event_key(queued) != Some(key));
                }
            }
        }
        if self.fits(class, frame.len()) {
            self.append(frame);
            return Ok(());
        }
        self.ledger.accepted += 1;
        self.ledger.drop_for(DropReason::QueueFull, 1);
        Err(SendError::QueueFull)
    }

    fn overflowed(&mut self) -> SendError {
        self.overflowed = true;
        self.ledger.accepted += 1;
        self.ledger.drop_for(DropReason::QueueFull, 1);
        SendError::SlowConsumer
    }

    /// Takes everything that waits, to be written. `None`: nothing waits, or a batch is in flight.
    pub fn take(&mut self) -> Option<Batch> {
        if self.in_flight || (self.tail.is_empty() && self.sealed.is_empty()) {
            return None;
        }
        self.in_flight = true;
        let tail = mem::replace(&mut self.tail, mem::take(&mut self.spare));
        let sealed = mem::take(&mut self.sealed);
        Some(Batch::new(sealed, tail, self.bytes, self.ledger.queued, self.head_left))
    }

    /// Gives a batch back, written or not: what is left of it goes to the front.
    pub fn give_back(&mut self, batch: Batch) {
        self.in_flight = false;
        self.bytes -= batch.written_bytes();
        self.written += batch.written_bytes() as u64;
        self.ledger.queued -= batch.written_frames();
        self.ledger.done += batch.written_frames();
        self.blocked = !batch.is_empty();
        let (mut sealed, mut tail, head_left) = batch.into_rest();
        self.head_left = head_left;
        if !tail.is_empty() {
            sealed.push_back(tail.split().freeze());
        }
        if tail.capacity() <= KEEP_CAPACITY && self.spare.capacity() == 0 {
            tail.clear();
            self.spare = tail;
        }
        if self.sealed.is_empty() {
            self.sealed = sealed;
        } else {
            sealed.append(&mut self.sealed);
            self.sealed = sealed;
        }
    }

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
            while let Some(length) = frame_length(&segment) {
                let frame = segment.split_to(length);
                if keep(&frame) {
                    if length > SHARE_ABOVE {
                        self.seal();
                        self.sealed.push_back(frame);
                    } else {
                        self.tail.extend_from_slice(&frame);
                    }
                } else {
                    self.bytes -= length;
                    self.ledger.queued -= 1;
                    self.ledger.drop_for(reason, 1);
                }
            }
        }
        if self.bytes == 0 {
            // Nothing is left whose writing would tell that the kernel takes more again.
            self.blocked = false;
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

    /// Puts a frame in front of all others. For what must precede the queue of a lost connection.
    pub fn push_front(&mut self, frame: Bytes) {
        debug_assert!(self.head_left == 0 && !self.in_flight, "only between connections");
        self.note(frame.len());
        self.sealed.push_front(frame);
    }

    /// Changes the bounds; what waits already stays.
    pub fn set_limits(&mut self, limits: OutboxLimits) {
        self.limits = limits;
    }

    /// Gives the memory of an idle connection back.
    pub fn release_memory(&mut self) {
        self.spare = BytesMut::new();
        if self.bytes == 0 {
            self.tail = BytesMut::new();
            self.sealed = VecDeque::new();
        }
    }

    /// Bytes that wait.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes written so far: whether a slow peer takes anything at all.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.written
    }

    /// Frames that wait.
    #[must_use]
    pub fn queued_frames(&self) -> usize {
        usize::try_from(self.ledger.queued).unwrap_or(usize::MAX)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether the last write left something, so that the kernel takes no more for now; or whether
    /// [`set_blocked`](Self::set_blocked) said so.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked || self.detached
    }

    /// Whether producers that can wait should: three quarters of a bound are used.
    #[must_use]
    pub fn is_above_soft_mark(&self) -> bool {
        let OutboxLimits { max_bytes, max_frames, .. } = self.limits;
        self.bytes > max_bytes / 100 * OutboxLimits::SOFT_PERCENT
            || self.queued_frames() > max_frames * OutboxLimits::SOFT_PERCENT / 100
    }

    /// Tells whether anybody takes bytes at all: without a connection volatile frames are dropped.
    pub fn set_blocked(&mut self, blocked: bool) {
        self.detached = blocked;
    }

    /// Whether a batch is taken and not given back.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        self.in_flight
    }

    fn is_congested(&self) -> bool {
        self.is_blocked() || self.is_above_soft_mark()
    }

    /// The account of this outbox.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// The length of the frame at the start of `segment`, its prefix included.
fn frame_length(segment: &[u8]) -> Option<usize> {
    let prefix = segment.first_chunk::<LENGTH_PREFIX>()?;
    Some(LENGTH_PREFIX + u32::from_le_bytes(*prefix) as usize)
}

/// The event that a frame carries and for whom; `None`: it is no event that may be dropped for newer
/// ones, but an answer, a request or control.
fn event_key(frame: &[u8]) -> Option<(Option<Target<'_>>, &str)> {
    match v3::decode(frame.get(LENGTH_PREFIX..)?) {
        Ok(Message::Event { event, .. }) => Some((None, event)),
        Ok(Message::Publish { request: None, target, event, .. }) => Some((Some(target), event)),
        _ => None,
    }
}
