//! Instructions per operation, counted by callgrind and compared with the stored ones.
//!
//! Unlike times, they are the same in each run and nearly so on each machine: what differs is the
//! code. They say nothing of caches and system calls. The stored ones hold for one compiler; another
//! one generates other code.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::options::Icount;
use crate::command::{Failure, capture, cargo, run as run_command};
use crate::tools::{first_line, is_here, search_path};
use crate::workspace::Workspace;

const PACKAGE: &str = "gatewire-benches";
const PROGRAM: &str = "icount";
const STORED: &str = "benches/icount.toml";

/// More than the C library of another machine makes of it, less than anybody would do on purpose.
const TOLERANCE: f64 = 0.03;

/// What was counted, and with which compiler.
#[derive(Debug, Clone, PartialEq)]
struct Counts {
    rustc: String,
    /// Names and instructions per operation.
    rows: Vec<(String, f64)>,
}

pub(super) fn run(workspace: &Workspace, what: Icount) -> Result<(), Failure> {
    if !is_here("valgrind") {
        return Err(Failure::new("`--icount` needs valgrind, which is not here"));
    }
    let path = workspace.root.join(STORED);
    let now = count(workspace)?;
    if what == Icount::Bless {
        fs::write(&path, now.write())?;
        print!("{}", table(&now, &now));
        println!("stored: {STORED}");
        return Ok(());
    }
    let stored = Counts::read(&fs::read_to_string(&path)?)
        .ok_or_else(|| Failure::new(format!("{STORED} is not what `--bless` writes")))?;
    print!("{}", table(&stored, &now));
    if stored.rustc != now.rustc {
        println!("stored with {}, counted with {}: other code", stored.rustc, now.rustc);
    }
    Failure::when_any(
        changed(&stored, &now).len(),
        "operation differs from what is stored",
        "operations differ from what is stored",
    )
    .map_err(|failure| Failure::new(format!("{failure}; if it is meant so, add `--bless`")))
}

/// Why counting would compare different things here; `None`: it can be part of a check.
pub(super) fn obstacle(workspace: &Workspace) -> Result<Option<String>, Failure> {
    if !is_here("valgrind") {
        return Ok(Some("there is no valgrind".to_owned()));
    }
    let text = fs::read_to_string(workspace.root.join(STORED))?;
    let stored = Counts::read(&text).map(|counts| counts.rustc);
    let now = compiler();
    Ok((stored.as_ref() != Some(&now)).then(|| {
        format!("stored with {}, and this is {now}", stored.as_deref().unwrap_or("nothing"))
    }))
}

fn compiler() -> String {
    first_line("rustc", &["--version"]).unwrap_or_else(|| "an unknown rustc".to_owned())
}

fn count(workspace: &Workspace) -> Result<Counts, Failure> {
    run_command(cargo(&workspace.root).args([
        "build",
        "--release",
        "--package",
        PACKAGE,
        "--bin",
        PROGRAM,
    ]))?;
    let file = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let program = workspace.target.join("release").join(file);
    let list = capture(Command::new(&program).arg("--list"))?;
    let mut rows = Vec::new();
    for line in list.lines() {
        let listed = line.split_once(' ').and_then(|(n, name)| Some((n.parse().ok()?, name)));
        let (iterations, name): (u32, &str) =
            listed.ok_or_else(|| Failure::new(format!("`{PROGRAM} --list` said `{line}`")))?;
        let once = instructions(&program, name, iterations)?;
        let twice = instructions(&program, name, 2 * iterations)?;
        rows.push((name.to_owned(), (twice - once) / f64::from(iterations)));
    }
    Ok(Counts { rustc: compiler(), rows })
}

/// All instructions of the program's run.
fn instructions(program: &Path, name: &str, iterations: u32) -> Result<f64, Failure> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(program).arg(name).arg(iterations.to_string());
    // What stands in the environment changes where the stack begins, and so a few instructions.
    valgrind.env_clear().env("PATH", search_path());
    let output = valgrind.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said).filter(|_| output.status.success()).ok_or_else(|| {
        Failure::new(format!("callgrind ended with {} on `{name}`:\n{said}", output.status))
    })
}

