//! Idle connections (`w5`): sessions that do nothing, opened one at a time.

use gatewire_harness::{Driver, Failure, Outcome, Window};
use peer_wire::idle::{Idled, Memory, REST};

use crate::open::client;

/// The most sessions that are opened: each has tasks and buffers in the driver too, and the figures per
/// connection are those of 10,000.
const MOST: usize = 2_000;

pub(crate) fn drive(driver: &Driver, mut outcome: Outcome) -> Result<Outcome, Failure> {
    let connections = driver.params.connections().min(MOST);
    outcome.params.connections = Some(connections);
    let memory = Memory::before(driver)?;
    let window = Window::begin(&driver.server_pids)?;
    let mut sessions = Vec::with_capacity(connections);
    for _ in 0..connections {
        sessions.push(client(&driver.address)?);
    }
    let measured = window.end(connections as u64)?;
    std::thread::sleep(REST);
    let rss_per_conn = memory.per_connection(driver, connections)?;
    Ok(Idled { measured, rss_per_conn }.fill(outcome))
}
