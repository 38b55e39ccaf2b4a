//! The workloads, and the rows of the table that they make.

use crate::command::Failure;

/// One row: a workload with parameters. All systems under test do the same one in turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    pub(super) workload: &'static Workload,
    /// As the load programs take and print them: `--size 16` is `("size", 16)`. The first tells this
    /// row from the others of its workload.
    pub(super) params: Vec<(&'static str, u64)>,
    /// How long to send, where the time decides the end.
    pub(super) seconds: Option<f64>,
}

/// What is done, apart from its size.
#[derive(Debug, PartialEq)]
pub(super) struct Workload {
    /// Its name in the command line, in the outcomes and in the stored figures.
    pub(super) name: &'static str,
    /// For people.
    pub(super) title: &'static str,
    /// What is shown of it.
    pub(super) columns: &'static [Column],
}

/// A figure of the outcomes, as tables show it.
#[derive(Debug, PartialEq)]
pub(super) struct Column {
    /// Its name in the outcomes.
    pub(super) field: &'static str,
    /// For people, with its unit.
    pub(super) title: &'static str,
    /// Whether the raw limit's is something to be compared with.
    pub(super) compared: bool,
}

/// How long a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Shows that all of it works. The figures mean nothing.
    Quick,
    /// Three rounds of two systems in three minutes.
    Normal,
    /// For a claim.
    Long,
}

impl Case {
    /// All rows.
    pub(super) fn all(pace: Pace) -> Vec<Self> {
        let case = |&(workload, params, normal, long): &Row| {
            let limit = |&(name, value): &(&'static str, u64)| {
                let most = QUICK.iter().find(|(limited, _)| *limited == name);
                let most = most.filter(|_| pace == Pace::Quick).map_or(u64::MAX, |(_, most)| *most);
                (name, value.min(most))
            };
            let seconds = match pace {
                Pace::Quick => QUICK_SECONDS,
                Pace::Normal => normal,
                Pace::Long => long,
            };
            Self {
                workload,
                params: params.iter().map(limit).collect(),
                seconds: (normal > 0.0).then_some(seconds),
            }
        };
        let mut cases: Vec<Self> = Vec::new();
        for case in ROWS.iter().map(case) {
            // Rows that differ in what a smoke test cuts off are one.
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
        cases
    }

    /// The rows that a list such as `w1:16,w3` names: one of a workload, or all of it.
    pub(super) fn select(list: &str, pace: Pace) -> Result<Vec<Self>, Failure> {
        let all = Self::all(pace);
        let mut cases: Vec<Self> = Vec::new();
        for name in list.split(',') {
            let mut found = all
                .iter()
                .filter(|case| case.workload.name == name || case.name() == name)
                .peekable();
            if found.peek().is_none() {
                let known: Vec<_> = all.iter().map(Self::name).collect();
                return Err(Failure::new(format!(
                    "there is no workload `{name}`: there are {}, and all rows of one, such as `w1`",
                    known.join(", ")
                )));
            }
            let new: Vec<Self> = found.filter(|case| !cases.contains(case)).cloned().collect();
            cases.extend(new);
        }
        Ok(cases)
    }

    /// Such as `w1:16`.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.workload.name, self.params[0].1)
    }

    /// The options that tell a load program what to do, in both roles.
    pub(super) fn options(&self) -> Vec<String> {
        let mut options = vec!["--workload".to_owned(), self.workload.name.to_owned()];
        for (name, value) in &self.params {
            options.extend([format!("--{name}"), value.to_string()]);
        }
        if let Some(seconds) = self.seconds {
            options.extend(["--seconds".to_owned(), seconds.to_string()]);
        }
        options
    }
}

impl Workload {
    /// The one of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        [&W1, &W2, &W2S, &W2E, &W3, &W3L, &W3S, &W4, &W4E, &W5, &W6]
            .into_iter()
            .find(|workload| workload.name == name)
    }
}

