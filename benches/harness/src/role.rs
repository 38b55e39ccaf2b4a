//! What a server says and when it ends, so that nothing outlives the process that started it.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

/// Prints `ready ADDRESS`: the one line that a server writes to stdout. Call it when connections are
/// accepted.
///
/// # Errors
///
/// Stdout is closed.
pub fn ready(address: SocketAddr) -> io::Result<()> {
    say(&format!("ready {address}"))
}

/// Prints `ready ADDRESS PID`: the server is another process, and that one is to be measured.
///
/// # Errors
///
/// Stdout is closed.
pub fn ready_external(address: SocketAddr, pid: u32) -> io::Result<()> {
    say(&format!("ready {address} {pid}"))
}

/// Prints `ready FIRST,LAST PID,PID`: where publishers and where subscribers connect, and all processes
/// that are to be measured; without processes it is this one.
///
/// # Errors
///
/// Stdout is closed.
pub fn ready_ends(first: &str, last: &str, pids: &[u32]) -> io::Result<()> {
    let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
    say(format!("ready {first},{last} {}", pids.join(",")).trim_end())
}

/// Blocks until stdin is closed, which the parent's end does too. What comes in before is ignored.
pub fn wait_until_stdin_closes() {
    let mut stdin = io::stdin().lock();
    let mut ignored = [0; 256];
    loop {
        match stdin.read(&mut ignored) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A stdin that cannot be read will not tell of the parent's end either.
            Err(_) => return,
        }
    }
}

/// Ends this process with status 0 when stdin is closed. Returns at once; the waiting is done by a
/// thread that uses no CPU.
///
/// # Panics
///
/// The system starts no thread.
pub fn exit_when_stdin_closes() {
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .stack_size(64 << 10)
        .spawn(|| {
            wait_until_stdin_closes();
            std::process::exit(0);
        })
        .expect("the system starts a thread");
}

fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
