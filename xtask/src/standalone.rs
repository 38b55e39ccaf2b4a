//! Builds crates outside the workspace on the published ones, as a user's project would.
//!
//! Inside the workspace a missing feature or dependency is easily lent by another member. Here the
//! codec is built alone, with `bytes` as its only dependency, and `gatewire` with one feature.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::command::{Failure, capture, cargo, run as run_command};
use crate::workspace::Workspace;

/// A crate that is made for the check.
struct Project {
    name: &'static str,
    /// Its one dependency, with what follows the path in the manifest.
    uses: (&'static str, &'static str),
    source: &'static str,
    /// All that it may depend on, if that matters.
    tree: Option<&'static [&'static str]>,
}

const PROJECTS: [Project; 2] = [
    Project {
        name: "uses-the-codec",
        uses: ("gatewire-codec", ""),
        source: include_str!("../standalone/codec.rs"),
        tree: Some(&["uses-the-codec", "gatewire-codec", "bytes"]),
    },
    Project {
        name: "uses-the-library",
        uses: ("gatewire", ", default-features = false, features = [\"json\"]"),
        source: include_str!("../standalone/library.rs"),
        tree: None,
    },
];

pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let folder = Folder::new()?;
    for project in &PROJECTS {
        project.check(workspace, &folder.0.join(project.name))?;
    }
    Ok(())
}

impl Project {
    fn check(&self, workspace: &Workspace, folder: &Path) -> Result<(), Failure> {
        let used = workspace.package(self.uses.0)?;
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("Cargo.toml"), self.manifest(used.folder()))?;
        fs::write(folder.join("src/main.rs"), self.source)?;
        // Cargo keeps the versions that it finds in a lock file and drops what is not needed.
        fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;

        run_command(cargo(folder).arg("run").arg("--target-dir").arg(&workspace.target))?;
        if let Some(allowed) = self.tree {
            let tree = capture(cargo(folder).args(["tree", "-e", "normal", "--prefix", "none"]))?;
            let found = packages(&tree);
            if found != allowed.iter().copied().collect() {
                return Err(Failure::new(format!(
                    "`{}` alone needs {}, but only {} are allowed",
                    self.uses.0,
                    found.into_iter().collect::<Vec<_>>().join(", "),
                    allowed.join(", ")
                )));
            }
        }
        println!("standalone: `{}` builds on `{}` alone", self.name, self.uses.0);
        Ok(())
    }

    fn manifest(&self, path: &Path) -> String {
        let (name, options) = self.uses;
        // A literal string: a path may have backslashes.
        let path = path.display();
        format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
             [dependencies]\n{name} = {{ path = '{path}'{options} }}\n\n[workspace]\n",
            self.name
        )
    }
}

/// The names in the output of `cargo tree --prefix none`.
fn packages(tree: &str) -> BTreeSet<&str> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

/// A new folder outside of the workspace, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("gatewire-standalone-{}-{now}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("warning: {} could not be removed: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_read_without_versions_and_marks() {
        let tree =
            "a v0.0.0 (/x)\ngatewire-codec v0.1.0 (/y)\nbytes v1.12.2\n\nbytes v1.12.2 (*)\n";
        assert_eq!(packages(tree), BTreeSet::from(["a", "bytes", "gatewire-codec"]));
    }

    #[test]
    fn the_manifest_names_the_path_and_leaves_the_workspace() {
        let manifest = PROJECTS[1].manifest(Path::new("/w/crates/gatewire"));
        let line = "gatewire = { path = '/w/crates/gatewire', default-features = false, \
                    features = [\"json\"] }\n";
        assert!(manifest.contains(line), "{manifest}");
        assert!(manifest.ends_with("[workspace]\n"), "{manifest}");
    }

    #[test]
    fn the_folder_is_removed() {
        let folder = Folder::new().expect("the system has a folder for temporary files");
        let path = folder.0.clone();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }
}
