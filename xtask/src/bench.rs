//! Runs the criterion benches and repeats their figures at the end.

use crate::command::{Failure, cargo, run_and_keep};
use crate::workspace::Workspace;

const PACKAGES: [&str; 2] = ["gatewire-codec", "gatewire-benches"];

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let mut bench = cargo(&workspace.root);
    bench.arg("bench");
    // Each bench is named: without that, cargo also starts the unit tests' harness, which does not
    // understand criterion's arguments.
    let mut benches = 0;
    for name in PACKAGES {
        bench.args(["--package", name]);
        for target in workspace.package(name)?.targets("bench") {
            bench.args(["--bench", &target.name]);
            benches += 1;
        }
    }
    if benches == 0 {
        return Err(Failure::new(format!("{} have no benches", PACKAGES.join(" and "))));
    }
    bench.arg("--").args(arguments);
    let output = run_and_keep(&mut bench)?;
    println!();
    for line in figures(&output) {
        println!("{line}");
    }
    Ok(())
}

/// Criterion's closing lines: for each bench its time and, where it has one, its throughput.
fn figures(output: &[String]) -> Vec<String> {
    let mut figures = Vec::new();
    let mut name = "";
    for line in output {
        if let Some((before, time)) = line.split_once("time:") {
            // A long name stands in a line of its own, the one before.
            let name = if before.trim().is_empty() { name } else { before.trim() };
            figures.push(format!("{name:<44} time: {}", time.trim()));
        } else if let Some((_, throughput)) = line.split_once("thrpt:") {
            // Only the first one: the next tells the change against an earlier run.
            if let Some(last) = figures.last_mut().filter(|last| !last.contains("thrpt:")) {
                *last = format!("{last}  thrpt: {}", throughput.trim());
            }
        } else if !line.starts_with(' ') {
            name = line.trim();
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bench_is_one_line() {
        let output = [
            "Benchmarking decode/event",
            "decode/event            time:   [10.1 ns 10.2 ns 10.3 ns]",
            "                        thrpt:  [5.1 GiB/s 5.2 GiB/s 5.3 GiB/s]",
            "                 change:",
            "                        thrpt:  [+1 % +2 % +3 %] (p = 0.00 < 0.05)",
            "a name that is too long for the column",
            "                        time:   [1.0 us 1.1 us 1.2 us]",
            "Found 3 outliers among 100 measurements (3.00%)",
        ]
        .map(str::to_owned);
        let figures = figures(&output);
        assert_eq!(figures.len(), 2, "{figures:?}");
        assert!(figures[0].starts_with("decode/event "), "{figures:?}");
        assert!(figures[0].ends_with("thrpt: [5.1 GiB/s 5.2 GiB/s 5.3 GiB/s]"), "{figures:?}");
        assert!(figures[1].starts_with("a name that is too long"), "{figures:?}");
        assert!(figures[1].ends_with("time: [1.0 us 1.1 us 1.2 us]"), "{figures:?}");
    }
}
