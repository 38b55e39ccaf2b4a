//! Installing what the peers need, and building their load programs.
//!
//! Each step that cannot be done here is said in one line, and concerns one peer only.

use std::process::Command;

use super::build::build_foreign;
use super::peer::{FOLDER, Peer, Program, select};
use crate::command::{Failure, run as run_command};
use crate::tools::{first_line, is_here};
use crate::workspace::Workspace;

/// A package of Debian, and how to tell that it is here.
struct Package {
    name: &'static str,
    is_here: fn() -> bool,
}

const PACKAGES: [Package; 5] = [
    Package { name: "nats-server", is_here: || is_here("nats-server") },
    Package { name: "redis-server", is_here: || is_here("redis-server") },
    Package { name: "pkg-config", is_here: || is_here("pkg-config") },
    Package {
        name: "libzmq3-dev",
        is_here: || first_line("pkg-config", &["--modversion", "libzmq"]).is_some(),
    },
    Package { name: "npm", is_here: || is_here("npm") },
];

pub(super) fn run(workspace: &Workspace) -> Result<(), Failure> {
    install()?;
    let mut missing = 0;
    for peer in select("all")? {
        match prepare(workspace, peer) {
            Ok(()) => println!("{}: ready", peer.name),
            Err(failure) => {
                missing += 1;
                println!("{}: not ready: {failure}", peer.name);
            }
        }
    }
    Failure::when_any(missing, "peer is not ready", "peers are not ready")
}

/// Installs the packages that are absent, or says which those are.
fn install() -> Result<(), Failure> {
    let absent: Vec<_> = PACKAGES.iter().filter(|package| !(package.is_here)()).collect();
    let names: Vec<_> = absent.iter().map(|package| package.name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let root = first_line("id", &["-u"]).as_deref() == Some("0");
    if !root || !is_here("apt-get") {
        println!("skipped: installing {} needs root and apt-get", names.join(", "));
        return Ok(());
    }
    run_command(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-qq", "--yes", "--no-install-recommends"]).args(names);
    run_command(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn prepare(workspace: &Workspace, peer: &Peer) -> Result<(), Failure> {
    if let Some(absent) = peer.needs.iter().find(|command| !is_here(command)) {
        return Err(Failure::new(format!("there is no `{absent}` here")));
    }
    match peer.program {
        Program::Own { .. } => Ok(()),
        Program::Foreign { package, .. } => build_foreign(workspace, package),
        Program::Node { folder, .. } => {
            let folder = workspace.root.join(FOLDER).join(folder);
            run_command(Command::new("npm").arg("ci").current_dir(folder))
        }
    }
}
