//! Checks the model of the handshake, `docs/security/handshake.pml`, with Spin.
//!
//! A run either must hold, or must fail: with a defence taken away Spin has to find the attack, else
//! the model could not see one. `docs/security/handshake.md` tells what the properties mean and what the
//! model does not prove. Nothing is installed: where Spin or gcc is absent the task says so and passes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::command::{Failure, capture};
use crate::workspace::Workspace;

/// Which file is checked; each run has a folder of its own under the target directory.
const MODEL: &str = "docs/security/handshake.pml";

/// Steps of the longest execution: it has 52, so a search that needs more is a mistake.
const DEPTH: u32 = 1000;

/// One search through all states of the model.
struct Run {
    /// What is taken away, as the model's `#ifdef`s call it; several joined by `+`.
    name: &'static str,
    /// The property that must fail, or none: then all must hold.
    broken: Option<&'static str>,
}

const RUNS: [Run; 17] = [
    Run { name: "NOTHING", broken: None },
    Run { name: "NOTHING", broken: Some("NO_END") },
    Run { name: "NO_DIALLER_NONCE", broken: Some("INJECTIVE") },
    Run { name: "NO_DIALLER_NONCE", broken: Some("AGREEMENT") },
    Run { name: "NO_LISTENER_NONCE", broken: Some("INJECTIVE") },
    Run { name: "NO_INSTANCE", broken: Some("NO_SELFIE") },
    Run { name: "NO_SELF_CHECK", broken: Some("NO_SELFIE") },
    Run { name: "NO_ROLE", broken: Some("AGREEMENT") },
    Run { name: "NO_OFFER", broken: Some("BEST_OFFER") },
    Run { name: "NO_OFFER_CHECK", broken: Some("AGREEMENT") },
    Run { name: "NO_SESSION_ID", broken: Some("AGREEMENT") },
    Run { name: "NO_BINDING", broken: Some("NO_RELAY") },
    Run { name: "NO_LABEL", broken: None },
    Run { name: "NO_CHAIN", broken: None },
    Run { name: "NO_LABEL+NO_CHAIN", broken: Some("AGREEMENT") },
    Run { name: "LEAKED_KEY", broken: Some("AGREEMENT") },
    Run { name: "CLAIM_PLAIN", broken: Some("NO_RELAY") },
];

/// Checks all runs; with a name shows the attacks of that one instead.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let only = match arguments {
        [] => None,
        [name] if RUNS.iter().any(|run| run.name == name) => Some(name.as_str()),
        _ => return Err(usage()),
    };
    for (program, version) in [("spin", "-V"), ("gcc", "--version")] {
        if !starts(program, version) {
            println!(
                "skipped: the model needs `{program}`, which is not here; \
                 on Debian: apt-get install spin gcc"
            );
            return Ok(());
        }
    }
    println!("{:<20}{:<12}{:<12}{:>12}{:>9}", "without", "property", "result", "states", "time");
    let mut surprises = 0;
    for run in RUNS.iter().filter(|run| only.is_none_or(|only| only == run.name)) {
        let folder = workspace.target.join("model").join(run.folder());
        let begin = Instant::now();
        let found = run.search(&workspace.root.join(MODEL), &folder)?;
        let expected = found.fails == run.broken.is_some();
        surprises += usize::from(!expected);
        println!(
            "{:<20}{:<12}{:<12}{:>12}{:>7.1} s{}",
            run.name,
            run.broken.unwrap_or("all"),
            if found.fails { "fails" } else { "holds" },
            found.states,
            begin.elapsed().as_secs_f64(),
            if expected { "" } else { "  <- not as it should be" },
        );
        // An attack is shown where it was asked for, and where there must be none.
        if found.fails && (only.is_some() || !expected) {
            run.show_trail(&folder)?;
        }
    }
    Failure::when_any(
        surprises,
        "property is not as it should be",
        "properties are not as they should be",
    )
}

/// What a search came to.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    fails: bool,
    states: u64,
}

impl Run {
    fn folder(&self) -> String {
        format!("{}-{}", self.name, self.broken.unwrap_or("all")).to_lowercase()
    }

    /// The switches for the model: a property that must hold is checked with all others.
    fn switches(&self) -> Vec<String> {
        let defences = self.name.split('+').filter(|&name| name != "NOTHING");
        let property = self.broken.map(|property| format!("-DPROPERTY={property}"));
        defences.map(|name| format!("-D{name}")).chain(property).collect()
    }

