//! One end of the connection: a session's halves, the streams that come in, and what was written.

mod check;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gatewire_codec::{Framer, LENGTH_PREFIX, Message, NackCode, StreamCode, ValueRef, v3};
use gatewire_core::DropReason;
use gatewire_core::session::{
    Chunk, Class, CreditPool, Flow, FlowError, Inbound, Incoming, Outbound, OutboxLimits, Read,
    ReadFailure, ReceiveStream, SEND_BUFFER, SendError, StreamLimits,
};

use super::pattern::pattern;

const LIMITS: StreamLimits =
    StreamLimits { max_streams: 16, max_credit: 1 << 20, max_total_credit: 2 << 20 };
const MAX_FRAME: u32 = 1 << 20;

pub(super) struct End {
    outbound: Outbound<u32, u32>,
    inbound: Inbound,
    limits: OutboxLimits,
    buffer: BytesMut,
    pool: Arc<CreditPool>,
    honest: bool,
    /// The connection cannot go on.
    pub(super) broken: bool,
    /// What this end writes, by its ids, which it never uses twice.
    written: BTreeMap<u32, Written>,
    /// What this end reads of the present connection.
    reads: BTreeMap<u32, Reading>,
}

/// A stream that was opened.
#[derive(Debug, Default)]
struct Written {
    length: u64,
    finished: bool,
    /// Reset, stopped, refused or lost: the reader need not get all.
    cut: bool,
}

struct Reading {
    stream: ReceiveStream,
    consumed: u64,
    /// Up to where the writer was told that it may send.
    limit: u64,
    end: Option<Read>,
    /// Bytes that the FINISH told.
    length: Option<u64>,
}

impl End {
    pub(super) fn new(limits: OutboxLimits, honest: bool) -> Self {
        Self {
            outbound: Outbound::new(MAX_FRAME, limits),
            inbound: Inbound::new(),
            limits,
            buffer: BytesMut::new(),
            pool: CreditPool::new(LIMITS.max_total_credit),
            honest,
            broken: false,
            written: BTreeMap::new(),
            reads: BTreeMap::new(),
        }
    }

    pub(super) fn open(&mut self) {
        if self.outbound.open_streams() >= LIMITS.max_streams {
            return;
        }
        let id = self.outbound.open_stream(None, "file", ValueRef::Empty, 1, 2);
        match id {
            Ok(id) => assert!(self.written.insert(id, Written::default()).is_none()),
            Err((error, 1)) => self.note(&Err(error)),
            Err((_, waiter)) => panic!("{waiter} is not the waiter"),
        }
    }

    /// One of the streams that this end has opened.
    fn writing(&self, index: u8) -> u32 {
        let count = self.written.len().max(1);
        self.written.keys().rev().nth(usize::from(index) % count).copied().unwrap_or(1)
    }

    /// One of those that it reads.
    fn reading(&self, index: u8) -> u32 {
        let count = self.reads.len().max(1);
        self.reads.keys().rev().nth(usize::from(index) % count).copied().unwrap_or(1)
    }

    pub(super) fn write(&mut self, index: u8, length: usize, copy: bool) {
        let id = self.writing(index);
        if self.outbound.stream_waiting(id).is_none_or(|waiting| waiting >= SEND_BUFFER) {
            return;
        }
        let written = self.written.get_mut(&id).expect("it was opened");
        let bytes = pattern(id, written.length, length);
        written.length += length as u64;
        let taken = if copy {
            self.outbound.streams_mut().copy(id, bytes)
        } else {
            self.outbound.write_stream(id, Bytes::from_static(bytes))
        };
        assert!(taken);
    }

    pub(super) fn finish(&mut self, index: u8) {
        let id = self.writing(index);
        let open = self.outbound.stream_waiting(id).is_some();
        assert_eq!(self.outbound.streams_mut().finish(id), open);
        if open {
            self.written.get_mut(&id).expect("it was opened").finished = true;
        }
    }

    pub(super) fn reset(&mut self, index: u8) {
        let id = self.writing(index);
        let reset = self.outbound.reset_stream(id, StreamCode::Cancelled, "why");
        assert!(matches!(reset, Ok(None | Some(1)) | Err(_)));
        self.note(&reset.map(drop));
        self.cut(id);
    }

