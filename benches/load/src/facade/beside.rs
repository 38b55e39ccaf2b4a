//! Requests one at a time, while as many bytes as it takes go the same way on the same connection: over a
//! stream, or in events.

use std::cell::Cell;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::try_join;
use gatewire::Client;
use gatewire_harness::{
    Driver, Failure, Latencies, Outcome, Payload, Received, Stopwatch, Window, Workload,
};

use super::{ASK, NEWS, REPORT, bulk, outcome, requests};

/// Bytes of a piece of the stream, or of an event.
const PIECE: usize = 64 << 10;

/// How long the bytes go alone before requests are measured, in seconds: until their pace is found.
const WARM_UP: f64 = 0.2;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let client = Client::builder().connect(&driver.address).await?;
    let bytes = Beside { client: &client, pieces: Cell::new(0), over: Cell::new(false) };
    let send = async {
        let received = match driver.params.workload {
            Workload::RequestsBesideEvents => bytes.events().await?,
            _ => bytes.stream().await?,
        };
        received.expect(bytes.pieces.get(), PIECE)
    };
    let (outcome, ()) = try_join(bytes.requests(driver), send).await?;
    client.close().await;
    Ok(outcome)
}

/// What goes on beside the requests.
struct Beside<'c> {
    client: &'c Client,
    pieces: Cell<u64>,
    /// The requests are done.
    over: Cell<bool>,
}

impl Beside<'_> {
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 16 digits")]
    async fn requests(&self, driver: &Driver) -> Result<Outcome, Failure> {
        let params = &driver.params;
        tokio::time::sleep(std::time::Duration::from_secs_f64(WARM_UP)).await;
        let mut payload = Payload::new(params.size());
        let mut latencies = Latencies::new();
        let mut answered = 0;
        let before = self.pieces.get();
        let window = Window::begin(&driver.server_pids)?;
        let mut stopwatch = Stopwatch::start(params.seconds(), 1);
        while !stopwatch.is_over() {
            let begin = Instant::now();
            let answer: [u8; 16] = self.client.request(ASK, payload.with(answered)).await?;
            latencies.record(begin.elapsed());
            requests::check(&answer, answered, params.size())?;
            answered += 1;
        }
        let sent = self.pieces.get() - before;
        let measured = window.end(answered)?;
        self.over.set(true);
        let mut outcome = outcome(driver).with_measured(&measured).with_latencies(&latencies);
        outcome.gb_per_s = Some(sent as f64 * PIECE as f64 / measured.seconds / 1e9);
        Ok(outcome)
    }

    async fn stream(&self) -> Result<Received, Failure> {
        let mut stream = bulk::open(self.client, PIECE).await?;
        let mut pieces = bulk::Pieces::new(PIECE);
        while !self.over.get() {
            stream.send(pieces.with(self.pieces.get())).await?;
            self.sent().await;
        }
        bulk::finish(stream).await
    }

    /// One more. Lets the requests run, which have this thread too, as who reads a file would.
    async fn sent(&self) {
        self.pieces.set(self.pieces.get() + 1);
        tokio::task::yield_now().await;
    }

    /// As many as there is room for, which a request needs too: it is refused by a queue that is full.
    async fn events(&self) -> Result<Received, Failure> {
        let mut payload = Payload::new(PIECE);
        while !self.over.get() {
            self.client.ready().await?;
            self.client.emit(NEWS, payload.with(self.pieces.get()))?;
            self.sent().await;
        }
        let report: Bytes = self.client.request(REPORT, ()).await?;
        Received::from_bytes(&report)
    }
}
