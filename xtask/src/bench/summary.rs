//! What several rounds come to: for each figure a median with the least and the most.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, HOP_CPU_FIELD, HOP_P50_FIELD, KEPT_FIELD};
use super::outcome::Outcome;
use super::peer::RAW;

/// A figure over several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

/// One row of one system: what is shown and stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) workload: String,
    pub(super) peer: String,
    pub(super) params: Vec<(String, u64)>,
    /// Rounds that counted.
    pub(super) repeats: usize,
    pub(super) figures: BTreeMap<String, Spread>,
    /// Each figure over the raw limit's of the same round: what drifts from round to round is in both.
    pub(super) to_raw: BTreeMap<String, Spread>,
}

/// One run that counted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) round: usize,
    /// Its place among the cases.
    pub(super) case: usize,
    pub(super) peer: &'static str,
    pub(super) outcome: Outcome,
}

impl Spread {
    /// `None` without values.
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }
}

/// One entry for each case and system that has runs: by case, and within it in the order of `peers`.
pub(super) fn summarize(cases: &[Case], peers: &[&'static str], runs: &[Run]) -> Vec<Entry> {
    let runs = with_hops(cases, &with_kept(cases, runs));
    let mut entries = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let of = |peer: &str| -> Vec<&Run> {
            runs.iter().filter(|run| run.case == index && run.peer == peer).collect()
        };
        let raw = of(RAW);
        for peer in peers {
            let own = of(peer);
            if own.is_empty() {
                continue;
            }
            entries.push(Entry {
                workload: case.workload.name.to_owned(),
                peer: (*peer).to_owned(),
                params: case.params.iter().map(|&(name, v)| (name.to_owned(), v)).collect(),
                repeats: own.len(),
                figures: spreads(&own, |run, name| run.outcome.figures.get(name).copied()),
                to_raw: spreads(&own, |run, name| ratio(run, &raw, name)),
            });
        }
    }
    entries
}

/// The spread of each figure that any of `runs` has, of what `value` makes of it.
fn spreads<'r>(
    runs: &[&'r Run],
    value: impl Fn(&'r Run, &str) -> Option<f64>,
) -> BTreeMap<String, Spread> {
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.outcome.figures.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let values = runs.iter().filter_map(|run| value(run, name)).collect();
            Some((name.clone(), Spread::of(values)?))
        })
        .collect()
}

/// A figure over that of the raw limit in the same round.
fn ratio(run: &Run, raw: &[&Run], name: &str) -> Option<f64> {
    let limit = raw.iter().find(|raw| raw.round == run.round)?.outcome.figures.get(name)?;
    let ratio = run.outcome.figures.get(name)? / limit;
    ratio.is_finite().then_some(ratio)
}

/// The runs, and in those beside a stalled member the rate over that without one.
fn with_kept(cases: &[Case], runs: &[Run]) -> Vec<Run> {
    let mut runs = runs.to_vec();
    let rates: Vec<_> = runs
        .iter()
        .map(|run| {
            let stalled = &cases[run.case];
            let whole = cases.iter().position(|case| {
                stalled.workload.name == "w3s"
                    && case.workload.name == "w3"
                    && case.params[0] == stalled.params[0]
            });
            let same = |other: &&Run| {
                Some(other.case) == whole && (other.round, other.peer) == (run.round, run.peer)
            };
            let whole = runs.iter().find(same)?.outcome.figures.get("rate")?;
            Some(run.outcome.figures.get("rate")? / whole)
        })
        .collect();
    for (run, rate) in runs.iter_mut().zip(rates) {
        if let Some(rate) = rate {
            run.outcome.figures.insert(KEPT_FIELD.to_owned(), rate);
        }
    }
    runs
}

