//! Loads gatewire by its public API. See [`gatewire_load::facade`].

use std::process::ExitCode;

use gatewire_harness::{Role, run};
use gatewire_load::facade;

fn main() -> ExitCode {
    run(|cli| match cli.role {
        Role::Server(server) => facade::serve(&server),
        Role::Driver(driver) => facade::drive(&driver)?.print(),
    })
}
