//! The figures of the last run in `target/bench`, and the way back.
//!
//! `latest.json` is a list with one object for each row and system:
//!
//! ```json
//! {"workload": "w1", "peer": "gatewire", "params": {"size": 16}, "repeats": 3,
//!  "rate": 2.1e7, "server_cpu_ns": 40.5, "client_cpu_ns": 61.0,
//!  "min": {"rate": 2.0e7, "server_cpu_ns": 40.1, "client_cpu_ns": 60.2},
//!  "max": {"rate": 2.2e7, "server_cpu_ns": 41.8, "client_cpu_ns": 66.3},
//!  "to_raw": {"median": {"rate": 0.42}, "min": {"rate": 0.41}, "max": {"rate": 0.44}}}
//! ```
//!
//! Figures are medians over the rounds, `min` and `max` their bounds, `to_raw` the same of the ratio to
//! the raw limit in each round. What does not apply is absent. `about.json` is a list of
//! `[what, how]`: machine, versions and settings.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::summary::{Entry, Spread};
use crate::command::Failure;
use crate::workspace::list;

/// What was measured on what: labels and texts for people.
pub(super) type About = Vec<(String, String)>;

pub(super) const LATEST: &str = "latest.json";
const ABOUT: &str = "about.json";

/// Writes both files into `folder`.
pub(super) fn write(folder: &Path, entries: &[Entry], about: &About) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let lines: Vec<String> = entries.iter().map(|entry| to_json(entry).to_string()).collect();
    fs::write(folder.join(LATEST), format!("[\n{}\n]\n", lines.join(",\n")))?;
    fs::write(folder.join(ABOUT), format!("{:#}\n", json!(about)))?;
    Ok(())
}

/// Reads both files in `folder`.
pub(super) fn read(folder: &Path) -> Result<(Vec<Entry>, About), Failure> {
    let value = |name: &str| -> Result<Value, Failure> {
        let path = folder.join(name);
        let text = fs::read_to_string(&path)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    };
    let broken = || Failure::new(format!("{LATEST} is not what this program writes"));
    let latest = value(LATEST)?;
    let entries: Option<Vec<_>> = list(&latest).iter().map(from_json).collect();
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
    let about = list(&value(ABOUT)?).iter().filter_map(pair).collect();
    Ok((entries.ok_or_else(broken)?, about))
}

fn to_json(entry: &Entry) -> Value {
    let params: Map<String, Value> =
        entry.params.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mut object = Map::new();
    object.insert("workload".to_owned(), json!(entry.workload));
    object.insert("peer".to_owned(), json!(entry.peer));
    object.insert("params".to_owned(), Value::Object(params));
    object.insert("repeats".to_owned(), json!(entry.repeats));
    object.extend(part(&entry.figures, |spread| spread.median));
    object.insert("min".to_owned(), part(&entry.figures, |spread| spread.min).into());
    object.insert("max".to_owned(), part(&entry.figures, |spread| spread.max).into());
    let to_raw = json!({
        "median": part(&entry.to_raw, |spread| spread.median),
        "min": part(&entry.to_raw, |spread| spread.min),
        "max": part(&entry.to_raw, |spread| spread.max),
    });
    object.insert("to_raw".to_owned(), to_raw);
    Value::Object(object)
}

fn part(spreads: &BTreeMap<String, Spread>, of: impl Fn(&Spread) -> f64) -> Map<String, Value> {
    spreads.iter().map(|(name, spread)| (name.clone(), json!(of(spread)))).collect()
}

/// `None`: it is not of the shape above.
fn from_json(value: &Value) -> Option<Entry> {
    let spreads = |median: &Value, min: &Value, max: &Value| -> BTreeMap<String, Spread> {
        let names = min.as_object().into_iter().flat_map(Map::keys);
        let spread = |name: &String| {
            let spread = Spread {
                median: median[name].as_f64()?,
                min: min[name].as_f64()?,
                max: max[name].as_f64()?,
            };
            Some((name.clone(), spread))
        };
        names.filter_map(spread).collect()
    };
    let params = value["params"].as_object()?;
    let order = |name: &str| ORDER.iter().position(|known| *known == name);
    let mut params: Vec<(String, u64)> =
        params.iter().filter_map(|(name, value)| Some((name.clone(), value.as_u64()?))).collect();
    params.sort_by_key(|(name, _)| order(name));
    let ratio = &value["to_raw"];
    Some(Entry {
        workload: value["workload"].as_str()?.to_owned(),
        peer: value["peer"].as_str()?.to_owned(),
        params,
        repeats: usize::try_from(value["repeats"].as_u64()?).ok()?,
        figures: spreads(value, &value["min"], &value["max"]),
        to_raw: spreads(&ratio["median"], &ratio["min"], &ratio["max"]),
    })
}

/// JSON objects have no order; the parameter that tells rows apart comes first.
const ORDER: [&str; 8] =
    ["nodes", "connections", "members", "outstanding", "stalled", "rate", "size", "bytes"];

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let spread = |median| Spread { median, min: 1.5, max: 9.0 };
        Entry {
            workload: "w2".to_owned(),
            peer: "gatewire".to_owned(),
            params: vec![("outstanding".to_owned(), 256), ("size".to_owned(), 16)],
            repeats: 3,
            figures: BTreeMap::from([("rate".to_owned(), spread(2.0))]),
            to_raw: BTreeMap::from([("rate".to_owned(), spread(0.25))]),
        }
    }

    #[test]
    fn an_entry_has_medians_and_their_bounds() {
        assert_eq!(
            to_json(&entry()),
            json!({
                "workload": "w2", "peer": "gatewire", "params": {"outstanding": 256, "size": 16},
                "repeats": 3, "rate": 2.0, "min": {"rate": 1.5}, "max": {"rate": 9.0},
                "to_raw": {"median": {"rate": 0.25}, "min": {"rate": 1.5}, "max": {"rate": 9.0}},
            })
        );
    }

    #[test]
    fn what_was_written_can_be_read() {
        assert_eq!(from_json(&to_json(&entry())), Some(entry()));
        assert_eq!(from_json(&json!({"workload": "w2"})), None);
    }

    #[test]
    fn each_parameter_has_a_place() {
        for case in crate::bench::case::Case::all(crate::bench::case::Pace::Normal) {
            let places: Vec<_> = case
                .params
                .iter()
                .map(|(name, _)| ORDER.iter().position(|known| known == name))
                .collect();
            assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{case:?}");
        }
    }
}
