//! Rules for Rust files: length, forbidden words, and what the layers below the runtime leave alone.

use std::collections::HashSet;

use super::source::{Source, is_word};
use super::{File, Finding};

/// The longest file that passes. At this length it holds two concepts.
const LONGEST: usize = 600;

/// From here on a file is mentioned.
pub(super) const LONG: usize = 350;

/// Where a word is forbidden.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// In each Rust file.
    Everywhere,
    /// In the published crates' own code, outside of tests.
    Shipped,
    /// The same, but for the crate that owns sockets, tasks and time.
    BelowTheRuntime,
}

const TIME: &str = "only `gatewire` reads a clock: take the time as an argument";
const TASKS: &str = "only `gatewire` waits or spawns: let the caller drive this";

const FORBIDDEN: [(Where, &str, &str); 12] = [
    (Where::Everywhere, "todo!", "unfinished code is not committed"),
    (Where::Everywhere, "unimplemented!", "unfinished code is not committed"),
    (Where::Everywhere, "dbg!", "remove the debug print"),
    (Where::Everywhere, "#[ignore", "a test that is not run proves nothing: mend or delete it"),
    (Where::Everywhere, "#[allow(", "use `#[expect(.., reason = \"..\")]`"),
    (Where::Everywhere, "#![allow(", "use `#![expect(.., reason = \"..\")]`"),
    (Where::Shipped, ".unwrap()", "use `?`, or `expect` with the invariant that makes it safe"),
    (Where::BelowTheRuntime, "Instant::now", TIME),
    (Where::BelowTheRuntime, "SystemTime::now", TIME),
    (Where::BelowTheRuntime, "std::thread", TASKS),
    (Where::BelowTheRuntime, "thread::spawn", TASKS),
    (Where::BelowTheRuntime, "tokio", TASKS),
];

/// The files that are long, and not yet too long, with their lines.
pub(super) fn long_files(files: &[File]) -> Vec<(&str, usize)> {
    files
        .iter()
        .filter(|file| file.extension() == "rs")
        .map(|file| (file.path.as_str(), file.text.lines().count()))
        .filter(|(_, lines)| (LONG + 1..=LONGEST).contains(lines))
        .collect()
}

/// The findings in all Rust files among `files`.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let sources: Vec<(&File, Source)> = files
        .iter()
        .filter(|file| file.extension() == "rs")
        .map(|file| (file, Source::new(&file.text)))
        .collect();
    let tests = test_files(&sources);

    let mut findings = Vec::new();
    for (file, source) in &sources {
        let lines = file.text.lines().count();
        if lines > LONGEST {
            let sentence = format!("{lines} lines, and {LONGEST} is the most: split it by concept");
            findings.push(Finding::new(&file.path, lines, sentence));
        }
        for (scope, word, reason) in FORBIDDEN {
            let numbers: Vec<usize> = if scope == Where::Everywhere {
                source.numbered().filter(|(_, line)| has_word(line, word)).map(|(n, _)| n).collect()
            } else if applies(scope, &file.path) && !tests.contains(&file.path) {
                source.shipped().filter(|(_, line)| has_word(line, word)).map(|(n, _)| n).collect()
            } else {
                Vec::new()
            };
            findings.extend(
                numbers
                    .into_iter()
                    .map(|number| Finding::new(&file.path, number, format!("`{word}`: {reason}"))),
            );
        }
    }
    findings
}

/// Whether a rule of `scope` concerns the file at `path`.
fn applies(scope: Where, path: &str) -> bool {
    let Some((name, inside)) = path.strip_prefix("crates/").and_then(|path| path.split_once('/'))
    else {
        return scope == Where::Everywhere;
    };
    match scope {
        Where::Everywhere => true,
        Where::Shipped => inside.starts_with("src/"),
        Where::BelowTheRuntime => inside.starts_with("src/") && name != "gatewire",
    }
}

/// The files that are modules under `#[cfg(test)]` of other files, or say so themselves.
fn test_files(sources: &[(&File, Source)]) -> HashSet<String> {
    let mut tests = HashSet::new();
    for (file, source) in sources {
        if source.all_test {
            tests.insert(file.path.clone());
        }
        let folder = module_folder(&file.path);
        for module in &source.test_modules {
            tests.insert(format!("{folder}/{module}.rs"));
            tests.insert(format!("{folder}/{module}/mod.rs"));
        }
    }
    tests
}

/// The folder in which the modules declared in the file at `path` are sought.
fn module_folder(path: &str) -> &str {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    match path.rsplit('/').next() {
        Some("lib.rs" | "main.rs" | "mod.rs") => folder,
        _ => path.strip_suffix(".rs").unwrap_or(folder),
    }
}

/// Whether `word` occurs in `line` and is not a part of a longer word.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        let after = line[at + word.len()..].chars().next().unwrap_or(' ');
        let cut = |outer: char, inner: Option<char>| is_word(outer) && inner.is_some_and(is_word);
        !cut(before, word.chars().next()) && !cut(after, word.chars().next_back())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        check(&[file]).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn forbidden_words_are_found_in_code_only() {
        assert_eq!(found("examples/a.rs", "fn a() {\n    todo!()\n}"), [2]);
        assert_eq!(found("examples/a.rs", "// todo!()\n\"dbg!\"; my_dbg!();"), Vec::<usize>::new());
        assert_eq!(found("crates/a/tests/it/a.rs", "#[ignore = \"slow\"]\n#[allow(x)]"), [1, 2]);
    }

    #[test]
    fn unwrap_is_left_to_tests() {
        let text = "fn a() { b.unwrap() }\n#[cfg(test)]\nmod tests { fn a() { b.unwrap() } }";
        assert_eq!(found("crates/a/src/lib.rs", text), [1]);
        assert_eq!(found("crates/a/tests/it/main.rs", text), Vec::<usize>::new());
        assert_eq!(
            found("crates/a/src/lib.rs", "/// a.unwrap()\nb.unwrap_or(c)"),
            Vec::<usize>::new()
        );
    }

    #[test]
    fn a_test_module_in_its_own_file_is_a_test() {
        let files = [("lib.rs", "#[cfg(test)]\nmod proof;"), ("proof.rs", "a.unwrap()")]
            .map(|(name, text)| File { path: format!("crates/a/src/{name}"), text: text.into() });
        assert_eq!(check(&files), []);
    }

    #[test]
    fn only_gatewire_reads_clocks_and_spawns() {
        let text = "let now = Instant::now();\nuse tokio::net;\nstd::thread::sleep(x);";
        assert_eq!(found("crates/gatewire-core/src/a.rs", text), [1, 3, 2]);
        assert_eq!(found("crates/gatewire/src/a.rs", text), Vec::<usize>::new());
        assert_eq!(found("benches/a.rs", text), Vec::<usize>::new());
    }

    #[test]
    fn a_file_is_long_before_it_is_too_long() {
        let of = |lines| File { path: "a.rs".to_owned(), text: "x\n".repeat(lines) };
        let files = [of(LONG), of(LONG + 1), of(LONGEST), of(LONGEST + 1)];
        let long: Vec<usize> = long_files(&files).into_iter().map(|(_, lines)| lines).collect();
        assert_eq!(long, [LONG + 1, LONGEST]);
        assert_eq!(check(&files).len(), 1);
    }

    #[test]
    fn modules_are_sought_beside_or_below_their_parent() {
        assert_eq!(module_folder("a/src/lib.rs"), "a/src");
        assert_eq!(module_folder("a/src/b/mod.rs"), "a/src/b");
        assert_eq!(module_folder("a/src/b.rs"), "a/src/b");
    }
}
