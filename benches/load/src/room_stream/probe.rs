//! Two clients that ask the server, on a thread of their own: what they wait for is the server, not the members'
//! turn in this process.

use std::fmt;
use std::sync::mpsc as blocking;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gatewire::Client;
use gatewire_harness::{Failure, Latencies};
use tokio::sync::{mpsc, watch};

use super::{STALLED, member};

/// Times from a question to its answer.
struct RoundTrips(Latencies);

impl fmt::Display for RoundTrips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}/{:.0}", self.0.quantile_us(0.5), self.0.quantile_us(0.99))
    }
}

/// Of the member that does not read its stream, and of a client that has nothing to do with it.
pub(super) struct Both {
    stalled: RoundTrips,
    idle: RoundTrips,
}

impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.stalled, self.idle)
    }
}

/// See the [module's documentation](self).
pub(super) struct Probes {
    /// `true`: ask.
    asking: watch::Sender<bool>,
    answers: mpsc::UnboundedReceiver<Result<Both, Failure>>,
    thread: JoinHandle<Result<(), Failure>>,
}

impl Probes {
    /// Starts them; they are connected when it returns.
    pub(super) fn start(address: &str) -> Result<Self, Failure> {
        let (asking, told) = watch::channel(false);
        let (answered, answers) = mpsc::unbounded_channel();
        let (ready, is_ready) = blocking::channel();
        let address = address.to_owned();
        let thread = std::thread::Builder::new().name("probes".to_owned());
        let thread = thread.spawn(move || run(&address, told, &answered, &ready))?;
        is_ready.recv().map_err(|_| Failure::new("the probes cannot connect"))?;
        Ok(Self { asking, answers, thread })
    }

    pub(super) fn begin(&self) {
        self.asking.send_replace(true);
    }

    /// What they measured since the beginning.
    pub(super) async fn end(&mut self) -> Result<Both, Failure> {
        self.asking.send_replace(false);
        self.answers.recv().await.ok_or_else(|| Failure::new("the probes are gone"))?
    }

    pub(super) fn close(self) -> Result<(), Failure> {
        drop(self.asking);
        self.thread.join().map_err(|_| Failure::new("the probes panicked"))?
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(
    address: &str,
    mut told: watch::Receiver<bool>,
    answered: &mpsc::UnboundedSender<Result<Both, Failure>>,
    ready: &blocking::Sender<()>,
) -> Result<(), Failure> {
    let stalled = Client::builder().build(address);
    member::register_stalled(&stalled);
    stalled.connect().await?;
    stalled.join(STALLED).await?;
    let idle = Client::builder().connect(address).await?;
    // Who started this waits.
    let _told = ready.send(());
    // An error: nobody wants to know any more.
    while told.wait_for(|ask| *ask).await.is_ok() {
        let both = tokio::try_join!(ask(&stalled, &told), ask(&idle, &told));
        let both = both.map(|(stalled, idle)| Both { stalled, idle });
        if answered.send(both).is_err() {
            break;
        }
    }
    stalled.close().await;
    idle.close().await;
    Ok(())
}

/// Asks, one question every millisecond, until it is over.
async fn ask(client: &Client, told: &watch::Receiver<bool>) -> Result<RoundTrips, Failure> {
    let mut latencies = Latencies::new();
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while *told.borrow() {
        pace.tick().await;
        let begin = Instant::now();
        let _: [u8; 16] = client.request("ask", [0_u8; 16]).await?;
        latencies.record(begin.elapsed());
    }
    Ok(RoundTrips(latencies))
}
