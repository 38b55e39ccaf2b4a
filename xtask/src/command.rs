//! Starting other programs, and the one error of all tasks.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Why a task did not pass: one sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// `Err` with the number of what was found, `Ok` when there is none.
    pub(crate) fn when_any(count: usize, one: &str, several: &str) -> Result<(), Self> {
        match count {
            0 => Ok(()),
            1 => Err(Self(format!("1 {one}"))),
            _ => Err(Self(format!("{count} {several}"))),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// The cargo that started this program, to be run in `directory`.
pub(crate) fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory);
    command
}

/// Runs `command` with this program's own output, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    println!("$ {}", line(command));
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure(format!("`{}` ended with {status}", line(command))))
    }
}

/// Runs `command` and returns what it wrote to standard output; its standard error stays visible.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        return Err(Failure(format!("`{}` ended with {}", line(command), output.status)));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Failure(format!("`{}` did not print UTF-8", line(command))))
}

/// Runs `command`, shows each line it writes (to either stream) as it comes, and returns them all.
pub(crate) fn run_and_keep(command: &mut Command) -> Result<Vec<String>, Failure> {
    println!("$ {}", line(command));
    let text = line(command);
    let (reader, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    // The command keeps its ends of the pipe open; without this the reader would never see the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut lines = Vec::new();
    let mut stdout = std::io::stdout();
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 {
        stdout.write_all(&bytes)?;
        stdout.flush()?;
        lines.push(String::from_utf8_lossy(&bytes).trim_end().to_owned());
        bytes.clear();
    }
    let status = child.wait()?;
    if status.success() { Ok(lines) } else { Err(Failure(format!("`{text}` ended with {status}"))) }
}

/// Gives what is started a process group, so that it can be stopped with all that it started.
pub(crate) fn own_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Kills `child` and, where there are process groups, all of its [own](own_group).
pub(crate) fn kill_group(child: &mut Child) -> Result<(), Failure> {
    if cfg!(unix) {
        let group = format!("-{}", child.id());
        Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status()?;
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// The command as a person would type it.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line =
        program.file_stem().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure(format!("`{}` could not be started: {error}", line(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command.args(["test", "--workspace"]);
        assert_eq!(line(&command), "cargo test --workspace");
    }

    #[test]
    fn findings_are_counted_in_the_failure() {
        assert_eq!(Failure::when_any(0, "finding", "findings"), Ok(()));
        assert_eq!(Failure::when_any(1, "finding", "findings"), Err(Failure::new("1 finding")));
        assert_eq!(Failure::when_any(3, "finding", "findings"), Err(Failure::new("3 findings")));
    }
}
