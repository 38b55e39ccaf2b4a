//! Checks `gatewire` without its default features, and with each feature by itself.
//!
//! Features only add: any one of them must build alone. A workspace build cannot show that, because
//! there all features that anybody wants are on.

use crate::command::{Failure, cargo, run as run_command};
use crate::workspace::Workspace;

const PACKAGE: &str = "gatewire";

pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let package = workspace.package(PACKAGE)?;
    let mut combinations = vec![Vec::new()];
    for feature in package.features.iter().filter(|feature| *feature != "default") {
        combinations.push(vec!["--features", feature]);
    }
    for features in combinations {
        let mut check = cargo(&workspace.root);
        check.args(["clippy", "--quiet", "--package", PACKAGE, "--no-default-features"]);
        // A warning in one combination is code that only another one uses.
        check.args(features).args(["--", "-D", "warnings"]);
        run_command(&mut check)?;
    }
    Ok(())
}
