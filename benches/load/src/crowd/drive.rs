//! Publishing to a room: as fast as its members hear, or at a fixed rate.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use gatewire_harness::{
    Driver, Failure, Measured, Outcome, Pace, Stopwatch, Window, Workload, resident_bytes,
};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::Crowd;
use super::member::{PROBES, Wire, read};

/// Does the workload with these members, which have joined, and measures it. `publish` sends the
/// publishes of these sequence numbers to the room; `fill` sends to the stalled members alone what
/// the kernel holds for them.
///
/// # Errors
///
/// A delivery is missing or wrong, or something cannot be measured.
pub(crate) async fn drive<W: Wire + 'static>(
    driver: &Driver,
    outcome: Outcome,
    members: Vec<TcpStream>,
    publish: impl AsyncFnMut(Range<u64>) -> Result<(), Failure>,
    fill: impl AsyncFnOnce() -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let timed = matches!(params.workload, Workload::FanOutLatency | Workload::Line);
    let crowd = Arc::new(Crowd::new(members.len(), timed));
    // Dropped, it ends its tasks.
    let mut tasks = JoinSet::new();
    for (member, stream) in members.into_iter().enumerate() {
        tasks.spawn(read::<W>(Arc::clone(&crowd), member, stream, params.size()));
    }
    let mut publisher = Publisher { driver, crowd: &crowd, publish, sent: 0 };
    let outcome = match params.workload {
        Workload::FanOutLatency => outcome.with_measured(&publisher.paced().await?),
        Workload::Line => outcome.with_measured(&publisher.through_line().await?),
        Workload::FanOutStalled => publisher.sustained_beside_stalled(outcome, fill).await?,
        _ => {
            publisher.keep_going(WARM_UP).await?;
            outcome.with_measured(&publisher.sustained().await?)
        }
    };
    Ok(match crowd.latencies() {
        Some(latencies) => outcome.with_latencies(&latencies),
        None => outcome,
    })
}

struct Publisher<'a, P> {
    driver: &'a Driver,
    crowd: &'a Crowd,
    publish: P,
    /// Publishes up to now, which is the sequence number of the next.
    sent: u64,
}

impl<P: AsyncFnMut(Range<u64>) -> Result<(), Failure>> Publisher<'_, P> {
    /// As fast as the members hear.
    async fn sustained(&mut self) -> Result<Measured, Failure> {
        let before = self.sent;
        let window = Window::begin(&self.driver.server_pids)?;
        self.keep_going(self.driver.params.seconds()).await?;
        Ok(window.end(self.deliveries(before))?)
    }

    /// The same beside members that have let as much wait as the kernel holds, so that the rest waits
    /// in the server.
    async fn sustained_beside_stalled(
        mut self,
        outcome: Outcome,
        fill: impl AsyncFnOnce() -> Result<(), Failure>,
    ) -> Result<Outcome, Failure> {
        // First the others get the memory that they need while they are busy: what grows from then on
        // is what the stalled ones let wait.
        self.keep_going(WARM_UP).await?;
        let before = resident_bytes(&self.driver.server_pids)?.cast_signed();
        fill().await?;
        let mut outcome = outcome.with_measured(&self.sustained().await?);
        let after = resident_bytes(&self.driver.server_pids)?.cast_signed();
        outcome.rss_growth = Some(after - before);
        Ok(outcome)
    }

    /// As fast as the other end of a line hears; then one at a time, which are those that are timed.
    async fn through_line(mut self) -> Result<Measured, Failure> {
        self.reach().await?;
        self.keep_going(WARM_UP).await?;
        let measured = self.sustained().await?;
        let mut stopwatch = Stopwatch::start(self.driver.params.seconds(), 1);
        while !stopwatch.is_over() {
            let sequence = self.sent;
            self.sent += 1;
            self.crowd.sent(sequence);
            (self.publish)(sequence..self.sent).await?;
            self.crowd.until(self.sent).await?;
        }
        Ok(measured)
    }

    /// Publishes probes until one has come through: that a node has taken a member does not say that the
    /// other nodes know of it.
    async fn reach(&mut self) -> Result<(), Failure> {
        for probe in PROBES..PROBES + MOST_PROBES {
            (self.publish)(probe..probe + 1).await?;
            if self.crowd.is_reached(PROBE_PATIENCE).await? {
                return Ok(());
            }
        }
        Err(Failure::new("nothing that is published comes to the member"))
    }

    /// Half of what may be in flight is published at once, the next half when all have heard the one
    /// before. So both sides are busy: smaller steps cost more writes, and with one large step the
    /// server waits while the members read.
    async fn keep_going(&mut self, seconds: f64) -> Result<(), Failure> {
        let half = self.driver.params.in_flight() / 2;
        let mut stopwatch = Stopwatch::start(seconds, 1);
        loop {
            let heard = self.sent;
            self.sent += half;
            (self.publish)(heard..self.sent).await?;
            if stopwatch.is_over() {
                return self.crowd.until(self.sent).await;
            }
            self.crowd.until(heard).await?;
        }
    }

    /// One at a time, at the rate that was asked for.
    async fn paced(mut self) -> Result<Measured, Failure> {
        let params = &self.driver.params;
        let window = Window::begin(&self.driver.server_pids)?;
        let mut pace = Pace::start(params.rate(), params.seconds());
        while let Some((sequence, due)) = pace.take() {
            sleep_until(due.into()).await;
            self.crowd.sent(sequence);
            self.sent += 1;
            (self.publish)(sequence..self.sent).await?;
        }
        self.crowd.until(self.sent).await?;
        Ok(window.end(self.deliveries(0))?)
    }

    /// Deliveries to the members that read, of all publishes from this one on.
    fn deliveries(&self, from: u64) -> u64 {
        (self.sent - from) * self.driver.params.members() as u64
    }
}

/// Seconds of sending before anything is measured.
const WARM_UP: f64 = 0.2;

/// How many probes are sent, and how long each may take: half a minute in all.
const MOST_PROBES: u64 = 300;
const PROBE_PATIENCE: Duration = Duration::from_millis(100);
