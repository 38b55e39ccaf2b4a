//! Servers that are somebody else's programs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::role::{ready_external, wait_until_stdin_closes};

/// How long a program has until it accepts connections.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks whether it does.
const PAUSE: Duration = Duration::from_millis(10);

/// A server program that runs as a child of this process, on a free loopback port. Dropped, it is
/// killed.
#[derive(Debug)]
pub struct External {
    child: Child,
    address: SocketAddr,
}

impl External {
    /// Starts the program that `command` makes for a port, and waits until it accepts connections
    /// there, 20 s at most. Its stdin and stdout are closed; its stderr is this process's.
    ///
    /// # Errors
    ///
    /// There is no such program, or it ends, or it accepts nothing in time.
    pub fn start(command: impl FnOnce(u16) -> Command) -> Result<Self, Failure> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut command = command(address.port());
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| Failure::new(format!("`{name}` cannot be started: {error}")))?;
        let mut external = Self { child, address };
        let begin = Instant::now();
        loop {
            if let Some(status) = external.child.try_wait()? {
                return Err(Failure::new(format!("`{name}` ended before it listened: {status}")));
            }
            if TcpStream::connect(address).is_ok() {
                return Ok(external);
            }
            if begin.elapsed() > PATIENCE {
                return Err(Failure::new(format!("`{name}` does not listen on {address}")));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The whole server role: says `ready ADDRESS PID`, waits until stdin is closed, kills the program.
    ///
    /// # Errors
    ///
    /// Stdout is closed.
    pub fn serve(self) -> Result<(), Failure> {
        ready_external(self.address, self.pid())?;
        wait_until_stdin_closes();
        Ok(())
    }
}

impl Drop for External {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to kill.
        if let Err(error) = self.child.kill() {
            eprintln!("process {}: {error}", self.pid());
        }
        if let Err(error) = self.child.wait() {
            eprintln!("process {}: {error}", self.pid());
        }
    }
}

/// A loopback port that nobody uses now. Somebody may before the program does; then the start fails, and
/// can be repeated.
///
/// # Errors
///
/// There is none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_listens_is_waited_for_and_killed() {
        let mut listener = None;
        let external = External::start(|port| {
            // The test listens in the program's place.
            listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
            let mut command = Command::new("tail");
            command.args(["-f", "/dev/null"]);
            command
        })
        .expect("it runs and listens");
        let status = format!("/proc/{}/status", external.pid());
        assert!(std::fs::exists(&status).expect("there is /proc"));
        assert_eq!(listener.and_then(|l| l.local_addr().ok()), Some(external.address()));
        drop(external);
        assert!(!std::fs::exists(&status).expect("there is /proc"));
    }

    #[test]
    fn a_program_that_ends_is_an_error() {
        let failure = External::start(|_| Command::new("false")).expect_err("it ends at once");
        assert!(failure.to_string().contains("`false` ended"), "{failure}");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let failure = External::start(|_| Command::new("no-such-program")).expect_err("no program");
        assert!(failure.to_string().contains("cannot be started"), "{failure}");
    }
}
