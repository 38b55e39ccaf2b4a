//! Plain TCP beside TLS. See [`gatewire_load::channels`].

use std::process::ExitCode;

fn main() -> ExitCode {
    match gatewire_load::channels::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