/// The runs, and in those through several nodes what each hop takes more than one node of the same system in
/// the same round.
fn with_hops(cases: &[Case], runs: &[Run]) -> Vec<Run> {
    let nodes = |run: &Run| match (cases[run.case].workload.name, cases[run.case].params[0]) {
        ("w6", ("nodes", nodes)) => Some(nodes),
        _ => None,
    };
    let added = |run: &Run| {
        let hops = nodes(run)?.checked_sub(1).filter(|hops| *hops > 0)?;
        let same =
            |one: &&Run| nodes(one) == Some(1) && (one.round, one.peer) == (run.round, run.peer);
        let one = runs.iter().find(same)?;
        let hop = |from: &str, to: &str| {
            let (all, one) = (run.outcome.figures.get(from)?, one.outcome.figures.get(from)?);
            #[expect(clippy::cast_precision_loss, reason = "a line is short")]
            Some((to.to_owned(), (all - one) / hops as f64))
        };
        Some([hop("server_cpu_ns", HOP_CPU_FIELD), hop("p50_us", HOP_P50_FIELD)])
    };
    let with = |run: &Run| {
        let mut new = run.clone();
        new.outcome.figures.extend(added(run).into_iter().flatten().flatten());
        new
    };
    runs.iter().map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::case::Pace;

    fn spread(values: &[f64]) -> (f64, f64, f64) {
        let spread = Spread::of(values.to_vec()).expect("there are values");
        (spread.median, spread.min, spread.max)
    }

    fn run(round: usize, case: usize, peer: &'static str, rate: f64) -> Run {
        let figures = BTreeMap::from([("rate".to_owned(), rate)]);
        Run { round, case, peer, outcome: Outcome { workload: String::new(), figures } }
    }

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (2.0, 1.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), (2.5, 1.0, 4.0));
        assert_eq!(spread(&[7.0]), (7.0, 7.0, 7.0));
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let cases = Case::select("w1:16", Pace::Normal).expect("it exists");
        let runs = [
            run(0, 0, "raw", 100.0),
            run(0, 0, "gatewire", 50.0),
            // The machine got slower: for both.
            run(1, 0, "raw", 10.0),
            run(1, 0, "gatewire", 5.0),
            // A round without the limit has no ratio.
            run(2, 0, "gatewire", 70.0),
        ];
        let entries = summarize(&cases, &["raw", "gatewire", "nats"], &runs);
        assert_eq!(entries.len(), 2);
        let own = &entries[1];
        assert_eq!((own.peer.as_str(), own.repeats), ("gatewire", 3));
        assert_eq!(own.figures["rate"], Spread { median: 50.0, min: 5.0, max: 70.0 });
        assert_eq!(own.to_raw["rate"], Spread { median: 0.5, min: 0.5, max: 0.5 });
    }

    #[test]
    fn a_stalled_member_is_compared_with_a_room_without_one() {
        let cases = Case::select("w3:1000,w3s:1000", Pace::Normal).expect("they exist");
        let runs = [run(0, 0, "gatewire", 200.0), run(0, 1, "gatewire", 190.0)];
        let entries = summarize(&cases, &["gatewire"], &runs);
        assert_eq!(entries[1].figures[KEPT_FIELD].median, 0.95);
        assert!(!entries[0].figures.contains_key(KEPT_FIELD));
    }

    #[test]
    fn a_hop_is_what_a_line_takes_more_than_one_node() {
        let cases = Case::select("w6", Pace::Normal).expect("they exist");
        let run = |case, p50| {
            let figures = BTreeMap::from([("p50_us".to_owned(), p50)]);
            let outcome = Outcome { workload: String::new(), figures };
            Run { round: 0, case, peer: "gatewire", outcome }
        };
        let entries = summarize(&cases, &["gatewire"], &[run(0, 60.0), run(1, 100.0)]);
        assert_eq!(entries[1].figures[HOP_P50_FIELD].median, 20.0);
        assert!(!entries[1].figures.contains_key(HOP_CPU_FIELD), "it was not measured");
        assert!(!entries[0].figures.contains_key(HOP_P50_FIELD));
    }
}
