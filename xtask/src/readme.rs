//! Runs the doc tests, and checks that each README's examples were among them.
//!
//! A README becomes a doc test when a crate takes it in with `include_str!`; `tidy` checks that it
//! does. Here the numbers are compared: a crate must pass at least as many doc tests as its README
//! has examples, and must ignore none.

use std::collections::HashMap;
use std::fs;

use crate::command::{Failure, cargo, run_and_keep};
use crate::workspace::{Package, Workspace};

/// A Rust block in a Markdown file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Example {
    /// Of its opening fence, from 1.
    pub(crate) line: usize,
    /// False when it is marked `ignore`.
    pub(crate) tested: bool,
}

/// What the doc tests of one crate came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Outcome {
    passed: usize,
    ignored: usize,
}

/// Runs them, or with `--log FILE` takes what a run of all tests has printed.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let output = match arguments {
        [] => run_and_keep(cargo(&workspace.root).args(["test", "--workspace", "--doc"]))?,
        [option, file] if option == "--log" => {
            fs::read_to_string(file)?.lines().map(str::to_owned).collect()
        }
        _ => return Err(Failure::new("usage: cargo xtask readme [--log FILE]")),
    };
    let outcomes = outcomes(&output);
    let mut wrong = 0;
    for package in workspace.crates() {
        let expected = examples_of(workspace, package)?;
        let outcome = outcomes.get(&package.name.replace('-', "_")).copied().unwrap_or_default();
        if outcome.passed < expected || outcome.ignored > 0 {
            wrong += 1;
            println!(
                "`{}`: {expected} README examples, but {} doc tests passed and {} were ignored",
                package.name, outcome.passed, outcome.ignored
            );
        } else if expected > 0 {
            println!("`{}`: {expected} README examples ran", package.name);
        }
    }
    Failure::when_any(
        wrong,
        "crate whose README was not tested",
        "crates whose READMEs were not tested",
    )
}

/// The Rust blocks in `markdown`, as rustdoc would find them.
pub(crate) fn rust_examples(markdown: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut open = false;
    for (index, line) in markdown.lines().enumerate() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        open = !open;
        let words: Vec<&str> = info.split([',', ' ']).filter(|word| !word.is_empty()).collect();
        if open && words.iter().all(|word| is_rust(word)) {
            let tested = !words.iter().any(|word| word.starts_with("ignore"));
            examples.push(Example { line: index + 1, tested });
        }
    }
    examples
}

/// Whether rustdoc takes a block with this word after its fence for Rust.
fn is_rust(word: &str) -> bool {
    const FLAGS: [&str; 5] = ["rust", "should_panic", "no_run", "compile_fail", "standalone_crate"];
    FLAGS.contains(&word) || word.starts_with("ignore") || word.starts_with("edition")
}

/// How many README examples belong to `package`; the root's README belongs to `gatewire`.
fn examples_of(workspace: &Workspace, package: &Package) -> Result<usize, Failure> {
    let mut paths = vec![package.folder().join("README.md")];
    if package.name == "gatewire" {
        paths.push(workspace.root.join("README.md"));
    }
    let mut count = 0;
    for path in paths.into_iter().filter(|path| path.exists()) {
        count += rust_examples(&fs::read_to_string(path)?).len();
    }
    Ok(count)
}

/// What each crate's doc tests came to, by the name of its library.
fn outcomes(output: &[String]) -> HashMap<String, Outcome> {
    let mut outcomes: HashMap<String, Outcome> = HashMap::new();
    let mut current = String::new();
    for line in output {
        if let Some(name) = line.trim_start().strip_prefix("Doc-tests ") {
            name.trim().clone_into(&mut current);
        } else if line.starts_with("test result:") {
            // A crate has several results when some of its examples are built by themselves.
            let outcome = outcomes.entry(current.clone()).or_default();
            outcome.passed += number_before(line, " passed");
            outcome.ignored += number_before(line, " ignored");
        }
    }
    outcomes
}

fn number_before(line: &str, word: &str) -> usize {
    let before = line.split(word).next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_blocks_are_told_from_others() {
        let text = "```rust\n```\n```toml\n```\n```\n```\n```rust,ignore\n```\n```no_run\n```\n";
        let found: Vec<_> = rust_examples(text).iter().map(|e| (e.line, e.tested)).collect();
        assert_eq!(found, [(1, true), (5, true), (7, false), (9, true)]);
    }

    #[test]
    fn results_are_added_up_for_each_crate() {
        let output = [
            "   Doc-tests gatewire_codec",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished",
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished",
            "   Doc-tests gatewire",
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished",
        ]
        .map(str::to_owned);
        let outcomes = outcomes(&output);
        assert_eq!(outcomes["gatewire_codec"], Outcome { passed: 5, ignored: 1 });
        assert_eq!(outcomes["gatewire"], Outcome { passed: 12, ignored: 0 });
    }
}
