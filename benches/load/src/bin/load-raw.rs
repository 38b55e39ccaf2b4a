//! Loads plain TCP: the limit that any event library on it has. See [`gatewire_load::raw`].

use std::process::ExitCode;

use gatewire_harness::{Role, run};
use gatewire_load::raw;

fn main() -> ExitCode {
    run(|cli| match cli.role {
        Role::Server(server) => raw::serve(&server),
        Role::Driver(driver) => raw::drive(&driver)?.print(),
    })
}
