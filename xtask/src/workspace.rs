//! What `cargo metadata` says about this workspace, as far as the tasks need it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Failure, capture, cargo};

/// The workspace that this program belongs to.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds; the tasks build there too.
    pub(crate) target: PathBuf,
    /// The members, in the order of their names.
    pub(crate) packages: Vec<Package>,
}

/// One member of a workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    /// The names of its features, `default` included.
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// One direct dependency of a package, as its manifest declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) optional: bool,
    /// Only for tests, benches and examples.
    pub(crate) dev: bool,
}

/// One thing that a package builds.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// `lib`, `bin`, `example`, `bench`, `test` ...
    pub(crate) kind: String,
    pub(crate) source: PathBuf,
}

impl Workspace {
    /// Asks cargo about the workspace in which this program was started.
    pub(crate) fn load() -> Result<Self, Failure> {
        // Cargo names the folder when it starts the program. What was compiled in may be another
        // checkout's, if both build into one target directory.
        let started = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let here = started.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        Self::load_from(here.parent().unwrap_or(&here))
    }

    /// Asks cargo about the workspace in `directory`.
    pub(crate) fn load_from(directory: &Path) -> Result<Self, Failure> {
        let text =
            capture(cargo(directory).args(["metadata", "--format-version", "1", "--no-deps"]))?;
        Self::from_metadata(&parse(&text)?)
    }

    /// The member called `name`.
    pub(crate) fn package(&self, name: &str) -> Result<&Package, Failure> {
        self.packages
            .iter()
            .find(|package| package.name == name)
            .ok_or_else(|| Failure::new(format!("the workspace has no package `{name}`")))
    }

    /// The members whose folder lies directly under `crates/`: what is published.
    pub(crate) fn crates(&self) -> impl Iterator<Item = &Package> {
        let parent = self.root.join("crates");
        self.packages.iter().filter(move |package| package.folder().parent() == Some(&parent))
    }

    fn from_metadata(metadata: &Value) -> Result<Self, Failure> {
        let path = |key: &str| {
            let text = metadata[key].as_str();
            text.map(PathBuf::from)
                .ok_or_else(|| Failure::new(format!("cargo metadata does not name its `{key}`")))
        };
        let mut packages: Vec<Package> =
            list(&metadata["packages"]).iter().map(Package::from_metadata).collect();
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")?, packages })
    }
}

impl Package {
    /// The folder of its manifest.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(&self.manifest)
    }

    /// Its targets of one kind, such as `example`.
    pub(crate) fn targets(&self, kind: &str) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(move |target| target.kind == kind)
    }

    fn from_metadata(value: &Value) -> Self {
        let dependency = |value: &Value| Dependency {
            name: text(&value["name"]),
            optional: value["optional"].as_bool().unwrap_or(false),
            dev: value["kind"].as_str() == Some("dev"),
        };
        let target = |value: &Value| Target {
            name: text(&value["name"]),
            kind: text(&value["kind"][0]),
            source: PathBuf::from(text(&value["src_path"])),
        };
        Self {
            name: text(&value["name"]),
            manifest: PathBuf::from(text(&value["manifest_path"])),
            description: value["description"].as_str().map(str::to_owned),
            license: value["license"].as_str().map(str::to_owned),
            features: value["features"]
                .as_object()
                .map(|features| features.keys().cloned().collect())
                .unwrap_or_default(),
            dependencies: list(&value["dependencies"]).iter().map(dependency).collect(),
            targets: list(&value["targets"]).iter().map(target).collect(),
        }
    }
}

/// Reads one JSON document that cargo printed.
pub(crate) fn parse(json: &str) -> Result<Value, Failure> {
    serde_json::from_str(json)
        .map_err(|error| Failure::new(format!("cargo printed JSON that cannot be read: {error}")))
}

/// The elements of a JSON array; none for anything else.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_as_far_as_needed() {
        let json = r#"{
            "workspace_root": "/w", "target_directory": "/w/target",
            "packages": [{
                "name": "b", "manifest_path": "/w/crates/b/Cargo.toml", "license": "MIT",
                "features": {"default": [], "json": []},
                "dependencies": [
                    {"name": "bytes", "kind": null, "optional": true},
                    {"name": "proptest", "kind": "dev", "optional": false}
                ],
                "targets": [{"name": "speed", "kind": ["bench"], "src_path": "/w/crates/b/benches/speed.rs"}]
            }, {"name": "a", "manifest_path": "/w/a/Cargo.toml"}]
        }"#;
        let workspace =
            Workspace::from_metadata(&parse(json).expect("it is JSON")).expect("it is complete");
        let names: Vec<_> = workspace.packages.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let published: Vec<_> = workspace.crates().map(|p| p.name.as_str()).collect();
        assert_eq!(published, ["b"]);
        let b = workspace.package("b").expect("it is a member");
        assert_eq!(b.features, ["default", "json"]);
        assert_eq!(b.license.as_deref(), Some("MIT"));
        assert_eq!(b.description, None);
        assert_eq!(
            b.dependencies,
            [
                Dependency { name: "bytes".into(), optional: true, dev: false },
                Dependency { name: "proptest".into(), optional: false, dev: true },
            ]
        );
        assert_eq!(b.targets("bench").map(|t| t.name.as_str()).collect::<Vec<_>>(), ["speed"]);
    }

    #[test]
    fn an_absent_package_is_named_in_the_failure() {
        let workspace =
            Workspace { root: "/w".into(), target: "/w/target".into(), packages: Vec::new() };
        let failure = workspace.package("nobody").expect_err("there is none");
        assert_eq!(failure, Failure::new("the workspace has no package `nobody`"));
    }
}
