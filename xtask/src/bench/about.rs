//! What was measured on what: machine, versions, commit, settings.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::case::{Case, Pace};
use super::options::Load;
use super::peer::FOLDER;
use super::process::Place;
use super::store::About;
use crate::tools::first_line;
use crate::workspace::Workspace;

/// Labels and texts for people. What cannot be found out is left away.
pub(super) fn about(
    workspace: &Workspace,
    load: &Load,
    systems: &[&'static str],
    place: &Place,
    busy: Option<f64>,
) -> About {
    let mut about = About::new();
    let mut add = |label: &str, text: Option<String>| {
        about.extend(text.map(|text| (label.to_owned(), text)));
    };
    add("machine", machine());
    add("kernel", first_line("uname", &["-srm"]));
    add("rustc", first_line("rustc", &["--version"]));
    add("commit", commit(&workspace.root));
    for system in systems {
        add(system, version(workspace, system));
    }
    add("pinning", Some(place.describe()));
    let other = busy.map(|busy| format!("{:.0} % of the machine when it began", busy * 100.0));
    add("other work", other);
    add("runs", Some(format!("{} rounds; {}", load.repeats, durations(&load.cases, load.pace))));
    add("to repeat", Some(format!("`{}`", command(load))));
    about
}

/// Processor, cores and memory, as Linux tells them.
fn machine() -> Option<String> {
    let processor = fs::read_to_string("/proc/cpuinfo").ok()?;
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = value(&processor, "model name")?;
    let kib: u64 = value(&memory, "MemTotal")?.split(' ').next()?.parse().ok()?;
    let cores = processor.lines().filter(|line| line.starts_with("processor")).count();
    Some(format!("{model}, {cores} cores, {} GiB", kib.div_ceil(1 << 20)))
}

/// The commit, and whether the tree differs from it.
fn commit(root: &Path) -> Option<String> {
    let root = root.to_str()?;
    let commit = first_line("git", &["-C", root, "rev-parse", "--short=12", "HEAD"])?;
    let changed = ["-C", root, "status", "--porcelain", "--untracked-files=no"];
    // No first line: nothing is changed.
    let changed = first_line("git", &changed).is_some();
    Some(if changed { format!("{commit}, with changes that are not committed") } else { commit })
}

/// Of which version a system is: its server's and its client's.
fn version(workspace: &Workspace, system: &str) -> Option<String> {
    let lock = fs::read_to_string(workspace.root.join(FOLDER).join("Cargo.lock"));
    let lock = lock.unwrap_or_default();
    let parts = match system {
        "raw" => {
            [locked(&fs::read_to_string(workspace.root.join("Cargo.lock")).ok()?, "tokio"), None]
        }
        "gatewire" => [Some("this commit".to_owned()), None],
        "nats-raw" => [first_line("nats-server", &["--version"]), None],
        "nats" => [first_line("nats-server", &["--version"]), locked(&lock, "async-nats")],
        "zenoh" | "zenoh-ping" => [locked(&lock, "zenoh"), None],
        "zmq" => {
            let library = first_line("pkg-config", &["--modversion", "libzmq"]);
            [library.map(|version| format!("libzmq {version}")), locked(&lock, "zmq")]
        }
        "redis" => [first_line("redis-server", &["--version"]).map(|line| short(&line)), None],
        "socketioxide-text" => [locked(&lock, "socketioxide"), Some("text".to_owned())],
        "socketioxide" => [locked(&lock, "socketioxide"), locked(&lock, "axum")],
        "fast-tcp" => {
            let node = first_line("node", &["--version"]).map(|version| format!("node {version}"));
            [node_package(workspace, system), node]
        }
        _ => [None, None],
    };
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `name version` of a package in a lock file of cargo.
fn locked(lock: &str, name: &str) -> Option<String> {
    let mut lines = lock.lines();
    lines.find(|line| *line == format!("name = \"{name}\""))?;
    let version = lines.next()?.strip_prefix("version = ")?;
    Some(format!("{name} {}", version.trim_matches('"')))
}

/// `name version` of an installed package of npm.
fn node_package(workspace: &Workspace, name: &str) -> Option<String> {
    let folder = workspace.root.join(FOLDER).join(name).join("node_modules").join(name);
    let text = fs::read_to_string(folder.join("package.json")).ok()?;
    let package: Value = serde_json::from_str(&text).ok()?;
    Some(format!("{name} {}", package["version"].as_str()?))
}

/// Redis tells more of itself than a table has room for.
fn short(line: &str) -> String {
    line.split(" sha=").next().unwrap_or(line).to_owned()
}

/// How long the runs send.
fn durations(cases: &[Case], pace: Pace) -> String {
    let mut seconds: Vec<f64> = cases.iter().filter_map(|case| case.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.dedup();
    let seconds: Vec<_> = seconds.iter().map(ToString::to_string).collect();
    let name = match pace {
        Pace::Quick => "quick",
        Pace::Normal => "normal",
        Pace::Long => "long",
    };
    format!("{name} runs, {} s of sending each", seconds.join(" or "))
}

/// The command that does the same again.
fn command(load: &Load) -> String {
    let mut command = "cargo xtask bench --load".to_owned();
    let mut others: Vec<_> = load.peers.iter().skip(2).map(|peer| peer.choice).collect();
    others.dedup();
    if !others.is_empty() {
        command.push_str(&format!(" --vs {}", others.join(",")));
    }
    if load.cases != Case::all(load.pace) {
        let names: Vec<_> = load.cases.iter().map(Case::name).collect();
        command.push_str(&format!(" --workloads {}", names.join(",")));
    }
    command.push_str(&format!(" --repeats {}", load.repeats));
    command.push_str(match load.pace {
        Pace::Quick => " --quick",
        Pace::Normal => "",
        Pace::Long => " --long",
    });
    command
}

/// The entries of `about` as a Markdown table.
pub(super) fn markdown(about: &About) -> String {
    let rows = about.iter().map(|(label, text)| format!("| {label} | {text} |\n"));
    format!("| | |\n|---|---|\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peer;

    #[test]
    fn versions_are_read_from_a_lock_file() {
        let lock = "[[package]]\nname = \"zenoh-core\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"zenoh\"\nversion = \"1.2.3\"\n";
        assert_eq!(locked(lock, "zenoh").as_deref(), Some("zenoh 1.2.3"));
        assert_eq!(locked(lock, "zmq"), None);
    }

    #[test]
    fn redis_is_brief() {
        let line = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64";
        assert_eq!(short(line), "Redis server v=7.0.15");
    }

    #[test]
    fn the_command_repeats_what_was_done() {
        let mut load = Load {
            peers: [peer::own(), peer::select("zmq,nats").expect("they exist")].concat(),
            cases: Case::all(Pace::Long),
            pace: Pace::Long,
            repeats: 7,
            from_latest: false,
            publish: true,
        };
        assert_eq!(command(&load), "cargo xtask bench --load --vs zmq,nats --repeats 7 --long");
        load.cases.truncate(2);
        load.peers.truncate(2);
        assert_eq!(
            command(&load),
            "cargo xtask bench --load --workloads w1:16,w1:128 --repeats 7 --long"
        );
        assert_eq!(durations(&load.cases, load.pace), "long runs, 2 s of sending each");
    }
}
