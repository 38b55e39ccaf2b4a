//! One-way events, one `emit` each: small ones for a time or large ones for a number of bytes.

use std::time::Instant;

use bytes::Bytes;
use gatewire::{Client, EmitError};
use gatewire_harness::{
    Driver, Failure, Outcome, Params, Payload, Received, Stopwatch, Window, Workload,
};

use super::{NEWS, REPORT, bulk, outcome};

/// The clock is looked at once in so many events.
const LOOK: u32 = 64;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let size = params.size();
    let mut producer = Producer {
        client: Client::builder().connect(&driver.address).await?,
        payload: Payload::new(size),
        sent: 0,
    };
    let emit_ns = producer.cost_of_emit(size).await?;
    let before = producer.sent;

    let window = Window::begin(&driver.server_pids)?;
    producer.produce(params).await?;
    let report: Bytes = producer.client.request(REPORT, ()).await?;
    let received = Received::from_bytes(&report)?;
    let measured = window.end(producer.sent - before)?;
    received.expect(producer.sent, size)?;
    producer.client.close().await;
    let mut outcome = outcome(driver).with_measured(&measured);
    outcome.emit_ns = emit_ns;
    Ok(outcome)
}

struct Producer {
    client: Client,
    payload: Payload,
    sent: u64,
}

impl Producer {
    async fn produce(&mut self, params: &Params) -> Result<(), Failure> {
        if params.workload == Workload::BulkEvents {
            for _ in 0..bulk::pieces(params) {
                self.emit().await?;
            }
            return Ok(());
        }
        let mut stopwatch = Stopwatch::start(params.seconds(), LOOK);
        while !stopwatch.is_over() {
            self.emit().await?;
        }
        Ok(())
    }

    /// Emits the next event, when there is room for it.
    async fn emit(&mut self) -> Result<(), Failure> {
        let payload = self.payload.with(self.sent);
        while let Err(error) = self.client.emit(NEWS, payload) {
            match error {
                EmitError::QueueFull => self.client.ready().await?,
                error => return Err(error.into()),
            }
        }
        self.sent += 1;
        Ok(())
    }

    /// What one call to `emit` takes its caller, in nanoseconds: the median of bursts that are too
    /// short for the caller to write. Encoding, the lock, the queue and the wake-up are in it, system
    /// calls are not. `None`: each event is so long that its caller writes it.
    async fn cost_of_emit(&mut self, size: usize) -> Result<Option<f64>, Failure> {
        /// Below the 64 KiB at which a producer writes by itself, frame headers included.
        const BYTES: usize = 32 << 10;
        const BURSTS: usize = 200;

        let burst = BYTES / (size + 32);
        if burst == 0 {
            return Ok(None);
        }
        let mut costs = Vec::with_capacity(BURSTS);
        for _ in 0..BURSTS {
            let begin = Instant::now();
            for _ in 0..burst {
                self.client.emit(NEWS, self.payload.with(self.sent))?;
                self.sent += 1;
            }
            costs.push(begin.elapsed());
            self.client.flush().await?;
        }
        costs.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "a burst has few events")]
        let events = burst as f64;
        Ok(Some(costs[BURSTS / 2].as_secs_f64() * 1e9 / events))
    }
}