    fn cut(&mut self, id: u32) {
        if let Some(written) = self.written.get_mut(&id) {
            written.cut = true;
        }
        assert_eq!(self.outbound.stream_waiting(id), None);
    }

    pub(super) fn stop(&mut self, index: u8, code: StreamCode) {
        let id = self.reading(index);
        if self.reads.remove(&id).is_some() {
            let stopped = self.outbound.stop_stream(id, code, "why");
            self.note(&stopped);
        }
    }

    pub(super) fn answer(&mut self, index: u8, refused: Option<NackCode>) {
        let id = self.reading(index);
        if !self.reads.contains_key(&id) {
            return;
        }
        let answered = match refused {
            None => self.outbound.ack(id, ValueRef::Empty),
            Some(code) => {
                self.reads.remove(&id);
                self.outbound.nack(id, code, ValueRef::Empty)
            }
        };
        self.note(&answered);
    }

    pub(super) fn emit(&mut self, length: usize) {
        let value = vec![0; length];
        let emitted = self.outbound.emit(Class::Normal, "news", ValueRef::Binary(&value));
        self.note(&emitted);
    }

    pub(super) fn drop_events(&mut self) {
        let is_event =
            |frame: &[u8]| matches!(v3::decode(&frame[LENGTH_PREFIX..]), Ok(Message::Event { .. }));
        self.outbound.outbox_mut().retain(DropReason::Displaced, |frame| !is_event(frame));
    }

    pub(super) fn release_memory(&mut self) {
        self.outbound.release_memory();
    }

    /// Takes a batch, writes some of it, and gives it back: what was written.
    pub(super) fn flush(&mut self, most: usize) -> Vec<u8> {
        let output = self.outbound.has_output();
        let batch = self.outbound.take();
        assert_eq!(batch.is_some(), output);
        let Some(mut batch) = batch else { return Vec::new() };
        let mut wire = Vec::new();
        while wire.len() < most && !batch.is_empty() {
            let mut slices = [std::io::IoSlice::new(&[]); 4];
            let count = batch.slices(&mut slices);
            let before = wire.len();
            for slice in &slices[..count] {
                let length = slice.len().min(most - wire.len());
                wire.extend_from_slice(&slice[..length]);
            }
            batch.advance(wire.len() - before);
        }
        self.outbound.outbox_mut().give_back(batch);
        for sent in self.outbound.drain_sent() {
            assert_eq!(sent.handle, 2);
        }
        wire
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        let mut framer = Framer::new(MAX_FRAME);
        while let Some(frame) = framer.next_frame(&mut self.buffer).expect("in step") {
            self.handle_frame(&frame);
        }
    }

    pub(super) fn handle_frame(&mut self, frame: &Bytes) {
        match self.inbound.handle(frame) {
            Ok(incoming) => {
                let handled = self.handle(frame, incoming);
                assert!(handled.is_ok() || !self.honest, "{handled:?}");
                self.broken |= handled.is_err();
            }
            Err(error) => {
                assert!(!self.honest, "{error}");
                self.broken |= error.is_fatal();
            }
        }
    }

