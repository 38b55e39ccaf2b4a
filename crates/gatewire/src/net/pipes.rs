//! The streams that come in on a connection: from its driver to who takes them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use gatewire_codec::StreamCode;
use gatewire_core::session::{
    Chunk, CreditPool, Flow, FlowError, ReadFailure, ReceiveStream, StreamLimits,
};
use rustc_hash::FxHashMap;

/// Who takes a stream that comes in: a reader here, or others to whom it is passed on.
pub(crate) trait IncomingStream: Send + Sync {
    /// Bytes. `frame`: the frame that they lie in, if it may be kept. `true`: measure the delay, and tell
    /// [`handle_probed`](Self::handle_probed).
    fn handle_data(&self, bytes: &[u8], frame: Option<&Bytes>) -> Result<bool, FlowError>;
    /// The writer has finished.
    fn handle_finish(&self, length: Option<u64>) -> Result<(), FlowError>;
    /// The writer gave up, or the connection has ended.
    fn handle_failure(&self, why: ReadFailure);
    /// The delay that was to be measured is over.
    fn handle_probed(&self);
}

/// What the streams that a connection sends to others may cost in memory, in bytes, if their receivers are
/// behind: the first may be as far behind as any stream to many, and each further one half as far as is left.
const MAX_TOTAL_LAG: u64 = 128 << 20;

/// The open streams of one connection.
pub(crate) struct Pipes {
    open: FxHashMap<u32, Arc<dyn IncomingStream>>,
    limits: StreamLimits,
    pool: Arc<CreditPool>,
    slots: Arc<AtomicUsize>,
    /// Of [`MAX_TOTAL_LAG`], what is not lent.
    lag: Arc<AtomicU64>,
}

/// How far the receivers of one stream may be behind its source. Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Lag {
    bytes: u64,
    pool: Arc<AtomicU64>,
}

impl Lag {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        self.pool.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// Why a stream is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// As many are open as may be.
    TooMany,
    /// The id belongs to one that is open.
    IdInUse,
}

/// The right to be one of the streams of a connection. Held by who takes it, and by its handler while it
/// runs.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    _held: Arc<Held>,
}

#[derive(Debug)]
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pipes {
    pub(crate) fn new(limits: StreamLimits) -> Self {
        let pool = CreditPool::new(limits.max_total_credit);
        let lag = Arc::new(AtomicU64::new(MAX_TOTAL_LAG));
        Self { open: FxHashMap::default(), limits, pool, slots: Arc::default(), lag }
    }

    /// Room for one more stream.
    pub(crate) fn reserve(&mut self, id: u32) -> Result<Slot, OpenError> {
        if self.open.contains_key(&id) {
            return Err(OpenError::IdInUse);
        }
        if self.slots.load(Ordering::Relaxed) >= self.limits.max_streams {
            return Err(OpenError::TooMany);
        }
        self.slots.fetch_add(1, Ordering::Relaxed);
        Ok(Slot { _held: Arc::new(Held(Arc::clone(&self.slots))) })
    }

    /// How far the receivers of one more stream to others may be behind.
    pub(crate) fn lend_lag(&mut self) -> Lag {
        // Only here something is taken.
        let bytes = self.lag.load(Ordering::Relaxed) / 2;
        self.lag.fetch_sub(bytes, Ordering::Relaxed);
        Lag { bytes, pool: Arc::clone(&self.lag) }
    }

    /// A stream to be read here.
    pub(crate) fn open(&mut self, id: u32) -> Result<(Arc<Pipe>, Slot), OpenError> {
        let slot = self.reserve(id)?;
        let stream = ReceiveStream::new(Flow::Credit, &self.limits, Arc::clone(&self.pool));
        let state = PipeState { stream, answered: false, abandoned: false };
        let pipe = Arc::new(Pipe {
            id,
            state: Mutex::new(state),
            reader: AtomicWaker::new(),
            handler: AtomicWaker::new(),
        });
        self.insert(id, Arc::clone(&pipe) as Arc<dyn IncomingStream>);
        Ok((pipe, slot))
    }

    /// A stream for which there is [room](Self::reserve).
    pub(crate) fn insert(&mut self, id: u32, stream: Arc<dyn IncomingStream>) {
        self.open.insert(id, stream);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(crate) fn find(&self, id: u32) -> Option<Arc<dyn IncomingStream>> {
        self.open.get(&id).cloned()
    }

    /// Who takes a stream has seen its end, or wants no more.
    pub(crate) fn close(&mut self, id: u32, stream: *const ()) -> Option<Arc<dyn IncomingStream>> {
        // The id may belong to a stream of a later connection.
        let same = |open: &Arc<_>| std::ptr::addr_eq(Arc::as_ptr(open), stream);
        if self.open.get(&id).is_some_and(same) { self.open.remove(&id) } else { None }
    }

    /// The connection has ended: what was open.
    pub(crate) fn take_all(&mut self) -> Vec<Arc<dyn IncomingStream>> {
        self.open.drain().map(|(_, stream)| stream).collect()
    }
}

/// A stream on its way to its reader. The driver puts in, the reader takes out.
#[derive(Debug)]
pub(crate) struct Pipe {
    id: u32,
    state: Mutex<PipeState>,
    reader: AtomicWaker,
    /// The task of the handler that has the reader.
    handler: AtomicWaker,
}

#[derive(Debug)]
pub(crate) struct PipeState {
    pub(crate) stream: ReceiveStream,
    /// The handler has answered.
    answered: bool,
    /// The reader was dropped before the end, and the writer is not told yet: if the handler refuses now, the
    /// refusal says more.
    abandoned: bool,
}

impl Pipe {
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, PipeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom to wake when something comes.
    pub(crate) fn register(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    fn change<R>(&self, change: impl FnOnce(&mut ReceiveStream) -> R) -> R {
        let result = change(&mut self.lock().stream);
        self.reader.wake();
        result
    }

    /// The reader is dropped before the end. `true`: tell the writer; else the handler will.
    pub(crate) fn abandon(&self) -> bool {
        let mut state = self.lock();
        state.abandoned = !state.answered;
        let answered = state.answered;
        drop(state);
        self.handler.wake();
        answered
    }

    /// The handler answers. `true`: first tell the writer that not all was read.
    pub(crate) fn answer(&self) -> bool {
        let mut state = self.lock();
        state.answered = true;
        std::mem::take(&mut state.abandoned)
    }

    /// The handler goes on. `true`: tell the writer that nothing more will be read.
    pub(crate) fn go_on(&self, task: &Waker) -> bool {
        // Before the question, so that nothing is missed behind it.
        self.handler.register(task);
        std::mem::take(&mut self.lock().abandoned)
    }
}

impl IncomingStream for Pipe {
    fn handle_data(&self, bytes: &[u8], frame: Option<&Bytes>) -> Result<bool, FlowError> {
        self.change(|stream| match frame {
            Some(frame) => stream.handle_data(Chunk::Owned(&frame.slice_ref(bytes))),
            None => stream.handle_data(Chunk::Borrowed(bytes)),
        })
    }

    fn handle_finish(&self, length: Option<u64>) -> Result<(), FlowError> {
        self.change(|stream| stream.handle_finish(length))
    }

    fn handle_failure(&self, why: ReadFailure) {
        self.change(|stream| stream.fail(why));
    }

    fn handle_probed(&self) {
        self.lock().stream.handle_pong();
    }
}

/// A reset as its receiver is told.
pub(crate) fn reset(code: StreamCode, text: &str) -> ReadFailure {
    ReadFailure::Reset { code, text: text.into() }
}
