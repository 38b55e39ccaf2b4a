//! One stream from a client to a room, with and without a member that does not read it, in turn.
//!
//! ```sh
//! taskset -c 1 load-room-stream --members 100 --mib 32 --rounds 7
//! ```
//!
//! It starts its server itself, on the first core if `taskset` is there. In each round the stream goes to the members
//! alone, then to them and to the one that does not read; which of the two comes first changes from round to round.
//! Counted is the time until the last of the others has read and checked everything. Meanwhile two clients
//! ask the server one question after the other: the one that does not read its stream, and one that has
//! nothing to do with it.

mod member;
mod probe;
mod server;

use bytes::{BufMut, Bytes, BytesMut};
use gatewire::{Client, FanoutWriter, StreamCode, StreamError};
use gatewire_harness::{Failure, Window};
use tokio::sync::mpsc;

use member::MARK_EVERY;
use probe::{Both, Probes};
use server::Child;

/// The argument that makes the program a server.
pub const SERVER: &str = "server";

/// The stream's event.
const BULK: &str = "bulk";
/// The room of those that read.
const READERS: &str = "readers";
/// The room of the one that does not.
const STALLED: &str = "stalled";

/// What is sent at once.
const PIECE: usize = 64 << 10;

/// What is measured.
struct Options {
    members: usize,
    mib: usize,
    rounds: usize,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self { members: 100, mib: 32, rounds: 7 };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| Failure::new("a number is missing"))?;
            let value = value.parse()?;
            match name.as_str() {
                "--members" => options.members = value,
                "--mib" => options.mib = value,
                "--rounds" => options.rounds = value,
                _ => return Err(Failure::new(format!("{name} is not known"))),
            }
        }
        Ok(options)
    }
}

/// Does the rounds and prints their figures.
///
/// # Errors
///
/// The server cannot be started, or a byte is missing or wrong.
///
/// # Panics
///
/// Called inside of a runtime: it brings its own.
#[tokio::main(flavor = "current_thread")]
pub async fn drive(arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let server = Child::start()?;
    let mut room = Room::fill(&server, &options).await?;
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    println!("        MB/s          | server CPU-ns / 64 KiB | RTT p50/p99 us: stalled, idle");
    println!("round  alone  beside  |   alone  beside        | alone | beside");
    // The first warms up: windows of credit, buffers of the kernel.
    room.stream(false).await?;
    for round in 1..=options.rounds {
        let first = room.stream(round % 2 == 0).await?;
        let second = room.stream(round % 2 == 1).await?;
        let (alone, beside) = if round % 2 == 0 { (second, first) } else { (first, second) };
        println!(
            "{round:5} {:6.0} {:7.0}  | {:7.0} {:7.0}        | {} | {}",
            alone.rate,
            beside.rate,
            alone.cpu_ns,
            beside.cpu_ns,
            alone.round_trips,
            beside.round_trips
        );
        rates.push(beside.rate / alone.rate);
        costs.push(beside.cpu_ns / alone.cpu_ns);
    }
    println!("rate of the others, beside to alone: {}", Spread(rates));
    println!("CPU time of the server, beside to alone: {}", Spread(costs));
    room.close().await
}

struct Room {
    server_pids: [u32; 1],
    sender: Client,
    probes: Probes,
    readers: Vec<Client>,
    /// Who has read everything, or what was wrong.
    read: mpsc::UnboundedReceiver<Result<(), String>>,
    bytes: Bytes,
}

/// Ratios: the median, the least and the most.
struct Spread(Vec<f64>);

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else { return Ok(()) };
        write!(f, "{:.3} ({least:.3} - {most:.3})", sorted[sorted.len() / 2])
    }
}

/// The figures of one stream.
struct Figures {
    /// Megabytes (10^6 bytes) per second, of all readers together.
    rate: f64,
    /// Nanoseconds of the server for 64 KiB to one reader.
    cpu_ns: f64,
    round_trips: Both,
}

impl Room {
    async fn fill(server: &Child, options: &Options) -> Result<Self, Failure> {
        let address = &server.address;
        let length = options.mib << 20;
        let (done, read) = mpsc::unbounded_channel();
        let mut readers = Vec::new();
        for _ in 0..options.members {
            let client = Client::builder().build(address);
            member::register(&client, length, done.clone());
            client.connect().await?;
            client.join(READERS).await?;
            readers.push(client);
        }
        let sender = Client::builder().connect(address).await?;
        let probes = Probes::start(address)?;
        let server_pids = [server.pid()];
        Ok(Self { server_pids, sender, probes, readers, read, bytes: marked(length) })
    }

    /// One stream to all, and to the stalled one if it is `beside` them.
    async fn stream(&mut self, beside: bool) -> Result<Figures, Failure> {
        self.probes.begin();
        let window = Window::begin(&self.server_pids)?;
        let to = self.sender.to(READERS);
        let to = if beside { to.to(STALLED) } else { to };
        let stream = to.stream(BULK, ()).await?;
        let sending = tokio::spawn(send(stream, self.bytes.clone()));
        for _ in 0..self.readers.len() {
            let read = self.read.recv().await;
            read.ok_or_else(|| Failure::new("the members are gone"))?.map_err(Failure::new)?;
        }
        let pieces = self.bytes.len().div_ceil(PIECE) * self.readers.len();
        let measured = window.end(pieces as u64)?;
        let round_trips = self.probes.end().await?;
        let failed = sending.await??;
        if failed != usize::from(beside) {
            return Err(Failure::new(format!("{failed} members were cut")));
        }
        let rate = measured.rate() * PIECE as f64 / 1e6;
        Ok(Figures { rate, cpu_ns: measured.server_cpu_ns, round_trips })
    }

    async fn close(self) -> Result<(), Failure> {
        for client in self.readers.iter().chain([&self.sender]) {
            client.close().await;
        }
        self.probes.close()
    }
}

/// Bytes that tell now and then where they stand.
fn marked(length: usize) -> Bytes {
    let mut bytes = BytesMut::zeroed(length);
    for (start, piece) in (0_u64..).step_by(MARK_EVERY).zip(bytes.chunks_mut(MARK_EVERY)) {
        let mut piece = piece;
        if piece.len() >= 8 {
            piece.put_u64_le(start);
        }
    }
    bytes.freeze()
}

/// Sends the stream: how many were cut for being slow.
async fn send(mut stream: FanoutWriter, bytes: Bytes) -> Result<usize, Failure> {
    let mut left = bytes;
    while !left.is_empty() {
        let piece = left.split_to(left.len().min(PIECE));
        stream.send(piece).await?;
    }
    let report = stream.finish().await?;
    for (_, error) in report.failed() {
        if !matches!(error, StreamError::Stopped { code: StreamCode::SlowReceiver, .. }) {
            return Err(Failure::new(error.to_string()));
        }
    }
    Ok(report.failed().count())
}
