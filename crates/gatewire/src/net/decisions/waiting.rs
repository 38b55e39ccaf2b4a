//! The messages that wait for a decision, the one that is being decided about in front.

use std::collections::VecDeque;

use bytes::Bytes;
use gatewire_core::Time;
use gatewire_core::session::Incoming;
use rustc_hash::FxHashMap;

/// A message that waits.
pub(crate) struct Waiting {
    pub(crate) frame: Bytes,
    /// When it came: its rate is that of its arrival.
    pub(crate) came: Time,
    /// Whether the account of what came in counts it.
    counts: bool,
    /// If it belongs to a stream that comes in.
    stream: Option<u32>,
}

impl Waiting {
    pub(crate) fn new(frame: Bytes, incoming: &Incoming<'_>, came: Time) -> Self {
        let stream = match *incoming {
            Incoming::StreamOpen { id, .. }
            | Incoming::StreamChunk { id, .. }
            | Incoming::StreamFinish { id, .. }
            | Incoming::StreamReset { id, .. } => Some(id),
            _ => None,
        };
        Self { frame, came, counts: is_counted(incoming), stream }
    }
}

/// Whether the account of what came in counts a message: those for the server's handlers.
pub(crate) fn is_counted(incoming: &Incoming<'_>) -> bool {
    matches!(
        incoming,
        Incoming::Event { .. }
            | Incoming::Request { .. }
            | Incoming::StreamOpen { target: None, .. }
    )
}

/// The messages that wait, in order.
#[derive(Default)]
pub(crate) struct Queue {
    messages: VecDeque<Waiting>,
    bytes: usize,
    counted: u64,
    /// How many wait of each stream: the rest of it waits behind them.
    streams: FxHashMap<u32, usize>,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many of them the account counts.
    pub(crate) fn counted(&self) -> u64 {
        self.counted
    }

    /// Whether a message of this stream waits.
    pub(crate) fn has_stream(&self, id: u32) -> bool {
        self.streams.contains_key(&id)
    }

    pub(crate) fn push_back(&mut self, waiting: Waiting) {
        self.add(&waiting);
        self.messages.push_back(waiting);
    }

    pub(crate) fn push_front(&mut self, waiting: Waiting) {
        self.add(&waiting);
        self.messages.push_front(waiting);
    }

    fn add(&mut self, waiting: &Waiting) {
        self.bytes += waiting.frame.len();
        self.counted += u64::from(waiting.counts);
        if let Some(id) = waiting.stream {
            *self.streams.entry(id).or_default() += 1;
        }
    }

    pub(crate) fn pop_front(&mut self) -> Option<Waiting> {
        let waiting = self.messages.pop_front()?;
        self.bytes -= waiting.frame.len();
        self.counted -= u64::from(waiting.counts);
        if let Some(id) = waiting.stream
            && let Some(count) = self.streams.get_mut(&id)
        {
            *count -= 1;
            if *count == 0 {
                self.streams.remove(&id);
            }
        }
        Some(waiting)
    }
}
