//! The generated part of `docs/performance.md`, and the plots beside it.
//!
//! What stands outside of the two markers is written by hand and left alone.

use std::fs;
use std::path::Path;

use super::store::About;
use super::summary::Entry;
use super::{about, table};
use crate::command::Failure;
use crate::workspace::Workspace;

const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- written by `cargo xtask bench --publish`: begin -->";
const END: &str = "<!-- written by `cargo xtask bench --publish`: end -->";

/// The folder of the plots, as links in [`PAGE`] name it.
const PLOTS: &str = "performance";

/// Copies the plots from `folder` and writes the tables of `entries`.
pub(super) fn publish(
    workspace: &Workspace,
    folder: &Path,
    entries: &[Entry],
    about: &About,
) -> Result<(), Failure> {
    let page = workspace.root.join(PAGE);
    let text = fs::read_to_string(&page)?;
    let plots = workspace.root.join("docs").join(PLOTS);
    fs::create_dir_all(&plots)?;
    for workload in table::workloads(entries) {
        for extension in ["svg", "png"] {
            let name = format!("{}.{extension}", workload.name);
            fs::copy(folder.join(&name), plots.join(&name))?;
        }
    }
    fs::write(&page, with_figures(&text, &figures(entries, about))?)?;
    println!("published: {PAGE} and docs/{PLOTS}");
    Ok(())
}

/// What stands between the markers.
fn figures(entries: &[Entry], about: &About) -> String {
    let mut text = format!("\n{}", about::markdown(about));
    for workload in table::workloads(entries) {
        let (name, title) = (workload.name, workload.title);
        text.push_str(&format!("\n### {}: {title}\n", name.to_uppercase()));
        text.push_str(&format!("\n![{title}]({PLOTS}/{name}.svg)\n"));
        text.push_str(&table::markdown(entries, name));
    }
    text.push('\n');
    text
}

/// `page` with `figures` between its markers.
fn with_figures(page: &str, figures: &str) -> Result<String, Failure> {
    let split = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = split
        .ok_or_else(|| Failure::new(format!("{PAGE} lacks the lines `{BEGIN}` and `{END}`")))?;
    Ok(format!("{before}{BEGIN}\n{figures}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn only_what_lies_between_the_markers_is_written() {
        let page = format!("# By hand\n\n{BEGIN}\nold\n{END}\n\nBy hand too.\n");
        let new = with_figures(&page, "\nnew\n").expect("the markers are there");
        assert_eq!(new, format!("# By hand\n\n{BEGIN}\n\nnew\n{END}\n\nBy hand too.\n"));
        assert_eq!(with_figures(&new, "\nnew\n"), Ok(new));
    }

    #[test]
    fn a_page_without_markers_is_refused() {
        assert!(with_figures("# By hand\n", "").is_err());
        assert!(with_figures(&format!("{END} {BEGIN}"), "").is_err());
    }

    #[test]
    fn each_workload_has_its_plot() {
        let entry = |workload: &str| Entry {
            workload: workload.to_owned(),
            peer: "raw".to_owned(),
            params: vec![("size".to_owned(), 16)],
            repeats: 1,
            figures: BTreeMap::new(),
            to_raw: BTreeMap::new(),
        };
        let about = vec![("rustc".to_owned(), "1.0".to_owned())];
        let text = figures(&[entry("w1"), entry("w1"), entry("w4")], &about);
        assert!(text.starts_with("\n| | |\n|---|---|\n| rustc | 1.0 |\n\n### W1: "), "{text}");
        assert_eq!(text.matches("(performance/").count(), 2, "{text}");
    }
}
