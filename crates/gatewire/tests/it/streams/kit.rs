//! What tests of streams share: readers that wait to be let go, writers that run beside a test, and bytes
//! that are checked as they come.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use gatewire::{
    Client, Counters, Rejection, Server, SocketAddress, SocketId, StreamCode, StreamError,
    StreamReader, StreamReport, StreamWriter,
};
use gatewire_core::session::SEND_BUFFER;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::one_peer::pattern;
use crate::rig::{Record, eventually, record, within};

/// What may be on its way before anything is read.
pub(super) const CREDIT: usize = 256 << 10;

/// What a writer gets rid of while nobody reads: the first credit, and its own buffer.
pub(super) const UNREAD: usize = CREDIT + SEND_BUFFER;

/// What a writer sends at once.
const BLOCK: usize = 16 << 10;

/// The first bytes of every stream that is checked.
pub(super) fn bytes(length: usize) -> Bytes {
    static PATTERN: OnceLock<Bytes> = OnceLock::new();
    PATTERN.get_or_init(|| pattern(16 << 20).into()).slice(..length)
}

/// Reads to the end and compares: how many bytes there were.
pub(super) async fn check_all(mut stream: StreamReader) -> Result<u64, StreamError> {
    let mut count = 0;
    while let Some(chunk) = stream.chunk().await? {
        assert!(chunk == bytes(count + chunk.len()).slice(count..), "at {count}");
        count += chunk.len();
    }
    Ok(count as u64)
}

/// What a stream brought, and how it ended.
pub(super) type Ended = (usize, Option<StreamError>);

pub(super) fn note_ends()
-> (impl Fn(StreamReader) -> Counting + Send + Sync + 'static, Record<Ended>) {
    let (noted, ends) = record();
    let handler = move |stream: StreamReader| -> Counting {
        let noted = noted.clone();
        Box::pin(async move { noted.note(count_all(stream).await) })
    };
    (handler, ends)
}

pub(super) async fn count_all(mut stream: StreamReader) -> Ended {
    let mut length = 0;
    loop {
        match stream.chunk().await {
            Ok(Some(chunk)) => length += chunk.len(),
            Ok(None) => return (length, None),
            Err(error) => return (length, Some(error)),
        }
    }
}

type Counting = Pin<Box<dyn Future<Output = ()> + Send>>;

type Reading = Pin<Box<dyn Future<Output = Result<u64, Rejection>> + Send>>;

/// A handler that waits until the gate is open, then reads, notes how it went, and answers with the length.
pub(super) fn gated_reader() -> (
    impl Fn(StreamReader) -> Reading + Send + Sync + 'static,
    Record<Result<u64, StreamError>>,
    Gate,
) {
    let (noted, record) = record();
    let gate = Gate(Arc::new(Semaphore::new(0)));
    let passed = gate.clone();
    let handler = move |stream: StreamReader| -> Reading {
        let (gate, noted) = (passed.clone(), noted.clone());
        Box::pin(async move {
            gate.pass().await;
            let all = check_all(stream).await;
            noted.note(all.clone());
            all.map_err(Rejection::from)
        })
    };
    (handler, record, gate)
}

/// Who waits at it goes on when it is opened.
#[derive(Clone)]
pub(super) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(super) async fn pass(&self) {
        // Closed: all go on.
        drop(self.0.acquire().await);
    }

    pub(super) fn open(&self) {
        self.0.close();
    }
}

/// A writer that runs beside the test.
pub(super) struct Pump {
    sent: Arc<AtomicUsize>,
    task: JoinHandle<Result<u64, StreamError>>,
}

impl Pump {
    /// Sends so many bytes and finishes.
    pub(super) fn start(mut stream: StreamWriter, length: usize) -> Self {
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        let task = tokio::spawn(async move {
            let all = bytes(length);
            for start in (0..length).step_by(BLOCK) {
                stream.send(all.slice(start..length.min(start + BLOCK))).await?;
                counted.store(length.min(start + BLOCK), Ordering::Relaxed);
            }
            stream.finish::<u64>().await
        });
        Self { sent, task }
    }

    /// Bytes that the stream has taken.
    pub(super) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Waits until the stream takes no more, since nobody reads.
    pub(super) async fn wait_until_stopped(&self) {
        eventually(|| self.sent() == UNREAD).await;
    }

    /// What the reader's handler answered.
    #[track_caller]
    pub(super) fn end(self) -> impl Future<Output = Result<u64, StreamError>> {
        let end = within(self.task);
        async move { end.await.expect("no panic") }
    }
}

/// Both ends are closed, and the accounts of both add up.
pub(super) async fn close_and_balance(server: &Server, clients: &[&Client]) {
    for client in clients {
        within(client.close()).await;
        expect_balance(&client.counters());
    }
    within(server.close()).await;
    expect_balance(&server.counters());
}

pub(super) fn expect_balance(counters: &Counters) {
    assert!(counters.inbound.is_balanced(), "{counters:?}");
    assert!(counters.outbound.is_balanced(), "{counters:?}");
}

/// What a reader hears whose sender is lost behind the server.
pub(super) fn sender_lost() -> Option<StreamError> {
    Some(StreamError::Reset { code: StreamCode::SenderLost, text: String::new() })
}

/// Who got all of it, by their ids.
pub(super) fn complete(report: &StreamReport) -> Vec<SocketId> {
    report.complete().map(SocketAddress::session).collect()
}

/// Who did not, and why.
pub(super) fn failed(report: &StreamReport) -> Vec<(SocketId, &StreamError)> {
    report.failed().map(|(socket, error)| (socket.session(), error)).collect()
}
