//! Plain TCP beside TLS, in turn in one process: what encryption costs.
//!
//! Server and client have a thread each, and on two cores one core each: the rate is that of the slower of the
//! two, and the CPU of both ends is what a machine has to give for it. Each round does the same work on both channels, one
//! directly after the other, and the table shows the medians. Ratios hold on a busy machine too, the figures
//! themselves do not.

mod work;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;

use gatewire_harness::Failure;

use work::{Channel, WORKS, Work};

/// Measures and prints the table. `--rounds N` (5 by default); `--seconds S` of each (1); `--only NAME`, one of `handshakes`, `events`,
/// `stream`, `requests`; `--channel plain` or `tls`, for a profile of one alone; `--quick` only shows that it
/// works.
///
/// # Errors
///
/// A connection broke, or the command line is not understood.
pub fn run() -> Result<(), Failure> {
    let options = Options::read(std::env::args().skip(1))?;
    let servers = [start(Channel::Plain)?, start(Channel::Tls)?];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measure = |work: &Work, channel| {
        if options.channel.is_some_and(|only| only != channel) {
            return Ok(vec![f64::NAN; work.figures.len()]);
        }
        let address = servers[channel as usize];
        runtime.block_on(work::measure(work, channel, address, options.seconds))
    };
    println!("{:<44} {:>12} {:>12} {:>7}  least..most", "medians", "plain", "tls", "ratio");
    for work in
        WORKS.iter().filter(|work| options.only.as_ref().is_none_or(|only| only == work.name))
    {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            rounds.push((measure(work, Channel::Plain)?, measure(work, Channel::Tls)?));
        }
        for (row, title) in work.figures.iter().enumerate() {
            let plain = median(rounds.iter().map(|round| round.0[row]));
            let tls = median(rounds.iter().map(|round| round.1[row]));
            let ratios = sorted(rounds.iter().map(|round| round.1[row] / round.0[row]));
            let (least, ratio, most) =
                (ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
            println!("{title:<44} {plain:>12.0} {tls:>12.0} {ratio:>7.2}  {least:.2}..{most:.2}");
        }
    }
    Ok(())
}

struct Options {
    rounds: usize,
    /// For each kind of work.
    seconds: f64,
    only: Option<String>,
    channel: Option<Channel>,
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self { rounds: 5, seconds: 1.0, only: None, channel: None };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => (options.rounds, options.seconds) = (1, 0.05),
                "--rounds" => {
                    let rounds = words.next().and_then(|rounds| rounds.parse().ok());
                    options.rounds = rounds
                        .filter(|rounds| *rounds > 0)
                        .ok_or_else(|| Failure::new("--rounds takes a number"))?;
                }
                "--seconds" => {
                    let seconds = words.next().and_then(|seconds| seconds.parse().ok());
                    options.seconds = seconds
                        .filter(|seconds| (0.01..=60.0).contains(seconds))
                        .ok_or_else(|| Failure::new("--seconds takes 0.01 to 60"))?;
                }
                "--only" => {
                    let known = |name: &String| WORKS.iter().any(|work| work.name == name);
                    let only = words.next().filter(known);
                    options.only = Some(only.ok_or_else(|| {
                        Failure::new("--only takes handshakes, events, stream or requests")
                    })?);
                }
                "--channel" => {
                    options.channel = Some(match words.next().as_deref() {
                        Some("plain") => Channel::Plain,
                        Some("tls") => Channel::Tls,
                        _ => return Err(Failure::new("--channel takes plain or tls")),
                    });
                }
                other => return Err(Failure::new(format!("`{other}` is not known"))),
            }
        }
        Ok(options)
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let figures = sorted(figures);
    figures[figures.len() / 2]
}

fn sorted(figures: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures
}

/// A server on a thread of its own, until the process ends.
fn start(channel: Channel) -> Result<SocketAddr, Failure> {
    let (told, address) = mpsc::channel();
    thread::spawn(move || {
        let serve = || -> Result<(), Failure> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let server = work::server(channel)?;
                told.send(Ok(server.listen("127.0.0.1:0").await?))?;
                std::future::pending().await
            })
        };
        if let Err(error) = serve() {
            drop(told.send(Err(error)));
        }
    });
    address.recv()?
}
