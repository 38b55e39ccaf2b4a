//! The same seed is the same run.

use std::process::Command;

use gatewire_sim::{LinkConfig, Setup, TraceConfig};

use crate::gossip::scenario;
use crate::probe::{exact, ms, pair};

fn report(setup: impl Into<Setup>) -> gatewire_sim::Report {
    scenario(setup.into()).expect("the protocol is sound")
}

#[test]
fn a_seed_gives_one_report_and_another_seed_another() {
    for seed in 0..5 {
        assert_eq!(report(seed), report(seed));
        assert_ne!(report(seed).fingerprint, report(seed + 1).fingerprint);
    }
}

#[test]
fn runs_that_differ_in_time_alone_have_other_fingerprints() {
    let slower = LinkConfig { connect: ms(200)..=ms(200), ..exact() };
    let [one, other] = [exact(), slower].map(|link| pair(link).report());
    assert_eq!(one.events, other.events);
    assert_ne!(one.fingerprint, other.fingerprint);
}

#[test]
fn a_trace_changes_nothing() {
    for trace in
        [TraceConfig { events: 0, contents: false }, TraceConfig { events: 9, contents: true }]
    {
        assert_eq!(report(Setup { seed: 3, trace }), report(3));
    }
}

/// Another process has other addresses and other random hash tables.
#[test]
fn a_seed_gives_one_report_in_two_processes() {
    let here: String = (0..5).map(|seed| report(seed).to_string()).collect();
    if std::env::var_os(CHILD).is_some() {
        println!("{BEGIN}{here}{END}");
        return;
    }
    let program = std::env::current_exe().expect("a test knows its program");
    let output = Command::new(program)
        .args(["--exact", "determinism::a_seed_gives_one_report_in_two_processes", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("a test can be run again");
    let text = String::from_utf8(output.stdout).expect("a report is text");
    let there = text.split(BEGIN).nth(1).and_then(|rest| rest.split(END).next());
    assert_eq!(there, Some(here.as_str()));
}

const CHILD: &str = "GATEWIRE_SIM_CHILD";
const BEGIN: &str = "<reports>";
const END: &str = "</reports>";
