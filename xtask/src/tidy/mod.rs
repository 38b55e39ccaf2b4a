//! The house rules that a program can check, over all files that git knows or would add.
//!
//! Each finding is one line, `path:line: sentence`. What needs the compiler is clippy's work; what
//! needs taste is the reviewer's. `CONTRIBUTING.md` gives the reasons.

mod cited;
mod defects;
mod links;
mod manifests;
mod rust;
mod source;
mod table;
mod text;

use std::fmt;
use std::path::Path;

use crate::command::{Failure, capture};
use crate::workspace::Workspace;

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the root, with `/`.
    path: String,
    /// From 1.
    line: usize,
    sentence: String,
}

impl Finding {
    fn new(path: &str, line: usize, sentence: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, sentence: sentence.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.sentence)
    }
}

/// One text file of the tree.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

impl File {
    fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Its lines, numbered from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.split('\n').enumerate().map(|(index, line)| (index + 1, line))
    }
}

pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let paths = paths(&workspace.root)?;
    let files = read(&workspace.root, &paths);

    for (path, lines) in rust::long_files(&files) {
        println!("note: {path} has {lines} lines; above {} think of splitting it", rust::LONG);
    }
    let mut findings = Vec::new();
    findings.extend(paths.iter().filter_map(|path| text::name(path)));
    findings.extend(text::check(&files, &machine_paths(workspace)));
    findings.extend(rust::check(&files));
    findings.extend(links::check(&files, &paths));
    findings.extend(cited::check(&files));
    findings.extend(defects::check(&files));
    findings.extend(manifests::check(workspace, &files));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    Failure::when_any(findings.len(), "finding", "findings")?;
    println!("tidy: {} files follow the house rules", paths.len());
    Ok(())
}

/// All files that git knows or would add; without git, all that do not look generated.
fn paths(root: &Path) -> Result<Vec<String>, Failure> {
    let mut paths = Vec::new();
    if root.join(".git").exists() {
        let listed = capture(std::process::Command::new("git").current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        paths.extend(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned));
    } else {
        walk(root, "", &mut paths)?;
    }
    // A file that was removed and not yet committed is still listed.
    paths.retain(|path| root.join(path).is_file());
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) -> Result<(), Failure> {
    const GENERATED: [&str; 3] = [".git", "target", "node_modules"];
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if !entry.file_type()?.is_dir() {
            paths.push(path);
        } else if !GENERATED.contains(&name.as_str()) {
            walk(root, &path, paths)?;
        }
    }
    Ok(())
}

/// The files among `paths` that are text.
fn read(root: &Path, paths: &[String]) -> Vec<File> {
    let text = |path: &String| std::fs::read_to_string(root.join(path)).ok();
    paths.iter().filter_map(|path| Some(File { path: path.clone(), text: text(path)? })).collect()
}

/// Where this checkout and its user happen to live; neither belongs into a file.
fn machine_paths(workspace: &Workspace) -> Vec<String> {
    let home = std::env::var("HOME").unwrap_or_default();
    let own = [workspace.root.to_string_lossy().into_owned(), home];
    // A path of one component, such as `/src`, is too common a word.
    own.into_iter().filter(|path| path.matches('/').count() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_path_and_line() {
        let finding = Finding::new("a/b.rs", 7, "is wrong");
        assert_eq!(finding.to_string(), "a/b.rs:7: is wrong");
    }

    #[test]
    fn the_extension_is_the_last_part_of_the_name() {
        let extension =
            |path: &str| File { path: path.into(), text: String::new() }.extension().to_owned();
        assert_eq!(extension("a.b/c.tar.gz"), "gz");
        assert_eq!(extension("a.b/LICENSE"), "");
    }
}
