//! The list of the originals' defects is whole: each of them once, in order, and shown by a test.
//!
//! That the tests exist is [`cited`](super::cited)'s to find.

use super::table::{code, rows};
use super::{File, Finding};

/// The list.
const PATH: &str = "docs/protocol/defects.md";

/// What the defects are called: a letter, and numbers from 1 to this one.
const IDS: [(char, u8); 8] =
    [('F', 8), ('P', 12), ('S', 12), ('D', 2), ('A', 9), ('C', 9), ('R', 27), ('J', 1)];

/// Stands where a test is still missing.
const MISSING: &str = "_to be written_";

/// The defects of somebody else's program: whatever we send, it stays.
const ELSEWHERE: [&str; 1] = ["J1"];
/// What their rows say in place of a test.
const NOTHING: &str = "nothing to do on the wire";

/// The findings in the list, if it is among `files`.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path == PATH) {
        check_ids(&file.text, &mut findings);
        for row in rows(&file.text) {
            let Some(id) = row.cell(&["id"]) else { continue };
            let tests = row.cell(&["test", "tests"]).unwrap_or_default();
            let excused = ELSEWHERE.contains(&id) && tests == NOTHING;
            let sentence = match code(tests).next() {
                _ if tests.contains(MISSING) => format!("a test of {id} is to be written"),
                None if !excused => format!("no test shows what became of {id}"),
                _ => continue,
            };
            findings.push(Finding::new(PATH, row.line, sentence));
        }
    }
    findings
}

/// A finding for the first id that is not where it belongs: those behind it are shifted too.
fn check_ids(markdown: &str, findings: &mut Vec<Finding>) {
    let mut expected = IDS
        .iter()
        .flat_map(|(letter, last)| (1..=*last).map(move |number| format!("{letter}{number}")));
    let mut end = 1;
    for row in rows(markdown) {
        let Some(id) = row.cell(&["id"]) else { continue };
        end = row.line;
        let sentence = match expected.next() {
            Some(expected) if expected == id => continue,
            Some(expected) => format!("`{id}` stands where {expected} belongs"),
            None => format!("`{id}` stands behind the last one"),
        };
        findings.push(Finding::new(PATH, end, sentence));
        return;
    }
    if let Some(expected) = expected.next() {
        findings.push(Finding::new(PATH, end, format!("{expected} is missing")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole list, with this text in place of the row of `id`.
    fn list_with(id: &str, row: &str) -> Vec<(usize, String)> {
        let mut text = "| id | tests |\n|---|---|\n".to_owned();
        for (letter, last) in IDS {
            for number in 1..=last {
                let each = format!("{letter}{number}");
                if each == id {
                    text.push_str(row);
                } else {
                    text.push_str(&format!("| {each} | `a::b` |\n"));
                }
            }
        }
        let file = |path: &str| File { path: path.to_owned(), text: text.clone() };
        let found = check(&[file(PATH), file("docs/another.md")]);
        found.into_iter().map(|finding| (finding.line, finding.sentence)).collect()
    }

    #[test]
    fn a_whole_list_is_in_order() {
        assert_eq!(list_with("", ""), []);
        assert_eq!(list_with("J1", "| J1 | nothing to do on the wire |\n"), []);
    }

    #[test]
    fn a_defect_without_a_test_is_a_finding() {
        let missing = [(4, "a test of F2 is to be written".to_owned())];
        assert_eq!(list_with("F2", "| F2 | _to be written_ |\n"), missing);
        assert_eq!(list_with("F2", "| F2 | `a::b`, _to be written_ |\n"), missing);
        let none = [(4, "no test shows what became of F2".to_owned())];
        assert_eq!(list_with("F2", "| F2 | |\n"), none);
        assert_eq!(list_with("F2", "| F2 | nothing to do on the wire |\n"), none);
    }

    #[test]
    fn a_defect_that_is_not_in_its_place_is_a_finding() {
        assert_eq!(list_with("F2", ""), [(4, "`F3` stands where F2 belongs".to_owned())]);
        let twice = "| F2 | `a::b` |\n| F2 | `a::b` |\n";
        assert_eq!(list_with("F2", twice), [(5, "`F2` stands where F3 belongs".to_owned())]);
        assert_eq!(list_with("J1", ""), [(81, "J1 is missing".to_owned())]);
        let behind = "| J1 | `a::b` |\n| J2 | `a::b` |\n";
        assert_eq!(list_with("J1", behind), [(83, "`J2` stands behind the last one".to_owned())]);
    }
}
