//! Relative links in Markdown files must lead to a file or folder of the tree.

use std::collections::HashSet;

use super::{File, Finding};

/// A finding for each link of a Markdown file that leads nowhere.
pub(super) fn check(files: &[File], paths: &[String]) -> Vec<Finding> {
    let mut existing: HashSet<&str> = HashSet::new();
    for path in paths {
        existing.insert(path);
        existing.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
    }
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.extension() == "md") {
        for (number, target) in links(&file.text) {
            let Some(path) = resolve(&file.path, &target) else { continue };
            if !path.is_empty() && !existing.contains(path.as_str()) {
                let sentence = format!("the link to `{target}` leads nowhere");
                findings.push(Finding::new(&file.path, number, sentence));
            }
        }
    }
    findings
}

/// The targets of the links in `markdown`, with their lines; code is passed over.
fn links(markdown: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut fence: Option<&str> = None;
    for (index, line) in markdown.lines().enumerate() {
        let start = line.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| start.starts_with(marker));
        match (fence, marker) {
            (None, Some(_)) => fence = marker,
            (Some(open), Some(close)) if open == close => fence = None,
            (None, None) => {
                links.extend(line_links(&without_code(line)).map(|target| (index + 1, target)));
            }
            _ => {}
        }
    }
    links
}

/// `[text](target "title")`, `![text](target)` and `[name]: target` in one line.
fn line_links(line: &str) -> impl Iterator<Item = String> {
    let mut targets = Vec::new();
    for (at, _) in line.match_indices("](") {
        let inside = &line[at + 2..];
        targets.extend(inside.split([')', ' ']).next().map(str::to_owned));
    }
    let definition = line.trim_start().strip_prefix('[').and_then(|line| line.split_once("]: "));
    if let Some((_, target)) = definition.filter(|(name, _)| !name.contains(']')) {
        targets.extend(target.split_whitespace().next().map(str::to_owned));
    }
    targets.into_iter()
}

/// The line without its inline code, in which brackets mean nothing.
fn without_code(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    let closed = parts.len() % 2 == 1;
    let text = |(index, part): (usize, &&str)| {
        if closed && index % 2 == 1 { String::new() } else { (*part).to_owned() }
    };
    parts.iter().enumerate().map(text).collect()
}

/// The path in the tree that `target` means in the file at `from`; `None` when it lies elsewhere.
/// A path that leaves the tree is given back as it is, and exists nowhere.
pub(super) fn resolve(from: &str, target: &str) -> Option<String> {
    let target = target.trim_matches(['<', '>']);
    let path = target.split(['#', '?']).next().unwrap_or_default();
    let elsewhere = target.contains("://") || target.starts_with("mailto:");
    if path.is_empty() || elsewhere {
        return None;
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if path.starts_with('/') {
        parts.clear();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.pop() {
                Some(_) => {}
                None => return Some(target.to_owned()),
            },
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_outside_of_code_are_read() {
        let text = "see [a](b.md#c) and `[x](y)`\n```\n[no](no.md)\n```\n[d]: e.md \"title\"\n";
        assert_eq!(links(text), [(1, "b.md#c".to_owned()), (5, "e.md".to_owned())]);
    }

    #[test]
    fn a_target_is_relative_to_its_file() {
        assert_eq!(resolve("docs/a.md", "b.md#x"), Some("docs/b.md".to_owned()));
        assert_eq!(resolve("docs/a.md", "../README.md"), Some("README.md".to_owned()));
        assert_eq!(resolve("docs/a.md", "/README.md"), Some("README.md".to_owned()));
        assert_eq!(resolve("README.md", "../../x"), Some("../../x".to_owned()));
        assert_eq!(resolve("README.md", "#here"), None);
        assert_eq!(resolve("README.md", "https://example.org/x"), None);
    }

    #[test]
    fn only_links_that_lead_nowhere_are_findings() {
        let text = "[a](b.md) [c](../crates) [d](gone.md)".to_owned();
        let files = [File { path: "docs/a.md".to_owned(), text }];
        let paths = ["docs/a.md", "docs/b.md", "crates/x/README.md"].map(str::to_owned);
        let findings = check(&files, &paths);
        assert_eq!(findings, [Finding::new("docs/a.md", 1, "the link to `gone.md` leads nowhere")]);
    }
}
