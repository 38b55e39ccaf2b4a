//! Which quantities are drawn of a workload, and how they and its rows are called.

use std::collections::BTreeMap;

/// A quantity.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    /// Its name in the stored figures.
    pub(crate) field: &'static str,
    /// For people, with its unit.
    pub(crate) title: &'static str,
    pub(crate) better: Better,
}

/// Which direction is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// Long bars.
    More,
    /// Short bars.
    Less,
}

/// The title of a workload; `None`: this program does not know it.
pub(crate) fn title(workload: &str) -> Option<&'static str> {
    Some(match workload {
        "w1" => "One-way events, client to server",
        "w2" => "Requests and their answers",
        "w2s" => "Requests beside a stream on the same connection",
        "w2e" => "Requests beside events of 64 KiB on the same connection",
        "w3" => "Fan-out to a room, as fast as it goes",
        "w3l" => "Fan-out at a fixed rate: time from publish to delivery",
        "w3s" => "Fan-out beside one member that never reads",
        "w4" => "1 GiB: over one stream, or in events of 64 KiB",
        "w4e" => "1 GiB in events of 64 KiB",
        "w5" => "Idle connections",
        "w6" => "Events through nodes in a line, and the time of one at a time",
        _ => return None,
    })
}

/// The two quantities of a row.
pub(crate) fn metrics(workload: &str, params: &BTreeMap<String, u64>) -> [&'static Metric; 2] {
    match workload {
        "w2" if params.get("outstanding") == Some(&1) => [&P50, &P999],
        "w2s" | "w2e" => [&P50, &P99],
        "w3" => [&DELIVERIES, &DELIVERY_CPU],
        "w3l" => [&P50, &P99],
        "w3s" => [&DELIVERIES, &KEPT],
        "w4" | "w4e" => [&BYTES, &CPU],
        "w5" => [&CONNECTS, &MEMORY],
        "w6" => [&NODES_CPU, &P50],
        _ => [&RATE, &CPU],
    }
}

/// What tells a row from the others of its workload.
pub(crate) fn case(params: &BTreeMap<String, u64>) -> String {
    let words = [
        ("nodes", "nodes"),
        ("connections", "connections"),
        ("members", "members"),
        ("outstanding", "outstanding"),
        ("rate", "publishes/s"),
        ("size", "B"),
    ];
    let parts = words.iter().filter_map(|(name, word)| {
        // Requests and fan-outs have one size.
        let told = *name != "size" || params.keys().all(|name| name == "size" || name == "bytes");
        params.get(*name).filter(|_| told).map(|value| match (*name, *value) {
            ("nodes", 1) => "one node".to_owned(),
            (_, value) => format!("{} {word}", grouped(value)),
        })
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// 16384 as `16,384`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const fn more(field: &'static str, title: &'static str) -> Metric {
    Metric { field, title, better: Better::More }
}

const fn less(field: &'static str, title: &'static str) -> Metric {
    Metric { field, title, better: Better::Less }
}

static RATE: Metric = more("rate", "messages per second");
static DELIVERIES: Metric = more("rate", "deliveries per second");
static CPU: Metric = less("server_cpu_ns", "server CPU, ns per message");
static NODES_CPU: Metric = less("server_cpu_ns", "CPU of all nodes, ns per message");
static DELIVERY_CPU: Metric = less("server_cpu_ns", "server CPU, ns per delivery");
static P50: Metric = less("p50_us", "median, µs");
static P99: Metric = less("p99_us", "99th percentile, µs");
static P999: Metric = less("p999_us", "99.9th percentile, µs");
static KEPT: Metric = more("of_w3_rate", "part of the rate without it");
static BYTES: Metric = more("gb_per_s", "GB per second");
static CONNECTS: Metric = more("connects_per_s", "connections per second");
static MEMORY: Metric = less("rss_per_conn", "server memory, bytes per connection");

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn a_row_is_called_after_what_tells_it_apart() {
        assert_eq!(case(&params(&[("size", 16_384)])), "16,384 B");
        assert_eq!(case(&params(&[("size", 16), ("outstanding", 256)])), "256 outstanding");
        assert_eq!(
            case(&params(&[("size", 64), ("members", 1000), ("rate", 20)])),
            "1,000 members, 20 publishes/s"
        );
        assert_eq!(case(&params(&[("size", 65_536), ("bytes", 1 << 30)])), "65,536 B");
        assert_eq!(case(&params(&[("size", 64), ("nodes", 3)])), "3 nodes");
        assert_eq!(case(&params(&[("size", 64), ("nodes", 1)])), "one node");
    }

    #[test]
    fn one_request_at_a_time_is_about_time() {
        let [first, second] = metrics("w2", &params(&[("outstanding", 1)]));
        assert_eq!((first.field, second.field), ("p50_us", "p999_us"));
        let [first, second] = metrics("w2", &params(&[("outstanding", 256)]));
        assert_eq!((first.field, second.field), ("rate", "server_cpu_ns"));
    }
}
