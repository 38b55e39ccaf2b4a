//! What is done on each channel.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatewire::{Client, EmitError, KeyRing, Psk, Rejection, Server, StreamReader};
use gatewire_harness::{CpuClock, Failure};

const KEY_ID: &str = "load";
/// A key that protects nothing: both ends run on one machine, for a bench.
const KEY: &[u8] = b"no secret, only as long as one is";

/// What is done, and what is said of it.
pub(super) const WORKS: [Work; 4] = [
    Work { name: "handshakes", figures: &["handshakes, 1/s of CPU of the server"] },
    Work {
        name: "events",
        figures: &[
            "events of 256 B, 1/s",
            "events of 256 B, 1/s of CPU of both ends",
            "events of 256 B, 1/s of CPU of the server",
        ],
    },
    Work {
        name: "stream",
        figures: &[
            "a stream, MB/s",
            "a stream, MB/s of CPU of both ends",
            "a stream, MB/s of CPU of the server",
        ],
    },
    Work { name: "requests", figures: &["requests one at a time, 1/s"] },
];

/// One kind of work.
pub(super) struct Work {
    /// As the command line has it.
    pub(super) name: &'static str,
    /// A title for each figure that [`measure`] gives.
    pub(super) figures: &'static [&'static str],
}

/// What both ends speak. The key is proved on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Does one kind of work for so many seconds: its figures.
pub(super) async fn measure(
    work: &Work,
    channel: Channel,
    address: SocketAddr,
    seconds: f64,
) -> Result<Vec<f64>, Failure> {
    let client = connect(channel, address).await?;
    let length = Duration::from_secs_f64(seconds);
    let figures = match work.name {
        "handshakes" => vec![handshakes(channel, address, &client, length).await?],
        "events" => events(&client, length).await?.to_vec(),
        "stream" => stream(&client, length).await?.to_vec(),
        _ => vec![requests(&client, length).await?],
    };
    client.close().await;
    Ok(figures)
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
    let (watch, mut count) = (Watch::start(client).await?, 0_u32);
    while watch.start.elapsed() < length {
        connect(channel, address).await?.close().await;
        count += 1;
    }
    let [_, _, server] = watch.rates(client, f64::from(count)).await?;
    Ok(server)
}

async fn events(client: &Client, length: Duration) -> Result<[f64; 3], Failure> {
    let payload = [7_u8; 256];
    let (watch, mut count) = (Watch::start(client).await?, 0_u32);
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
    watch.rates(client, f64::from(count)).await
}

async fn stream(client: &Client, length: Duration) -> Result<[f64; 3], Failure> {
    let chunk = Bytes::from(vec![7; 64 << 10]);
    let watch = Watch::start(client).await?;
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
    watch.rates(client, sent as f64 / 1e6).await
}

async fn requests(client: &Client, length: Duration) -> Result<f64, Failure> {
    let (watch, mut count) = (Watch::start(client).await?, 0_u32);
    while watch.start.elapsed() < length {
        client.request::<(), _>("fence", ()).await?;
        count += 1;
    }
    let [wall, ..] = watch.rates(client, f64::from(count)).await?;
    Ok(wall)
}

/// Looks at the clock, and at the CPU time of this process and of the server's thread.
struct Watch {
    start: Instant,
    both: u64,
    server: u64,
    clock: CpuClock,
}

impl Watch {
    async fn start(client: &Client) -> Result<Self, Failure> {
        let clock = CpuClock::own();
        let server = client.request("cpu", ()).await?;
        Ok(Self { start: Instant::now(), both: clock.nanos()?, server, clock })
    }

    /// Per second, per second of CPU of both ends, and of the server. All that was emitted before is handled first.
    async fn rates(&self, client: &Client, amount: f64) -> Result<[f64; 3], Failure> {
        let server: u64 = client.request("cpu", ()).await?;
        let elapsed = self.start.elapsed();
        let rate = |nanos| amount / Duration::from_nanos(nanos).as_secs_f64();
        Ok([
            amount / elapsed.as_secs_f64(),
            rate(self.clock.nanos()? - self.both),
            rate(server - self.server),
        ])
    }
}
