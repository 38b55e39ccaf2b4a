//! The process that attacks.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use gatewire_codec::v3::handshake::{Extensions, Hello, Role, SUITE_HMAC_SHA256};
use gatewire_codec::{Message, v3};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Connections of one attack.
pub(crate) const CONNECTIONS: u32 = 10_000;

/// Addresses that they come from: with 32 handshakes each they fill all places, several times.
const SOURCES: u32 = 400;

/// So many are opened at once, every 20 ms: all within a second. More at a time than the system keeps for the
/// server, and it would be the system that is attacked: it forgets some that believe to be connected.
const BURST: u32 = 200;
const PACE: Duration = Duration::from_millis(20);

/// How the attacker is told what to do.
pub(crate) const VARIABLE: &str = "GATEWIRE_FLOOD";

/// Longer than any server waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an attacker sends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attack {
    /// Nothing.
    Silent,
    /// A record of TLS, a byte each second.
    SlowTls,
    /// A frame, a byte each second.
    SlowFrame,
    /// A HELLO, and nothing more.
    Hello,
    /// No protocol.
    Garbage,
}

impl Attack {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::SlowTls => "slow-tls",
            Self::SlowFrame => "slow-frame",
            Self::Hello => "hello",
            Self::Garbage => "garbage",
        }
    }

    fn of_name(name: &str) -> Self {
        [Self::Silent, Self::SlowTls, Self::SlowFrame, Self::Hello, Self::Garbage]
            .into_iter()
            .find(|attack| attack.name() == name)
            .expect("a name of an attack")
    }
}

/// Attacks as it is told, and tells how long the last connection was open, in milliseconds.
pub(crate) fn run(orders: &str) {
    let (name, address) = orders.split_once(' ').expect("an attack and an address");
    let attack = Attack::of_name(name);
    let address: SocketAddr = address.parse().expect("an address");
    let at_once = descriptors();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let longest = runtime.expect("a runtime").block_on(storm(attack, address, at_once));
    // On a line of its own, which the harness has begun.
    writeln!(io::stdout(), "\nlongest {}", longest.as_millis()).expect("somebody reads it");
}

/// How many connections this process may have at once: all, where the system lets it. Where it does not the
/// attack comes in waves.
fn descriptors() -> usize {
    let wanted = u64::from(CONNECTIONS) + 64;
    let most = rlimit::increase_nofile_limit(wanted).expect("the limit of open files");
    usize::try_from(most.min(wanted) - 64).expect("a small number")
}

async fn storm(attack: Attack, server: SocketAddr, at_once: usize) -> Duration {
    let mut open = JoinSet::new();
    let mut longest = Duration::ZERO;
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..CONNECTIONS {
        if number.is_multiple_of(BURST) {
            pace.tick().await;
        }
        while open.len() >= at_once {
            longest = longest.max(ended(&mut open).await);
        }
        open.spawn(connection(attack, server, number));
    }
    while !open.is_empty() {
        longest = longest.max(ended(&mut open).await);
    }
    longest
}

async fn ended(open: &mut JoinSet<Duration>) -> Duration {
    open.join_next().await.expect("one is open").expect("no panic")
}

/// One connection, until the server has ended it; how long that took.
async fn connection(attack: Attack, server: SocketAddr, number: u32) -> Duration {
    let socket = TcpSocket::new_v4().expect("a socket");
    let [.., high, low] = (number % SOURCES).to_be_bytes();
    socket.bind(([127, 1, high, low], 0).into()).expect("an address of loopback");
    let Ok(mut stream) = socket.connect(server).await else { return Duration::ZERO };
    let start = Instant::now();
    let attacking = async {
        // The server may be gone at any time.
        let _ended = match attack {
            Attack::Silent => Ok(()),
            Attack::Garbage => stream.write_all(&[b'#'; 1000]).await,
            Attack::Hello => stream.write_all(&hello()).await,
            Attack::SlowTls => trickle(&mut stream, &[0x16, 3, 1, 0, 240, 1, 0, 0]).await,
            Attack::SlowFrame => trickle(&mut stream, &hello()).await,
        };
        let mut answer = Vec::new();
        let _ended = stream.read_to_end(&mut answer).await;
    };
    timeout(PATIENCE, attacking).await.expect("the server ends it");
    start.elapsed()
}

/// One byte per second, until the server has enough.
async fn trickle(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let (mut reader, mut writer) = stream.split();
    let mut second = interval(Duration::from_secs(1));
    let mut answer = [0];
    for byte in bytes {
        tokio::select! {
            _ = second.tick() => writer.write_all(&[*byte]).await?,
            read = reader.read(&mut answer) => return read.map(drop),
        }
    }
    Ok(())
}

/// What a client says first.
fn hello() -> BytesMut {
    let mut frame = BytesMut::new();
    let hello = Hello {
        min_version: 3,
        max_version: 3,
        role: Role::Client,
        key_id: "one",
        instance: [1; 16],
        nonce: [2; 32],
        suites: &[SUITE_HMAC_SHA256],
        extensions: Extensions::NONE,
    };
    v3::encode(&Message::Hello(hello), &mut frame).expect("a short frame");
    frame
}
