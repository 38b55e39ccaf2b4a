//! One run: a server process, a driver process, and the one line that comes of it.
//!
//! Nothing that is started here outlives this program. A server ends when its standard input closes,
//! which the end of this program does too; whatever does not end in time is killed with all that it
//! started. A driver ends when its server does.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use crate::command::{Failure, kill_group, own_group};
use crate::tools::{is_here, search_path};

/// What is started in each role: mostly the same load program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// A program, and arguments that come before the role.
    pub(super) server: Vec<PathBuf>,
    /// The same.
    pub(super) driver: Vec<PathBuf>,
}

/// Where and how processes are started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The cores of server and driver, if they can have one each.
    pub(super) cores: Option<(usize, usize)>,
    /// Open files that each may have, if more than this program.
    pub(super) files: Option<u64>,
}

/// Runs both roles of `program` once with `options`. The driver has `limit` to end. `None`: the system
/// has nothing of this kind.
pub(super) fn run_once(
    program: &Program,
    place: &Place,
    options: &[String],
    limit: Duration,
) -> Result<Option<Outcome>, Failure> {
    let command = place.command(&program.server, "server", options, 0);
    let Some(server) = Server::start(command)? else { return Ok(None) };
    let mut driver = place.command(&program.driver, "driver", options, 1);
    driver.args(["--address", &server.address]);
    driver.args(["--server-pids", &server.pids]);
    let driven = drive(&mut driver, limit);
    // How the driver ended tells more than how the server did: a server may well be broken by it.
    let stopped = server.stop();
    let outcome = driven?;
    stopped?;
    Ok(Some(outcome))
}

impl Place {
    /// Cores of their own for server and driver where there are two, and files enough for many
    /// connections where that is allowed.
    pub(super) fn find() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Self {
            cores: (cores >= 2 && is_here("taskset")).then_some((0, 1)),
            files: raised(&limits).filter(|_| is_here("prlimit")),
        }
    }

    /// For people.
    pub(super) fn describe(&self) -> String {
        match self.cores {
            Some((server, driver)) => format!("server on core {server}, driver on core {driver}"),
            None => "server and driver share all cores (one core, or no `taskset`)".to_owned(),
        }
    }

    fn command(&self, program: &[PathBuf], role: &str, options: &[String], side: usize) -> Command {
        let mut words: Vec<PathBuf> = Vec::new();
        if let Some(files) = self.files {
            words.extend(["prlimit".into(), format!("--nofile={files}").into()]);
        }
        if let Some(cores) = self.cores {
            let core = [cores.0, cores.1][side];
            words.extend(["taskset".into(), "-c".into(), core.to_string().into()]);
        }
        words.extend(program.iter().cloned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(role).args(options).env("PATH", search_path());
        command
    }
}

/// A server that is ready. Dropped, it is stopped.
struct Server {
    /// `None` once it is stopped.
    child: Option<Child>,
    /// Where it listens, as the driver is told.
    address: String,
    /// The processes that are to be measured, as the driver is told.
    pids: String,
}

