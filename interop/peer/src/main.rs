//! The peer by gatewire in the scenarios of `interop/`, whose README tells what it is run for.
//!
//! ```text
//! gatewire-interop-peer server [PORT [PORT]]         of version 1, and of version 3
//! gatewire-interop-peer member v1|v3 ADDRESS ROOM    a client that does what it is told in lines
//! gatewire-interop-peer list                         the names of the scenarios
//! gatewire-interop-peer client NAME ADDRESS          runs one of them
//! ```
//!
//! All are spoken to in lines, and end with their standard input.

mod client;
mod describe;
mod member;
mod pattern;
mod server;
mod wire;

use std::error::Error;
use std::process::ExitCode;

use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str = "usage: gatewire-interop-peer server [PORT [PORT]] | member v1|v3 ADDRESS ROOM | \
    list | client NAME ADDRESS";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Outcome {
    match arguments {
        ["server"] => server::run("0", "0").await,
        ["server", v1] => server::run(v1, "0").await,
        ["server", v1, v3] => server::run(v1, v3).await,
        ["member", wire, address, room] => member::run(wire, address, room).await,
        ["list"] => {
            client::list();
            Ok(())
        }
        ["client", name, address] => client::run(name, address).await,
        _ => Err(USAGE.into()),
    }
}

/// The lines of the standard input.
fn input() -> Lines<BufReader<Stdin>> {
    BufReader::new(tokio::io::stdin()).lines()
}
