//! Compares each crate's dependencies with the table of layers.
//!
//! Direct dependencies are taken from the manifests, so that an optional or platform dependency
//! counts even where it is not built. What must never be reached is sought in the resolved graph of
//! the whole workspace with all features, so that it cannot slip in behind another crate.

mod table;

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::Value;

use crate::command::{Failure, capture, cargo};
use crate::workspace::{Package, Workspace, list, parse};
use table::{LAYERS, Layer, PLACE};

pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let metadata = capture(cargo(&workspace.root).args([
        "metadata",
        "--quiet",
        "--format-version",
        "1",
        "--all-features",
    ]))?;
    let graph = Graph::from_metadata(&parse(&metadata)?);

    let mut findings = Vec::new();
    let mut crates = 0;
    for package in workspace.crates() {
        crates += 1;
        match LAYERS.iter().find(|layer| layer.name == package.name) {
            Some(layer) => {
                findings.extend(new_arrows(layer, package));
                findings.extend(forbidden_paths(layer, &graph));
            }
            None => findings.push(format!(
                "`{}` lies under crates/ and has no row in {PLACE}: add one that says what it may use",
                package.name
            )),
        }
    }
    for finding in &findings {
        println!("{finding}");
    }
    Failure::when_any(findings.len(), "arrow against the layers", "arrows against the layers")?;
    println!("layers: {crates} crates agree with {PLACE}");
    Ok(())
}

/// A sentence for each direct dependency that `layer` does not list.
fn new_arrows(layer: &Layer, package: &Package) -> Vec<String> {
    let mut findings = Vec::new();
    for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
        let name = dependency.name.as_str();
        if layer.may_use.contains(&name) {
            continue;
        }
        if !layer.may_offer.contains(&name) {
            findings.push(format!(
                "`{}` depends on `{name}`: {PLACE} has no such arrow; \
                 drop it, or add it there and say why in the commit",
                layer.name
            ));
        } else if !dependency.optional {
            findings.push(format!(
                "`{}` always depends on `{name}`: {PLACE} allows this arrow only behind a feature",
                layer.name
            ));
        }
    }
    findings
}

/// A sentence for each crate that `layer` must not reach and does.
fn forbidden_paths(layer: &Layer, graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    for forbidden in layer.never_reaches {
        if let Some(path) = graph.path(layer.name, forbidden) {
            findings.push(format!(
                "`{}` reaches `{forbidden}` by {}: {PLACE} says never",
                layer.name,
                path.join(" -> ")
            ));
        }
    }
    findings
}

/// The resolved normal and build dependencies, by name. Versions of one crate are one node: the
/// table speaks of names.
#[derive(Default)]
struct Graph(HashMap<String, Vec<String>>);

impl Graph {
    fn from_metadata(metadata: &Value) -> Self {
        let names: HashMap<&str, &str> = list(&metadata["packages"])
            .iter()
            .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
            .collect();
        let name = |id: &Value| names.get(id.as_str()?).copied();
        let mut graph = Self::default();
        for node in list(&metadata["resolve"]["nodes"]) {
            let Some(from) = name(&node["id"]) else { continue };
            let edges = graph.0.entry(from.to_owned()).or_default();
            for edge in list(&node["deps"]) {
                let built = list(&edge["dep_kinds"])
                    .iter()
                    .any(|kind| kind["kind"].as_str() != Some("dev"));
                if let (true, Some(to)) = (built, name(&edge["pkg"])) {
                    edges.push(to.to_owned());
                }
            }
        }
        graph
    }

    /// The shortest path from `from` to `to`, both ends included.
    fn path(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut waiting = VecDeque::from([vec![from.to_owned()]]);
        let mut seen = HashSet::from([from.to_owned()]);
        while let Some(path) = waiting.pop_front() {
            for next in path.last().and_then(|last| self.0.get(last)).into_iter().flatten() {
                if !seen.insert(next.clone()) {
                    continue;
                }
                let mut longer = path.clone();
                longer.push(next.clone());
                if next == to {
                    return Some(longer);
                }
                waiting.push_back(longer);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    const LAYER: Layer = Layer {
        name: "gatewire-core",
        may_use: &["bytes"],
        may_offer: &["gatewire-json"],
        never_reaches: &["tokio"],
    };

    fn package(dependencies: &[(&str, bool, bool)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|&(name, optional, dev)| Dependency { name: name.to_owned(), optional, dev })
            .collect();
        Package { name: "gatewire-core".to_owned(), dependencies, ..Package::default() }
    }

    #[test]
    fn listed_and_development_dependencies_pass() {
        let package = package(&[
            ("bytes", false, false),
            ("gatewire-json", true, false),
            ("tokio", false, true),
        ]);
        assert_eq!(new_arrows(&LAYER, &package), Vec::<String>::new());
    }

    #[test]
    fn a_new_arrow_is_named_with_the_tables_place() {
        let findings = new_arrows(&LAYER, &package(&[("tokio", true, false)]));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("`gatewire-core` depends on `tokio`"), "{findings:?}");
        assert!(findings[0].contains(PLACE), "{findings:?}");
    }

    #[test]
    fn an_offered_dependency_must_be_optional() {
        let findings = new_arrows(&LAYER, &package(&[("gatewire-json", false, false)]));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("only behind a feature"), "{findings:?}");
    }

    #[test]
    fn a_forbidden_crate_is_found_behind_another_one() {
        let metadata = parse(
            r#"{
                "packages": [
                    {"id": "1", "name": "gatewire-core"}, {"id": "2", "name": "bytes"},
                    {"id": "3", "name": "tokio"}
                ],
                "resolve": {"nodes": [
                    {"id": "1", "deps": [
                        {"pkg": "2", "dep_kinds": [{"kind": null}]},
                        {"pkg": "3", "dep_kinds": [{"kind": "dev"}]}
                    ]},
                    {"id": "2", "deps": [{"pkg": "3", "dep_kinds": [{"kind": "dev"}, {"kind": null}]}]}
                ]}
            }"#,
        )
        .expect("it is JSON");
        let findings = forbidden_paths(&LAYER, &Graph::from_metadata(&metadata));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("gatewire-core -> bytes -> tokio"), "{findings:?}");
    }

    #[test]
    fn the_table_points_downwards() {
        for (position, layer) in LAYERS.iter().enumerate() {
            for used in layer.may_use.iter().chain(layer.may_offer) {
                let above = LAYERS.iter().skip(position).any(|upper| upper.name == *used);
                assert!(!above, "`{}` may use `{used}`, which does not lie below it", layer.name);
            }
        }
    }

    #[test]
    fn only_gatewire_may_use_tokio() {
        for layer in LAYERS {
            let may = layer.may_use.contains(&"tokio");
            assert_eq!(may, layer.name == "gatewire", "{}", layer.name);
            assert_eq!(!may, layer.never_reaches.contains(&"tokio"), "{}", layer.name);
        }
    }
}
