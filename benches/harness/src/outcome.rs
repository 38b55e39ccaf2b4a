//! What a driver prints: one line of JSON.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::cli::{Params, Workload};
use crate::failure::Failure;
use crate::latency::Latencies;
use crate::window::Measured;

/// The figures of one run. What does not apply to the workload is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What was done.
    pub workload: Workload,
    /// To which system.
    pub peer: String,
    /// With which parameters.
    pub params: OutcomeParams,
    /// Deliveries that were checked (connections that were made, of idle ones).
    pub messages: u64,
    /// How long the measured window was.
    pub seconds: f64,
    /// Messages per second.
    pub rate: f64,
    /// CPU nanoseconds of the server per message.
    pub server_cpu_ns: f64,
    /// CPU nanoseconds of the driver per message.
    pub client_cpu_ns: f64,
    /// Half of all took at most these microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub p50_us: Option<f64>,
    /// 99 % of all took at most these microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub p99_us: Option<f64>,
    /// 99.9 % of all took at most these microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub p999_us: Option<f64>,
    /// Resident bytes of the server per idle connection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rss_per_conn: Option<f64>,
    /// By how many bytes the server's resident memory grew beside a stalled member.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rss_growth: Option<i64>,
    /// Payload in gigabytes (10^9 bytes) per second; of requests beside bytes, those bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gb_per_s: Option<f64>,
    /// Connections that were made per second.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connects_per_s: Option<f64>,
    /// Nanoseconds that one call to send takes its caller, where the client has such a call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub emit_ns: Option<f64>,
}

/// The parameters of a run that its workload has; the others are absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct OutcomeParams {
    /// Bytes of a payload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub size: Option<usize>,
    /// Requests in flight.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outstanding: Option<usize>,
    /// Members that were read and checked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub members: Option<usize>,
    /// Members that never read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stalled: Option<usize>,
    /// Nodes in a line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nodes: Option<usize>,
    /// Idle connections.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connections: Option<usize>,
    /// Publishes per second.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rate: Option<f64>,
}

impl Outcome {
    /// The outcome of a run with these parameters, without figures yet.
    pub fn new(peer: impl Into<String>, params: &Params) -> Self {
        Self {
            workload: params.workload,
            peer: peer.into(),
            params: params.outcome(),
            messages: 0,
            seconds: 0.0,
            rate: 0.0,
            server_cpu_ns: 0.0,
            client_cpu_ns: 0.0,
            p50_us: None,
            p99_us: None,
            p999_us: None,
            rss_per_conn: None,
            rss_growth: None,
            gb_per_s: None,
            connects_per_s: None,
            emit_ns: None,
        }
    }

    /// With the figures of a window. Bulk gets its [`gb_per_s`](Self::gb_per_s), idle connections their
    /// [`connects_per_s`](Self::connects_per_s).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 16 digits")]
    pub fn with_measured(mut self, measured: &Measured) -> Self {
        self.messages = measured.messages;
        self.seconds = measured.seconds;
        self.rate = measured.rate();
        self.server_cpu_ns = measured.server_cpu_ns;
        self.client_cpu_ns = measured.client_cpu_ns;
        match self.workload {
            workload if workload.is_bulk() => {
                let size = self.params.size.unwrap_or_default();
                self.gb_per_s = Some(self.rate * size as f64 / 1e9);
            }
            Workload::Idle => self.connects_per_s = Some(self.rate),
            _ => {}
        }
        self
    }

    /// With the quantiles of a histogram.
    #[must_use]
    pub fn with_latencies(mut self, latencies: &Latencies) -> Self {
        self.p50_us = Some(latencies.quantile_us(0.5));
        self.p99_us = Some(latencies.quantile_us(0.99));
        self.p999_us = Some(latencies.quantile_us(0.999));
        self
    }

    /// Prints it: the one line that a driver writes to stdout.
    ///
    /// # Errors
    ///
    /// Stdout is closed, or nothing was measured: a run without messages does not count.
    pub fn print(&self) -> Result<(), Failure> {
        if self.messages == 0 {
            return Err(Failure::new("no message was delivered"));
        }
        let line = serde_json::to_string(self)?;
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}")?;
        Ok(stdout.flush()?)
    }

    /// Reads the line that [`print`](Self::print) wrote.
    ///
    /// # Errors
    ///
    /// It is no outcome.
    pub fn parse(line: &str) -> Result<Self, Failure> {
        serde_json::from_str(line).map_err(|error| Failure::new(format!("{error} in {line:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Role};

    fn params(line: &str) -> Params {
        match Cli::read(line).expect("a good command line").role {
            Role::Server(server) => server.params,
            Role::Driver(driver) => driver.params,
        }
    }

    #[test]
    fn only_what_applies_is_printed_and_it_can_be_read_again() {
        let measured =
            Measured { messages: 100, seconds: 2.0, server_cpu_ns: 30.0, client_cpu_ns: 40.0 };
        let outcome = Outcome::new("raw", &params("server --workload w1")).with_measured(&measured);
        let line = serde_json::to_string(&outcome).expect("it is all numbers and text");
        assert_eq!(
            line,
            r#"{"workload":"w1","peer":"raw","params":{"size":128},"messages":100,"seconds":2.0,"rate":50.0,"server_cpu_ns":30.0,"client_cpu_ns":40.0}"#
        );
        assert_eq!(Outcome::parse(&line).ok(), Some(outcome));
        assert!(Outcome::parse("ready").is_err());
    }

    #[test]
    fn bulk_and_idle_have_figures_of_their_own() {
        let measured =
            Measured { messages: 1000, seconds: 1.0, server_cpu_ns: 0.0, client_cpu_ns: 0.0 };
        let bulk = Outcome::new("raw", &params("server --workload w4")).with_measured(&measured);
        assert_eq!(bulk.gb_per_s, Some(0.065_536));
        let idle = Outcome::new("raw", &params("server --workload w5")).with_measured(&measured);
        assert_eq!(idle.connects_per_s, Some(1000.0));
    }

    #[test]
    fn a_run_without_messages_does_not_count() {
        assert!(Outcome::new("raw", &params("server --workload w1")).print().is_err());
    }
}
