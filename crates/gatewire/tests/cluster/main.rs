//! A cluster of five routers, each a process of its own: killed, stopped, cut off and flooded, while messages flow
//! between the others.
//!
//! The processes are this binary, started once more in another role. Costs make a ring in which each router is the
//! way between its two neighbours; the chord is dear, and taken when nothing else is left.
//!
//! ```text
//!       r0 ---10--- r1
//!      / \           \
//!    10   `----25--.  10
//!    /              \  \
//!   r4 --10-- r3 --10-- r2
//! ```
//!
//! In each process a member of a room writes down what it hears, and a publisher numbers what it says. At the end of
//! each test all histories are compared with what was sent: nothing twice, nothing out of order.
#![cfg(target_os = "linux")]

mod cuts;
mod fleet;
mod history;
mod kills;
mod node;
mod pauses;
mod process;
mod proxy;
mod stalls;
mod world;

use std::env;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One fleet at a time: each measures times.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one test, alone and not for ever.
fn run(test: impl Future<Output = ()>) {
    let _alone = alone();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let outcome = runtime.block_on(async { tokio::time::timeout(LONGEST_TEST, test).await });
    outcome.expect("the test ends in time");
}

const LONGEST_TEST: Duration = Duration::from_secs(60);

/// What the others start as processes of their own, and no test unless they do.
#[test]
fn node() {
    if let Ok(orders) = env::var(process::VARIABLE) {
        node::run(&orders);
    }
}
