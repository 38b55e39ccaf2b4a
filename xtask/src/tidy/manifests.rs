//! What each crate must have beside its code: lints, licence, description, README, change log.

use super::links::resolve;
use super::{File, Finding};
use crate::readme::rust_examples;
use crate::workspace::{Package, Workspace};

const CHANGELOG: &str = "CHANGELOG.md";

/// The findings for the workspace as a whole and for each of its packages.
pub(super) fn check(workspace: &Workspace, files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(workspace_forbids_unsafe(files));
    findings.extend(changelog(files));
    findings.extend(untested_readmes(files));
    let relative = |package: &Package| {
        let folder = package.folder().strip_prefix(&workspace.root).unwrap_or(package.folder());
        folder.to_string_lossy().replace('\\', "/")
    };
    for package in &workspace.packages {
        findings.extend(lints(&relative(package), files));
    }
    for package in workspace.crates() {
        findings.extend(published(package, &relative(package), files));
    }
    findings
}

fn workspace_forbids_unsafe(files: &[File]) -> Option<Finding> {
    let manifest = find(files, "Cargo.toml")?;
    let forbidden = setting(&manifest.text, "workspace.lints.rust", "unsafe_code");
    let sentence = "`unsafe_code = \"forbid\"` is missing in [workspace.lints.rust]";
    (forbidden != Some("\"forbid\"")).then(|| Finding::new("Cargo.toml", 1, sentence))
}

fn changelog(files: &[File]) -> Option<Finding> {
    let text = find(files, CHANGELOG).map_or("", |file| &file.text);
    let section = text.lines().any(|line| line.starts_with("## ") && line.contains("Unreleased"));
    let sentence = "there is no `## Unreleased` section";
    (!section).then(|| Finding::new(CHANGELOG, 1, sentence))
}

/// A finding when the package in `folder` does not take the workspace's lints.
fn lints(folder: &str, files: &[File]) -> Option<Finding> {
    let path = format!("{folder}/Cargo.toml");
    let text = find(files, &path).map_or("", |file| &file.text);
    let inherited = setting(text, "lints", "workspace") == Some("true")
        || setting(text, "", "lints.workspace") == Some("true");
    let sentence = "`[lints] workspace = true` is missing: nothing forbids `unsafe` here";
    (!inherited).then(|| Finding::new(&path, 1, sentence))
}

/// What a crate lacks to be published.
fn published(package: &Package, folder: &str, files: &[File]) -> Vec<Finding> {
    let manifest = format!("{folder}/Cargo.toml");
    let mut findings = Vec::new();
    if package.description.as_deref().is_none_or(|text| text.trim().is_empty()) {
        findings.push(Finding::new(&manifest, 1, "the crate has no `description`"));
    }
    if package.license.is_none() {
        findings.push(Finding::new(&manifest, 1, "the crate has no `license`"));
    }
    let readme = format!("{folder}/README.md");
    if find(files, &readme).is_none() {
        findings.push(Finding::new(&readme, 1, "the crate has no README"));
    }
    findings
}

/// Rust examples in READMEs of the root and of crates that `cargo test` does not run.
fn untested_readmes(files: &[File]) -> Vec<Finding> {
    let included = included_readmes(files);
    let mut findings = Vec::new();
    for file in files {
        let ours = file.path == "README.md"
            || (file.path.starts_with("crates/") && file.path.ends_with("/README.md"));
        if !ours {
            continue;
        }
        let examples = rust_examples(&file.text);
        if let (Some(first), false) = (examples.first(), included.contains(&file.path)) {
            let sentence = "this example is not run: add \
                `#[cfg(doctest)] #[doc = include_str!(\"..\")] struct Readme;` to a crate";
            findings.push(Finding::new(&file.path, first.line, sentence));
        }
        findings.extend(examples.iter().filter(|example| !example.tested).map(|example| {
            Finding::new(&file.path, example.line, "this example is marked `ignore`: make it run")
        }));
    }
    findings
}

/// The READMEs that some Rust file takes in as documentation.
fn included_readmes(files: &[File]) -> Vec<String> {
    const INCLUDE: &str = "include_str!(\"";
    let mut included = Vec::new();
    for file in files.iter().filter(|file| file.extension() == "rs") {
        for (at, _) in file.text.match_indices(INCLUDE) {
            let path = file.text[at + INCLUDE.len()..].split('"').next().unwrap_or_default();
            included.extend(resolve(&file.path, path));
        }
    }
    included
}

fn find<'a>(files: &'a [File], path: &str) -> Option<&'a File> {
    files.iter().find(|file| file.path == path)
}

/// The value of `key` in `[section]` of a manifest, as it is written. Reads one-line values only.
fn setting<'a>(manifest: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let mut current = "";
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            current = name.trim();
        } else if let Some((name, value)) = line.split_once('=')
            && current == section
            && name.trim() == key
        {
            return Some(value.split('#').next().unwrap_or(value).trim());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_setting_is_read_from_its_section() {
        let manifest =
            "a = 1\n[lints]\nworkspace = true # all\n[workspace.lints.rust]\nb = \"c\"\n";
        assert_eq!(setting(manifest, "lints", "workspace"), Some("true"));
        assert_eq!(setting(manifest, "workspace.lints.rust", "b"), Some("\"c\""));
        assert_eq!(setting(manifest, "", "a"), Some("1"));
        assert_eq!(setting(manifest, "lints", "a"), None);
    }

    #[test]
    fn a_package_without_the_lints_is_found() {
        let with = file("a/Cargo.toml", "[lints]\nworkspace = true\n");
        let without = file("b/Cargo.toml", "[package]\n");
        let files = [with, without];
        assert_eq!(lints("a", &files), None);
        assert_eq!(lints("b", &files).map(|finding| finding.path), Some("b/Cargo.toml".to_owned()));
    }

    #[test]
    fn a_crate_needs_description_licence_and_readme() {
        let bare = Package::default();
        assert_eq!(published(&bare, "crates/a", &[]).len(), 3);
        let complete = Package {
            description: Some("does one thing".to_owned()),
            license: Some("MIT".to_owned()),
            ..Package::default()
        };
        assert_eq!(published(&complete, "crates/a", &[file("crates/a/README.md", "# a\n")]), []);
    }

    #[test]
    fn a_readmes_examples_must_be_taken_in_by_a_crate() {
        let readme = file("crates/a/README.md", "# a\n\n```rust\na();\n```\n");
        let library = file("crates/a/src/lib.rs", "#![doc = include_str!(\"../README.md\")]\n");
        assert_eq!(untested_readmes(&[readme.clone(), library]), []);
        let findings = untested_readmes(&[readme]);
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn the_change_log_needs_an_unreleased_section() {
        assert_eq!(changelog(&[file(CHANGELOG, "# Changes\n\n## [Unreleased]\n")]), None);
        assert!(changelog(&[file(CHANGELOG, "# Changes\n\n## 0.1.0\n")]).is_some());
        assert!(changelog(&[]).is_some());
    }
}
