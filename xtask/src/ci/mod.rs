//! All checks in one command, in the order in which they fail soonest.
//!
//! Most of what a check compiles ends with one crate, which is one core's work. So some checks that are not in a hurry run
//! beside the others, in a process of their own ([`Beside`]). Those that measure time run when these are done.

mod beside;

use std::time::{Duration, Instant};

use crate::command::{Failure, cargo, run as run_command};
use crate::workspace::Workspace;
use crate::{
    bench, examples, features, fuzz, interop, layers, model, readme, sim, standalone, tidy,
};
use beside::Beside;

/// One check, which can be skipped by its name.
struct Step {
    name: &'static str,
    place: Place,
    run: fn(&Workspace) -> Result<(), Failure>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// While others run beside it.
    Main,
    /// Beside those, with files of its own under the target folder.
    Beside,
    /// By itself: it has real sockets and real time.
    Alone,
}

const STEPS: [Step; 15] = [
    step("fmt", Place::Main, fmt),
    step("layers", Place::Main, layers::run),
    step("tidy", Place::Main, tidy::run),
    step("sim", Place::Beside, sim::check),
    step("fuzz", Place::Beside, fuzz::smoke),
    step("clippy", Place::Main, clippy),
    step("readme", Place::Main, |workspace| readme::run(workspace, &[])),
    step("doc", Place::Main, doc),
    step("features", Place::Main, features::run),
    step("standalone", Place::Main, standalone::run),
    step("test", Place::Alone, test),
    step("examples", Place::Alone, examples::check),
    step("interop", Place::Alone, |workspace| interop::run(workspace, &[])),
    step("model", Place::Alone, |workspace| model::run(workspace, &[])),
    step("bench-smoke", Place::Alone, bench::smoke),
];

const fn step(
    name: &'static str,
    place: Place,
    run: fn(&Workspace) -> Result<(), Failure>,
) -> Step {
    Step { name, place, run }
}

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let chosen = chosen(arguments)?;
    let begin = Instant::now();
    let mut rows = Vec::new();
    let result = run_all(workspace, &chosen, &mut rows);
    print!("\n{}", table(&rows, begin.elapsed()));
    result.inspect(|()| println!("all checks passed"))
}

fn run_all(
    workspace: &Workspace,
    chosen: &[&'static Step],
    rows: &mut Vec<(&'static str, Duration)>,
) -> Result<(), Failure> {
    let of = |place| chosen.iter().filter(move |step| step.place == place);
    let names: Vec<_> = of(Place::Beside).map(|step| step.name).collect();
    // Nothing else is to be done: this is that process, or as good as it.
    if names.len() == chosen.len() || names.is_empty() {
        return chosen.iter().try_for_each(|step| run_one(workspace, step, rows));
    }
    let beside = Beside::start(workspace, &names)?;
    of(Place::Main).try_for_each(|step| run_one(workspace, step, rows))?;
    println!("\n==> beside these: {}", names.join(", "));
    let begin = Instant::now();
    let ended = beside.end();
    rows.push(("(beside)", begin.elapsed()));
    ended?;
    of(Place::Alone).try_for_each(|step| run_one(workspace, step, rows))
}

fn run_one(
    workspace: &Workspace,
    step: &Step,
    rows: &mut Vec<(&'static str, Duration)>,
) -> Result<(), Failure> {
    println!("\n==> {}", step.name);
    let begin = Instant::now();
    let result = (step.run)(workspace);
    let time = begin.elapsed();
    rows.push((step.name, time));
    result.map_err(|failure| Failure::new(format!("step `{}` failed: {failure}", step.name)))?;
    println!("<== {}: passed in {:.1} s", step.name, time.as_secs_f64());
    Ok(())
}

/// The steps without those behind each `--skip`, or those behind each `--only`.
fn chosen(arguments: &[String]) -> Result<Vec<&'static Step>, Failure> {
    let usage = || {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        let options = "[--skip STEP].. | [--only STEP]..";
        Failure::new(format!("usage: cargo xtask ci {options}; steps: {}", names.join(", ")))
    };
    let (mut skipped, mut only) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let list = match option.as_str() {
            "--skip" => &mut skipped,
            "--only" => &mut only,
            _ => return Err(usage()),
        };
        let name = rest.next().ok_or_else(usage)?;
        list.push(STEPS.iter().find(|step| step.name == name).ok_or_else(usage)?.name);
    }
    if !skipped.is_empty() && !only.is_empty() {
        return Err(usage());
    }
    let is_chosen = |step: &&Step| {
        if only.is_empty() { !skipped.contains(&step.name) } else { only.contains(&step.name) }
    };
    Ok(STEPS.iter().filter(is_chosen).collect())
}

/// Each step with its time, and the total.
fn table(rows: &[(&str, Duration)], total: Duration) -> String {
    let rows = rows.iter().copied().chain([("total", total)]);
    let row = |(name, time): (&str, Duration)| {
        format!("{name:<12}{:>10}\n", format!("{:.1} s", time.as_secs_f64()))
    };
    rows.map(row).collect()
}

fn fmt(workspace: &Workspace) -> Result<(), Failure> {
    run_command(cargo(&workspace.root).args(["fmt", "--all", "--check"]))?;
    // Workspaces of their own.
    for folder in ["fuzz", "benches/peers", "benches/plots"] {
        run_command(cargo(&workspace.root.join(folder)).args(["fmt", "--all", "--check"]))?;
    }
    Ok(())
}

fn clippy(workspace: &Workspace) -> Result<(), Failure> {
    run_command(cargo(&workspace.root).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))
}

fn test(workspace: &Workspace) -> Result<(), Failure> {
    run_command(cargo(&workspace.root).args(["test", "--workspace"]))
}

fn doc(workspace: &Workspace) -> Result<(), Failure> {
    let mut doc = cargo(&workspace.root);
    doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    run_command(&mut doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn names(arguments: &str) -> Result<Vec<&'static str>, Failure> {
        Ok(chosen(&words(arguments))?.iter().map(|step| step.name).collect())
    }

    #[test]
    fn steps_are_skipped_or_chosen_by_name() {
        let all = names("").expect("nothing is wrong with it");
        assert_eq!(all.len(), STEPS.len());
        let some = names("--skip test --skip fuzz").expect("there are such steps");
        assert!(all.iter().all(|name| some.contains(name) != ["test", "fuzz"].contains(name)));
        assert_eq!(names("--only fuzz --only sim"), Ok(vec!["sim", "fuzz"]));
    }

    #[test]
    fn an_unknown_step_is_refused() {
        for wrong in ["--skip nothing", "--skip", "test", "--but test", "--only sim --skip fuzz"] {
            assert!(names(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_table_ends_with_the_total() {
        let rows = [("fmt", Duration::from_millis(1_250))];
        let table = table(&rows, Duration::from_secs(2));
        let lines: Vec<_> = table.lines().map(words).collect();
        assert_eq!(lines, [words("fmt 1.2 s"), words("total 2.0 s")]);
    }
}
