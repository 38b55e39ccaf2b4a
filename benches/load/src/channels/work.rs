//! What is done on each channel.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatewire::{Client, EmitError, KeyRing, Psk, Rejection, Server, StreamReader};
use gatewire_harness::{CpuClock, Failure};

const KEY_ID: &str = "load";
/// A key that protects nothing: both ends run on one machine, for a bench.
const KEY: &[u8] = b"no secret, only as long as one is";

/// What is measured.
pub(super) const FIGURES: [&str; 6] = [
    "handshakes/s per core of the server",
    "events of 256 B, 1/s",
    "events of 256 B, 1/s of CPU of both ends",
    "a stream, MB/s",
    "a stream, MB/s of CPU of both ends",
    "requests one at a time, 1/s",
];

/// In the order of [`FIGURES`].
pub(super) type Figures = [f64; FIGURES.len()];

/// What both ends speak. The key is proved on each.
#[derive(Debug, Clone, Copy)]
pub(super) enum Channel {
    Plain,
    Tls,
}

pub(super) fn server(channel: Channel) -> Result<Server, Failure> {
    let builder = Server::builder().psk(KeyRing::new().with(KEY_ID, Psk::new(KEY)?));
    let server = match channel {
        Channel::Plain => builder.plain(),
        Channel::Tls => builder,
    }
    .build();
    server.on("news", |_: &[u8]| ());
    server.on("fence", || ());
    server.on("bytes", |mut stream: StreamReader| async move {
        let mut length = 0;
        let failed = |error: gatewire::StreamError| Rejection::new(error.to_string());
        while let Some(chunk) = stream.chunk().await.map_err(failed)? {
            length += chunk.len() as u64;
        }
        Ok::<_, Rejection>(length)
    });
    server.on("cpu", || thread_cpu().map_err(|error| Rejection::new(error.to_string())));
    Ok(server)
}

/// Nanoseconds of CPU of this thread, as old as the last tick of the scheduler.
fn thread_cpu() -> Result<u64, Failure> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split_ascii_whitespace().next();
    Ok(first.ok_or_else(|| Failure::new("schedstat is empty"))?.parse()?)
}

pub(super) async fn measure(
    channel: Channel,
    address: SocketAddr,
    seconds: f64,
) -> Result<Figures, Failure> {
    let client = connect(channel, address).await?;
    let length = Duration::from_secs_f64(seconds);
    let handshakes = handshakes(channel, address, &client, length).await?;
    let [events, events_cpu] = events(&client, length).await?;
    let [stream, stream_cpu] = stream(&client, length).await?;
    let requests = requests(&client, length).await?;
    client.close().await;
    Ok([handshakes, events, events_cpu, stream, stream_cpu, requests])
}

async fn connect(channel: Channel, address: SocketAddr) -> Result<Client, Failure> {
    let builder = Client::builder().psk(KEY_ID, Psk::new(KEY)?);
    let builder = match channel {
        Channel::Plain => builder.plain(),
        Channel::Tls => builder,
    };
    Ok(builder.connect(address).await?)
}

/// One connection after the other, opened and closed.
async fn handshakes(
    channel: Channel,
    address: SocketAddr,
    client: &Client,
    length: Duration,
) -> Result<f64, Failure> {
    let before: u64 = client.request("cpu", ()).await?;
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < length {
        connect(channel, address).await?.close().await;
        count += 1;
    }
    let after: u64 = client.request("cpu", ()).await?;
    Ok(f64::from(count) / Duration::from_nanos(after - before).as_secs_f64())
}

async fn events(client: &Client, length: Duration) -> Result<[f64; 2], Failure> {
    let payload = [7_u8; 256];
    let (watch, mut count) = (Watch::start()?, 0_u32);
    while watch.start.elapsed() < length {
        // The clock is not looked at for each.
        for _ in 0..64 {
            while let Err(error) = client.emit("news", payload.as_slice()) {
                match error {
                    EmitError::QueueFull => client.ready().await?,
                    error => return Err(error.into()),
                }
            }
        }
        count += 64;
    }
    client.request::<(), _>("fence", ()).await?;
    watch.rates(f64::from(count))
}

async fn stream(client: &Client, length: Duration) -> Result<[f64; 2], Failure> {
    let chunk = Bytes::from(vec![7; 64 << 10]);
    let watch = Watch::start()?;
    let mut stream = client.stream("bytes", ()).await?;
    let mut sent = 0_u64;
    while watch.start.elapsed() < length {
        stream.send(chunk.clone()).await?;
        sent += chunk.len() as u64;
    }
    let received: u64 = stream.finish().await?;
    if received != sent {
        return Err(Failure::new(format!("sent {sent} bytes, received {received}")));
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    watch.rates(sent as f64 / 1e6)
}

async fn requests(client: &Client, length: Duration) -> Result<f64, Failure> {
    let (watch, mut count) = (Watch::start()?, 0_u32);
    while watch.start.elapsed() < length {
        client.request::<(), _>("fence", ()).await?;
        count += 1;
    }
    Ok(watch.rates(f64::from(count))?[0])
}

struct Watch {
    start: Instant,
    cpu: u64,
    clock: CpuClock,
}

impl Watch {
    fn start() -> Result<Self, Failure> {
        let clock = CpuClock::own();
        Ok(Self { start: Instant::now(), cpu: clock.nanos()?, clock })
    }

    /// Per second, and per second of CPU.
    fn rates(&self, amount: f64) -> Result<[f64; 2], Failure> {
        let elapsed = self.start.elapsed();
        let cpu = Duration::from_nanos(self.clock.nanos()? - self.cpu);
        Ok([amount / elapsed.as_secs_f64(), amount / cpu.as_secs_f64()])
    }
}
