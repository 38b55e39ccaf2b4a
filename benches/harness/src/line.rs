//! A line of nodes: each a process of its own that is connected to the one before.
//!
//! ```text
//! publisher --> node A <-- node B <-- node C <-- subscriber        arrows: who connects to whom
//! ```
//!
//! The process with the role of the server starts the nodes and waits. It does nothing else and is not
//! measured, so the CPU time of all nodes together is what the system takes. On one node it is left out:
//! there the server is the node.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli::Server;
use crate::failure::Failure;
use crate::role::{ready_ends, wait_until_stdin_closes};

/// The role of the server for several nodes: starts this program in the same role once for each node, with
/// `--nodes 1` and, but for the first, `--uplink` and the address that subscribers of the node before
/// connect to. Then says `ready FIRST,LAST PIDS`, waits until stdin is closed, and ends the nodes.
///
/// # Errors
///
/// A node is not ready, or stdout is closed.
pub fn serve_line(server: &Server) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    let size = server.params.size().to_string();
    let nodes = start(server.params.nodes(), |uplink| {
        let mut command = Command::new(&program);
        command.args(["server", "--workload", "w6", "--nodes", "1", "--size", &size]);
        command.args(uplink.into_iter().flat_map(|address| ["--uplink", address]));
        command
    })?;
    let pids: Vec<_> = nodes.iter().map(|node| node.pid).collect();
    if let [first, .., last] = &nodes[..] {
        ready_ends(&first.inward, &last.outward, &pids)?;
        wait_until_stdin_closes();
    }
    Ok(())
}

/// Starts the nodes, one after the other. `command` makes the program of one, from the address of the node
/// before it.
fn start(number: usize, command: impl Fn(Option<&str>) -> Command) -> Result<Vec<Node>, Failure> {
    let mut nodes: Vec<Node> = Vec::new();
    for _ in 0..number {
        let uplink = nodes.last().map(|before| before.outward.as_str());
        nodes.push(Node::start(command(uplink))?);
    }
    Ok(nodes)
}

/// A node that is ready. Dropped, it is ended.
#[derive(Debug)]
struct Node {
    child: Child,
    /// It stays open: a node that says more must not die of it.
    stdout: BufReader<ChildStdout>,
    /// Where publishers connect.
    inward: String,
    /// Where subscribers connect, and the next node.
    outward: String,
    /// The process that is to be measured.
    pid: u32,
}

impl Node {
    fn start(mut command: Command) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| Failure::new("a node has no stdout"))?;
        let pid = child.id();
        let (inward, outward) = (String::new(), String::new());
        let mut node = Self { child, stdout: BufReader::new(stdout), inward, outward, pid };
        let mut line = String::new();
        // It ends with the process at the latest. One that says nothing is ended with this process.
        node.stdout.read_line(&mut line)?;
        node.understand(&line)
            .ok_or_else(|| Failure::new(format!("a node said `{}`, not ready", line.trim())))?;
        Ok(node)
    }

    fn understand(&mut self, line: &str) -> Option<()> {
        let mut words = line.strip_prefix("ready ")?.split_whitespace();
        let addresses = words.next()?;
        let (inward, outward) = addresses.split_once(',').unwrap_or((addresses, addresses));
        (self.inward, self.outward) = (inward.to_owned(), outward.to_owned());
        if let Some(pid) = words.next() {
            self.pid = pid.parse().ok()?;
        }
        Some(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begin.elapsed() > PATIENCE {
                // It has ended by itself meanwhile, or ends now: both are what is wanted.
                self.child.kill().ok();
                self.child.wait().ok();
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// How long a node may take to end when its stdin is closed: most take some milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(2);

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Nodes that are shell scripts: `$1` is the address of the node before, or empty.
    fn scripts(number: usize, script: &str) -> Result<Vec<Node>, Failure> {
        start(number, |uplink| {
            let mut command = Command::new("sh");
            command.args(["-c", script, "sh", uplink.unwrap_or_default()]);
            command
        })
    }

    #[test]
    fn each_node_is_told_where_the_one_before_is() {
        let nodes = scripts(3, "echo ready in$1,out$1; cat > /dev/null").expect("all are ready");
        let ends: Vec<_> = nodes.iter().map(|node| (&*node.inward, &*node.outward)).collect();
        assert_eq!(ends, [("in", "out"), ("inout", "outout"), ("inoutout", "outoutout")]);
        let files: Vec<_> = nodes.iter().map(|node| format!("/proc/{}", node.pid)).collect();
        assert!(files.iter().all(|file| std::fs::exists(file).expect("there is /proc")));
        drop(nodes);
        assert!(!files.iter().any(|file| std::fs::exists(file).expect("there is /proc")));
    }

    #[test]
    fn a_node_may_name_its_one_address_and_another_process() {
        let nodes = scripts(1, "echo ready a:1 77; cat > /dev/null").expect("it is ready");
        assert_eq!((&*nodes[0].inward, &*nodes[0].outward, nodes[0].pid), ("a:1", "a:1", 77));
    }

    #[test]
    fn a_node_that_is_not_ready_is_an_error() {
        for script in ["exit 3", "echo hello", "echo ready", "echo ready a:1 x"] {
            let failure = scripts(2, script).expect_err(script).to_string();
            assert!(failure.contains("not ready"), "{failure}");
        }
    }
}
