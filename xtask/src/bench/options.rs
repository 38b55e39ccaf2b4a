//! The command line of `cargo xtask bench`.

use super::case::{Case, Pace};
use super::peer::{self, Peer};
use crate::command::Failure;

/// What is to be done, in this order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Options {
    /// Install and build what the peers need.
    pub(super) setup: bool,
    /// Count instructions.
    pub(super) icount: Option<Icount>,
    /// Run the load programs, or show again what they gave.
    pub(super) load: Option<Load>,
    /// Run the criterion benches.
    pub(super) micro: Option<Micro>,
}

/// What to do with the counted instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icount {
    /// Compare them with the stored ones.
    Compare,
    /// Store them.
    Bless,
}

/// Which load benches, and what becomes of their figures.
#[derive(Debug, PartialEq)]
pub(super) struct Load {
    /// In the order of the tables; the limit first.
    pub(super) peers: Vec<&'static Peer>,
    pub(super) cases: Vec<Case>,
    pub(super) pace: Pace,
    /// Rounds: in each, each system does each case once.
    pub(super) repeats: usize,
    /// Measure nothing: take the stored figures.
    pub(super) from_latest: bool,
    /// Write tables and plots into the documentation.
    pub(super) publish: bool,
}

/// How the criterion benches are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Micro {
    /// Short: fits the run without arguments.
    Short,
    /// As long as each bench asks for, with these arguments for criterion.
    Full(Vec<String>),
}

impl Options {
    pub(super) fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut words = Words::default();
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            let mut value =
                || rest.next().cloned().ok_or_else(|| usage(&format!("`{word}` needs a value")));
            match word.as_str() {
                "--vs" => words.vs = Some(value()?),
                "--workloads" => words.workloads = Some(value()?),
                "--repeats" => words.repeats = Some(number(&value()?)?),
                "--quick" => words.quick = true,
                "--long" => words.long = true,
                "--load" => words.load = true,
                "--publish" => words.publish = true,
                "--from-latest" => words.from_latest = true,
                "--setup" => words.setup = true,
                "--icount" => words.icount = true,
                "--bless" => words.bless = true,
                "--micro" => words.micro = Some(rest.by_ref().cloned().collect()),
                unknown => return Err(usage(&format!("there is no option `{unknown}`"))),
            }
        }
        words.options(arguments.is_empty())
    }
}

/// What was said, before it is known to make sense.
#[derive(Default)]
struct Words {
    vs: Option<String>,
    workloads: Option<String>,
    repeats: Option<usize>,
    quick: bool,
    long: bool,
    load: bool,
    publish: bool,
    from_latest: bool,
    setup: bool,
    icount: bool,
    bless: bool,
    micro: Option<Vec<String>>,
}

impl Words {
    fn options(self, nothing_said: bool) -> Result<Options, Failure> {
        if self.bless && !self.icount {
            return Err(usage("`--bless` goes with `--icount`"));
        }
        if self.quick && (self.long || self.publish) {
            return Err(usage("figures of `--quick` mean nothing: not `--long`, not `--publish`"));
        }
        if self.from_latest && (self.vs.is_some() || self.workloads.is_some() || self.quick) {
            return Err(usage("`--from-latest` measures nothing: only `--publish` goes with it"));
        }
        let measures = self.vs.is_some()
            || self.workloads.is_some()
            || self.repeats.is_some()
            || self.quick
            || self.long
            || self.load
            || self.publish
            || self.from_latest;
        Ok(Options {
            setup: self.setup,
            icount: self.icount.then_some(if self.bless { Icount::Bless } else { Icount::Compare }),
            load: if measures || nothing_said { Some(self.load()?) } else { None },
            micro: match self.micro {
                Some(arguments) => Some(Micro::Full(arguments)),
                None => nothing_said.then_some(Micro::Short),
            },
        })
    }

