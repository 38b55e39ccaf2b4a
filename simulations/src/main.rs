//! Runs scenarios over many seeds, or large clusters; `cargo xtask sim` builds and starts it.
//!
//! The last line is `seeds N, hours H, faults F, violations V`, and the exit status tells whether there
//! was a violation.

mod options;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use gatewire_sim::{Setup, Summary, TraceConfig, explore};
use gatewire_simulations::scale;
use gatewire_simulations::scenario::Case;
use options::{Options, Seeds, USAGE};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(&arguments) {
        Ok(options) => options,
        Err(sentence) => {
            println!("{sentence}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(most) = options.until_caught {
        return catch(&options, most);
    }
    let mut all = Summary::default();
    for &nodes in &options.scale {
        let summary = explore([options.from], |setup| scale::run(setup, nodes));
        add(&mut all, summary, &format!("--scale {nodes} --from"));
    }
    if let Some(seeds) = options.seeds {
        let summary = search(&options, seeds);
        add(&mut all, summary, &format!("--scenario {} --seed", options.scenario.name));
    }
    println!("{all}");
    if all.violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the seeds that are asked for, one after the other.
fn search(options: &Options, seeds: Seeds) -> Summary {
    let begin = Instant::now();
    let run = |setup: Setup| (options.scenario.run)(Case { setup, mutant: options.mutant });
    let summary = match seeds {
        Seeds::One(seed) => return replay(options, seed),
        Seeds::Count(count) => explore(options.from..options.from.saturating_add(count), run),
        Seeds::During(seconds) => {
            let limit = Duration::from_secs(seconds);
            explore((options.from..).take_while(|_| begin.elapsed() < limit), run)
        }
    };
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "scenario {}, seeds from {}: {} events and {} checks in {seconds:.1} s; {:.0} seeds, {:.0} \
         faults and {:.0} simulated seconds a second",
        options.scenario.name,
        options.from,
        summary.events,
        summary.checks,
        summary.seeds as f64 / seconds,
        summary.faults as f64 / seconds,
        summary.simulated.as_secs_f64() / seconds,
    );
    summary
}

/// One seed, with its accounts; if it fails, with what its last frames said.
fn replay(options: &Options, seed: u64) -> Summary {
    let trace = TraceConfig { events: TRACE, contents: true };
    explore([seed], |setup| {
        let setup = Setup { trace, ..setup };
        let report = (options.scenario.run)(Case { setup, mutant: options.mutant })?;
        println!("{report}");
        Ok(report)
    })
}

/// Runs seeds until one is violated, as it should be.
fn catch(options: &Options, most: u64) -> ExitCode {
    let run = |setup: Setup| (options.scenario.run)(Case { setup, mutant: options.mutant });
    for seed in options.from..options.from.saturating_add(most) {
        let summary = explore([seed], run);
        if let Some(failure) = summary.failures.first() {
            let found = failure.text.lines().next().unwrap_or_default();
            println!("caught after {} seeds: {found}", seed - options.from + 1);
            return ExitCode::SUCCESS;
        }
    }
    println!("not caught in {most} seeds");
    ExitCode::FAILURE
}

/// Adds one part to the whole, and shows what failed and how to see it again.
fn add(all: &mut Summary, more: Summary, options: &str) {
    all.seeds += more.seeds;
    all.simulated += more.simulated;
    all.events += more.events;
    all.faults += more.faults;
    all.checks += more.checks;
    all.violations += more.violations;
    for failure in more.failures {
        println!("{failure}\nhere: cargo xtask sim {options} {}\n", failure.seed);
    }
}

/// How many events a replay shows: the frames of a fault and its repair in a small cluster.
const TRACE: usize = 1_000;
