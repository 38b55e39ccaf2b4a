//! Runs the criterion benches and repeats their figures at the end.

use super::options::Micro;
use crate::command::{Failure, cargo, run_and_keep};
use crate::workspace::Workspace;

const PACKAGES: [&str; 2] = ["gatewire-codec", "gatewire-benches"];

/// For a look at all of them in a minute: each bench's own settings are for a claim.
const SHORT: [&str; 7] =
    ["--warm-up-time", "0.2", "--measurement-time", "0.5", "--sample-size", "20", "--noplot"];

pub(super) fn run(workspace: &Workspace, micro: &Micro) -> Result<(), Failure> {
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
    bench.arg("--");
    match micro {
        Micro::Short => bench.args(SHORT),
        Micro::Full(arguments) => bench.args(arguments),
    };
    let output = run_and_keep(&mut bench)?;
    println!();
    for line in figures(&output) {
        println!("{line}");
    }
    Ok(())
}

/// Criterion's closing lines: for each bench its time and, where it has one, its throughput.
fn figures(output: &[String]) -> Vec<String> {
    let mut figures: Vec<String> = Vec::new();
    let mut name = "";
    // Below this word stand differences against an earlier run.
    let mut change = false;
    for line in output {
        if !line.starts_with(' ') {
            // A long name stands in a line of its own, before its time.
            name = line.split("time:").next().unwrap_or(line).trim();
            change = false;
        }
        change |= line.trim_start().starts_with("change:");
        if change {
            continue;
        }
        if let Some((_, time)) = line.split_once("time:") {
            figures.push(format!("{name:<44} time: {}", time.trim()));
        } else if let (Some((_, rate)), Some(last)) =
            (line.split_once("thrpt:"), figures.last_mut())
        {
            *last = format!("{last}  thrpt: {}", rate.trim());
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
            "                        time:   [-1 % +0 % +1 %] (p = 0.73 > 0.05)",
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
