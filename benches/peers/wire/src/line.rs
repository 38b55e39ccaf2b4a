//! Events through a line of nodes (`w6`): a publisher at its first node, a subscriber at its last.
//!
//! First as many as go, then one at a time, of which each is timed. What is on its way is published in halves as by the
//! raw limit's driver, so that no system has the better batches.

use std::rc::Rc;

use gatewire_harness::{Driver, Failure, Latencies, Measured, Stopwatch, Window};

use crate::connection::Scratch;
use crate::fan_out::{FannedOut, Publisher, Room, receive};
use crate::one_way::{drain, open};
use crate::wire::{Role, Wire};

/// Opens both ends and runs the workload.
///
/// # Errors
///
/// When a connection ends, or the subscriber does not receive each event in its order.
pub async fn run<W: Wire>(wire: &W, driver: &Driver) -> Result<FannedOut, Failure> {
    let scratch = Scratch::new();
    let room = Rc::new(Room::new(&driver.params, 1));
    let subscriber = open(wire, driver, Role::Subscriber, &scratch).await?;
    let mut connection = open(wire, driver, Role::Publisher, &scratch).await?;
    let sender = connection.sender();
    let publisher = Publisher::new(wire, &room, &sender);
    let measured: Result<Measured, Failure> = tokio::select! {
        measured = (Line { driver, room: &room, publisher, sent: 0 }).drive() => measured,
        failure = drain(&mut connection) => failure,
        failure = receive(subscriber, Rc::clone(&room)) => Err(failure),
    };
    Ok(FannedOut { measured: measured?, latencies: room.latencies.take() })
}

/// The publishing end.
struct Line<'a, W> {
    driver: &'a Driver,
    room: &'a Room,
    publisher: Publisher<'a, W>,
    /// Events up to now, which is the number of the next.
    sent: u64,
}

impl<W: Wire> Line<'_, W> {
    async fn drive(mut self) -> Result<Measured, Failure> {
        let seconds = self.driver.params.seconds();
        self.publisher.probe(1).await?;
        self.keep_going(WARM_UP).await?;
        let before = self.sent;
        let window = Window::begin(&self.driver.server_pids)?;
        self.keep_going(seconds).await?;
        let measured = window.end(self.sent - before)?;
        self.room.latencies.replace(Some(Latencies::new()));
        self.one_by_one(seconds).await?;
        Ok(measured)
    }

    /// Half of what may be in flight is published at once, the next half when the one before has arrived.
    async fn keep_going(&mut self, seconds: f64) -> Result<(), Failure> {
        let half = self.driver.params.in_flight() / 2;
        let mut stopwatch = Stopwatch::start(seconds, 1);
        loop {
            let before = self.sent;
            self.sent += half;
            self.publisher.publish(before..self.sent).await?;
            if stopwatch.is_over() {
                self.room.until(self.sent).await;
                return Ok(());
            }
            self.room.until(before).await;
        }
    }

    async fn one_by_one(&mut self, seconds: f64) -> Result<(), Failure> {
        let mut stopwatch = Stopwatch::start(seconds, 1);
        while !stopwatch.is_over() {
            self.publisher.publish(self.sent..self.sent + 1).await?;
            self.sent += 1;
            self.room.until(self.sent).await;
        }
        Ok(())
    }
}

/// Seconds of sending before anything is measured.
const WARM_UP: f64 = 0.2;
