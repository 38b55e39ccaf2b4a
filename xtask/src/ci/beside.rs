//! Checks that run beside others.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::command::Failure;
use crate::workspace::Workspace;

/// A second process of this program, which runs some checks. Dropped before its end, it is killed.
pub(super) struct Beside {
    child: Child,
    /// What it prints: shown at the end, since lines of two would not be understood.
    log: PathBuf,
    ended: bool,
}

impl Beside {
    pub(super) fn start(workspace: &Workspace, steps: &[&str]) -> Result<Self, Failure> {
        fs::create_dir_all(&workspace.target)?;
        let log = workspace.target.join("ci-beside.log");
        let file = File::create(&log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.current_dir(&workspace.root).arg("ci");
        command.args(steps.iter().flat_map(|step| ["--only", step]));
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        Ok(Self { child: command.spawn()?, log, ended: false })
    }

    /// Waits for it, and prints what it has printed.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        let status = self.child.wait()?;
        self.ended = true;
        print!("{}", fs::read_to_string(&self.log)?);
        if status.success() {
            return Ok(());
        }
        Err(Failure::new("a step beside the others failed: see above"))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.ended {
            // It may have ended by itself.
            let _killed = self.child.kill();
            let _status = self.child.wait();
        }
    }
}
