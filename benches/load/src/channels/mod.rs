//! Plain TCP beside TLS, in turn in one process: what encryption costs.
//!
//! Server and client have a thread each. Each round does the same on both channels, and the table shows the
//! medians. Ratios hold on a busy machine too, the figures themselves do not.

mod work;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;

use gatewire_harness::Failure;

use work::{Channel, FIGURES, Figures};

/// Measures and prints the table. `--rounds N` (5 by default); `--quick` only shows that it works.
///
/// # Errors
///
/// A connection broke, or the command line is not understood.
pub fn run() -> Result<(), Failure> {
    let options = Options::read(std::env::args().skip(1))?;
    let (plain, tls) = (start(Channel::Plain)?, start(Channel::Tls)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measure =
        |channel, address| runtime.block_on(work::measure(channel, address, options.seconds));
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        rounds.push((measure(Channel::Plain, plain)?, measure(Channel::Tls, tls)?));
    }
    println!("{:<44} {:>12} {:>12} {:>7}", "medians", "plain", "tls", "ratio");
    for (row, title) in FIGURES.iter().enumerate() {
        let of = |figure: &dyn Fn(&(Figures, Figures)) -> f64| {
            median(rounds.iter().map(figure).collect())
        };
        let (plain, tls) = (of(&|round| round.0[row]), of(&|round| round.1[row]));
        let ratio = of(&|round| round.1[row] / round.0[row]);
        println!("{title:<44} {plain:>12.0} {tls:>12.0} {ratio:>7.2}");
    }
    Ok(())
}

struct Options {
    rounds: usize,
    /// For each figure.
    seconds: f64,
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self { rounds: 5, seconds: 1.0 };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => options = Self { rounds: 1, seconds: 0.05 },
                "--rounds" => {
                    let rounds = words.next().and_then(|rounds| rounds.parse().ok());
                    options.rounds = rounds
                        .filter(|rounds| *rounds > 0)
                        .ok_or_else(|| Failure::new("--rounds takes a number"))?;
                }
                other => return Err(Failure::new(format!("`{other}` is not known"))),
            }
        }
        Ok(options)
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
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
