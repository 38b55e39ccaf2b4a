//! Drawing the stored figures, with the program in `benches/plots`.
//!
//! It is a program of its own, so that its dependencies are compiled only where something is drawn.

use std::path::Path;

use super::store::LATEST;
use crate::command::{Failure, cargo, run as run_command};
use crate::workspace::Workspace;

const FOLDER: &str = "benches/plots";

/// Draws one figure for each workload into `folder`, which has the figures.
pub(super) fn draw(workspace: &Workspace, folder: &Path) -> Result<(), Failure> {
    let mut plots = cargo(&workspace.root.join(FOLDER));
    plots.args(["run", "--quiet", "--release", "--target-dir"]);
    plots.arg(workspace.target.join("plots")).arg("--");
    run_command(plots.arg(folder.join(LATEST)).arg(folder))
}

/// Checks the drawing program, which belongs to no workspace that is checked otherwise.
pub(super) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let target = workspace.target.join("plots");
    let words = |command: &[&str], rest: &[&str]| {
        let mut check = cargo(&workspace.root.join(FOLDER));
        check.args(command).arg("--target-dir").arg(&target).args(rest);
        run_command(&mut check)
    };
    words(&["test"], &[])?;
    words(&["clippy", "--all-targets"], &["--", "-D", "warnings"])
}
