//! How a run fails.

use std::error::Error;
use std::fmt;

use crate::clock::Time;
use crate::report::Report;

/// An invariant that did not hold, with what is needed to find out why.
///
/// The seed repeats the run exactly. [`explore`](crate::explore) does so by itself, so that the
/// trace of what it returns shows the contents of the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The seed of the run.
    pub seed: u64,
    /// When it was found.
    pub at: Time,
    /// The name of the invariant.
    pub invariant: String,
    /// What was found in its place.
    pub what: String,
    /// The last events before it, the last one last.
    pub trace: Vec<String>,
    /// The accounts up to here.
    pub report: Report,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "violation of `{}` at {}: {}", self.invariant, self.at, self.what)?;
        if !self.trace.is_empty() {
            writeln!(f, "the last {} events:", self.trace.len())?;
        }
        for line in &self.trace {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "{}", self.report)?;
        write!(f, "replay with SEED={}", self.seed)
    }
}

impl Error for Violation {}