/// The number in callgrind's closing line.
fn collected(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// The operations that differ by more than [`TOLERANCE`], or are only on one side.
fn changed<'a>(stored: &'a Counts, now: &'a Counts) -> Vec<&'a str> {
    let differs = |(name, count): &&(String, f64)| {
        let before = stored.rows.iter().find(|(stored, _)| stored == name);
        before.is_none_or(|(_, before)| (count / before - 1.0).abs() > TOLERANCE)
    };
    let gone = |(name, _): &&(String, f64)| !now.rows.iter().any(|(other, _)| other == name);
    let changed = now.rows.iter().filter(differs).chain(stored.rows.iter().filter(gone));
    changed.map(|(name, _)| name.as_str()).collect()
}

fn table(stored: &Counts, now: &Counts) -> String {
    let mut text = format!("{:<40}{:>12}{:>12}{:>10}\n", "instructions", "stored", "now", "change");
    let changed = changed(stored, now);
    for (name, count) in &now.rows {
        let before = stored.rows.iter().find(|(stored, _)| stored == name);
        let (before, change) = before.map_or(("-".to_owned(), "new".to_owned()), |(_, before)| {
            (format!("{before:.1}"), format!("{:+.1} %", (count / before - 1.0) * 100.0))
        });
        let mark = if changed.contains(&name.as_str()) { "  <==" } else { "" };
        writeln!(text, "{name:<40}{before:>12}{count:>12.1}{change:>10}{mark}")
            .expect("a string takes all");
    }
    for (name, before) in &stored.rows {
        if !now.rows.iter().any(|(other, _)| other == name) {
            writeln!(text, "{name:<40}{before:>12.1}{:>12}{:>10}  <==", "-", "gone")
                .expect("a string takes all");
        }
    }
    text
}

impl Counts {
    /// The text of the stored file: a small part of TOML.
    fn write(&self) -> String {
        let mut text = format!(
            "# Instructions per operation. Written by `cargo xtask bench --icount --bless`.\n\
             rustc = \"{}\"\n\n[instructions]\n",
            self.rustc
        );
        for (name, count) in &self.rows {
            writeln!(text, "\"{name}\" = {count:.1}").expect("a string takes all");
        }
        text
    }

    /// Reads what [`write`](Self::write) wrote.
    fn read(text: &str) -> Option<Self> {
        let mut counts = Self { rustc: String::new(), rows: Vec::new() };
        for line in text.lines() {
            match line.split_once(" = ") {
                Some(("rustc", version)) => version.trim_matches('"').clone_into(&mut counts.rustc),
                Some((name, count)) => {
                    counts.rows.push((name.trim_matches('"').to_owned(), count.parse().ok()?));
                }
                None => {}
            }
        }
        (!counts.rustc.is_empty() && !counts.rows.is_empty()).then_some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: &[(&str, f64)]) -> Counts {
        let rows = rows.iter().map(|&(name, count)| (name.to_owned(), count)).collect();
        Counts { rustc: "rustc 1.0".to_owned(), rows }
    }

    #[test]
    fn what_is_stored_can_be_read() {
        let counts = counts(&[("decode, 16 B", 165.0), ("fan-out to 10", 1234.5)]);
        assert_eq!(Counts::read(&counts.write()), Some(counts));
        assert_eq!(Counts::read("rustc = \"1\"\n"), None);
        assert_eq!(Counts::read("rustc = \"1\"\n\"a\" = many\n"), None);
    }

    #[test]
    fn more_than_three_percent_up_or_down_is_a_change() {
        let stored = counts(&[("same", 100.0), ("up", 100.0), ("down", 100.0), ("gone", 1.0)]);
        let now = counts(&[("same", 102.9), ("up", 103.1), ("down", 96.0), ("new", 1.0)]);
        assert_eq!(changed(&stored, &now), ["up", "down", "new", "gone"]);
        let table = table(&stored, &now);
        assert_eq!(table.matches("<==").count(), 4, "{table}");
        assert!(table.contains("-4.0 %"), "{table}");
    }

    #[test]
    fn callgrind_tells_the_sum_at_the_end() {
        let said = "==7== Events    : Ir\n==7== Collected : 2413566\n==7== \n";
        assert_eq!(collected(said), Some(2_413_566.0));
        assert_eq!(collected("==7== Killed"), None);
    }
}
