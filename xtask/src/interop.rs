//! Runs gatewire against fast-tcp, the original of wire version 1: the scenarios of `interop/`, in both directions.
//!
//! fast-tcp is a package of npm. Where node or npm is absent the task says so and passes; nothing is installed but
//! the package.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Failure, cargo, run as run_command};
use crate::tools::is_here;
use crate::workspace::Workspace;

const FOLDER: &str = "interop";

/// The servers and clients by gatewire.
const PEER: &str = "gatewire-interop-peer";
/// The test that needs them.
const PEER_TEST: &str = "program";

/// Who is the client; the other one is the server.
const DIRECTIONS: [&str; 2] = ["node-client", "gatewire-client"];

/// Client and server by fast-tcp: shows that a scenario asks for no more than the original does.
const BASELINE: &str = "baseline";

const USAGE: &str = "\
usage: cargo xtask interop [OPTIONS]

  --direction NAME     node-client: fast-tcp connects to gatewire. gatewire-client: the other way round.
                       Both unless told
  --only TEXT          only the scenarios whose names contain the text
  --baseline           fast-tcp against fast-tcp: whether the scenarios are right";

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{USAGE}");
        return Ok(());
    };
    for program in ["node", "npm"] {
        if !is_here(program) {
            println!(
                "skipped: the scenarios need `{program}`, which is not here; \
                 on Debian: apt-get install nodejs npm"
            );
            return Ok(());
        }
    }
    let folder = workspace.root.join(FOLDER);
    if !is_installed(&folder) {
        let mut install = Command::new("npm");
        run_command(install.current_dir(&folder).args(["ci", "--no-audit", "--no-fund"]))?;
    }
    let peer = build(workspace)?;
    let mut node = Command::new("node");
    node.current_dir(&folder).arg("src/run.js").arg(peer).arg(options.directions.join(","));
    run_command(node.args(options.only))
}

/// What is to be run.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    directions: Vec<&'static str>,
    only: Option<String>,
}

impl Options {
    /// `None`: somebody asks for help.
    fn parse(arguments: &[String]) -> Result<Option<Self>, Failure> {
        let usage = || Failure::new(USAGE);
        let mut options = Self { directions: DIRECTIONS.to_vec(), only: None };
        let mut rest = arguments.iter();
        while let Some(option) = rest.next() {
            match option.as_str() {
                "--help" | "-h" => return Ok(None),
                "--baseline" => options.directions = vec![BASELINE],
                "--only" => options.only = Some(rest.next().ok_or_else(usage)?.clone()),
                "--direction" => {
                    let wanted = rest.next().ok_or_else(usage)?;
                    let found = DIRECTIONS.iter().find(|name| *name == wanted);
                    options.directions = vec![found.ok_or_else(usage)?];
                }
                _ => return Err(usage()),
            }
        }
        Ok(Some(options))
    }
}

/// Whether what the lock file names is installed: npm copies that file to where it installs.
fn is_installed(folder: &Path) -> bool {
    let changed = |path: &str| folder.join(path).metadata().and_then(|file| file.modified()).ok();
    let installed = changed("node_modules/.package-lock.json");
    installed.is_some() && installed >= changed("package-lock.json")
}

/// Builds the peer, unoptimised: nothing is measured. As a part of the whole workspace's tests, which have built it already
/// where they were run: alone it would have other features, and so would all below it.
fn build(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let build = ["test", "--workspace", "--no-run", "--test", PEER_TEST];
    run_command(cargo(&workspace.root).args(build))?;
    let file = format!("{PEER}{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace.target.join("debug").join(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Options>, Failure> {
        let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn both_directions_are_run_unless_one_is_named() {
        let options = |directions: &[&'static str], only: Option<&str>| {
            Ok(Some(Options { directions: directions.to_vec(), only: only.map(str::to_owned) }))
        };
        assert_eq!(parse(""), options(&["node-client", "gatewire-client"], None));
        assert_eq!(parse("--direction node-client"), options(&["node-client"], None));
        assert_eq!(parse("--baseline --only room"), options(&["baseline"], Some("room")));
        assert_eq!(parse("--help"), Ok(None));
    }

    #[test]
    fn an_unknown_option_is_refused() {
        for wrong in ["--direction", "--direction baseline", "--only", "rooms"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
