//! Serves clients of `fast-tcp`. See [`gatewire_load::fast_tcp`].

use std::process::ExitCode;

use gatewire_harness::{Failure, Role, run};
use gatewire_load::fast_tcp;

fn main() -> ExitCode {
    run(|cli| match cli.role {
        Role::Server(server) => fast_tcp::serve(&server),
        Role::Driver(_) => {
            Err(Failure::new("the driver is fast-tcp's own: benches/peers/fast-tcp/load.mjs"))
        }
    })
}