impl Server {
    /// `None`: it says that it does not do what is asked.
    fn start(mut command: Command) -> Result<Option<Self>, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        own_group(&mut command);
        let mut child = command.spawn().map_err(|error| cannot_start(&command, &error))?;
        let own = child.id();
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        let (tell, refused) = mpsc::channel();
        thread::spawn(move || {
            // Nobody listens when the server is ready.
            tell.send(refuses(stderr)).ok();
        });
        let mut server = Self { child: Some(child), address: String::new(), pids: String::new() };
        let (say, heard) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout);
            let mut line = String::new();
            let read = lines.read_line(&mut line).map(|_| line);
            // Nobody listens any more when the server was too late.
            if say.send(read).is_ok() {
                // The pipe stays open: a server that says more must not die of it.
                std::io::copy(&mut lines, &mut std::io::sink()).ok();
            }
        });
        let line = match heard.recv_timeout(READY_LIMIT) {
            Ok(line) => line?,
            Err(_) => {
                return Err(Failure::new(format!(
                    "the server was not ready after {} s",
                    READY_LIMIT.as_secs()
                )));
            }
        };
        if line.is_empty() && refused.recv_timeout(STOP_LIMIT) == Ok(true) {
            server.child.take().map(|mut child| child.wait()).transpose()?;
            return Ok(None);
        }
        (server.address, server.pids) = ready(&line, own)
            .ok_or_else(|| Failure::new(format!("the server said `{}`, not ready", line.trim())))?;
        Ok(Some(server))
    }

    /// Closes its standard input, and waits until it has ended.
    fn stop(mut self) -> Result<(), Failure> {
        match self.child.take() {
            Some(child) => stop(child),
            None => Ok(()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(Err(failure)) = self.child.take().map(stop) {
            eprintln!("{failure}");
        }
    }
}

fn stop(mut child: Child) -> Result<(), Failure> {
    drop(child.stdin.take());
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() {
                Ok(())
            } else {
                // What it started may be left.
                kill_group(&mut child)?;
                Err(Failure::new(format!("the server ended with {status}")))
            };
        }
        if begin.elapsed() > STOP_LIMIT {
            kill_group(&mut child)?;
            return Err(Failure::new(format!(
                "the server was killed: its input was closed for {} s",
                STOP_LIMIT.as_secs()
            )));
        }
        thread::sleep(LOOK);
    }
}

/// Shows what a server says on its standard error, but for a refusal of what it has no equivalent
/// for: whether there was one.
fn refuses(stderr: impl Read) -> bool {
    let mut refused = false;
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if line.contains("not supported: ") {
            refused = true;
        } else {
            eprintln!("server: {line}");
        }
    }
    refused
}

/// Address and processes in a server's first line; `own` if it names no process.
fn ready(line: &str, own: u32) -> Option<(String, String)> {
    let mut words = line.strip_prefix("ready ")?.split_whitespace();
    let address = words.next()?.to_owned();
    let pids = words.next().map_or(own.to_string(), str::to_owned);
    pids.split(',').all(|pid| pid.parse::<u32>().is_ok()).then_some((address, pids))
}

/// Runs a driver to its end and reads its outcome. Its standard error stays visible.
fn drive(command: &mut Command, limit: Duration) -> Result<Outcome, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    let mut stdout = child.stdout.take().expect("it is piped");
    let (say, heard) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text).map(|_| text);
        // Nobody listens any more when the driver was too late.
        say.send(read).ok();
    });
    // Sleeps until the driver has ended: looking at it would cost one of two cores.
    let text = match heard.recv_timeout(limit) {
        Ok(text) => text?,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            child.kill()?;
            child.wait()?;
            return Err(Failure::new(format!("the driver was killed after {} s", limit.as_secs())));
        }
    };
    let status = child.wait()?;
    if !status.success() {
        return Err(Failure::new(format!("the driver ended with {status}")));
    }
    Outcome::parse(&text)
}

/// The limit of open files to be asked for, from Linux's table of limits; `None`: what there is, is
/// enough, or unknown.
fn raised(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut words = line.split_whitespace();
    let soft: u64 = words.next()?.parse().ok()?;
    let hard: u64 = words.next()?.parse().ok()?;
    (soft < FILES && hard > soft).then_some(hard.min(FILES))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} could not be started: {error}", command.get_program().display()))
}

/// Each of 10,000 connections is a file, and a broker may want some of its own.
const FILES: u64 = 20_000;

