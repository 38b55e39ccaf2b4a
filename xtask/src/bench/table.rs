//! The figures for people: one table for each row of the workloads, in the terminal and in Markdown.

use super::case::{Column, Workload, describe};
use super::peer::RAW;
use super::summary::{Entry, Spread};

/// All entries as text.
pub(super) fn text(entries: &[Entry]) -> String {
    let mut text = String::new();
    for table in tables(entries) {
        text.push_str(&format!("\n{}\n", table.title));
        let widths: Vec<usize> = (0..table.rows[0].len())
            .map(|column| {
                table.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
            })
            .collect();
        for row in &table.rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            text.push_str(&format!("  {}\n", line.trim_end()));
        }
    }
    text
}

/// The entries of one workload as Markdown.
pub(super) fn markdown(entries: &[Entry], workload: &str) -> String {
    let own: Vec<Entry> =
        entries.iter().filter(|entry| entry.workload == workload).cloned().collect();
    let mut text = String::new();
    for table in tables(&own) {
        text.push_str(&format!("\n{}:\n\n", table.params));
        for (index, row) in table.rows.iter().enumerate() {
            text.push_str(&format!("| {} |\n", row.join(" | ")));
            if index == 0 {
                text.push_str(&format!("|{}\n", "---|".repeat(row.len())));
            }
        }
    }
    text
}

/// The workloads of the entries, in their order.
pub(super) fn workloads(entries: &[Entry]) -> Vec<&'static Workload> {
    let mut found: Vec<&'static Workload> = Vec::new();
    for workload in entries.iter().filter_map(|entry| Workload::find(&entry.workload)) {
        if !found.contains(&workload) {
            found.push(workload);
        }
    }
    found
}

/// One row of the workloads with all systems that did it.
struct Table {
    title: String,
    params: String,
    /// The first has the titles.
    rows: Vec<Vec<String>>,
}

fn tables(entries: &[Entry]) -> Vec<Table> {
    let mut tables = Vec::new();
    let mut rest = entries;
    while let Some(first) = rest.first() {
        let same =
            |entry: &&Entry| (&entry.workload, &entry.params) == (&first.workload, &first.params);
        let (own, others) = rest.split_at(rest.iter().take_while(same).count());
        rest = others;
        tables.extend(Workload::find(&first.workload).map(|workload| table(workload, own)));
    }
    tables
}

fn table(workload: &Workload, entries: &[Entry]) -> Table {
    let columns: Vec<&Column> = workload
        .columns
        .iter()
        .filter(|column| entries.iter().any(|entry| entry.figures.contains_key(column.field)))
        .collect();
    let mut rows = vec![vec!["system".to_owned()]];
    rows[0].extend(columns.iter().map(|column| column.title.to_owned()));
    for entry in entries {
        let mut row = vec![entry.peer.clone()];
        row.extend(columns.iter().map(|column| cell(entry, column)));
        rows.push(row);
    }
    let params = describe(&entries[0].params);
    Table { title: format!("{} {}: {params}", workload.name, workload.title), params, rows }
}

/// `median [min-max]`, and behind it how often the raw limit's that is.
fn cell(entry: &Entry, column: &Column) -> String {
    let Some(Spread { median, min, max }) = entry.figures.get(column.field) else {
        return "-".to_owned();
    };
    let mut cell = number(*median);
    if entry.repeats > 1 {
        cell.push_str(&format!(" [{}-{}]", number(*min), number(*max)));
    }
    let compared = column.compared && entry.peer != RAW;
    if let Some(ratio) = entry.to_raw.get(column.field).filter(|_| compared) {
        cell.push_str(&format!(" {:.2}x", ratio.median));
    }
    cell
}

/// Three digits that count, with `k` or `M` where there are many.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e9 => format!("{:.2}G", value / 1e9),
        size if size >= 999_500.0 => format!("{:.2}M", value / 1e6),
        size if size >= 99_950.0 => format!("{:.0}k", value / 1e3),
        size if size >= 1e4 => format!("{:.1}k", value / 1e3),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn entry(peer: &str, size: u64, median: f64, ratio: Option<f64>) -> Entry {
        let spread = |median: f64| Spread { median, min: median / 2.0, max: median * 2.0 };
        let figures = |value: Option<f64>| {
            value.into_iter().map(|v| ("rate".to_owned(), spread(v))).collect::<BTreeMap<_, _>>()
        };
        Entry {
            workload: "w1".to_owned(),
            peer: peer.to_owned(),
            params: vec![("size".to_owned(), size)],
            repeats: 3,
            figures: figures(Some(median)),
            to_raw: figures(ratio),
        }
    }

    #[test]
    fn a_table_shows_only_columns_that_have_figures() {
        let entries = [entry("raw", 16, 50e6, Some(1.0)), entry("gatewire", 16, 20e6, Some(0.4))];
        assert_eq!(
            text(&entries),
            "\nw1 one-way events, client to server: 16 B\n  \
               system    messages/s\n  \
               raw       50.00M [25.00M-100.00M]\n  \
               gatewire  20.00M [10.00M-40.00M] 0.40x\n"
        );
    }

    #[test]
    fn each_row_of_a_workload_is_a_table_of_its_own() {
        let entries = [entry("raw", 16, 9.0, None), entry("raw", 128, 8.0, None)];
        assert_eq!(
            markdown(&entries, "w1"),
            "\n16 B:\n\n| system | messages/s |\n|---|---|\n| raw | 9.00 [4.50-18.0] |\n\
             \n128 B:\n\n| system | messages/s |\n|---|---|\n| raw | 8.00 [4.00-16.0] |\n"
        );
        assert_eq!(markdown(&entries, "w2"), "");
        assert_eq!(workloads(&entries).len(), 1);
    }

    #[test]
    fn numbers_have_three_digits_that_count() {
        let values = [0.5, 29.14, 163.2, 1979.0, 12_345.0, 241_900.0, 999_900.0, 32_930_000.0];
        let shown = values.map(number);
        assert_eq!(shown, ["0.50", "29.1", "163", "1979", "12.3k", "242k", "1.00M", "32.93M"]);
        assert_eq!(number(-4096.0), "-4096");
    }
}
