//! The measured part of a run.

use std::io;
use std::time::Instant;

use crate::cpu::CpuClock;

/// A span of time in which messages are sent, received and checked: begun before the first is sent,
/// ended when the last delivery is confirmed.
#[derive(Debug)]
pub struct Window {
    server: CpuClock,
    driver: CpuClock,
    server_before: u64,
    driver_before: u64,
    begin: Instant,
}

/// What a [`Window`] measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Deliveries that were checked.
    pub messages: u64,
    /// How long the window was open.
    pub seconds: f64,
    /// CPU nanoseconds of the server's processes per message.
    pub server_cpu_ns: f64,
    /// CPU nanoseconds of the driver per message.
    pub client_cpu_ns: f64,
}

impl Window {
    /// Begins to measure these processes and this one.
    ///
    /// # Errors
    ///
    /// A process is not there.
    pub fn begin(server_pids: &[u32]) -> io::Result<Self> {
        let server = CpuClock::of(server_pids);
        let driver = CpuClock::own();
        let server_before = server.nanos()?;
        let driver_before = driver.nanos()?;
        Ok(Self { server, driver, server_before, driver_before, begin: Instant::now() })
    }

    /// How long the window has been open, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.begin.elapsed().as_secs_f64()
    }

    /// Ends it. `messages` deliveries were checked.
    ///
    /// # Errors
    ///
    /// A process has ended.
    pub fn end(self, messages: u64) -> io::Result<Measured> {
        let seconds = self.seconds();
        let per_message = |before: u64, after: u64| share(after.saturating_sub(before), messages);
        let server_cpu_ns = per_message(self.server_before, self.server.nanos()?);
        let client_cpu_ns = per_message(self.driver_before, self.driver.nanos()?);
        Ok(Measured { messages, seconds, server_cpu_ns, client_cpu_ns })
    }
}

impl Measured {
    /// Messages per second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 16 digits")]
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.messages as f64 / self.seconds } else { 0.0 }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean needs no 16 digits")]
fn share(nanos: u64, messages: u64) -> f64 {
    nanos as f64 / messages.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_measures_both_sides() {
        let own = std::process::id();
        let window = Window::begin(&[own]).expect("a live process");
        let clock = CpuClock::own();
        let before = clock.nanos().expect("a live process");
        while clock.nanos().expect("a live process") == before {}
        let measured = window.end(10).expect("a live process");
        assert_eq!(measured.messages, 10);
        assert!(measured.seconds > 0.0 && measured.rate() > 0.0, "{measured:?}");
        assert!(measured.server_cpu_ns > 0.0 && measured.client_cpu_ns > 0.0, "{measured:?}");
    }

    #[test]
    fn a_server_that_is_not_there_cannot_be_measured() {
        assert!(Window::begin(&[u32::MAX]).is_err());
    }
}
