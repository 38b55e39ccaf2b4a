//! Many idle connections.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use gatewire_harness::{Driver, Failure, Outcome, Window, resident_bytes};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// Opens the connections, some at a time, and measures what they cost the server. `connect` opens one,
/// which is alive when it returns; `count` says how many the server has, its own aside.
///
/// # Errors
///
/// A connection fails or is gone at the end, or something cannot be measured.
pub(crate) async fn drive(
    driver: &Driver,
    outcome: Outcome,
    connect: impl AsyncFn() -> Result<TcpStream, Failure>,
    count: impl AsyncFnOnce() -> Result<u64, Failure>,
) -> Result<Outcome, Failure> {
    let connections = driver.params.connections();
    let before = resident_bytes(&driver.server_pids)?;
    let window = Window::begin(&driver.server_pids)?;
    let open: Vec<TcpStream> = stream::iter(0..connections)
        .map(|_| connect())
        .buffer_unordered(driver.params.opening())
        .try_collect()
        .await?;
    let measured = window.end(connections as u64)?;
    let after = settled(&driver.server_pids).await?;

    let alive = count().await?;
    drop(open);
    if alive != connections as u64 {
        return Err(Failure::new(format!("the server has {alive} of {connections} connections")));
    }
    let mut outcome = outcome.with_measured(&measured);
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no 16 digits")]
    let per_connection = after.saturating_sub(before) as f64 / connections as f64;
    outcome.rss_per_conn = Some(per_connection);
    Ok(outcome)
}

/// The memory of the server when it does not change any more; 3 s at most, so that no heartbeat comes
/// due.
async fn settled(pids: &[u32]) -> Result<u64, Failure> {
    const PAUSE: Duration = Duration::from_millis(300);
    const LOOKS: usize = 10;

    let mut last = resident_bytes(pids)?;
    for _ in 0..LOOKS {
        sleep(PAUSE).await;
        let now = resident_bytes(pids)?;
        if now == last {
            break;
        }
        last = now;
    }
    Ok(last)
}
