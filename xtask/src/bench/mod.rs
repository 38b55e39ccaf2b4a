//! Measuring: `cargo xtask bench`.
//!
//! * Load benches ([`load`]): server and driver are two processes; raw TCP is the limit, gatewire and
//!   its peers do the same work beside it. The programs are in `benches/load` and `benches/peers`.
//! * Criterion's micro-benches ([`micro`]).
//! * Instruction counts ([`icount`]).

mod about;
mod build;
mod case;
mod icount;
mod load;
mod micro;
mod options;
mod others;
mod outcome;
mod peer;
mod plots;
mod process;
mod publish;
mod setup;
mod store;
mod summary;
mod table;

use crate::command::Failure;
use crate::workspace::Workspace;
use options::{Options, USAGE};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    if arguments.iter().any(|word| matches!(word.as_str(), "--help" | "-h")) {
        println!("{USAGE}");
        return Ok(());
    }
    let options = Options::parse(arguments)?;
    if options.setup {
        setup::run(workspace)?;
    }
    if let Some(icount) = options.icount {
        icount::run(workspace, icount)?;
    }
    if let Some(load) = &options.load {
        load::run(workspace, load)?;
    }
    if let Some(micro) = &options.micro {
        micro::run(workspace, micro)?;
    }
    Ok(())
}

/// Shows that the drawing program and the load benches work, in a few seconds, and compares instruction counts where they are
/// comparable.
pub(crate) fn smoke(workspace: &Workspace) -> Result<(), Failure> {
    plots::check(workspace)?;
    run(workspace, &["--quick".to_owned()])?;
    match icount::obstacle(workspace)? {
        Some(why) => println!("skipped: counting instructions: {why}"),
        None => run(workspace, &["--icount".to_owned()])?,
    }
    Ok(())
}
