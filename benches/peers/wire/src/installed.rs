//! Programs that a system package installs.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use gatewire_harness::Failure;

/// The command that runs the installed program `name`. Where `setpriv` is there (util-linux), the
/// kernel ends the program when this process ends, however it does.
///
/// # Errors
///
/// It is not installed: says so, with the name of the Debian `package` that has it.
pub fn installed(name: &str, package: &str) -> Result<Command, Failure> {
    let Some(program) = find(name) else {
        let sentence = format!("not installed: `{name}`, of the Debian package `{package}`");
        return Err(Failure::new(sentence));
    };
    Ok(match find("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]).arg(program);
            command
        }
        None => Command::new(program),
    })
}

/// Looks into the folders of `PATH`, and into that of servers, which is not in everybody's `PATH`.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_installed_is_named_with_its_package() {
        let failure = installed("no-such-program", "no-such-package").expect_err("there is none");
        assert!(failure.to_string().contains("no-such-package"), "{failure}");
        assert!(installed("sh", "dash").is_ok());
    }
}
