//! Runs each fuzz target for a short while, on the stable toolchain.
//!
//! What tells the fuzzer which code a mutation reached is a pass of LLVM's that stable rustc can
//! run ([`COVERAGE`]); only the sanitizers need a nightly one, and without `unsafe` they would find
//! nothing here. The run starts from the committed corpus and leaves it alone: what it discovers goes to
//! a folder under the target directory, and so do inputs that fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{Failure, capture, cargo, run as run_command};
use crate::workspace::Workspace;

/// Enough for several million inputs of a small decoder; a smoke test, not a campaign.
const SECONDS: u64 = 10;

/// Targets that run side by side.
const AT_ONCE: usize = 2;

/// The target that needs a whole server, and the feature that has it built.
const SERVER: &str = "listener";

/// Counters at each edge, and debug assertions in an optimised build.
const COVERAGE: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "--cfg=fuzzing",
];

/// The most memory that a target may use, in MiB: a decoder that trusts a length exceeds it.
const MEMORY_MIB: u32 = 512;

/// What `cargo xtask ci` runs: all targets but that of a whole server, whose build takes longer than all else of the step. What
/// it has found is replayed by the tests of `gatewire`.
pub(crate) fn smoke(workspace: &Workspace) -> Result<(), Failure> {
    fuzz(workspace, SECONDS, false)
}

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    fuzz(workspace, seconds(arguments)?, true)
}

fn fuzz(workspace: &Workspace, seconds: u64, server: bool) -> Result<(), Failure> {
    let folder = workspace.root.join("fuzz");
    if !folder.join("Cargo.toml").exists() {
        return Err(Failure::new("there is no fuzz/Cargo.toml"));
    }
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if !starts(&compiler) {
        println!(
            "skipped: the fuzzer's runtime needs a C++ compiler, and `{compiler}` is not here"
        );
        return Ok(());
    }
    let targets = Workspace::load_from(&folder)?;
    let host = host()?;
    let output = workspace.target.join("fuzz-output");

    // With a target triple the flags concern the fuzzed code only, not build scripts and macros.
    let mut build = cargo(&folder);
    build.args(["build", "--release", "--bins", "--target", &host]);
    build.arg("--target-dir").arg(&workspace.target);
    if !server {
        build.arg("--no-default-features");
    }
    build.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    run_command(&mut build)?;

    let all = targets.packages.iter().flat_map(|package| package.targets("bin"));
    let names: Vec<&str> = all.map(|target| &*target.name).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| server || *name != SERVER).collect();
    let programs = workspace.target.join(&host).join("release");
    // A target has one thread.
    for at_once in names.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let run = |name: &&str| fuzz_one(&programs.join(name), name, &folder, &output, seconds);
            let running: Vec<_> =
                at_once.iter().map(|name| scope.spawn(move || run(name))).collect();
            running.into_iter().try_for_each(|run| run.join().expect("it does not panic"))
        })?;
    }
    let count = names.len();
    if count == 0 {
        return Err(Failure::new("fuzz/Cargo.toml has no targets"));
    }
    println!("fuzz: {count} targets ran for {seconds} s each without a failing input");
    Ok(())
}

/// Runs one target on a copy of its corpus.
fn fuzz_one(
    program: &Path,
    name: &str,
    folder: &Path,
    output: &Path,
    seconds: u64,
) -> Result<(), Failure> {
    let discovered = output.join("corpus").join(name);
    let failing = output.join("failing").join(name);
    for folder in [&discovered, &failing] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
    }
    let mut fuzz = Command::new(program);
    fuzz.current_dir(folder);
    fuzz.arg(format!("-max_total_time={seconds}"));
    fuzz.arg(format!("-rss_limit_mb={MEMORY_MIB}"));
    fuzz.arg(format!("-artifact_prefix={}/", failing.display()));
    fuzz.arg("-print_final_stats=1");
    // The fuzzer adds to the first folder and only reads the others.
    fuzz.arg(&discovered).args(corpus(folder, name));
    let output = fuzz.output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    let report = Report::read(&log);
    if !output.status.success() {
        // Lines with `#` tell the progress, which is of no interest here.
        log.lines().filter(|line| !line.starts_with('#')).for_each(|line| println!("{line}"));
        return Err(Failure::new(format!(
            "fuzz target `{name}` ended with {}; the input lies in {}",
            output.status,
            failing.display()
        )));
    }
    if report.counters == 0 {
        return Err(Failure::new(format!("fuzz target `{name}` was built without coverage")));
    }
    println!(
        "fuzz target {name}: {} inputs over {} counters, {} of them reached something new",
        report.inputs, report.counters, report.new
    );
    Ok(())
}

/// What a run of the fuzzer came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    /// Places in the code whose visits the fuzzer sees. Without any it would guess blindly.
    counters: u64,
    /// Inputs tried.
    inputs: u64,
    /// Inputs that were kept, because they reached a place in a way that none before did.
    new: u64,
}

impl Report {
    fn read(log: &str) -> Self {
        let number = |before: &str| {
            let line = log.lines().find_map(|line| line.strip_prefix(before))?;
            let digits = line.trim_start_matches([' ', '(']);
            digits.split(' ').next()?.parse().ok()
        };
        Self {
            counters: number("INFO: Loaded 1 modules").unwrap_or(0),
            inputs: number("stat::number_of_executed_units:").unwrap_or(0),
            new: number("stat::new_units_added:").unwrap_or(0),
        }
    }
}

/// The folders with committed inputs for the target called `name`.
fn corpus(folder: &Path, name: &str) -> Option<PathBuf> {
    Some(folder.join("corpus").join(name)).filter(|corpus| corpus.is_dir())
}

/// The argument of `--seconds`, if it was given.
fn seconds(arguments: &[String]) -> Result<u64, Failure> {
    match arguments {
        [] => Ok(SECONDS),
        [option, number] if option == "--seconds" => {
            number.parse().map_err(|_| Failure::new(format!("`{number}` is no number of seconds")))
        }
        _ => Err(Failure::new("usage: cargo xtask fuzz [--seconds N]")),
    }
}

/// Whether `program` is there and can be started.
fn starts(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The triple that rustc builds for by default.
fn host() -> Result<String, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = capture(Command::new(rustc).arg("-vV"))?;
    host_of(&version).ok_or_else(|| Failure::new("rustc -vV does not name its host"))
}

fn host_of(version: &str) -> Option<String> {
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_ten_seconds_unless_told() {
        let parse = |arguments: &[&str]| {
            seconds(&arguments.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&[]), Ok(10));
        assert_eq!(parse(&["--seconds", "3"]), Ok(3));
        assert!(parse(&["--seconds", "soon"]).is_err());
        assert!(parse(&["--minutes", "3"]).is_err());
    }

    #[test]
    fn the_report_is_read_from_the_fuzzers_log() {
        let log = "INFO: Seed: 1\nINFO: Loaded 1 modules   (2066 inline 8-bit counters): 2066 [0, 1), \n\
                   #2 INITED\nstat::number_of_executed_units: 1444851\nstat::new_units_added:          7\n";
        assert_eq!(Report::read(log), Report { counters: 2066, inputs: 1_444_851, new: 7 });
        assert_eq!(Report::read(""), Report::default());
    }

    #[test]
    fn the_host_is_read_from_rustcs_version() {
        assert_eq!(host_of("rustc 1.88.0\nhost: a-b-c\nrelease: 1"), Some("a-b-c".to_owned()));
        assert_eq!(host_of("rustc 1.88.0"), None);
    }

    #[test]
    fn an_absent_compiler_does_not_start() {
        assert!(!starts("there-is-no-such-compiler"));
    }
}
