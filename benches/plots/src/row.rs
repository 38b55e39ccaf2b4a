//! The stored figures, as far as they are drawn.

use std::collections::BTreeMap;

use serde_json::Value;

/// One row of one system.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) peer: String,
    pub(crate) params: BTreeMap<String, u64>,
    pub(crate) repeats: u64,
    pub(crate) figures: BTreeMap<String, Spread>,
}

/// A figure over several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Reads the list that `cargo xtask bench` writes.
///
/// # Errors
///
/// It is no JSON, or no such list.
pub(crate) fn read(json: &str) -> Result<Vec<Row>, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let list = value.as_array().ok_or("the stored figures are no list")?;
    list.iter()
        .map(|value| row(value).ok_or_else(|| format!("a stored row is incomplete: {value}")))
        .collect()
}

/// The names of the workloads, in their order.
pub(crate) fn workloads(rows: &[Row]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        if !names.contains(&row.workload) {
            names.push(row.workload.clone());
        }
    }
    names
}

fn row(value: &Value) -> Option<Row> {
    let params = value["params"].as_object()?;
    let least = value["min"].as_object()?;
    let spread = |(name, min): (&String, &Value)| {
        let spread = Spread {
            median: value[name].as_f64()?,
            min: min.as_f64()?,
            max: value["max"][name].as_f64()?,
        };
        Some((name.clone(), spread))
    };
    Some(Row {
        workload: value["workload"].as_str()?.to_owned(),
        peer: value["peer"].as_str()?.to_owned(),
        params: params.iter().filter_map(|(k, v)| Some((k.clone(), v.as_u64()?))).collect(),
        repeats: value["repeats"].as_u64()?,
        figures: least.iter().filter_map(spread).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read() {
        let rows = read(
            r#"[{"workload": "w1", "peer": "raw", "params": {"size": 16}, "repeats": 3,
                 "rate": 2.0, "min": {"rate": 1.0}, "max": {"rate": 3.0}, "to_raw": {}}]"#,
        )
        .expect("it is such a list");
        assert_eq!(rows[0].figures["rate"], Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(workloads(&rows), ["w1"]);
    }

    #[test]
    fn what_is_no_list_of_rows_is_refused() {
        for wrong in ["", "{}", "[{}]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