/// A server of another system on a busy machine takes a second or two.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Ten thousand connections are closed in less than one.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How often an ending server is looked at: nothing is measured then.
const LOOK: Duration = Duration::from_millis(5);

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A shell script for each role.
    fn script(server: &str, driver: &str) -> Program {
        let shell = |text| ["sh", "-c", text, "sh"].map(PathBuf::from).to_vec();
        Program { server: shell(server), driver: shell(driver) }
    }

    fn run(server: &str, driver: &str) -> Result<Option<Outcome>, Failure> {
        let place = Place { cores: None, files: None };
        let options = ["--workload".to_owned(), "w1".to_owned()];
        run_once(&script(server, driver), &place, &options, Duration::from_millis(500))
    }

    const SERVER: &str = "echo ready 127.0.0.1:9; cat > /dev/null";
    const DRIVER: &str = r#"echo '{"workload":"w1","messages":3,"rate":7}'"#;

    #[test]
    fn the_outcome_of_a_run_is_read() {
        let outcome = run(SERVER, DRIVER).expect("both do their part").expect("it is supported");
        assert_eq!(outcome.figures.get("rate"), Some(&7.0));
    }

    #[test]
    fn the_driver_is_told_the_process_that_the_server_names() {
        let driver = format!(
            r#"[ "$*" = "driver --workload w1 --address a:1 --server-pids 77" ] && {DRIVER}"#
        );
        assert!(run("echo ready a:1 77; cat > /dev/null", &driver).is_ok());
        let found = |address: &str, pids: &str| Some((address.to_owned(), pids.to_owned()));
        assert_eq!(ready("ready a:1\n", 5), found("a:1", "5"));
        assert_eq!(ready("ready a:1,b:2 7,8,9", 5), found("a:1,b:2", "7,8,9"));
        assert_eq!(ready("ready a:1 x", 5), None);
        assert_eq!(ready("listening on a:1", 5), None);
    }

    #[test]
    fn a_check_that_fails_in_the_driver_fails_the_run() {
        let failure = run(SERVER, &format!("{DRIVER}; exit 1")).expect_err("it says so");
        assert!(failure.to_string().starts_with("the driver ended with"), "{failure}");
    }

    #[test]
    fn a_server_that_does_not_begin_or_end_well_fails_the_run() {
        let failure = run("exit 3", DRIVER).expect_err("it never was ready");
        assert!(failure.to_string().contains("not ready"), "{failure}");
        let failure = run(&format!("{SERVER}; exit 3"), DRIVER).expect_err("it ended badly");
        assert!(failure.to_string().starts_with("the server ended with"), "{failure}");
    }

    #[test]
    fn a_server_may_refuse_what_it_has_no_equivalent_for() {
        let server = "echo 'error: not supported: w2 of redis' >&2; exit 2";
        assert_eq!(run(server, DRIVER), Ok(None));
        let server = "echo 'error: unexpected argument' >&2; exit 2";
        assert!(run(server, DRIVER).is_err());
    }

    #[test]
    fn a_driver_that_hangs_is_killed() {
        let failure = run(SERVER, "exec sleep 1000").expect_err("it takes too long");
        assert_eq!(failure.to_string(), "the driver was killed after 0 s");
    }

    #[test]
    fn few_open_files_are_made_more_as_far_as_allowed() {
        let limits = |soft, hard| {
            let line = format!("Max open files            {soft}                 {hard}     files");
            raised(&format!("Limit                     Soft Limit           Hard Limit\n{line}\n"))
        };
        assert_eq!(limits(1024, 4096), Some(4096));
        assert_eq!(limits(1024, 1_048_576), Some(20_000));
        assert_eq!(limits(1024, 1024), None);
        assert_eq!(limits(30_000, 1_048_576), None);
        assert_eq!(raised(""), None);
    }

    #[test]
    fn processes_get_cores_and_files_of_their_own() {
        let place = Place { cores: Some((0, 1)), files: Some(20_000) };
        let program = ["load-raw".into()];
        let command = place.command(&program, "driver", &["--size".to_owned()], 1);
        assert_eq!(command.get_program(), "prlimit");
        let arguments: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        assert_eq!(arguments.join(" "), "--nofile=20000 taskset -c 1 load-raw driver --size");
    }
}
