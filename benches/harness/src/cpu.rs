//! CPU time of processes, as the kernel accounts it.

use std::fs;
use std::io;

/// Nanoseconds of a clock tick of `/proc/PID/stat`: `USER_HZ` is 100 on all Linux systems that a
/// 64-bit program meets.
const TICK: u64 = 10_000_000;

/// The CPU time, user and system, that some processes have used up to now.
///
/// From the first column of `/proc/PID/task/*/schedstat`, in nanoseconds and as old as the last
/// scheduler tick (at most 10 ms). Threads that have ended are not in it, so measure between two
/// points between which none ends. A kernel without schedstat gives `/proc/PID/stat`, in ticks of 10
/// ms.
#[derive(Debug, Clone)]
pub struct CpuClock {
    pids: Vec<u32>,
}

impl CpuClock {
    /// The clock of these processes, added up.
    #[must_use]
    pub fn of(pids: &[u32]) -> Self {
        Self { pids: pids.to_vec() }
    }

    /// The clock of this process.
    #[must_use]
    pub fn own() -> Self {
        Self::of(&[std::process::id()])
    }

    /// Nanoseconds up to now.
    ///
    /// # Errors
    ///
    /// A process has ended, or the system has no `/proc`.
    pub fn nanos(&self) -> io::Result<u64> {
        self.pids.iter().map(|&pid| schedstat(pid).or_else(|_| stat(pid))).sum()
    }
}

fn schedstat(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        match fs::read_to_string(task?.path().join("schedstat")) {
            Ok(text) => sum += parse_schedstat(&text)?,
            // This thread ended between the two looks.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    // All threads zero: a kernel that does not keep these figures.
    if sum == 0 { Err(malformed("schedstat is all zero")) } else { Ok(sum) }
}

fn parse_schedstat(text: &str) -> io::Result<u64> {
    let first = text.split_ascii_whitespace().next();
    first.and_then(|ns| ns.parse().ok()).ok_or_else(|| malformed("schedstat has no first column"))
}

fn stat(pid: u32) -> io::Result<u64> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat"))?)
}

/// `utime` and `stime` are the 14th and 15th column. The second, in parentheses, may hold anything.
fn parse_stat(text: &str) -> io::Result<u64> {
    let mut columns = text
        .rsplit_once(')')
        .ok_or_else(|| malformed("stat has no name"))?
        .1
        .split_ascii_whitespace()
        .skip(11);
    let mut ticks = || columns.next().and_then(|ticks| ticks.parse::<u64>().ok());
    match (ticks(), ticks()) {
        (Some(user), Some(system)) => Ok((user + system) * TICK),
        _ => Err(malformed("stat has no CPU times")),
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_moves_the_clock() {
        let clock = CpuClock::own();
        let before = clock.nanos().expect("a live process");
        let mut number = 1_u64;
        // The clock may be a tick old: work until it has moved, which it must.
        while clock.nanos().expect("a live process") == before {
            for _ in 0..100_000 {
                number = std::hint::black_box(number.wrapping_mul(3));
            }
        }
        assert_ne!(number, 0);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(CpuClock::of(&[u32::MAX]).nanos().is_err());
    }

    #[test]
    fn the_kernels_lines_are_understood() {
        assert_eq!(parse_schedstat("123456 7 8\n").ok(), Some(123_456));
        assert!(parse_schedstat("").is_err());
        let stat = "7 (a) b) R 1 2 3 4 5 6 7 8 9 10 21 4 0 0 20 0 1";
        assert_eq!(parse_stat(stat).ok(), Some(250_000_000));
        assert!(parse_stat("7 (a) R 1").is_err());
    }
}
