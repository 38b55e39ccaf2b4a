//! The load programs: building them, or saying in one line why one is left out.

use std::path::{Path, PathBuf};

use super::case::Pace;
use super::peer::{self, FOLDER, Peer};
use super::process::Program;
use crate::command::{Failure, cargo, run as run_command};
use crate::tools::is_here;
use crate::workspace::Workspace;

/// The test of the load programs, for which they are built.
const PROGRAMS_TEST: &str = "programs";

/// A system under test that can be measured here.
pub(super) struct Ready {
    pub(super) peer: &'static Peer,
    pub(super) program: Program,
}

/// Builds what is needed for `peers`. One that is not set up is left out, with a line that says so.
pub(super) fn prepare(
    workspace: &Workspace,
    peers: &[&'static Peer],
    pace: Pace,
) -> Result<Vec<Ready>, Failure> {
    let mut ready = Vec::new();
    for peer in peers {
        match prepare_one(workspace, peer, pace)? {
            Ok(program) => ready.push(Ready { peer, program }),
            Err(why) => println!("skipped: {}: {why}; see `cargo xtask bench --setup`", peer.name),
        }
    }
    Ok(ready)
}

/// Builds a package of the peers' workspace.
pub(super) fn build_foreign(workspace: &Workspace, package: &str) -> Result<(), Failure> {
    let mut build = cargo(&workspace.root.join(FOLDER));
    build.args(["build", "--release", "--package", package, "--target-dir"]);
    run_command(build.arg(foreign_target(workspace)))
}

/// The program of `peer`, or why it cannot be measured here.
fn prepare_one(
    workspace: &Workspace,
    peer: &Peer,
    pace: Pace,
) -> Result<Result<Program, String>, Failure> {
    if let Some(absent) = peer.needs.iter().find(|command| !is_here(command)) {
        return Ok(Err(format!("there is no `{absent}` here")));
    }
    let driver = match command(workspace, peer.program, pace)? {
        Ok(command) => command,
        Err(why) => return Ok(Err(why)),
    };
    let server = match peer.server {
        Some(server) => command(workspace, server, pace)?,
        None => Ok(driver.clone()),
    };
    Ok(server.map(|server| Program { server, driver }))
}

/// What starts a program, up to its role, or why there is none.
fn command(
    workspace: &Workspace,
    program: peer::Program,
    pace: Pace,
) -> Result<Result<Vec<PathBuf>, String>, Failure> {
    match program {
        peer::Program::Own { package, binary } => {
            let mut build = cargo(&workspace.root);
            let folder = if pace == Pace::Quick {
                // As the tests of the workspace have built them: alone they have other features, and everything below
                // them would be compiled once more.
                build.args(["test", "--workspace", "--no-run", "--test", PROGRAMS_TEST]);
                "debug"
            } else {
                build.args(["build", "--release", "--package", package, "--bins"]);
                "release"
            };
            run_command(&mut build)?;
            Ok(Ok(vec![file(&workspace.target.join(folder), binary)]))
        }
        peer::Program::Foreign { package, binary } => {
            let folder = foreign_target(workspace).join("release");
            let file = file(&folder, binary);
            if !file.is_file() {
                return Ok(Err(format!("`{binary}` is not built")));
            }
            // It was built some day; what it is built of may have changed.
            build_foreign(workspace, package)?;
            Ok(Ok(vec![file]))
        }
        peer::Program::Node { folder, script, package } => {
            let folder = workspace.root.join(FOLDER).join(folder);
            if !folder.join("node_modules").join(package).is_dir() {
                return Ok(Err(format!("npm's `{package}` is not installed")));
            }
            Ok(Ok(vec!["node".into(), folder.join(script)]))
        }
    }
}

fn file(folder: &Path, binary: &str) -> PathBuf {
    folder.join(format!("{binary}{}", std::env::consts::EXE_SUFFIX))
}

fn foreign_target(workspace: &Workspace) -> PathBuf {
    workspace.target.join("peers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> Workspace {
        let root = PathBuf::from("there-is-no-such-folder");
        Workspace { target: root.join("target"), root, packages: Vec::new() }
    }

    fn skipped(peer: Peer) -> String {
        let peer: &'static Peer = Box::leak(Box::new(peer));
        let result = prepare_one(&nowhere(), peer, Pace::Normal).expect("nothing is built");
        result.expect_err("it is not set up")
    }

    #[test]
    fn a_peer_that_is_not_set_up_is_left_out_with_its_reason() {
        let program = peer::Program::Foreign { package: "peer-x", binary: "load-x" };
        let needs: &[&str] = &["there-is-no-such-server"];
        assert_eq!(
            skipped(Peer { name: "x", choice: "x", program, server: None, needs }),
            "there is no `there-is-no-such-server` here"
        );
        assert_eq!(
            skipped(Peer { name: "x", choice: "x", program, server: None, needs: &[] }),
            "`load-x` is not built"
        );
        let program = peer::Program::Node { folder: "x", script: "x.mjs", package: "x" };
        assert_eq!(
            skipped(Peer { name: "x", choice: "x", program, server: None, needs: &[] }),
            "npm's `x` is not installed"
        );
    }
}
