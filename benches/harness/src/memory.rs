//! Memory of processes.

use std::fs;
use std::io;

/// The resident memory of these processes in bytes, added up: `VmRSS` of `/proc/PID/status`. What the
/// kernel holds for their sockets is not in it.
///
/// # Errors
///
/// A process has ended, or the system has no `/proc`.
pub fn resident_bytes(pids: &[u32]) -> io::Result<u64> {
    pids.iter().map(|pid| parse(&fs::read_to_string(format!("/proc/{pid}/status"))?)).sum()
}

fn parse(status: &str) -> io::Result<u64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|value| value.trim().strip_suffix("kB"))
        .and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok())
        .map(|kilobytes| kilobytes * 1024)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no VmRSS in status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touched_memory_is_resident() {
        let own = [std::process::id()];
        let before = resident_bytes(&own).expect("a live process");
        let touched = vec![1_u8; 64 << 20];
        let after = resident_bytes(&own).expect("a live process");
        assert!(after >= before + (32 << 20), "{before} before, {after} after");
        assert_eq!(touched[touched.len() / 2], 1);
    }

    #[test]
    fn the_kernels_lines_are_understood() {
        assert_eq!(parse("Name:\ta\nVmRSS:\t    12 kB\n").ok(), Some(12_288));
        assert!(parse("Name:\ta\n").is_err());
    }
}
