//! How much of what waits to be written is answers.

use std::collections::VecDeque;

/// Answers whose ends lie this close together are one entry.
const STEP: u64 = 64 << 10;

/// The answers that are queued, by where they end in the stream of all bytes ever written. As many
/// entries as the outbox has steps, whatever the number of answers.
#[derive(Default)]
pub(super) struct Answers {
    entries: VecDeque<Entry>,
    bytes: usize,
}

struct Entry {
    end: u64,
    bytes: usize,
}

impl Answers {
    /// An answer is queued that ends here.
    pub(super) fn queue(&mut self, end: u64, bytes: usize) {
        self.bytes += bytes;
        match self.entries.back_mut() {
            Some(last) if last.end / STEP == end / STEP => {
                last.end = end;
                last.bytes += bytes;
            }
            _ => self.entries.push_back(Entry { end, bytes }),
        }
    }

    /// Bytes of answers that are not written when so many bytes are.
    pub(super) fn unwritten(&mut self, written: u64) -> usize {
        while let Some(first) = self.entries.front().filter(|first| first.end <= written) {
            self.bytes -= first.bytes;
            self.entries.pop_front();
        }
        self.bytes
    }
}