/// Parameters for people: `16 B`, `1,000 members, 1 stalled`.
pub(super) fn describe(params: &[(String, u64)]) -> String {
    let value = |wanted: &str| {
        params.iter().find(|(name, _)| name == wanted).map(|(_, value)| thousands(*value))
    };
    let parts = [
        value("nodes").map(|number| match number.as_str() {
            "1" => "one node".to_owned(),
            _ => format!("{number} nodes in a line"),
        }),
        value("connections").map(|number| format!("{number} connections")),
        value("members").map(|number| format!("{number} members")),
        value("stalled").map(|number| format!("{number} more that never reads")),
        value("outstanding").map(|number| format!("{number} outstanding")),
        value("size").map(|number| format!("{number} B")),
        value("rate").map(|number| format!("{number} publishes/s")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

const fn compared(field: &'static str, title: &'static str) -> Column {
    Column { field, title, compared: true }
}

/// 16384 as `16,384`.
fn thousands(number: u64) -> String {
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

const RATE: Column = compared("rate", "messages/s");
const SERVER: Column = compared("server_cpu_ns", "server CPU-ns");
const CLIENT: Column = compared("client_cpu_ns", "client CPU-ns");
const EMIT: Column = Column { field: "emit_ns", title: "emit, ns", compared: false };
const P50: Column = compared("p50_us", "p50, us");
const P99: Column = compared("p99_us", "p99, us");
const P999: Column = compared("p999_us", "p99.9, us");
/// The rate beside the same system's rate with all members reading, of the same round.
const KEPT: Column = Column { field: KEPT_FIELD, title: "of the rate of w3", compared: false };
pub(super) const KEPT_FIELD: &str = "of_w3_rate";
const GROWTH: Column = Column { field: "rss_growth", title: "memory grown, B", compared: false };
const NODES: Column = compared("server_cpu_ns", "CPU-ns of all nodes");
/// What a hop more takes, beside one node of the same system in the same round.
const HOP_CPU: Column = Column { field: HOP_CPU_FIELD, title: "CPU-ns a hop", compared: false };
pub(super) const HOP_CPU_FIELD: &str = "hop_cpu_ns";
const HOP_P50: Column = Column { field: HOP_P50_FIELD, title: "p50 a hop, us", compared: false };
pub(super) const HOP_P50_FIELD: &str = "hop_p50_us";
const BYTES: Column = compared("gb_per_s", "GB/s");
const CONNECTS: Column = compared("connects_per_s", "connections/s");
const MEMORY: Column = compared("rss_per_conn", "B/connection");

static W1: Workload = Workload {
    name: "w1",
    title: "one-way events, client to server",
    columns: &[RATE, SERVER, CLIENT, EMIT],
};
static W2: Workload = Workload {
    name: "w2",
    title: "requests and their answers",
    columns: &[RATE, SERVER, P50, P99, P999],
};
static W2S: Workload = Workload {
    name: "w2s",
    title: "requests beside a stream on the same connection",
    columns: &[BYTES, P50, P99, P999],
};
static W2E: Workload = Workload {
    name: "w2e",
    title: "requests beside events of 64 KiB on the same connection",
    columns: &[BYTES, P50, P99, P999],
};
static W3: Workload = Workload {
    name: "w3",
    title: "fan-out to a room, as fast as it goes",
    columns: &[RATE, SERVER, CLIENT],
};
static W3L: Workload = Workload {
    name: "w3l",
    title: "fan-out at a fixed rate, publish to delivery",
    columns: &[SERVER, P50, P99, P999],
};
static W3S: Workload = Workload {
    name: "w3s",
    title: "fan-out beside a member that never reads",
    columns: &[RATE, KEPT, SERVER, GROWTH],
};
static W4: Workload = Workload {
    name: "w4",
    title: "1 GiB in pieces of 64 KiB: over one stream, where there are streams",
    columns: &[BYTES, SERVER, CLIENT],
};
static W4E: Workload =
    Workload { name: "w4e", title: "1 GiB in events of 64 KiB", columns: &[BYTES, SERVER, CLIENT] };
static W5: Workload =
    Workload { name: "w5", title: "idle connections", columns: &[CONNECTS, MEMORY, SERVER] };
static W6: Workload = Workload {
    name: "w6",
    title: "events through nodes in a line, and the time of one at a time",
    columns: &[RATE, NODES, P50, P99, HOP_CPU, HOP_P50],
};

/// A workload, its parameters, and the seconds of sending at [`Pace::Normal`] and [`Pace::Long`]; 0
/// where the time does not decide.
type Row = (&'static Workload, &'static [(&'static str, u64)], f64, f64);

/// Seconds: the long ones are those with which systems of this kind are usually measured here; the
/// normal ones are the shortest whose medians do not differ from the long ones by more than the
/// rounds do among each other. Rates of paced fan-outs are far below what the slowest system does:
/// what is measured is the way, and not a queue.
const ROWS: [Row; 20] = [
    (&W1, &[("size", 16)], 1.0, 2.0),
    (&W1, &[("size", 128)], 1.0, 2.0),
    (&W1, &[("size", 1024)], 1.0, 2.0),
    (&W1, &[("size", 16_384)], 1.0, 2.0),
    (&W2, &[("outstanding", 1), ("size", 16)], 1.5, 3.0),
    (&W2, &[("outstanding", 256), ("size", 16)], 1.0, 2.0),
    (&W2S, &[("outstanding", 1), ("size", 16)], 1.5, 3.0),
    (&W2E, &[("outstanding", 1), ("size", 16)], 1.5, 3.0),
    (&W3, &[("members", 10), ("size", 64)], 1.0, 2.0),
    (&W3, &[("members", 100), ("size", 64)], 1.0, 2.0),
    (&W3, &[("members", 1000), ("size", 64)], 1.0, 2.0),
    (&W3S, &[("members", 1000), ("stalled", 1), ("size", 64)], 1.0, 2.0),
    (&W3L, &[("members", 10), ("rate", 500), ("size", 64)], 2.0, 3.0),
    (&W3L, &[("members", 100), ("rate", 200), ("size", 64)], 2.0, 3.0),
    (&W3L, &[("members", 1000), ("rate", 20), ("size", 64)], 2.0, 3.0),
    (&W4, &[("size", 65_536), ("bytes", 1 << 30)], 0.0, 0.0),
    (&W4E, &[("size", 65_536), ("bytes", 1 << 30)], 0.0, 0.0),
    (&W5, &[("connections", 10_000)], 0.0, 0.0),
    (&W6, &[("nodes", 1), ("size", 64)], 1.0, 2.0),
    (&W6, &[("nodes", 3), ("size", 64)], 1.0, 2.0),
];

/// How long each run of a smoke test sends.
const QUICK_SECONDS: f64 = 0.2;

/// The most of a parameter in a smoke test.
const QUICK: [(&str, u64); 3] = [("bytes", 16 << 20), ("connections", 200), ("members", 100)];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cases: &[Case]) -> Vec<String> {
        cases.iter().map(Case::name).collect()
    }

    #[test]
    fn a_list_names_rows_and_whole_workloads() {
        let cases = Case::select("w1:16,w2,w1:16", Pace::Normal).expect("they exist");
        assert_eq!(names(&cases), ["w1:16", "w2:1", "w2:256"]);
    }

    #[test]
    fn an_unknown_row_is_refused_with_the_known_ones() {
        for wrong in ["w9", "w1:17", "", "w1,"] {
            let failure = Case::select(wrong, Pace::Normal).expect_err(wrong).to_string();
            assert!(failure.contains("w1:16384, w2:1"), "{failure}");
        }
    }

    #[test]
    fn a_row_becomes_options_of_the_load_programs() {
        let cases = Case::select("w3l:100,w4", Pace::Long).expect("they exist");
        assert_eq!(
            cases[0].options().join(" "),
            "--workload w3l --members 100 --rate 200 --size 64 --seconds 3"
        );
        assert_eq!(cases[1].options().join(" "), "--workload w4 --size 65536 --bytes 1073741824");
    }

    #[test]
    fn a_smoke_test_is_small() {
        for case in Case::all(Pace::Quick) {
            assert!(case.seconds.is_none_or(|seconds| seconds < 0.5), "{case:?}");
            assert!(!case.params.contains(&("connections", 10_000)), "{case:?}");
        }
    }

    #[test]
    fn parameters_are_told_to_people() {
        let case = Case::select("w3s", Pace::Normal).expect("it exists").remove(0);
        let params: Vec<_> = case.params.iter().map(|&(name, v)| (name.to_owned(), v)).collect();
        assert_eq!(describe(&params), "1,000 members, 1 more that never reads, 64 B");
        let params = [("nodes".to_owned(), 3), ("size".to_owned(), 64)];
        assert_eq!(describe(&params), "3 nodes in a line, 64 B");
        assert_eq!(thousands(65_536), "65,536");
        assert_eq!(thousands(123_456_789), "123,456,789");
    }
}
