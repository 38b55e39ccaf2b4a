//! A server that is attacked, and the clients that come meanwhile.

use std::env;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use gatewire::admission::{AdmissionCounters, Refused};
use gatewire::{Client, KeyRing, Psk, Server};
use tokio::process::{Child, Command};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use crate::ALLOCATOR;
use crate::attacker::{Attack, CONNECTIONS, VARIABLE};

/// The server's times are those of the defaults; a busy machine adds something.
pub(crate) const FIRST_BYTE: Duration = Duration::from_millis(2000 + 1500);
pub(crate) const DEADLINE: Duration = Duration::from_millis(5000 + 1500);

/// In which a client must be connected and have an answer.
const SOON: Duration = Duration::from_secs(1);

/// So many clients come at least, one after the other. The shortest siege takes a second.
const CLIENTS: u32 = 5;

/// Between one client and the next.
const PAUSE: Duration = Duration::from_millis(20);

const LONGEST_SIEGE: Duration = Duration::from_secs(60);

/// What the clients take, and the server besides its handshakes.
const ALLOWANCE: usize = 256 << 10;

const PLACES: usize = 1024;

/// A server that will be attacked.
pub(crate) struct Siege {
    plain: bool,
}

/// What should come of it, besides what holds for all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    /// No attacker is there for longer.
    pub(crate) gone_within: Duration,
    /// All places are taken, and a handshake takes no more than this many bytes of the heap.
    pub(crate) per_handshake: Option<usize>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    clients: u32,
    slowest_client: Duration,
    longest_attacker: Duration,
    most_pending: usize,
    /// While all places were taken, the median of many looks.
    memory: usize,
    admission: AdmissionCounters,
}

impl Siege {
    /// With a key, so over TLS.
    pub(crate) fn of_default_server() -> Self {
        Self { plain: false }
    }

    /// With a key over plain TCP.
    pub(crate) fn of_plain_server() -> Self {
        Self { plain: true }
    }

    /// Runs the whole attack. The machine may be busy with other things: one attempt of three has to be as it
    /// should.
    pub(crate) fn under(self, attack: Attack, expected: Expected) {
        for _ in 0..2 {
            if self.attempt(attack).is(expected) {
                return;
            }
        }
        let outcome = self.attempt(attack);
        assert!(outcome.is(expected), "{outcome:?}");
    }

    fn attempt(&self, attack: Attack) -> Outcome {
        let runtime = Runtime::new().expect("a runtime");
        let run = async { timeout(LONGEST_SIEGE, self.run(attack)).await };
        let outcome = runtime.block_on(run).expect("the siege ends");
        println!("{attack:?}: {outcome:?}");
        outcome.check();
        outcome
    }

    async fn run(&self, attack: Attack) -> Outcome {
        let builder = Server::builder().psk(KeyRing::new().with("one", key()));
        let builder = if self.plain { builder.plain() } else { builder };
        let server = builder.bind("127.0.0.1:0").await.expect("a free port");
        server.on("double", |number: u32| number * 2);
        // What is made once is made before anything is measured.
        self.visit(&server).await;

        let before = heap();
        let mut attacker = spawn(attack, &server);
        let mut outcome = Outcome::default();
        let mut looks = Vec::new();
        let exited = loop {
            tokio::select! {
                exited = attacker.wait() => break exited.expect("an exit status"),
                took = self.visit(&server) => {
                    outcome.clients += 1;
                    outcome.slowest_client = outcome.slowest_client.max(took);
                }
            }
            outcome.most_pending = outcome.most_pending.max(server.admission().pending);
            if outcome.most_pending >= PLACES && server.admission().pending >= PLACES - 1 {
                looks.push(heap().saturating_sub(before));
            }
            sleep(PAUSE).await;
        };
        looks.sort_unstable();
        outcome.memory = looks.get(looks.len() / 2).copied().unwrap_or(0);
        outcome.longest_attacker = report(attacker, exited).await;
        outcome.admission = server.admission();
        assert!(outcome.admission.pending <= 1, "only a client may be left: {outcome:?}");
        server.close().await;
        outcome
    }

    /// A client comes, asks something and goes; how long that took it.
    async fn visit(&self, server: &Server) -> Duration {
        let start = Instant::now();
        let builder = Client::builder().psk("one", key());
        let builder = if self.plain { builder.plain() } else { builder };
        let client = builder.connect(server.local_addr()).await.expect("a connection");
        assert_eq!(client.request::<u32, _>("double", 21).await, Ok(42));
        let took = start.elapsed();
        client.close().await;
        took
    }
}

impl Outcome {
    /// What must hold in every siege.
    fn check(&self) {
        let admission = &self.admission;
        assert!(self.most_pending <= PLACES + 1, "{self:?}");
        let sources = [Refused::Pending, Refused::PendingOfSource];
        let closed: u64 = sources.map(|refused| admission.refused(refused)).iter().sum();
        // Each of the attackers is accounted for, and each of the clients.
        assert!(admission.arrived + closed >= u64::from(CONNECTIONS), "{self:?}");
        assert!(admission.established > u64::from(self.clients), "{self:?}");
        assert_eq!(admission.refused(Refused::Failures), 0, "nobody is taken for another");
    }

    fn is(&self, expected: Expected) -> bool {
        let filled = expected.per_handshake.is_none_or(|bytes| {
            let most = PLACES * bytes + ALLOWANCE;
            self.most_pending >= PLACES - 1 && (1..=most).contains(&self.memory)
        });
        let soon = self.clients >= CLIENTS && self.slowest_client < SOON;
        filled && soon && self.longest_attacker < expected.gone_within
    }
}

fn key() -> Psk {
    Psk::new([7; 32]).expect("a long key")
}

fn spawn(attack: Attack, server: &Server) -> Child {
    Command::new(env::current_exe().expect("the path of this program"))
        .args(["attacker", "--exact", "--nocapture"])
        .env(VARIABLE, format!("{} {}", attack.name(), server.local_addr()))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a process")
}

/// How long the last of the attackers was there.
async fn report(attacker: Child, exited: ExitStatus) -> Duration {
    let output = attacker.wait_with_output().await.expect("its output");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(exited.success(), "the attacker failed: {text}");
    let longest = text.lines().find_map(|line| line.strip_prefix("longest "));
    let longest = longest.unwrap_or_else(|| panic!("no report: {text}"));
    Duration::from_millis(longest.parse().expect("milliseconds"))
}

/// Bytes of this process's heap that are in use.
fn heap() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
