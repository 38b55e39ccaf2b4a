//! The content of an outbox on its way to the kernel.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

use super::frame_length;

/// Everything that waited when it was taken. Write [`slices`](Self::slices), then
/// [`advance`](Self::advance), until it is empty or the kernel takes no more; then give it back.
#[derive(Debug)]
pub struct Batch {
    sealed: VecDeque<Bytes>,
    tail: BytesMut,
    bytes_left: usize,
    frames_left: u64,
    head_left: usize,
    written_bytes: usize,
    written_frames: u64,
}

impl Batch {
    pub(super) fn new(
        sealed: VecDeque<Bytes>,
        tail: BytesMut,
        bytes: usize,
        frames: u64,
        head_left: usize,
    ) -> Self {
        Self {
            sealed,
            tail,
            bytes_left: bytes,
            frames_left: frames,
            head_left,
            written_bytes: 0,
            written_frames: 0,
        }
    }

    /// Whether all is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes_left == 0
    }

    /// The one piece left, if it is one: a plain write is cheaper than a vectored one.
    #[must_use]
    pub fn single(&self) -> Option<&[u8]> {
        match self.sealed.front() {
            None => Some(&self.tail),
            Some(piece) if self.sealed.len() == 1 && self.tail.is_empty() => Some(piece),
            Some(_) => None,
        }
    }

    /// Fills `out` with the first pieces; how many.
    pub fn slices<'a>(&'a self, out: &mut [IoSlice<'a>]) -> usize {
        let tail = if self.tail.is_empty() { None } else { Some(&self.tail[..]) };
        let pieces = self.sealed.iter().map(|piece| &piece[..]).chain(tail);
        let mut count = 0;
        for (slot, piece) in out.iter_mut().zip(pieces) {
            *slot = IoSlice::new(piece);
            count += 1;
        }
        count
    }

    /// Notes that the first `written` bytes are with the kernel.
    pub fn advance(&mut self, written: usize) {
        self.written_bytes += written;
        self.bytes_left -= written;
        if self.bytes_left == 0 {
            // The usual case: all at once, nothing to count.
            self.written_frames += self.frames_left;
            self.frames_left = 0;
            self.head_left = 0;
            self.sealed.clear();
            self.tail.clear();
            return;
        }
        let mut left = written;
        while left > 0 {
            let whole = match self.sealed.front() {
                Some(piece) => piece.len() <= left,
                None => false,
            };
            let (piece, take): (&[u8], usize) = match self.sealed.front() {
                Some(piece) => (piece, piece.len().min(left)),
                None => (&self.tail, left),
            };
            let done = count_frames(piece, take, &mut self.head_left);
            self.written_frames += done;
            self.frames_left -= done;
            left -= take;
            match self.sealed.front_mut() {
                Some(_) if whole => drop(self.sealed.pop_front()),
                Some(piece) => piece.advance(take),
                None => self.tail.advance(take),
            }
        }
    }

    pub(super) fn written_bytes(&self) -> usize {
        self.written_bytes
    }

    pub(super) fn written_frames(&self) -> u64 {
        self.written_frames
    }

    pub(super) fn into_rest(self) -> (VecDeque<Bytes>, BytesMut, usize) {
        (self.sealed, self.tail, self.head_left)
    }
}

/// How many frames end within the first `take` bytes of `piece`. `head_left` is what is left of a
/// frame that began before, and becomes what is left of the one that `take` cuts.
fn count_frames(piece: &[u8], take: usize, head_left: &mut usize) -> u64 {
    let mut position = 0;
    let mut done = 0;
    while position < take {
        let length = match *head_left {
            0 => frame_length(&piece[position..]).unwrap_or(piece.len() - position),
            left => left,
        };
        let end = position + length;
        if end > take {
            *head_left = end - take;
            return done;
        }
        *head_left = 0;
        done += 1;
        position = end;
    }
    done
}
