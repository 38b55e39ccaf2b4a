//! The program, as the scenarios start it.

use std::collections::BTreeSet;
use std::process::Command;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_gatewire-interop-peer"))
}

#[test]
fn each_scenario_has_a_name_of_its_own() {
    let output = program().arg("list").output().expect("the program runs");
    let list = String::from_utf8(output.stdout).expect("names are text");
    let names: BTreeSet<&str> = list.lines().collect();
    assert_eq!(names.len(), list.lines().count());
    assert!(names.len() > 100, "{} names", names.len());
}

#[test]
fn a_command_that_there_is_not_is_refused() {
    let output = program().arg("sing").output().expect("the program runs");
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).expect("errors are text");
    assert!(text.contains("usage:"), "{text}");
}
