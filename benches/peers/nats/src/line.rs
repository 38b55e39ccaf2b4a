//! Events through a line of servers (`w6`) with the crate async-nats.

use std::time::{Duration, Instant};

use async_nats::{Client, Subscriber};
use futures_util::StreamExt;
use gatewire_harness::{
    Driver, Failure, Latencies, Outcome, Payload, Stopwatch, Window, sequence_of,
};

use crate::client::{EVENTS, connect, subscribe};

/// As fast as it goes, then one at a time, of which each is timed.
pub(crate) async fn drive(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let (publisher, client) = (connect(driver.first()).await?, connect(driver.last()).await?);
    let (size, seconds) = (driver.params.size(), driver.params.seconds());
    let subscriber = subscribe(&client, EVENTS).await?;
    let payload = Payload::new(size);
    let mut line = Line { publisher, subscriber, payload, size, sent: 0, received: 0 };
    line.probe().await?;
    let half = driver.params.in_flight() / 2;
    line.keep_going(half, WARM_UP).await?;
    let before = line.sent;
    let window = Window::begin(&driver.server_pids)?;
    line.keep_going(half, seconds).await?;
    let measured = window.end(line.sent - before)?;
    let latencies = line.one_by_one(seconds).await?;
    Ok(outcome.with_measured(&measured).with_latencies(&latencies))
}

/// Both ends. They take turns: what arrives meanwhile waits in the client, which has its own task.
struct Line {
    publisher: Client,
    subscriber: Subscriber,
    payload: Payload,
    size: usize,
    sent: u64,
    received: u64,
}

impl Line {
    async fn publish(&mut self, number: u64) -> Result<(), Failure> {
        let payload = self.payload.with(number).to_vec();
        Ok(self.publisher.publish(EVENTS, payload.into()).await?)
    }

    /// Publishes probes until one comes: the other servers learn of a subscription a little later.
    async fn probe(&mut self) -> Result<(), Failure> {
        for probe in PROBES..PROBES + MOST_PROBES {
            self.publish(probe).await?;
            let heard = tokio::time::timeout(PROBE_PATIENCE, self.subscriber.next()).await;
            if let Ok(heard) = heard {
                heard.ok_or_else(ended)?;
                return Ok(());
            }
        }
        Err(Failure::new("nothing that is published comes to the subscriber"))
    }

    /// Half of what may be in flight is published at once, the next half when the one before has arrived.
    async fn keep_going(&mut self, half: u64, seconds: f64) -> Result<(), Failure> {
        let mut stopwatch = Stopwatch::start(seconds, 1);
        loop {
            let before = self.sent;
            while self.sent < before + half {
                self.publish(self.sent).await?;
                self.sent += 1;
            }
            if stopwatch.is_over() {
                return self.receive(self.sent).await;
            }
            self.receive(before).await?;
        }
    }

    async fn one_by_one(&mut self, seconds: f64) -> Result<Latencies, Failure> {
        let mut latencies = Latencies::new();
        let mut stopwatch = Stopwatch::start(seconds, 1);
        while !stopwatch.is_over() {
            let begin = Instant::now();
            self.publish(self.sent).await?;
            self.sent += 1;
            self.receive(self.sent).await?;
            latencies.record(begin.elapsed());
        }
        Ok(latencies)
    }

    /// Receives and checks events until there are so many. Probes that come late are passed over.
    async fn receive(&mut self, goal: u64) -> Result<(), Failure> {
        while self.received < goal {
            let message = self.subscriber.next().await.ok_or_else(ended)?;
            let number = sequence_of(&message.payload);
            if number == Some(self.received) && message.payload.len() == self.size {
                self.received += 1;
            } else if number.is_none_or(|number| number < PROBES) {
                let due = self.received;
                return Err(Failure::new(format!("event {due} was due, {number:?} came")));
            }
        }
        Ok(())
    }
}

fn ended() -> Failure {
    Failure::new("the subscription has ended")
}

/// Seconds of sending before anything is measured.
const WARM_UP: f64 = 0.2;

/// Numbers from here on are probes.
const PROBES: u64 = 1 << 63;

/// How many probes are tried, and how long each may take: half a minute in all.
const MOST_PROBES: u64 = 300;
const PROBE_PATIENCE: Duration = Duration::from_millis(100);
