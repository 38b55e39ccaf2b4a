//! One end of a connection: its session, the streams that come in, and those that it writes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gatewire_codec::{NackCode, StreamCode, Value, ValueRef};
use gatewire_core::Time;
use gatewire_core::session::{
    Chunk, CreditPool, Flow, Incoming, ProtocolError, Read, ReadFailure, ReceiveStream,
    SEND_BUFFER, Session, StreamLimits,
};

use super::pattern;

/// One side, and what its application does with streams.
pub(super) struct End {
    pub(super) session: Session<u32, u32>,
    /// Bytes that are no frame yet.
    pub(super) buffer: BytesMut,
    pub(super) pool: Arc<CreditPool>,
    pub(super) incoming: BTreeMap<u32, InStream>,
    /// Whether streams that come in are read as soon as something is there.
    pub(super) reads: bool,
    pub(super) outgoing: Vec<OutStream>,
    pub(super) seen: Vec<Seen>,
    pub(super) errors: Vec<ProtocolError>,
    /// The kinds of the frames that came.
    pub(super) frames: BTreeMap<u8, u64>,
    waiters: u32,
    limits: StreamLimits,
}

/// A stream that comes in, and what its reader has.
pub(super) struct InStream {
    pub(super) stream: ReceiveStream,
    pub(super) read: Vec<u8>,
    /// `End` or `Failed`, when that was read.
    pub(super) end: Option<Read>,
}

/// A stream that is being written: the pattern of its id, so many bytes of it.
pub(super) struct OutStream {
    pub(super) id: u32,
    pub(super) written: usize,
    pub(super) length: usize,
    /// The lengths of the writes, in turn; each second one is a copy.
    pub(super) writes: VecDeque<usize>,
}

/// What an application saw, and how many stream bytes had come before.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    Event { name: String, at: Time, behind: u64 },
    Request { id: u32, behind: u64 },
    Answer { id: u32, waiter: Option<u32>, result: Result<Value, NackCode> },
    Stop { id: u32, open: bool, code: StreamCode, text: String },
    Closed,
}

impl End {
    pub(super) fn new(session: Session<u32, u32>, limits: StreamLimits) -> Self {
        Self {
            session,
            buffer: BytesMut::new(),
            pool: CreditPool::new(limits.max_total_credit),
            incoming: BTreeMap::new(),
            reads: true,
            outgoing: Vec::new(),
            seen: Vec::new(),
            errors: Vec::new(),
            frames: BTreeMap::new(),
            waiters: 0,
            limits,
        }
    }

    /// Opens a stream and lets it be written to its end; its id.
    pub(super) fn send(&mut self, length: usize) -> u32 {
        self.send_in(length, &[64 << 10])
    }

    /// As [`send`](Self::send), in writes of such lengths, the last of them for ever.
    pub(super) fn send_in(&mut self, length: usize, writes: &[usize]) -> u32 {
        let id = self.open();
        let writes = writes.iter().copied().collect();
        self.outgoing.push(OutStream { id, written: 0, length, writes });
        id
    }

    /// Opens a stream; what is written is the caller's. The first has the waiter 101, the next 102, ...
    pub(super) fn open(&mut self) -> u32 {
        self.waiters += 1;
        let (waiter, handle) = (100 + self.waiters, 200 + self.waiters);
        let outbound = &mut self.session.outbound;
        outbound.open_stream(None, "file", ValueRef::Empty, waiter, handle).expect("queued")
    }

    pub(super) fn emit(&mut self, name: &str) {
        let value = ValueRef::Binary(&[0; 100]);
        let outbound = &mut self.session.outbound;
        outbound.emit(gatewire_core::session::Class::Normal, name, value).expect("queued");
    }

    /// What writers and readers do when they have something to do.
    pub(super) fn work(&mut self) {
        let outbound = &mut self.session.outbound;
        outbound.drain_sent().for_each(drop);
        for stream in &mut self.outgoing {
            while outbound.stream_waiting(stream.id).is_some_and(|waiting| waiting < SEND_BUFFER) {
                if stream.written == stream.length {
                    assert!(outbound.streams_mut().finish(stream.id));
                    break;
                }
                let left = stream.length - stream.written;
                let length = stream.writes[0].clamp(1, left);
                if stream.writes.len() > 1 {
                    stream.writes.pop_front();
                }
                let bytes = pattern::slice(stream.id, stream.written, length);
                let taken = if stream.written % 2 == 0 {
                    outbound.write_stream(stream.id, Bytes::copy_from_slice(bytes))
                } else {
                    outbound.streams_mut().copy(stream.id, bytes)
                };
                assert!(taken, "a stream with room takes more");
                stream.written += length;
            }
        }
        self.outgoing.retain(|stream| outbound.stream_waiting(stream.id).is_some());
        if self.reads {
            for id in self.incoming.keys().copied().collect::<Vec<_>>() {
                self.read(id, usize::MAX);
            }
        }
    }

