//! The tables of a Markdown file.

/// One row below the header of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// From 1.
    pub(super) line: usize,
    header: Vec<&'a str>,
    cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    /// What stands in the first column whose head is one of `heads`; `None`: there is no such column.
    pub(super) fn cell(&self, heads: &[&str]) -> Option<&'a str> {
        let column = self.header.iter().position(|head| heads.contains(head))?;
        self.cells.get(column).copied()
    }
}

/// The rows of all tables in `markdown`. An escaped bar ends a cell too: in front of what is looked
/// for here nobody needs one.
pub(super) fn rows(markdown: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut header: Option<Vec<&str>> = None;
    for (index, line) in markdown.lines().enumerate() {
        let Some(row) = line.strip_prefix('|') else {
            header = None;
            continue;
        };
        let cells = row.split('|').map(str::trim).collect();
        match &header {
            None => header = Some(cells),
            // The line between header and rows.
            Some(_) if line.chars().all(|letter| "|-: ".contains(letter)) => {}
            Some(header) => rows.push(Row { line: index + 1, header: header.clone(), cells }),
        }
    }
    rows
}

/// The pieces of code in a cell.
pub(super) fn code(cell: &str) -> impl Iterator<Item = &str> {
    // Between the first two marks, the next two, and so on.
    cell.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_found_by_the_head_of_its_column() {
        let text = "| a | b |\n|:--|---|\n| 1 | 2 |\n| 3 |\n\n| b |\n|---|\n| 4 |\n";
        let rows = rows(text);
        let cells: Vec<_> = rows.iter().map(|row| (row.line, row.cell(&["b", "c"]))).collect();
        assert_eq!(cells, [(3, Some("2")), (4, Some("")), (8, Some("4"))]);
        assert_eq!(rows[0].cell(&["c"]), None);
    }

    #[test]
    fn code_stands_between_marks() {
        assert!(code("`a::b`, c and `d`").eq(["a::b", "d"]));
        assert!(code("none").eq([""; 0]));
    }
}
