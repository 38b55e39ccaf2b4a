//! All checks in one command, in the order in which they fail soonest.

use std::time::{Duration, Instant};

use crate::command::{Failure, cargo, run as run_command};
use crate::workspace::Workspace;
use crate::{
    bench, examples, features, fuzz, interop, layers, model, readme, sim, standalone, tidy,
};

/// One check, which can be skipped by its name.
struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<(), Failure>,
}

const STEPS: [Step; 15] = [
    Step { name: "fmt", run: fmt },
    Step { name: "layers", run: layers::run },
    Step { name: "tidy", run: tidy::run },
    Step { name: "clippy", run: clippy },
    Step { name: "test", run: test },
    Step { name: "readme", run: readme::run },
    Step { name: "doc", run: doc },
    Step { name: "features", run: features::run },
    Step { name: "examples", run: examples::check },
    Step { name: "standalone", run: standalone::run },
    Step { name: "interop", run: |workspace| interop::run(workspace, &[]) },
    Step { name: "model", run: |workspace| model::run(workspace, &[]) },
    Step { name: "sim", run: sim::check },
    Step { name: "bench-smoke", run: bench::smoke },
    Step { name: "fuzz", run: fuzz::smoke },
];

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let skipped = skipped(arguments)?;
    let begin = Instant::now();
    let mut rows = Vec::new();
    for step in &STEPS {
        if skipped.contains(&step.name) {
            rows.push((step.name, None));
            continue;
        }
        println!("\n==> {}", step.name);
        let step_begin = Instant::now();
        let result = (step.run)(workspace);
        let time = step_begin.elapsed();
        rows.push((step.name, Some(time)));
        if let Err(failure) = result {
            print!("\n{}", table(&rows, begin.elapsed()));
            return Err(Failure::new(format!("step `{}` failed: {failure}", step.name)));
        }
        println!("<== {}: passed in {:.1} s", step.name, time.as_secs_f64());
    }
    print!("\n{}", table(&rows, begin.elapsed()));
    println!("all checks passed");
    Ok(())
}

/// The names after each `--skip`.
fn skipped(arguments: &[String]) -> Result<Vec<&'static str>, Failure> {
    let usage = || {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        Failure::new(format!("usage: cargo xtask ci [--skip STEP]..; steps: {}", names.join(", ")))
    };
    let mut skipped = Vec::new();
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let name = rest.next().filter(|_| option == "--skip").ok_or_else(usage)?;
        skipped.push(STEPS.iter().find(|step| step.name == name).ok_or_else(usage)?.name);
    }
    Ok(skipped)
}

/// Each step with its time, and the total.
fn table(rows: &[(&str, Option<Duration>)], total: Duration) -> String {
    let mut table = String::new();
    for (name, time) in rows {
        let time = time.map_or("skipped".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
        table.push_str(&format!("{name:<12}{time:>10}\n"));
    }
    table.push_str(&format!("{:<12}{:>10}\n", "total", format!("{:.1} s", total.as_secs_f64())));
    table
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

    #[test]
    fn steps_are_skipped_by_name() {
        assert_eq!(skipped(&words("--skip test --skip fuzz")), Ok(vec!["test", "fuzz"]));
        assert_eq!(skipped(&[]), Ok(Vec::new()));
    }

    #[test]
    fn an_unknown_step_is_refused() {
        for wrong in ["--skip nothing", "--skip", "test", "--only test"] {
            assert!(skipped(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_table_ends_with_the_total() {
        let rows = [("fmt", Some(Duration::from_millis(1_250))), ("test", None)];
        let table = table(&rows, Duration::from_secs(2));
        let lines: Vec<_> = table.lines().map(words).collect();
        assert_eq!(lines, [words("fmt 1.2 s"), words("test skipped"), words("total 2.0 s")]);
    }
}