    /// Reads up to `most` bytes of a stream, compares them with what was written, and gives the credit
    /// that is due.
    #[track_caller]
    pub(super) fn read(&mut self, id: u32, most: usize) {
        let one = self.incoming.get_mut(&id).expect("the stream was opened");
        let mut left = most;
        while left > 0 && one.end.is_none() {
            match one.stream.read(left) {
                Read::Pending => break,
                Read::Chunk(bytes) => {
                    assert!(!bytes.is_empty() && bytes.len() <= left);
                    assert!(bytes == pattern::slice(id, one.read.len(), bytes.len()));
                    left -= bytes.len();
                    one.read.extend_from_slice(&bytes);
                }
                end => one.end = Some(end),
            }
            if let Some(limit) = one.stream.grant() {
                self.session.outbound.grant(id, limit).expect("queued");
            }
        }
    }

    pub(super) fn handle_frame(&mut self, frame: &Bytes, now: Time) {
        *self.frames.entry(frame[1]).or_default() += 1;
        let result = match self.session.handle_frame(frame, now) {
            Ok(Some(incoming)) => self.handle(frame, incoming, now),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.errors.extend(result.err());
        self.check();
    }

    /// Does as the documentation of [`Incoming`] says.
    fn handle(
        &mut self,
        frame: &Bytes,
        incoming: Incoming<'_>,
        now: Time,
    ) -> Result<(), ProtocolError> {
        let outbound = &mut self.session.outbound;
        let behind = self.incoming.values().map(|one| one.stream.received()).sum();
        match incoming {
            Incoming::Event { event, .. } => {
                self.seen.push(Seen::Event { name: event.to_owned(), at: now, behind });
            }
            Incoming::Request { id, .. } => self.seen.push(Seen::Request { id, behind }),
            Incoming::Answer { id, result } => {
                if result.is_err() {
                    outbound.end_stream(id);
                }
                let result = result.map(|value| value.to_value()).map_err(|refused| refused.code);
                self.seen.push(Seen::Answer { id, waiter: outbound.answered(id), result });
            }
            Incoming::StreamOpen { id, .. } => {
                if self.incoming.contains_key(&id) {
                    return Err(ProtocolError::StreamIdInUse(id));
                }
                let stream = ReceiveStream::new(Flow::Credit, &self.limits, Arc::clone(&self.pool));
                self.incoming.insert(id, InStream { stream, read: Vec::new(), end: None });
            }
            Incoming::StreamChunk { id, bytes } => {
                let Some(one) = self.incoming.get_mut(&id) else { return Ok(()) };
                // As a driver has them: some frames lie in a buffer that is used again.
                let chunk = frame.slice_ref(bytes);
                let chunk = if bytes.len() % 3 == 0 {
                    Chunk::Borrowed(bytes)
                } else {
                    Chunk::Owned(&chunk)
                };
                if one.stream.handle_data(chunk)? {
                    outbound.probe_stream(id);
                }
            }
            Incoming::StreamFinish { id, length } => {
                if let Some(one) = self.incoming.get_mut(&id) {
                    one.stream.handle_finish(length)?;
                }
            }
            Incoming::StreamReset { id, code, text } => {
                if let Some(one) = self.incoming.get_mut(&id) {
                    one.stream.fail(ReadFailure::Reset { code, text: text.into() });
                }
            }
            Incoming::StreamStop { id, code, text } => {
                let open = outbound.end_stream(id).is_some();
                self.seen.push(Seen::Stop { id, open, code, text: text.to_owned() });
            }
            Incoming::StreamCredit { id, limit } => outbound.streams_mut().handle_credit(id, limit),
            Incoming::StreamProbed { id } => {
                if let Some(one) = self.incoming.get_mut(&id) {
                    one.stream.handle_pong();
                }
            }
            Incoming::Closed { .. } => self.seen.push(Seen::Closed),
            other => panic!("nobody sends {other:?}"),
        }
        Ok(())
    }

    /// The connection is lost.
    pub(super) fn disconnect(&mut self) -> Vec<u32> {
        self.buffer.clear();
        self.outgoing.clear();
        for one in self.incoming.values_mut() {
            one.stream.fail(ReadFailure::Disconnected);
        }
        self.work();
        let waiters = self.session.outbound.disconnect(|_| false);
        assert_eq!(self.session.outbound.open_streams(), 0);
        self.check();
        waiters
    }

    /// What always holds.
    #[track_caller]
    pub(super) fn check(&self) {
        let ledger = self.session.outbound.outbox().ledger();
        assert!(ledger.is_balanced(), "{ledger:?}");
    }

    /// How many frames of this kind came.
    pub(super) fn frames(&self, kind: u8) -> u64 {
        self.frames.get(&kind).copied().unwrap_or_default()
    }

    /// Whether a stream was read to its end, `length` bytes.
    pub(super) fn has_all(&self, id: u32, length: usize) -> bool {
        self.incoming
            .get(&id)
            .is_some_and(|one| one.read.len() == length && one.end == Some(Read::End))
    }

    /// Stream bytes that came.
    pub(super) fn received(&self) -> u64 {
        self.incoming.values().map(|one| one.stream.received()).sum()
    }
}
