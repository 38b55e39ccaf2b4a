//! What all load programs share, whatever system they load: the command line, the two roles, the
//! clocks, the histogram, the checks and the outcome. It knows no system under test and no runtime.
//!
//! # The two roles
//!
//! Server and driver are two processes, so that the CPU time of each can be told apart.
//!
//! ```text
//! orchestrator            PROG server --workload w1
//!     | <---- stdout ------ ready 127.0.0.1:40123        (one line)
//!     |                                                   runs until its stdin is closed
//!     |                   PROG driver --workload w1 --address 127.0.0.1:40123 --server-pids 77
//!     | <---- stdout ------ {"workload":"w1", ...}        (one line: an Outcome)
//! ```
//!
//! A server that is somebody else's program is started as a child by `PROG server` ([`External`]);
//! the line is then `ready ADDRESS PID`, with the process to be measured. A line of nodes is a process
//! for each of them ([`serve_line`]): `ready FIRST,LAST PID,PID,PID`.
//!
//! # A load program
//!
//! ```no_run
//! use gatewire_harness::{Cli, Driver, Failure, Outcome, Role, Server, Window, ready, run};
//!
//! fn main() -> std::process::ExitCode {
//!     run(|cli: Cli| match cli.role {
//!         Role::Server(server) => serve(&server),
//!         Role::Driver(driver) => drive(&driver)?.print(),
//!     })
//! }
//!
//! fn serve(_server: &Server) -> Result<(), Failure> {
//!     let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//!     ready(listener.local_addr()?)?;
//!     gatewire_harness::exit_when_stdin_closes();
//!     // ... serve, forever
//!     Ok(())
//! }
//!
//! fn drive(driver: &Driver) -> Result<Outcome, Failure> {
//!     let window = Window::begin(&driver.server_pids)?;
//!     let messages = 0; // ... send, and check each delivery
//!     let measured = window.end(messages)?;
//!     Ok(Outcome::new("my-system", &driver.params).with_measured(&measured))
//! }
//! ```
//!
//! # What counts
//!
//! A run counts only when each delivery was checked: payloads carry a sequence number ([`Payload`]), a
//! receiver expects them in order ([`Checker`], in a stream [`StreamChecker`]), and what was received is compared with what was sent
//! ([`Received::expect`]). The measured [`Window`] ends when the last delivery is confirmed.

mod cli;
mod cpu;
mod external;
mod failure;
mod latency;
mod line;
mod memory;
mod outcome;
mod pace;
mod payload;
mod role;
mod stream;
mod window;

pub use cli::{Cli, Driver, Params, Role, Server, Workload};
pub use cpu::CpuClock;
pub use external::{External, free_port};
pub use failure::{Failure, run};
pub use latency::Latencies;
pub use line::serve_line;
pub use memory::resident_bytes;
pub use outcome::{Outcome, OutcomeParams};
pub use pace::{Pace, Stopwatch};
pub use payload::{Checker, Payload, Received, sequence_of};
pub use role::{
    exit_when_stdin_closes, ready, ready_ends, ready_external, wait_until_stdin_closes,
};
pub use stream::StreamChecker;
pub use window::{Measured, Window};
