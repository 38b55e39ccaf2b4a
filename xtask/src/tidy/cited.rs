//! Tests that a document names as its evidence must exist.
//!
//! In a Markdown table each piece of code in a column headed `test` or `tests` is the name of a test as the
//! test runner has it: the path of its module, and its own name. A test that is renamed or deleted
//! takes its claim along, or is found here.

use std::collections::HashSet;

use super::source::Source;
use super::table::{code, rows};
use super::{File, Finding};

/// A finding for each test that is named and does not exist.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let tests: HashSet<String> = files.iter().flat_map(tests).collect();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.extension() == "md") {
        for (number, name) in cited(&file.text) {
            if !tests.contains(&name) {
                let sentence = format!("there is no test `{name}`");
                findings.push(Finding::new(&file.path, number, sentence));
            }
        }
    }
    findings
}

/// The names of the tests in `file`, as far as it is part of a crate.
fn tests(file: &File) -> Vec<String> {
    let Some(module) = module(&file.path) else { return Vec::new() };
    let source = Source::new(&file.text);
    let (mut inner, mut is_test, mut tests) = (None, false, Vec::new());
    for (_, line) in source.numbered() {
        // The code is formatted: what begins a line is at the top of the file.
        if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {")) {
            inner = Some(name);
        } else if line == "}" {
            inner = None;
        }
        let code = line.trim_start();
        if code.starts_with("#[test]") || code.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = function(code)
            && std::mem::take(&mut is_test)
        {
            let path = [module.as_str(), inner.unwrap_or_default(), name];
            let parts: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
            tests.push(parts.join("::"));
        }
    }
    tests
}

/// The name of the function that begins in this line.
fn function(code: &str) -> Option<&str> {
    let rest = code.strip_prefix("async ").unwrap_or(code).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// The path of the module in the file at `path`, without its crate.
fn module(path: &str) -> Option<String> {
    let (_, inside) = path.strip_prefix("crates/")?.split_once('/')?;
    let file = inside.strip_prefix("src/").or_else(|| inside.strip_prefix("tests/it/"))?;
    let module = file.strip_suffix(".rs")?;
    let module = module.strip_suffix("/mod").unwrap_or(module);
    let root = matches!(module, "lib" | "main");
    Some(if root { String::new() } else { module.replace('/', "::") })
}

/// The tests that `markdown` names, with their lines.
fn cited(markdown: &str) -> Vec<(usize, String)> {
    let mut cited = Vec::new();
    for row in rows(markdown) {
        let cell = row.cell(&["test", "tests"]).unwrap_or_default();
        cited.extend(code(cell).map(|name| (row.line, name.to_owned())));
    }
    cited
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_test_is_named_by_its_module_and_its_function() {
        let text = "#[test]\nfn one() {}\nfn no_test() {}\n#[tokio::test]\n\
                    async fn two() {}\n// #[test]\nfn neither() {}\n\
                    mod tests {\n    #[test]\n    fn three() {}\n}\n#[test]\nfn four() {}\n";
        let found = tests(&file("crates/a/tests/it/tls/keys.rs", text));
        assert_eq!(
            found,
            ["tls::keys::one", "tls::keys::two", "tls::keys::tests::three", "tls::keys::four"]
        );
        let one = "#[test]\nfn one() {}\n";
        assert_eq!(tests(&file("crates/a/src/tls/mod.rs", one)), ["tls::one"]);
        assert_eq!(tests(&file("crates/a/tests/it/main.rs", one)), ["one"]);
        assert_eq!(tests(&file("docs/a.rs", one)), [""; 0]);
    }

    #[test]
    fn only_the_column_of_tests_names_them() {
        let text =
            "| attack | test |\n|---|---|\n| `x` | `a::b`, `c` |\n| none | |\n\n| `d` | `e` |\n";
        assert_eq!(cited(text), [(3, "a::b".to_owned()), (3, "c".to_owned())]);
    }

    #[test]
    fn a_test_that_is_not_there_is_a_finding() {
        let files = [
            file("crates/a/tests/it/b.rs", "#[test]\nfn here() {}\n"),
            file("docs/a.md", "| test |\n|---|\n| `b::here`, `b::gone` |\n"),
        ];
        let finding = Finding::new("docs/a.md", 3, "there is no test `b::gone`");
        assert_eq!(check(&files), [finding]);
    }
}
