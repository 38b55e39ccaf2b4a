//! Simulates clusters: builds `simulations` and runs it, as it is or with a rule of the protocol broken.
//!
//! Invariants that hold prove something only if they could fail. With `--mutants` each of [`MUTANTS`] has to
//! be caught within [`MOST_SEEDS`] seeds. What can be broken from outside is broken by the program
//! (`--mutant`); what cannot is a build of its own, with `--cfg gatewire_mutation="name"`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{Failure, cargo, run as run_command};
use crate::workspace::Workspace;

const PACKAGE: &str = "gatewire-simulations";
const PROGRAM: &str = "simulate";

/// A rule that is broken.
struct Mutant {
    name: &'static str,
    /// What nobody does any more.
    lacks: &'static str,
    place: Place,
}

/// Where it is broken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Around the routers, by an option of the program.
    Outside,
    /// In the routers, by how they are built.
    Inside,
}

const MUTANTS: [Mutant; 20] = [
    Mutant { name: "no-digests", lacks: "telling what is known on link-up", place: Place::Outside },
    Mutant { name: "constant-nonce", lacks: "a boot nonce", place: Place::Outside },
    Mutant { name: "no-requests", lacks: "asking for what was missed", place: Place::Outside },
    Mutant { name: "no-purges", lacks: "a word at leaving", place: Place::Outside },
    Mutant { name: "no-reset", lacks: "a new link after a loss", place: Place::Outside },
    Mutant { name: "no-order", lacks: "passing over what was overtaken", place: Place::Outside },
    Mutant {
        name: "both-ends",
        lacks: "the rule that both ends list a link",
        place: Place::Inside,
    },
    Mutant { name: "flooding", lacks: "handing on of records", place: Place::Inside },
    Mutant { name: "old-rooms", lacks: "forgetting a last life's rooms", place: Place::Inside },
    Mutant { name: "out-bidding", lacks: "out-bidding of a last life", place: Place::Inside },
    Mutant { name: "back-off", lacks: "growing distances of a throttle", place: Place::Inside },
    Mutant {
        name: "asking-again",
        lacks: "asking anew for what did not fit",
        place: Place::Inside,
    },
    Mutant { name: "rechecking", lacks: "comparing after forgetting", place: Place::Inside },
    Mutant { name: "agreed-cost", lacks: "one cost at both ends", place: Place::Inside },
    Mutant {
        name: "never-back",
        lacks: "the rule that a copy does not go back",
        place: Place::Inside,
    },
    Mutant { name: "splitting", lacks: "the splitting of a set", place: Place::Inside },
    Mutant { name: "hops", lacks: "the counting of links", place: Place::Inside },
    Mutant { name: "numbering", lacks: "numbers before they are needed", place: Place::Inside },
    Mutant { name: "outliving", lacks: "an end of lives that are over", place: Place::Inside },
    Mutant { name: "one-tree", lacks: "one choice among equal ways", place: Place::Inside },
];

/// Each was caught within a tenth of these seeds.
const MOST_SEEDS: &str = "2000";

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    if arguments == ["--mutants"] {
        return mutants(workspace);
    }
    let mut simulate = cargo(&workspace.root);
    simulate.args(["run", "--quiet", "--release", "--package", PACKAGE, "--bin", PROGRAM, "--"]);
    run_command(simulate.args(arguments))
}

/// What `cargo xtask ci` runs: a minute of seeds, and a hundred routers.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    run(workspace, &["--scale", "100", "--seconds", "60"].map(str::to_owned))
}

fn mutants(workspace: &Workspace) -> Result<(), Failure> {
    build(workspace, &workspace.target, None)?;
    let mut rows = vec![format!("{:<16}{:<42}{:>6}  {}", "mutant", "lacks", "seeds", "found")];
    let mut survivors = 0;
    for mutant in &MUTANTS {
        let output = match mutant.place {
            Place::Outside => {
                let arguments = ["--mutant", mutant.name, "--until-caught", MOST_SEEDS];
                simulate(&workspace.target, &arguments)?
            }
            Place::Inside => {
                let target = workspace.target.join("mutants");
                build(workspace, &target, Some(mutant.name))?;
                simulate(&target, &["--until-caught", MOST_SEEDS])?
            }
        };
        let caught = Caught::read(&output);
        survivors += usize::from(caught.is_none());
        let (seeds, found) = caught.map_or(("never".to_owned(), String::new()), |caught| {
            (caught.seeds.to_string(), caught.found.chars().take(MOST_SHOWN).collect())
        });
        println!("{}: {seeds}", mutant.name);
        rows.push(format!("{:<16}{:<42}{seeds:>6}  {found}", mutant.name, mutant.lacks));
    }
    rows.iter().for_each(|row| println!("{row}"));
    Failure::when_any(survivors, "mutant is not caught", "mutants are not caught")?;
    println!("sim: all {} mutants are caught", MUTANTS.len());
    Ok(())
}

fn build(workspace: &Workspace, target: &Path, mutation: Option<&str>) -> Result<(), Failure> {
    let mut build = cargo(&workspace.root);
    build.args(["build", "--quiet", "--release", "--package", PACKAGE, "--bin", PROGRAM]);
    build.arg("--target-dir").arg(target);
    if let Some(name) = mutation {
        let flags = format!("--cfg\u{1f}gatewire_mutation=\"{name}\"");
        build.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags);
    }
    run_command(&mut build)
}

/// What the program in `target` prints. It fails when nothing was caught, which its output tells, too; and
/// on its standard error it tells of each panic of a router, as there may be.
fn simulate(target: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let mut command = Command::new(target.join("release").join(PROGRAM));
    let output = command.args(arguments).stderr(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How a mutant was found.
#[derive(Debug, PartialEq, Eq)]
struct Caught<'a> {
    seeds: u64,
    found: &'a str,
}

impl<'a> Caught<'a> {
    fn read(output: &'a str) -> Option<Self> {
        let last = output.lines().last()?;
        let (seeds, found) = last.strip_prefix("caught after ")?.split_once(" seeds: ")?;
        let found = found.strip_prefix("violation of ").unwrap_or(found);
        Some(Self { seeds: seeds.parse().ok()?, found })
    }
}

/// How much of a violation stands in the table.
const MOST_SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caught_mutant_is_told_with_its_seeds() {
        let output = "some\ncaught after 12 seeds: violation of `all is well` at 3 s: it is not\n";
        let found = "`all is well` at 3 s: it is not";
        assert_eq!(Caught::read(output), Some(Caught { seeds: 12, found }));
        assert_eq!(Caught::read("not caught in 2000 seeds\n"), None);
        assert_eq!(Caught::read(""), None);
    }

    #[test]
    fn each_mutant_is_one_of_the_program_or_of_the_routers() {
        let outside = include_str!("../../simulations/src/mutant.rs");
        let inside = include_str!("../../crates/gatewire-cluster/src/rules.rs");
        for Mutant { name, place, .. } in MUTANTS {
            let text = if place == Place::Outside { outside } else { inside };
            assert!(text.contains(&format!("\"{name}\"")), "{name}");
        }
        assert_eq!(
            MUTANTS.len(),
            outside.matches("(\"").count() + inside.matches("!cfg!(").count()
        );
    }
}
