//! One-way events (`w1`, `w4`) from a client to the router.

use std::time::Duration;

use gatewire_harness::{Driver, Failure, Outcome, Payload, Received, Stopwatch, Window, Workload};
use peer_wire::one_way::Amount;
use zenoh::{Session, Wait};

use crate::open::{COUNT, EVENTS, client, failed, publisher};

pub(crate) fn drive(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let session = client(&driver.address)?;
    let news = publisher(&session, EVENTS, false)?;
    let size = driver.params.size();
    let mut payload = Payload::new(size);
    // The router is known to be reached before the clock runs.
    count(&session)?.expect(0, size)?;

    let mut sent = 0;
    let window = Window::begin(&driver.server_pids)?;
    let mut send = |number| news.put(payload.with(number).to_vec()).wait().map_err(failed);
    if let (Workload::Bulk, Amount::Events(events)) =
        (driver.params.workload, Amount::of(&driver.params))
    {
        while sent < events {
            send(sent)?;
            sent += 1;
        }
    } else {
        let mut stopwatch = Stopwatch::start(driver.params.seconds(), LOOKS_EVERY);
        while !stopwatch.is_over() {
            send(sent)?;
            sent += 1;
        }
    }
    let received = count(&session)?;
    let measured = window.end(sent)?;
    received.expect(sent, size)?;
    Ok(outcome.with_measured(&measured))
}

/// What the server has received: the query comes after all events, on the same connection.
fn count(session: &Session) -> Result<Received, Failure> {
    let answers = session.get(COUNT).timeout(PATIENCE).wait().map_err(failed)?;
    let answer = answers.recv().map_err(failed)?;
    match answer.result() {
        Ok(sample) => Received::from_bytes(&sample.payload().to_bytes()),
        Err(error) => Err(Failure::new(format!("no count: {error}"))),
    }
}

/// How many events go by between two looks at the clock.
const LOOKS_EVERY: u32 = 256;

/// How long the last event may take.
const PATIENCE: Duration = Duration::from_secs(60);
