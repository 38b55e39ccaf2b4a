//! Idle connections (`w5`): how fast they can be made, and what each of them holds.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use gatewire_harness::{Driver, Failure, Measured, Outcome, Window, resident_bytes};
use tokio::task::JoinSet;

use crate::connection::Scratch;
use crate::one_way::open;
use crate::wire::{Role, Wire};

/// What idle connections gave.
#[derive(Debug, Clone, Copy)]
pub struct Idled {
    /// The window; its messages are connections.
    pub measured: Measured,
    /// Resident bytes of the server per connection.
    pub rss_per_conn: f64,
}

impl Idled {
    /// The outcome with these figures.
    #[must_use]
    pub fn fill(&self, outcome: Outcome) -> Outcome {
        let mut outcome = outcome.with_measured(&self.measured);
        outcome.rss_per_conn = Some(self.rss_per_conn);
        outcome
    }
}

/// Opens the connections, some at the same time, and lets them rest. To be called in a
/// [`LocalSet`](tokio::task::LocalSet).
///
/// # Errors
///
/// When a connection is not made.
pub async fn run<W: Wire>(wire: &W, driver: &Driver) -> Result<Idled, Failure> {
    let connections = driver.params.connections();
    let scratch = Scratch::new();
    let left = Rc::new(Cell::new(connections));
    let memory = Memory::before(driver)?;
    let window = Window::begin(&driver.server_pids)?;
    let mut openers = JoinSet::new();
    for _ in 0..driver.params.opening() {
        let (wire, driver) = (wire.clone(), driver.clone());
        let (scratch, left) = (scratch.clone(), Rc::clone(&left));
        openers.spawn_local(async move {
            let mut opened = Vec::new();
            while left.get() > 0 {
                left.set(left.get() - 1);
                opened.push(open(&wire, &driver, Role::Idle, &scratch).await?);
            }
            Ok::<_, Failure>(opened)
        });
    }
    let mut opened = Vec::with_capacity(connections);
    while let Some(some) = openers.join_next().await {
        opened.append(&mut some??);
    }
    let measured = window.end(opened.len() as u64)?;
    tokio::time::sleep(REST).await;
    Ok(Idled { measured, rss_per_conn: memory.per_connection(driver, opened.len())? })
}

/// The memory of the server before the connections.
#[derive(Debug, Clone, Copy)]
pub struct Memory(u64);

impl Memory {
    /// The memory now.
    ///
    /// # Errors
    ///
    /// When the server is not there.
    pub fn before(driver: &Driver) -> Result<Self, Failure> {
        Ok(Self(resident_bytes(&driver.server_pids)?))
    }

    /// By how many bytes it has grown for each of so many connections.
    ///
    /// # Errors
    ///
    /// When the server is not there.
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no 16 digits")]
    pub fn per_connection(self, driver: &Driver, connections: usize) -> Result<f64, Failure> {
        let grown = resident_bytes(&driver.server_pids)?.saturating_sub(self.0);
        Ok(grown as f64 / connections.max(1) as f64)
    }
}

/// How long the connections rest until the memory is looked at.
pub const REST: Duration = Duration::from_secs(1);
