//! The project's own chores, run as `cargo xtask <task>`.
//!
//! Each task is one module with one `run` function. A task either passes, or returns a
//! [`Failure`]: a sentence that says what is wrong and where to look. Nothing here is published, and
//! nothing that is published depends on it.

mod bench;
mod ci;
mod command;
mod examples;
mod features;
mod fuzz;
mod interop;
mod layers;
mod model;
mod readme;
mod sim;
mod standalone;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use command::Failure;
use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <task>

  layers               compare the crates' dependencies with the table of layers
  tidy                 check the house rules that a program can check
  examples             build and run each example, and check what it prints
  readme [--log FILE]  run the doc tests and check that each README's examples were among them; or that
                       they were among the tests whose output is in FILE
  features             check each feature of `gatewire` by itself
  standalone           build crates outside the workspace on the codec alone and on `gatewire`
  interop [OPTIONS]    run gatewire against fast-tcp, the original of wire version 1; needs node and npm.
                       `interop --help` has the options
  fuzz [--seconds N]   run each fuzz target for N seconds (default 10)
  model [NAME]         check the model of the handshake; needs Spin. NAME shows the attack of one mutant
  sim [OPTIONS]        simulate clusters under faults; `sim --help` has the options
  sim --mutants        break the protocol, rule by rule: each time a simulation has to find it
  bench [OPTIONS]      measure, beside raw TCP and other systems; `bench --help` has the options
  ci [--skip STEP]..   all of the above but `sim --mutants`, `bench` only to show that it runs; and
                       fmt, clippy, test, doc. `--only STEP` instead: nothing else";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<(), Failure> {
    let Some((task, rest)) = arguments.split_first() else {
        return Err(Failure::new(format!("no task was named\n\n{USAGE}")));
    };
    if matches!(task.as_str(), "help" | "--help" | "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    let takes_arguments =
        matches!(task.as_str(), "readme" | "interop" | "fuzz" | "model" | "sim" | "bench" | "ci");
    if !takes_arguments && !rest.is_empty() {
        return Err(Failure::new(format!("`{task}` takes no arguments\n\n{USAGE}")));
    }
    let run: fn(&Workspace, &[String]) -> Result<(), Failure> = match task.as_str() {
        "layers" => |workspace, _| layers::run(workspace),
        "tidy" => |workspace, _| tidy::run(workspace),
        "examples" => |workspace, _| examples::run(workspace),
        "readme" => readme::run,
        "features" => |workspace, _| features::run(workspace),
        "standalone" => |workspace, _| standalone::run(workspace),
        "interop" => interop::run,
        "fuzz" => fuzz::run,
        "model" => model::run,
        "sim" => sim::run,
        "bench" => bench::run,
        "ci" => ci::run,
        unknown => return Err(Failure::new(format!("there is no task `{unknown}`\n\n{USAGE}"))),
    };
    run(&Workspace::load()?, rest)
}
