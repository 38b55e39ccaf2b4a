//! Builds and runs each example as a test.
//!
//! An example says what it prints: each `//! expect: <text>` line of its source must appear in what
//! it writes, in that order, with anything between. It must also end by itself, with status 0, in
//! [`LIMIT`].

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{Failure, capture, cargo, kill_group, own_group};
use crate::workspace::Workspace;

const PACKAGE: &str = "gatewire-examples";

/// Far more than any example needs; one that waits for ever is stopped here.
const LIMIT: Duration = Duration::from_secs(30);

/// How often a running example is looked at: short against any example, cheap against none.
const LOOK: Duration = Duration::from_millis(10);

pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    run_built(workspace, &["build", "--package", PACKAGE, "--examples"])
}

/// What `cargo xtask ci` runs: the examples as the tests of the workspace have built them. Alone they have other
/// features, and everything below them would be compiled once more.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    run_built(workspace, &["test", "--workspace", "--no-run"])
}

fn run_built(workspace: &Workspace, arguments: &[&str]) -> Result<(), Failure> {
    let package = workspace.package(PACKAGE)?;
    let mut build = cargo(&workspace.root);
    build.args(arguments).args(["--message-format", "json-render-diagnostics"]);
    println!("$ cargo {}", arguments.join(" "));
    let built = executables(&capture(&mut build)?);

    let logs = workspace.target.join("examples-output");
    fs::create_dir_all(&logs)?;
    let mut failed = 0;
    for example in package.targets("example") {
        let name = &example.name;
        let Some((_, program)) = built.iter().find(|(built, _)| built == name) else {
            return Err(Failure::new(format!("cargo did not build the example `{name}`")));
        };
        let expected = expectations(&fs::read_to_string(&example.source)?);
        let log = logs.join(format!("{name}.txt"));
        let begin = Instant::now();
        match run_one(program, &workspace.root, &log, &expected) {
            Ok(()) => println!(
                "example {name}: ok, {} expected lines, {:.2} s",
                expected.len(),
                begin.elapsed().as_secs_f64()
            ),
            Err(failure) => {
                failed += 1;
                println!("example {name}: {failure}; it printed:");
                println!("{}", String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()));
            }
        }
    }
    Failure::when_any(failed, "failed example", "failed examples")
}

/// The names and programs of the examples in cargo's messages.
fn executables(messages: &str) -> Vec<(String, PathBuf)> {
    let example = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let target = &message["target"];
        let name = target["name"].as_str().filter(|_| target["kind"][0] == "example")?;
        Some((name.to_owned(), PathBuf::from(message["executable"].as_str()?)))
    };
    messages.lines().filter_map(example).collect()
}

/// The texts after `//! expect: `, in the order of the source.
fn expectations(source: &str) -> Vec<String> {
    let texts = source.lines().filter_map(|line| line.trim().strip_prefix("//! expect: "));
    texts.map(|text| text.trim().to_owned()).collect()
}

/// Runs `program` with its output in the file `log`, and compares that with `expected`.
fn run_one(
    program: &Path,
    directory: &Path,
    log: &Path,
    expected: &[String],
) -> Result<(), Failure> {
    // A file, not a pipe: a process that the example leaves behind cannot keep us waiting.
    let file = File::create(log)?;
    let mut command = Command::new(program);
    command.current_dir(directory).stdin(Stdio::null());
    command.stdout(file.try_clone()?).stderr(file);
    own_group(&mut command);
    let mut child = command.spawn()?;
    let Some(status) = wait(&mut child)? else {
        kill_group(&mut child)?;
        return Err(Failure::new(format!("still running after {} s", LIMIT.as_secs())));
    };
    if !status.success() {
        return Err(Failure::new(format!("ended with {status}")));
    }
    let output = fs::read(log)?;
    match first_missing(&String::from_utf8_lossy(&output), expected) {
        None => Ok(()),
        Some(text) => Err(Failure::new(format!("did not print `{text}` where it was expected"))),
    }
}

/// The first of `expected` that does not follow in `output` after the ones before it.
fn first_missing<'a>(output: &str, expected: &'a [String]) -> Option<&'a str> {
    let mut rest = output;
    for text in expected {
        match rest.split_once(text.as_str()) {
            Some((_, after)) => rest = after,
            None => return Some(text),
        }
    }
    None
}

/// Waits until `child` has ended; `None` when it takes longer than [`LIMIT`].
fn wait(child: &mut Child) -> Result<Option<ExitStatus>, Failure> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begin.elapsed() > LIMIT {
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_stand_in_the_module_comment() {
        let source = "//! An example.\n//! expect: hello\n//! expect: good bye \nfn main() {}\n";
        assert_eq!(expectations(source), ["hello", "good bye"]);
    }

    #[test]
    fn expected_texts_must_come_in_order() {
        let expected = ["a", "b"].map(str::to_owned);
        assert_eq!(first_missing("x a y b z", &expected), None);
        assert_eq!(first_missing("x b y a z", &expected), Some("b"));
        assert_eq!(first_missing("", &expected), Some("a"));
        assert_eq!(first_missing("", &[]), None);
    }

    #[test]
    fn programs_are_found_in_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"lib","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"chat","kind":["example"]},"executable":"/t/chat"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executables(messages), [("chat".to_owned(), PathBuf::from("/t/chat"))]);
    }
}
