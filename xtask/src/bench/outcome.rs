//! The line that a driver prints: the figures of one run.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::Failure;

/// The figures of one run, by their names. What does not apply is absent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) workload: String,
    pub(super) figures: BTreeMap<String, f64>,
}

impl Outcome {
    /// Reads what a driver printed. Its `params` are passed over: they are what it was told.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let broken =
            |why: &str| Failure::new(format!("the driver printed {why}: `{}`", text.trim()));
        let value: Value = serde_json::from_str(text).map_err(|_| broken("no line of JSON"))?;
        let object = value.as_object().ok_or_else(|| broken("no object"))?;
        let workload = object.get("workload").and_then(Value::as_str);
        let figures: BTreeMap<String, f64> = object
            .iter()
            .filter(|(name, _)| name.as_str() != "seconds")
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))
            .collect();
        // A figure counts only from a run that delivered.
        if figures.get("messages").is_none_or(|messages| *messages <= 0.0) {
            return Err(broken("no messages"));
        }
        Ok(Self {
            workload: workload.ok_or_else(|| broken("no workload"))?.to_owned(),
            figures: figures.into_iter().filter(|(name, _)| name != "messages").collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_all_numbers_but_the_size_of_the_run() {
        let outcome = Outcome::parse(
            r#"{"workload":"w1","peer":"raw","params":{"size":16},"messages":9,"seconds":1.5,"rate":6,"p50_us":2.5}"#,
        )
        .expect("it is an outcome");
        assert_eq!(outcome.workload, "w1");
        let figures: Vec<_> = outcome.figures.iter().map(|(name, v)| (name.as_str(), *v)).collect();
        assert_eq!(figures, [("p50_us", 2.5), ("rate", 6.0)]);
    }

    #[test]
    fn what_is_no_outcome_is_shown() {
        let wrong = ["", "hello", "[1]", r#"{"workload":"w1","messages":0}"#, r#"{"messages":1}"#];
        for wrong in wrong {
            let failure = Outcome::parse(wrong).expect_err(wrong).to_string();
            assert!(failure.ends_with(&format!("`{wrong}`")), "{failure}");
        }
        assert!(Outcome::parse("{}\n{}").is_err(), "two lines");
    }
}
