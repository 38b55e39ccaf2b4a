//! Rules for the bytes and names of all files: whitespace, machine paths, vague names.

use super::source::is_word;
use super::{File, Finding};

/// Names that say nothing about what is inside.
const VAGUE: [&str; 7] = ["utils", "util", "helpers", "helper", "managers", "manager", "common"];

/// Beginnings of paths that exist on one machine only. Written in pieces, so that this file passes.
const ABSOLUTE: [&str; 6] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/t", "mp/"),
    concat!("/var/t", "mp/"),
    concat!("C:\\Us", "ers\\"),
];

/// Hosts that serve packages: which one is used is the business of whoever builds.
const REGISTRIES: [&str; 7] = [
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("cra", "tes.io-index"),
    concat!("sparse", "+http"),
    concat!("registry.np", "mjs.org"),
    concat!("registry.ya", "rnpkg.com"),
    concat!("proxy.go", "lang.org"),
];

/// Cargo writes the registry's name into each entry of its lock files.
const LOCK: &str = "Cargo.lock";

/// A finding when a folder or file of `path` has a vague name.
pub(super) fn name(path: &str) -> Option<Finding> {
    let stem = |part: &str| part.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let vague = path.split('/').find(|part| VAGUE.contains(&stem(part).as_str()))?;
    Some(Finding::new(path, 1, format!("`{vague}` does not say what is inside: name the concept")))
}

/// The findings in all `files`. `own` are paths of this checkout and its user.
pub(super) fn check(files: &[File], own: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        if matches!(file.extension(), "rs" | "md" | "toml" | "yml" | "sh")
            || file.path.starts_with(".ci/")
        {
            whitespace(file, &mut findings);
        }
        if !file.path.ends_with(LOCK) {
            places(file, own, &mut findings);
        }
    }
    findings
}

fn whitespace(file: &File, findings: &mut Vec<Finding>) {
    let mut add =
        |line, sentence: &str| findings.push(Finding::new(&file.path, line, sentence.to_owned()));
    for (number, line) in file.lines() {
        if line.ends_with([' ', '\t', '\r']) {
            add(number, "the line ends with white space");
        }
        if line.contains('\t') {
            add(number, "the line has a tab: use spaces");
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        add(file.lines().count(), "the file does not end with a newline");
    }
    if file.text.ends_with("\n\n") {
        add(file.lines().count() - 1, "the file ends with an empty line");
    }
}

fn places(file: &File, own: &[String], findings: &mut Vec<Finding>) {
    for (number, line) in file.lines() {
        let absolute = ABSOLUTE.iter().copied().chain(own.iter().map(String::as_str));
        if let Some(path) = absolute.into_iter().find(|path| begins_path(line, path)) {
            let sentence = format!("`{path}` exists on one machine only: use a relative path");
            findings.push(Finding::new(&file.path, number, sentence));
        }
        if let Some(host) = REGISTRIES.iter().find(|host| line.contains(*host)) {
            let sentence = format!("`{host}` names a registry: leave the choice to who builds");
            findings.push(Finding::new(&file.path, number, sentence));
        }
    }
}

/// Whether `path` occurs in `line` where a path begins, and not inside a longer one.
fn begins_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        let after = line[at + path.len()..].chars().next().unwrap_or(' ');
        !is_word(before)
            && !matches!(before, '.' | '-' | '/' | '}' | '*' | '~')
            && (path.ends_with(['/', '\\']) || !is_word(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(path: &str, text: &str) -> Vec<(usize, String)> {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        let own = ["/build/gatewire".to_owned()];
        check(&[file], &own).into_iter().map(|finding| (finding.line, finding.sentence)).collect()
    }

    #[test]
    fn vague_names_are_found_in_files_and_folders() {
        assert!(name("crates/a/src/utils.rs").is_some());
        assert!(name("crates/a/tests/common/mod.rs").is_some());
        assert!(name("crates/a/src/commonplace.rs").is_none());
        assert!(name("crates/a/src/room.rs").is_none());
    }

    #[test]
    fn white_space_is_found_with_its_line() {
        let found = sentences("a.md", "one\ntwo \n\tthree");
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 3]);
        assert_eq!(sentences("a.md", "one\n\n").len(), 1);
        assert!(sentences("a.json", "{ \t").is_empty());
        assert!(sentences("a.md", "").is_empty());
    }

    #[test]
    fn paths_of_a_machine_are_found_where_a_path_begins() {
        for path in ABSOLUTE {
            assert_eq!(sentences("a.json", &format!("see {path}x")).len(), 1, "{path}");
            assert!(sentences("a.json", &format!("see a{path}x")).is_empty(), "{path}");
        }
        assert_eq!(sentences("a.json", "cd /build/gatewire").len(), 1);
        assert!(sentences("a.json", "cd /build/gatewires").is_empty());
    }

    #[test]
    fn registries_may_stand_in_a_lock_file_only() {
        for host in REGISTRIES {
            assert_eq!(sentences("docs/a.json", host).len(), 1, "{host}");
            assert!(sentences("fuzz/Cargo.lock", host).is_empty(), "{host}");
        }
    }
}
