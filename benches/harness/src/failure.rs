//! How a load program fails: with a sentence and the exit status 1.

use std::fmt;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

/// Why a run does not count, in one sentence. Each error converts into it.
pub struct Failure(String);

impl Failure {
    /// A failure that says `sentence`.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The `main` of a load program: reads the command line, runs `program`, and says on stderr why it
/// failed, if it did.
pub fn run(program: impl FnOnce(Cli) -> Result<(), Failure>) -> ExitCode {
    match program(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
