//! The server, in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child as Process, Command, Stdio};

use gatewire_harness::Failure;

use super::SERVER;

/// Ends with its stdin, when this is dropped.
pub(super) struct Child {
    pub(super) address: String,
    process: Process,
}

impl Child {
    pub(super) fn start() -> Result<Self, Failure> {
        let program = std::env::current_exe()?;
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", "0"]).arg(&program);
        let mut process = spawn(&mut pinned).or_else(|_| spawn(&mut Command::new(&program)))?;
        let stdout = process.stdout.take().ok_or_else(|| Failure::new("no stdout"))?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("ready ");
        let address = address.ok_or_else(|| Failure::new("the server is not ready"))?.to_owned();
        Ok(Self { address, process })
    }

    /// `taskset` has become the server.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }
}

fn spawn(command: &mut Command) -> std::io::Result<Process> {
    command.arg(SERVER).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It has nothing to do but to end.
        let _ended = self.process.wait();
    }
}