    fn handle(&mut self, frame: &Bytes, incoming: Incoming<'_>) -> Result<(), FlowError> {
        match incoming {
            Incoming::StreamOpen { id, .. } => {
                if self.reads.contains_key(&id) {
                    assert!(!self.honest);
                    self.broken = true;
                } else if self.reads.len() < 2 * LIMITS.max_streams {
                    let pool = Arc::clone(&self.pool);
                    let stream = ReceiveStream::new(Flow::Credit, &LIMITS, pool);
                    let limit = v3::INITIAL_CREDIT;
                    let reading = Reading { stream, consumed: 0, limit, end: None, length: None };
                    self.reads.insert(id, reading);
                } else {
                    let refused = self.outbound.nack(id, NackCode::Busy, ValueRef::Empty);
                    self.note(&refused);
                }
            }
            Incoming::StreamChunk { id, bytes } => {
                let Some(reading) = self.reads.get_mut(&id) else { return Ok(()) };
                let kept = frame.slice_ref(bytes);
                let owned = bytes.len() % 2 == 0;
                let chunk = if owned { Chunk::Owned(&kept) } else { Chunk::Borrowed(bytes) };
                if reading.stream.handle_data(chunk)? {
                    self.outbound.probe_stream(id);
                }
            }
            Incoming::StreamFinish { id, length } => {
                if let Some(reading) = self.reads.get_mut(&id) {
                    reading.stream.handle_finish(length)?;
                    reading.length = length;
                }
            }
            Incoming::StreamReset { id, code, text } => {
                if let Some(reading) = self.reads.get_mut(&id) {
                    reading.stream.fail(ReadFailure::Reset { code, text: text.into() });
                }
            }
            Incoming::StreamStop { id, .. } => {
                self.outbound.end_stream(id);
                self.cut(id);
            }
            Incoming::StreamCredit { id, limit } => {
                self.outbound.streams_mut().handle_credit(id, limit);
            }
            Incoming::StreamProbed { id } => {
                if let Some(reading) = self.reads.get_mut(&id) {
                    reading.stream.handle_pong();
                }
            }
            Incoming::Answer { id, result } => {
                if result.is_err() {
                    self.outbound.end_stream(id);
                    self.cut(id);
                }
                self.outbound.answered(id);
            }
            Incoming::Control(control) => drop(self.outbound.handle_control(control)),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn read(&mut self, index: u8, most: usize) {
        let id = self.reading(index);
        let Some(reading) = self.reads.get_mut(&id) else { return };
        match reading.stream.read(most) {
            Read::Pending => assert_eq!(reading.stream.buffered(), 0),
            Read::Chunk(bytes) => {
                assert!(bytes.len() <= most && (most == 0) == bytes.is_empty());
                let right = pattern(id, reading.consumed, bytes.len());
                assert!(!self.honest || bytes == right);
                reading.consumed += bytes.len() as u64;
            }
            end => {
                if end == Read::End {
                    assert_eq!(reading.length, Some(reading.consumed));
                }
                assert!(reading.end.as_ref().is_none_or(|before| *before == end));
                reading.end = Some(end);
            }
        }
        if let Some(limit) = reading.stream.grant() {
            assert!(limit > reading.limit);
            reading.limit = limit;
            let granted = self.outbound.grant(id, limit);
            self.note(&granted);
        }
    }

    pub(super) fn read_all(&mut self) {
        for index in 0..u8::try_from(self.reads.len()).unwrap_or(u8::MAX) {
            while self.reads.get(&self.reading(index)).is_some_and(|one| one.stream.buffered() > 0)
            {
                self.read(index, usize::MAX);
            }
            self.read(index, usize::MAX);
        }
    }

    pub(super) fn disconnect(&mut self, salt: u8) {
        let keep = |frame: &[u8]| {
            matches!(v3::decode(&frame[LENGTH_PREFIX..]), Ok(Message::Event { .. }))
                && frame.len() % 2 == usize::from(salt) % 2
        };
        let waiters = self.outbound.disconnect(keep);
        assert!(waiters.iter().all(|waiter| *waiter == 1));
        assert_eq!((self.outbound.open_streams(), self.outbound.pending_requests()), (0, 0));
        self.outbound.reconnect(MAX_FRAME, self.limits);
        self.inbound = Inbound::new();
        self.buffer.clear();
        self.broken = false;
        for id in self.written.keys().copied().collect::<Vec<_>>() {
            self.cut(id);
        }
        for index in 0..u8::try_from(self.reads.len()).unwrap_or(u8::MAX) {
            let id = self.reading(index);
            if let Some(reading) = self.reads.get_mut(&id) {
                reading.stream.fail(ReadFailure::Disconnected);
            }
        }
        self.read_all();
        assert!(
            self.reads.values().all(|reading| reading.end.is_some() && reading.stream.is_done())
        );
        self.drop_streams();
    }

    /// A slow peer ends the connection; what else was not queued was not.
    fn note(&mut self, result: &Result<(), SendError>) {
        self.broken |= *result == Err(SendError::SlowConsumer);
    }
}
