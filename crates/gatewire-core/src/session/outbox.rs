//! What waits to be written to one connection, bounded in bytes and frames.
//!
//! Small frames are copied one behind the other into one buffer; large ones, and long runs of small
//! ones, that many connections share are queued as they are: copying beats counting references up
//! to about 1 KiB (see `docs/decisions.md`). So a batch of any number of frames goes out with one
//! vectored write.

mod ahead;
mod batch;
mod chunks;
mod frames;
mod full;
mod latest;
mod limits;
mod retain;

use std::collections::VecDeque;
use std::mem;

use bytes::{Bytes, BytesMut};

use super::SendError;
use crate::{DropReason, Ledger};
use gatewire_codec::{EncodeError, LENGTH_PREFIX};

use ahead::Ahead;
use frames::Content;

pub use batch::Batch;
pub use frames::{FrameBuffer, Frames};
pub use limits::{Class, OutboxLimits, Overflow};

/// Frames for many of up to this length in total are copied, longer ones shared: where both cost the
/// same for 1,000 receivers.
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
    /// Frames that go before all that is not with the kernel yet. `None`: there never was one.
    ahead: Option<Box<Ahead>>,
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
            ahead: None,
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
        if !self.fits(class, length, 1) {
            let frame = self.tail.split_off(start);
            return self.push_into_full(class, &Frames::copied(&frame));
        }
        self.note(length, 1);
        Ok(())
    }

    /// Appends frames that others share. What does not fit as a whole is dealt with frame by frame.
    ///
    /// # Errors
    ///
    /// As [`push_with`](Self::push_with), if no frame was queued; those that were dropped are counted.
    /// [`SendError::SlowConsumer`] even if some were.
    #[inline]
    pub fn push_frames(
        &mut self,
        class: Class,
        max_frame: u32,
        frames: &Frames<'_>,
    ) -> Result<(), SendError> {
        // Volatile ones may cross the soft mark on their way.
        let together = frames.count() == 1 || class != Class::Volatile;
        if together
            && frames.longest() <= max_frame as usize
            && !(class == Class::Volatile && self.is_congested())
            && self.fits(class, frames.bytes().len(), frames.count())
        {
            self.append(frames);
            return Ok(());
        }
        let latest = frames.count() > 1
            && class == Class::Normal
            && self.limits.overflow == Overflow::Latest;
        if latest && let Some(result) = self.push_latest(max_frame, frames) {
            return result;
        }
        let (mut queued, mut result) = (false, Ok(()));
        for frame in frames.each() {
            match self.push_one(class, max_frame, &frame) {
                Ok(()) => queued = true,
                Err(_) if result == Err(SendError::SlowConsumer) => {}
                Err(error) => result = Err(error),
            }
        }
        match result {
            Err(SendError::SlowConsumer) => result,
            _ if queued => Ok(()),
            _ => result,
        }
    }

    fn push_one(
        &mut self,
        class: Class,
        max_frame: u32,
        frame: &Frames<'_>,
    ) -> Result<(), SendError> {
        let length = frame.longest();
        if length > max_frame as usize {
            self.ledger.accepted += 1;
            self.ledger.drop_for(DropReason::TooLarge, 1);
            return Err(SendError::TooLarge { length, limit: max_frame });
        }
        if class == Class::Volatile && self.is_congested() {
            self.ledger.accepted += 1;
            self.ledger.drop_for(DropReason::Volatile, 1);
            return Ok(());
        }
        if !self.fits(class, frame.bytes().len(), 1) {
            return self.push_into_full(class, frame);
        }
        self.append(frame);
        Ok(())
    }

    fn append(&mut self, frames: &Frames<'_>) {
        match frames.content() {
            Content::Copied(bytes) => self.tail.extend_from_slice(bytes),
            Content::Shared(bytes) => {
                self.seal();
                self.sealed.push_back(bytes.clone());
            }
        }
        self.note(frames.bytes().len(), frames.count());
    }

    fn note(&mut self, length: usize, frames: u64) {
        self.bytes += length;
        self.ledger.accepted += frames;
        self.ledger.queued += frames;
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.sealed.push_back(self.tail.split().freeze());
        }
    }

    #[inline]
    fn fits(&self, class: Class, length: usize, count: u64) -> bool {
        self.fits_behind((self.bytes, self.ledger.queued), class, length, count)
    }

    /// Whether it would fit if so many bytes and frames waited.
    #[inline]
    fn fits_behind(
        &self,
        (bytes, queued): (usize, u64),
        class: Class,
        length: usize,
        count: u64,
    ) -> bool {
        let max_bytes = match class {
            Class::Control => self.limits.max_bytes + CONTROL_RESERVE,
            Class::Normal | Class::Volatile => self.limits.max_bytes,
        };
        let frames = class == Class::Control || queued + count <= self.limits.max_frames as u64;
        if self.overflowed && class != Class::Control {
            return false;
        }
        // A frame that is longer than the whole bound still passes alone.
        frames && (bytes + length <= max_bytes || (bytes == 0 && count == 1))
    }

    /// Takes everything that waits, to be written. `None`: nothing waits, or a batch is in flight.
    pub fn take(&mut self) -> Option<Batch> {
        if self.in_flight || self.bytes == 0 {
            return None;
        }
        if self.ahead.is_some() {
            self.put_ahead();
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
        if let Some(ahead) = &mut self.ahead {
            ahead.written(batch.written_bytes());
        }
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

    /// Puts a frame in front of all others. For what must precede the queue of a lost connection.
    pub fn push_front(&mut self, frame: Bytes) {
        debug_assert!(self.head_left == 0 && !self.in_flight, "only between connections");
        self.note(frame.len(), 1);
        self.sealed.push_front(frame);
    }

    /// The most bytes that wait, but for control frames and streams.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        self.limits.max_bytes
    }

    /// Changes the bounds; what waits already stays.
    pub fn set_limits(&mut self, limits: OutboxLimits) {
        self.limits = limits;
    }

    /// Gives the memory of an idle connection back.
    pub fn release_memory(&mut self) {
        self.spare = BytesMut::new();
        if self.bytes == 0 {
            self.ahead = None;
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
        self.bytes > self.limits.soft_bytes() || self.queued_frames() > self.limits.soft_frames()
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

    /// Whether no frame is written in part, so that what waits can as well go out on another connection.
    #[must_use]
    pub fn is_between_frames(&self) -> bool {
        !self.in_flight && self.head_left == 0
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
