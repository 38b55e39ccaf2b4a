//! The reference: a list of frames, slow and easy to believe.

use std::collections::VecDeque;

use super::*;

/// What the outbox is compared with.
pub(super) struct Model {
    overflow: Overflow,
    pub(super) frames: VecDeque<Frame>,
    /// Bytes of the first frame that were written before.
    head_written: usize,
    pub(super) flight: Option<Flight>,
    pub(super) blocked: bool,
    /// A frame did not fit, and the peer is disconnected for it.
    overflowed: bool,
    pub(super) ledger: Ledger,
    /// What waits in the stream.
    pub(super) stream: VecDeque<u8>,
    stream_id: u32,
    /// Bytes that were ever written, and how many will be when the last chunk is.
    written: usize,
    last_chunk_end: usize,
}

pub(super) struct Frame {
    pub(super) bytes: Bytes,
    /// Who would be replaced by it; `None`: it is not to be dropped.
    pub(super) key: Option<String>,
}

/// The first frames of the list are being written.
pub(super) struct Flight {
    pub(super) frames: usize,
    pub(super) bytes: usize,
    pub(super) written: usize,
}

impl Model {
    /// The OPEN of the stream is written already, `open` bytes.
    pub(super) fn new(overflow: Overflow, stream_id: u32, open: usize) -> Self {
        let mut ledger = Ledger::default();
        (ledger.accepted, ledger.done) = (1, 1);
        Self {
            overflow,
            frames: VecDeque::new(),
            head_written: 0,
            flight: None,
            blocked: false,
            overflowed: false,
            ledger,
            stream: VecDeque::new(),
            stream_id,
            written: open,
            last_chunk_end: 0,
        }
    }

    /// Moves chunks behind what waits: until a quarter of the bound is used, and at least one if the last
    /// one is written.
    pub(super) fn fill(&mut self) {
        let mut one = self.written >= self.last_chunk_end;
        while self.flight.is_none()
            && !self.stream.is_empty()
            && (one || self.bytes() < MAX_BYTES / 4)
        {
            one = false;
            let length = self.stream.len().min(MAX_BYTES / 4);
            let mut bytes = BytesMut::new();
            v3::encode_chunk_header(self.stream_id, length, &mut bytes).expect("a short chunk");
            bytes.extend(self.stream.drain(..length));
            self.frames.push_back(Frame { bytes: bytes.freeze(), key: None });
            self.ledger.accepted += 1;
            self.last_chunk_end = self.written + self.bytes();
        }
    }

    /// All that waits is being written from now on.
    pub(super) fn take(&mut self) {
        let (frames, bytes) = (self.frames.len(), self.bytes());
        self.flight = Some(Flight { frames, bytes, written: 0 });
    }

    pub(super) fn bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.bytes.len()).sum::<usize>() - self.head_written
    }

    pub(super) fn is_congested(&self) -> bool {
        self.blocked
            || self.bytes() > MAX_BYTES / 100 * 75
            || self.frames.len() > MAX_FRAMES * 75 / 100
    }

    pub(super) fn drop_one(&mut self, reason: DropReason) {
        self.ledger.accepted += 1;
        self.ledger.drop_for(reason, 1);
    }

    pub(super) fn push(&mut self, frame: Frame, class: Class) -> Result<(), SendError> {
        if class == Class::Volatile && (self.is_congested() || !self.fits(&frame, class)) {
            self.drop_one(DropReason::Volatile);
            return Ok(());
        }
        if !self.fits(&frame, class) {
            if class == Class::Control || self.overflow == Overflow::Disconnect {
                self.overflowed = true;
                self.drop_one(DropReason::QueueFull);
                return Err(SendError::SlowConsumer);
            }
            self.make_room(&frame);
        }
        if !self.fits(&frame, class) {
            self.drop_one(DropReason::QueueFull);
            return Err(SendError::QueueFull);
        }
        self.ledger.accepted += 1;
        self.frames.push_back(frame);
        Ok(())
    }

    fn fits(&self, frame: &Frame, class: Class) -> bool {
        let control = class == Class::Control;
        if self.overflowed && !control {
            return false;
        }
        let max_bytes = if control { MAX_BYTES + RESERVE } else { MAX_BYTES };
        let room = self.bytes() == 0 || self.bytes() + frame.bytes.len() <= max_bytes;
        room && (control || self.frames.len() < MAX_FRAMES)
    }

    fn make_room(&mut self, new: &Frame) {
        match self.overflow {
            Overflow::DropOldest => {
                let mut index = self.first_droppable();
                while index < self.frames.len()
                    && (self.bytes() + new.bytes.len() > MAX_BYTES / 100 * 75
                        || self.frames.len() + 1 > MAX_FRAMES * 75 / 100)
                {
                    if self.frames[index].key.is_some() {
                        self.frames.remove(index);
                        self.ledger.drop_for(DropReason::Displaced, 1);
                    } else {
                        index += 1;
                    }
                }
            }
            Overflow::Latest if new.key.is_some() => {
                self.retain(DropReason::Superseded, |frame| frame.key != new.key);
            }
            _ => {}
        }
        self.blocked &= !self.frames.is_empty();
    }

    /// Behind what is being written, and behind a frame that is partly written.
    fn first_droppable(&self) -> usize {
        match &self.flight {
            Some(flight) => flight.frames,
            None => usize::from(self.head_written > 0),
        }
    }

    pub(super) fn retain(&mut self, reason: DropReason, keep: impl Fn(&Frame) -> bool) {
        let rest = self.frames.split_off(self.first_droppable());
        for frame in rest {
            if keep(&frame) {
                self.frames.push_back(frame);
            } else {
                self.ledger.drop_for(reason, 1);
            }
        }
        self.blocked &= !self.frames.is_empty();
    }

    /// The next `length` bytes for the kernel.
    pub(super) fn write(&mut self, length: usize) -> Vec<u8> {
        let flight = self.flight.as_mut().expect("a batch is in flight");
        let skip = self.head_written + flight.written;
        flight.written += length;
        let all: Vec<u8> =
            self.frames.iter().take(flight.frames).flat_map(|frame| frame.bytes.to_vec()).collect();
        all[skip..skip + length].to_vec()
    }

    pub(super) fn give_back(&mut self) {
        let Some(flight) = self.flight.take() else { return };
        self.blocked = flight.written < flight.bytes;
        self.written += flight.written;
        self.head_written += flight.written;
        while let Some(front) = self.frames.front() {
            if front.bytes.len() > self.head_written {
                break;
            }
            self.head_written -= front.bytes.len();
            self.ledger.done += 1;
            self.frames.pop_front();
        }
    }

    pub(super) fn disconnect(&mut self, keep: impl Fn(&Frame) -> bool) {
        self.overflowed = false;
        if self.head_written > 0 {
            self.frames.pop_front();
            self.head_written = 0;
            self.ledger.drop_for(DropReason::Disconnected, 1);
        }
        self.retain(DropReason::Disconnected, keep);
        self.blocked = false;
    }
}