    fn load(&self) -> Result<Load, Failure> {
        let pace = match (self.quick, self.long) {
            (true, _) => Pace::Quick,
            (_, true) => Pace::Long,
            _ => Pace::Normal,
        };
        let mut peers = peer::own();
        if let Some(list) = &self.vs {
            peers.extend(peer::select(list)?);
        }
        Ok(Load {
            peers,
            cases: match &self.workloads {
                Some(list) => Case::select(list, pace)?,
                None => Case::all(pace),
            },
            pace,
            repeats: self.repeats.unwrap_or(if self.quick { 1 } else { REPEATS }),
            from_latest: self.from_latest,
            publish: self.publish,
        })
    }
}

fn number(text: &str) -> Result<usize, Failure> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(usage(&format!("`{text}` is no number of repeats"))),
    }
}

fn usage(why: &str) -> Failure {
    Failure::new(format!("{why}\n\n{USAGE}"))
}

pub(super) const USAGE: &str = "\
usage: cargo xtask bench                      load benches of raw TCP and gatewire, and criterion's, short

  --vs nats,zmq | all   beside these peers too
  --workloads w1:16,w3  only these rows
  --repeats N           rounds (default 3; 7 for a claim)
  --long                longer runs, for a claim
  --quick               short runs of an unoptimised build: shows that all of it works, and no more
  --load                the load benches without criterion's
  --publish             write the figures into docs/performance.md
  --from-latest         show, draw and publish what the last run stored; measures nothing
  --setup               install and build what the peers need
  --icount [--bless]    count instructions, and compare (or store) them; needs valgrind
  --micro [ARGS..]      criterion's benches only; ARGS go to criterion";

/// Enough for a median. Seven are better, and take their time.
const REPEATS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, Failure> {
        let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    fn load(text: &str) -> Load {
        parse(text).expect("it makes sense").load.expect("something is measured")
    }

    #[test]
    fn without_arguments_both_kinds_are_run() {
        let options = parse("").expect("it makes sense");
        assert_eq!(options.micro, Some(Micro::Short));
        let load = options.load.expect("something is measured");
        assert_eq!((load.peers.len(), load.repeats, load.pace), (2, 3, Pace::Normal));
        assert_eq!(load.cases, Case::all(Pace::Normal));
        assert!(!options.setup && options.icount.is_none() && !load.publish);
    }

    #[test]
    fn peers_rows_and_rounds_are_chosen() {
        let load = load("--vs zmq,nats --workloads w1:16 --repeats 7 --long --publish");
        let names: Vec<_> = load.peers.iter().map(|peer| peer.name).collect();
        assert_eq!(names, ["raw", "gatewire", "zmq", "nats", "nats-raw"]);
        assert_eq!((load.cases.len(), load.repeats, load.publish), (1, 7, true));
        assert_eq!(load.cases[0].seconds, Some(2.0));
    }

    #[test]
    fn each_part_can_be_run_alone() {
        let micro = parse("--micro fanout --noplot").expect("it makes sense");
        let words = vec!["fanout".to_owned(), "--noplot".to_owned()];
        assert_eq!(micro, Options { micro: Some(Micro::Full(words)), ..Options::default() });
        let bless = parse("--icount --bless").expect("it makes sense");
        assert_eq!(bless, Options { icount: Some(Icount::Bless), ..Options::default() });
        let setup = parse("--setup").expect("it makes sense");
        assert_eq!(setup, Options { setup: true, ..Options::default() });
        assert!(parse("--load").is_ok_and(|options| options.micro.is_none()));
    }

    #[test]
    fn a_smoke_test_has_one_round() {
        let load = load("--quick");
        assert_eq!((load.repeats, load.pace), (1, Pace::Quick));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let wrong = [
            "--vs",
            "--vs kafka",
            "--workloads w9",
            "--repeats 0",
            "--repeats many",
            "--bless",
            "--quick --publish",
            "--from-latest --vs all",
            "--fast",
            "fanout",
        ];
        for wrong in wrong {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
