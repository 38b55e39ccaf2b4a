//! Publishing to a room: as fast as its members hear, or at a fixed rate.

use std::ops::Range;
use std::sync::Arc;

use gatewire_harness::{
    Driver, Failure, Measured, Outcome, Pace, Params, Stopwatch, Window, Workload, resident_bytes,
};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::Crowd;
use super::member::{Wire, read};

/// Does the workload with these members, which have joined, and measures it. `publish` sends the
/// publishes of these sequence numbers to the room.
///
/// # Errors
///
/// A delivery is missing or wrong, or something cannot be measured.
pub(crate) async fn drive<W: Wire + 'static>(
    driver: &Driver,
    outcome: Outcome,
    members: Vec<TcpStream>,
    publish: impl AsyncFnMut(Range<u64>) -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let crowd = Arc::new(Crowd::new(members.len(), params.workload == Workload::FanOutLatency));
    // Dropped, it ends its tasks.
    let mut tasks = JoinSet::new();
    for (member, stream) in members.into_iter().enumerate() {
        tasks.spawn(read::<W>(Arc::clone(&crowd), member, stream, params.size()));
    }
    let before = resident_bytes(&driver.server_pids)?;
    let measured = match params.workload {
        Workload::FanOutLatency => paced(driver, &crowd, publish).await?,
        _ => sustained(driver, &crowd, publish).await?,
    };
    let after = resident_bytes(&driver.server_pids)?;
    let mut outcome = outcome.with_measured(&measured);
    if params.workload == Workload::FanOutStalled {
        outcome.rss_growth = Some(after.cast_signed() - before.cast_signed());
    }
    Ok(match crowd.latencies() {
        Some(latencies) => outcome.with_latencies(&latencies),
        None => outcome,
    })
}

/// Half of what may be in flight is published at once, the next half when all have heard the one
/// before.
async fn sustained(
    driver: &Driver,
    crowd: &Crowd,
    mut publish: impl AsyncFnMut(Range<u64>) -> Result<(), Failure>,
) -> Result<Measured, Failure> {
    let params = &driver.params;
    let half = params.in_flight() / 2;
    let window = Window::begin(&driver.server_pids)?;
    let mut stopwatch = Stopwatch::start(params.seconds(), 1);
    let mut sent = 0;
    while !stopwatch.is_over() {
        publish(sent..sent + half).await?;
        crowd.until(sent).await?;
        sent += half;
    }
    crowd.until(sent).await?;
    Ok(window.end(deliveries(sent, params))?)
}

async fn paced(
    driver: &Driver,
    crowd: &Crowd,
    mut publish: impl AsyncFnMut(Range<u64>) -> Result<(), Failure>,
) -> Result<Measured, Failure> {
    let params = &driver.params;
    let window = Window::begin(&driver.server_pids)?;
    let mut pace = Pace::start(params.rate(), params.seconds());
    while let Some((sequence, due)) = pace.take() {
        sleep_until(due.into()).await;
        crowd.sent();
        publish(sequence..sequence + 1).await?;
    }
    crowd.until(pace.total()).await?;
    Ok(window.end(deliveries(pace.total(), params))?)
}

fn deliveries(publishes: u64, params: &Params) -> u64 {
    publishes * params.members() as u64
}