    /// Spin writes the checker in C; the checker searches.
    fn search(&self, model: &Path, folder: &Path) -> Result<Found, Failure> {
        fs::create_dir_all(folder)?;
        // Spin looks for the trail beside the model, and writes its files where it is started.
        fs::copy(model, folder.join("handshake.pml"))?;
        let in_folder = |program: &Path| {
            let mut command = Command::new(program);
            command.current_dir(folder);
            command
        };
        let switches = self.switches();
        capture(in_folder("spin".as_ref()).args(&switches).args(["-a", "handshake.pml"]))?;
        // Spin's C has warnings that are nobody's fault here.
        let options = ["-w", "-O2", "-DSAFETY", "-DNOCLAIM", "-o", "pan", "pan.c"];
        capture(in_folder("gcc".as_ref()).args(options))?;
        // -E: an honest session may wait for ever; -n: no list of lines that were not reached.
        let checker = folder.join("pan");
        let output = in_folder(&checker).args(["-E", "-n", &format!("-m{DEPTH}")]).output()?;
        let report = String::from_utf8_lossy(&output.stdout);
        fs::write(folder.join("report.txt"), &*report)?;
        Found::read(&report).ok_or_else(|| {
            let name = self.name;
            Failure::new(format!("the search `{name}` did not come to its end\n{report}"))
        })
    }

    /// Prints what the sessions did on the way to the failure.
    fn show_trail(&self, folder: &Path) -> Result<(), Failure> {
        let mut spin = Command::new("spin");
        spin.current_dir(folder).args(self.switches()).args(["-t", "-T", "handshake.pml"]);
        let trail = spin.output()?;
        let trail = String::from_utf8_lossy(&trail.stdout);
        let steps = trail.lines().map(str::trim);
        let said = |line: &&str| line.starts_with("dialler ") || line.starts_with("listener ");
        steps.filter(said).for_each(|line| println!("    {line}"));
        Ok(())
    }
}

impl Found {
    /// `None` unless the search ended, with or without a failed claim.
    fn read(report: &str) -> Option<Self> {
        let states = report.split_once(" states, stored")?.0.rsplit('\n').next()?;
        let states = states.trim().parse().ok()?;
        let errors = report.split_once("errors: ")?.1.split_whitespace().next()?;
        let fails = errors != "0";
        let broken = if fails {
            !report.contains("assertion violated")
        } else {
            report.contains("Search not completed") || report.contains("search depth too small")
        };
        if broken { None } else { Some(Self { fails, states }) }
    }
}

fn usage() -> Failure {
    let mut names: Vec<_> = RUNS.iter().map(|run| run.name).collect();
    names.dedup();
    Failure::new(format!("usage: cargo xtask model [NAME]; names: {}", names.join(", ")))
}

fn starts(program: &str, version: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(version).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_whether_all_claims_held() {
        let held = "State-vector 116 byte, depth reached 52, errors: 0\n 11737537 states, stored\n";
        assert_eq!(Found::read(held), Some(Found { fails: false, states: 11_737_537 }));
        let failed = "pan:1: assertion violated ((1!=1)||0) (at depth 29)\n\
                      Warning: Search not completed\ndepth reached 29, errors: 1\n        4 states, stored\n";
        assert_eq!(Found::read(failed), Some(Found { fails: true, states: 4 }));
    }

    #[test]
    fn a_search_that_did_not_end_is_no_result() {
        let deep = "error: max search depth too small\nerrors: 0\n 7 states, stored\n";
        let memory = "pan: reached -DMEMLIM bound\nWarning: Search not completed\nerrors: 0\n 7 states, stored\n";
        let crash = "pan:1: invalid end state (at depth 3)\nerrors: 1\n 7 states, stored\n";
        for report in [deep, memory, crash, ""] {
            assert_eq!(Found::read(report), None, "{report}");
        }
    }

    #[test]
    fn switches_name_what_is_taken_away() {
        let both = Run { name: "NO_LABEL+NO_CHAIN", broken: Some("AGREEMENT") };
        assert_eq!(both.switches(), ["-DNO_LABEL", "-DNO_CHAIN", "-DPROPERTY=AGREEMENT"]);
        assert!(Run { name: "NOTHING", broken: None }.switches().is_empty());
    }

    #[test]
    fn each_switch_is_one_of_the_model() {
        let model = include_str!("../../docs/security/handshake.pml");
        for run in &RUNS {
            for name in run.name.split('+').filter(|&name| name != "NOTHING") {
                assert!(model.contains(&format!("#ifdef {name}\n")), "{name}");
            }
            if let Some(property) = run.broken {
                assert!(model.contains(&format!("CLAIM({property}, ")), "{property}");
            }
        }
    }
}
