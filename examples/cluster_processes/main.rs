//! A cluster of three router processes, and a client process on each.
//!
//! ```text
//! cargo run -p gatewire-examples --example cluster_processes
//! ```
//!
//! starts all six, tells the clients what to say, and kills a router. Each role can be run by hand too, on
//! machines of their own (`cluster_processes` is `target/debug/examples/cluster_processes` then):
//!
//! ```text
//! cluster_processes keys DIR host1 host2 host3          makes the keys: copy to each host what it needs
//! cluster_processes router DIR host1 0.0.0.0:5000
//! cluster_processes router DIR host2 0.0.0.0:5000 HOST1:5000@1
//! cluster_processes router DIR host3 0.0.0.0:5000 HOST2:5000@1 HOST1:5000@10
//! cluster_processes client DIR ana HOST1:5000
//! ```
//!
//! A router has its links behind its address: where they lead, and what the way there costs. Clients read lines:
//! `say TEXT` is for the room that all are in, `ask NAME TEXT` for one that has said something. Both end with their
//! input.
//!
//! Each router has a key of its own, which allows its node's name alone; clients have another one. See `keys.rs`.
//! `router.rs` and `client.rs` are the two roles, `demo.rs` is what happens here.
//!
//! expect: host1  | nodes with members of lobby: 3
//! expect: demo   | six processes run
//! expect: heard from ana at host1: good morning
//! expect: heard from ana at host1: good morning
//! expect: ana    | asked by eva: tea or coffee?
//! expect: eva    | ana answers: tea
//! expect: demo   | now host2 is killed
//! expect: host1  | nodes with members of lobby: 2
//! expect: demo   | there is another way, which costs more
//! expect: eva    | heard from ana at host1: can you hear me?
//! expect: demo   | a router without a key of its own gets no link
//! expect: demo   | all have ended

mod client;
mod demo;
mod keys;
mod router;

use std::error::Error;
use std::process::ExitCode;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// The room that all are in.
const ROOM: &str = "lobby";

const USAGE: &str = "cluster_processes keys DIR NODE.. | router DIR NODE ADDRESS [ADDRESS@COST].. | \
                     client DIR NAME ADDRESS";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments.as_slice() {
        [] => demo::run(),
        ["keys", directory, ref nodes @ ..] => keys::make(directory, nodes),
        ["router", directory, node, address, ref links @ ..] => {
            router::run(directory, node, address, links).await
        }
        ["client", directory, name, address] => client::run(directory, name, address).await,
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster_processes: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A line of one role.
fn say(who: &str, text: impl std::fmt::Display) {
    println!("{who:<6} | {text}");
}
