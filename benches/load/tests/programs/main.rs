//! Both programs as processes, each workload tiny: what the orchestrator of the bench relies on.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use gatewire_harness::Outcome;

const RAW: &str = env!("CARGO_BIN_EXE_load-raw");
const GATEWIRE: &str = env!("CARGO_BIN_EXE_load-gatewire");

/// A server process, which ends with its stdin.
struct Server {
    process: Child,
    stdin: Option<ChildStdin>,
    address: String,
    /// The processes that are measured.
    pids: String,
}

impl Server {
    fn start(program: &str, workload: &str) -> Self {
        let mut process = Command::new(program)
            .arg("server")
            .args(workload.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program is built");
        let stdin = process.stdin.take();
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line of text");
        let mut words =
            line.strip_prefix("ready ").expect("the server is ready").split_whitespace();
        let address = words.next().expect("it says where").to_owned();
        let pids = words.next().map_or(process.id().to_string(), str::to_owned);
        Self { process, stdin, address, pids }
    }

    fn drive(&self, program: &str, workload: &str) -> Output {
        Command::new(program)
            .args(["driver", "--address", &self.address])
            .args(["--server-pids", &self.pids])
            .args(workload.split(' '))
            .output()
            .expect("the program is built")
    }

    /// Closes its stdin and waits for its end.
    fn end(mut self) {
        drop(self.stdin.take());
        let status = self.process.wait().expect("it is our child");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // For tests that fail; after `end` it has ended and there is nothing to do.
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}

/// The outcome of a workload, with a server of its own.
fn outcome(program: &str, workload: &str) -> Outcome {
    let server = Server::start(program, workload);
    let output = server.drive(program, workload);
    server.end();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{workload}: {said}");
    let printed = String::from_utf8(output.stdout).expect("a line of text");
    assert_eq!(printed.lines().count(), 1, "{printed}");
    Outcome::parse(&printed).expect("an outcome")
}

fn both(workload: &str, check: impl Fn(&Outcome)) {
    for (program, peer) in [(RAW, "raw"), (GATEWIRE, "gatewire")] {
        let outcome = outcome(program, workload);
        assert_eq!(outcome.peer, peer);
        assert!(outcome.messages > 0 && outcome.rate > 0.0, "{outcome:?}");
        check(&outcome);
    }
}

#[test]
fn events() {
    both("--workload w1 --size 16 --seconds 0.05", |outcome| {
        assert_eq!(outcome.params.size, Some(16));
        assert_eq!(outcome.emit_ns.is_some(), outcome.peer == "gatewire");
    });
}

#[test]
fn requests_one_by_one_and_many() {
    for outstanding in [1, 256] {
        let workload = format!("--workload w2 --outstanding {outstanding} --seconds 0.05");
        both(&workload, |outcome| {
            assert_eq!(outcome.params.outstanding, Some(outstanding));
            assert!(outcome.p50_us <= outcome.p999_us && outcome.p50_us.is_some(), "{outcome:?}");
        });
    }
}

#[test]
fn fan_out() {
    both("--workload w3 --members 10 --seconds 0.05", |outcome| {
        assert_eq!(outcome.messages % 10, 0, "each publish reaches each member");
    });
}

#[test]
fn fan_out_at_a_rate() {
    both("--workload w3l --members 10 --rate 200 --seconds 0.1", |outcome| {
        assert_eq!(outcome.messages, 200);
        assert!(outcome.p50_us.is_some(), "{outcome:?}");
    });
}

#[test]
fn fan_out_beside_a_member_that_stalls() {
    both("--workload w3s --members 10 --seconds 0.05", |outcome| {
        assert_eq!(outcome.params.stalled, Some(1));
        assert!(outcome.rss_growth.is_some(), "{outcome:?}");
    });
}

#[test]
fn bulk() {
    for workload in ["w4", "w4e"] {
        both(&format!("--workload {workload} --bytes 4194304"), |outcome| {
            assert_eq!(outcome.messages, 64);
            assert!(outcome.gb_per_s.is_some(), "{outcome:?}");
        });
    }
}

#[test]
fn requests_beside_bytes() {
    for workload in ["w2s", "w2e"] {
        let outcome = outcome(GATEWIRE, &format!("--workload {workload} --seconds 0.05"));
        assert_eq!(outcome.params.outstanding, Some(1));
        assert!(outcome.gb_per_s > Some(0.0) && outcome.p50_us.is_some(), "{outcome:?}");
    }
}

/// It has no such thing, which the orchestrator knows by these words and by the missing address.
#[test]
fn raw_refuses_requests_beside_bytes() {
    let output = Command::new(RAW).args(["server", "--workload", "w2s"]).output();
    let output = output.expect("the program is built");
    assert_eq!(output.stdout, b"");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("not supported: "));
}

#[test]
fn idle_connections() {
    both("--workload w5 --connections 100", |outcome| {
        assert_eq!(outcome.messages, 100);
        assert!(outcome.rss_per_conn.is_some() && outcome.connects_per_s.is_some(), "{outcome:?}");
    });
}

/// A line of one node is a server that its publisher and its member connect to.
#[test]
fn a_line_of_one_node() {
    both("--workload w6 --nodes 1 --seconds 0.05", |outcome| {
        assert_eq!((outcome.params.nodes, outcome.params.size), (Some(1), Some(64)));
        assert!(outcome.p50_us <= outcome.p99_us && outcome.p50_us.is_some(), "{outcome:?}");
    });
}

#[test]
fn a_line_of_three_nodes() {
    both("--workload w6 --nodes 3 --seconds 0.05", |outcome| {
        assert_eq!(outcome.params.nodes, Some(3));
        assert!(outcome.p50_us.is_some(), "{outcome:?}");
    });
}

/// Without the key the server takes nobody: the driver of another workload has none.
#[test]
fn a_run_that_fails_says_why_and_exits_with_1() {
    let server = Server::start(GATEWIRE, "--workload w5");
    let output = server.drive(GATEWIRE, "--workload w1");
    server.end();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert!(!output.stderr.is_empty(), "it says why");
}

/// It starts its own server, and fails if a byte is missing or another member was cut.
#[test]
fn a_stream_to_a_room_beside_a_member_that_does_not_read() {
    let output = Command::new(env!("CARGO_BIN_EXE_load-room-stream"))
        .args(["--members", "3", "--mib", "1", "--rounds", "1"])
        .output()
        .expect("the program is built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("rate of the others, beside to alone: "), "{printed}");
}
