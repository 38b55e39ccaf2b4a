//! A process of the fleet, as the harness sees it.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How a process is told which node it is.
pub(crate) const VARIABLE: &str = "GATEWIRE_CLUSTER_NODE";

/// What a node is told at its start.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    pub(crate) name: String,
    /// How often it was started, from 1 up.
    pub(crate) life: u32,
    pub(crate) listen: SocketAddr,
    /// Where its links lead, and what they cost.
    pub(crate) uplinks: Vec<(SocketAddr, u16)>,
}

impl Orders {
    fn write(&self) -> String {
        let Self { name, life, listen, .. } = self;
        let links: Vec<String> =
            self.uplinks.iter().map(|(address, cost)| format!("{address}@{cost}")).collect();
        format!("{name} {life} {listen} {}", links.join(" "))
    }

    pub(crate) fn read(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let mut next = || words.next().expect("name, life and address");
        let (name, life, listen) = (next().to_owned(), next().parse(), next().parse());
        let uplinks = words.map(|word| {
            let (address, cost) = word.split_once('@').expect("an address and a cost");
            (address.parse().expect("an address"), cost.parse().expect("a cost"))
        });
        let uplinks = uplinks.collect();
        let (life, listen) = (life.expect("a number"), listen.expect("an address"));
        Self { name, life, listen, uplinks }
    }
}

/// A signal that a test sends to its own child.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signal {
    Stop,
    Continue,
}

/// A node that runs. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
}

impl Process {
    pub(crate) fn spawn(orders: &Orders) -> (Self, ChildStdout) {
        let mut child = Command::new(env::current_exe().expect("the path of this program"))
            .args(["node", "--exact", "--nocapture"])
            .env(VARIABLE, orders.write())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let input = child.stdin.take().expect("it is piped");
        let output = child.stdout.take().expect("it is piped");
        (Self { child, input }, output)
    }

    fn pid(&self) -> u32 {
        self.child.id().expect("it was not waited for")
    }

    /// Tells it something.
    pub(crate) async fn tell(&mut self, order: &str) {
        let line = format!("{order}\n");
        self.input.write_all(line.as_bytes()).await.expect("it reads what it is told");
    }

    /// SIGKILL. It is gone when this returns.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it is a child of this process");
    }

    /// By the shell, so that no crate is needed for it.
    pub(crate) async fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        };
        let pid = self.pid().to_string();
        let mut shell = Command::new("sh");
        shell.args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &pid]);
        assert!(shell.status().await.expect("a shell").success());
    }

    /// The most memory that it has had at once, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory that it has.
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib << 10
    }
}
