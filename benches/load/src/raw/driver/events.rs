//! One-way events, small ones for a time or large ones for a number of bytes.

use gatewire_harness::{Driver, Failure, Outcome, Payload, Stopwatch, Window};

use super::super::NEWS;
use super::super::wire::{Frame, encode};
use super::line::Line;
use super::outcome;

/// A driver's write: as large as what gatewire's producers write.
const WRITE: usize = 256 << 10;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let size = params.size();
    let total = match params.workload {
        workload if workload.is_bulk() => params.bytes().div_ceil(size as u64),
        _ => u64::MAX,
    };
    let mut payload = Payload::new(size);
    let mut line = Line::connect(&driver.address).await?;
    let mut batch = Vec::with_capacity(WRITE + size);
    let mut sent = 0;

    let window = Window::begin(&driver.server_pids)?;
    let mut stopwatch = Stopwatch::start(params.seconds(), 1);
    loop {
        while batch.len() < WRITE && sent < total {
            encode(&Frame::Event { name: NEWS, payload: payload.with(sent) }, &mut batch);
            sent += 1;
        }
        line.write(&batch).await?;
        batch.clear();
        if sent == total || (total == u64::MAX && stopwatch.is_over()) {
            break;
        }
    }
    let received = line.report().await?;
    let measured = window.end(received.count)?;
    received.expect(sent, size)?;
    Ok(outcome(driver).with_measured(&measured))
}
