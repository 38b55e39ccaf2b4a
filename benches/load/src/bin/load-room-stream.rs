//! Measures a stream to a room beside a member that does not read it. See [`gatewire_load::room_stream`].

use std::process::ExitCode;

use gatewire_harness::{Cli, Failure, Role};
use gatewire_load::{facade, room_stream};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some(room_stream::SERVER) => serve(),
        first => room_stream::drive(first.into_iter().map(str::to_owned).chain(arguments)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Failure> {
    match Cli::read("server --workload w3")?.role {
        Role::Server(server) => facade::serve(&server),
        Role::Driver(_) => Err(Failure::new("a server was asked for")),
    }
}
