//! Programs of others that tasks need: whether they are here, and which version.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether there is a program of this name.
pub(crate) fn is_here(program: &str) -> bool {
    is_in(program, std::env::split_paths(&search_path()))
}

/// Where programs are sought. Servers often lie where only administrators look.
pub(crate) fn search_path() -> OsString {
    let given = std::env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from);
    let folders: Vec<_> = std::env::split_paths(&given).chain(administrators).collect();
    std::env::join_paths(folders).unwrap_or(given)
}

/// The first line that a program prints to either stream; `None`: it is not here, or fails.
pub(crate) fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", search_path()).stdin(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Some(String::from_utf8_lossy(&said).lines().next()?.trim().to_owned())
}

fn is_in(program: &str, folders: impl IntoIterator<Item = impl AsRef<Path>>) -> bool {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    folders.into_iter().any(|folder| folder.as_ref().join(&file).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_its_folder() {
        let own = std::env::current_exe().expect("this program is a file");
        let name = own.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let folder = own.parent().expect("it lies in a folder");
        assert!(is_in(&name, [folder]));
        assert!(!is_in("there-is-no-such-program", [folder]));
        assert!(!is_here("there-is-no-such-program"));
    }

    #[test]
    fn an_absent_program_has_no_version() {
        assert_eq!(first_line("there-is-no-such-program", &["--version"]), None);
    }
}
