//! The load benches: rounds over all cases and systems, and what is made of them.
//!
//! In each round each system does each case once, one system right after the other: what drifts on
//! the machine while it runs, drifts for all. Every second round goes through the systems backwards,
//! so that none always follows the same one.

use std::time::{Duration, Instant};

use super::build::{self, Ready};
use super::case::{Case, Pace};
use super::options::Load;
use super::outcome::Outcome;
use super::process::{Place, run_once};
use super::summary::{Run, summarize};
use super::{about, others, plots, publish, store, table};
use crate::command::Failure;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace, load: &Load) -> Result<(), Failure> {
    let mut folder = workspace.target.join("bench");
    if load.pace == Pace::Quick {
        // Figures that mean nothing do not replace those that do.
        folder.push("quick");
    }
    let mut failed = Vec::new();
    let (entries, about) = if load.from_latest {
        store::read(&folder)?
    } else {
        let systems = build::prepare(workspace, &load.peers, load.pace)?;
        let place = Place::find();
        let busy = others::busy();
        if let Some(warning) = busy.and_then(others::warning) {
            println!("{warning}");
        }
        let (runs, failures) = measure(load, &systems, &place);
        failed = failures;
        let names: Vec<_> = systems.iter().map(|system| system.peer.name).collect();
        let entries = summarize(&load.cases, &names, &runs);
        let about = about::about(workspace, load, &names, &place, busy);
        store::write(&folder, &entries, &about)?;
        (entries, about)
    };
    print!("{}", table::text(&entries));
    println!("\nmedian [min-max] of the rounds; x: of the raw limit in the same round");
    println!("stored: {}", folder.join(store::LATEST).display());
    if load.pace != Pace::Quick {
        plots::draw(workspace, &folder)?;
    }
    for failure in &failed {
        println!("failed: {failure}");
    }
    Failure::when_any(failed.len(), "run that does not count", "runs that do not count")?;
    if load.publish {
        publish::publish(workspace, &folder, &entries, &about)?;
    }
    Ok(())
}

/// All rounds: the runs that count, and a sentence for each that does not.
fn measure(load: &Load, systems: &[Ready], place: &Place) -> (Vec<Run>, Vec<String>) {
    let begin = Instant::now();
    let (mut runs, mut failed) = (Vec::new(), Vec::new());
    let total = load.repeats * load.cases.len() * systems.len();
    let mut number = 0;
    println!("{total} runs in {} rounds; {}", load.repeats, place.describe());
    for round in 0..load.repeats {
        for (index, case) in load.cases.iter().enumerate() {
            for system in order(systems, round) {
                number += 1;
                let name = format!("{} {}", case.name(), system.peer.name);
                match one(system, case, place) {
                    Ok(None) if round > 0 => {}
                    Ok(None) => {
                        println!("[{number}/{total}] {name}: not done: it has no such thing");
                    }
                    Ok(Some(outcome)) => {
                        let seconds = begin.elapsed().as_secs();
                        println!("[{number}/{total}] {seconds} s: {name}: {}", brief(&outcome));
                        runs.push(Run { round, case: index, peer: system.peer.name, outcome });
                    }
                    Err(failure) => {
                        println!("[{number}/{total}] {name}: FAILED: {failure}");
                        failed.push(format!("{name}, round {}: {failure}", round + 1));
                    }
                }
            }
        }
    }
    (runs, failed)
}

fn one(system: &Ready, case: &Case, place: &Place) -> Result<Option<Outcome>, Failure> {
    let seconds = Duration::from_secs_f64(case.seconds.unwrap_or_default());
    let outcome = run_once(&system.program, place, &case.options(), 5 * seconds + PATIENCE)?;
    match outcome {
        Some(other) if other.workload != case.workload.name => {
            Err(Failure::new(format!("the driver did `{}` instead", other.workload)))
        }
        outcome => Ok(outcome),
    }
}

/// The systems in this round's order.
fn order(systems: &[Ready], round: usize) -> Box<dyn Iterator<Item = &Ready> + '_> {
    if round.is_multiple_of(2) { Box::new(systems.iter()) } else { Box::new(systems.iter().rev()) }
}

/// The first figures of a run, to see that it goes on.
fn brief(outcome: &Outcome) -> String {
    let figure = |name: &str, unit: &str| {
        let value = outcome.figures.get(name)?;
        Some(format!("{} {unit}", table::number(*value)))
    };
    let shown = [
        figure("rate", "/s"),
        figure("server_cpu_ns", "server CPU-ns"),
        figure("p50_us", "us p50"),
    ];
    shown.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What a driver may need beside its time of sending: ten thousand connections of a slow system, or
/// the end of a queue.
const PATIENCE: Duration = Duration::from_secs(90);
