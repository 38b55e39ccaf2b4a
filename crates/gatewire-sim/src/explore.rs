//! Many seeds, one after the other.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::report::Report;
use crate::simulation::{Setup, panic_message};
use crate::trace::TraceConfig;
use crate::violation::Violation;

/// What became of many seeds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// How many were run.
    pub seeds: u64,
    /// The time that was simulated, in all.
    pub simulated: Duration,
    /// Events, in all.
    pub events: u64,
    /// Faults, in all.
    pub faults: u64,
    /// Checks of invariants, in all.
    pub checks: u64,
    /// How many seeds ended in a violation.
    pub violations: u64,
    /// The first [`MOST_FAILURES`] of them.
    pub failures: Vec<Failure>,
}

/// A seed that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The seed; `SEED=n` replays it where the seeds come from [`seeds`].
    pub seed: u64,
    /// What it ended in, as text with the trace.
    pub text: String,
    /// Whether the replay, which is made at once to fill the trace, ended in the same. If not, the
    /// nodes or the scenario look at something that is not simulated: a clock, the order of a hash
    /// table, an address.
    pub repeats: bool,
}

/// Runs `scenario` with each of the `seeds`. One that ends in a violation or a panic is run again
/// with the contents of its messages in the trace, and the others go on.
///
/// ```
/// # use gatewire_sim::{Boot, Config, Context, LinkIndex, Node, Simulation, Topology};
/// # struct Idle;
/// # impl Node for Idle {
/// #     type Message = Vec<u8>;
/// #     fn handle_message(&mut self, _: LinkIndex, _: Vec<u8>, _: &mut Context<'_, Vec<u8>>) {}
/// # }
/// let summary = gatewire_sim::explore(gatewire_sim::seeds(20), |setup| {
///     let mut simulation =
///         Simulation::new(setup, &Topology::ring(5), Config::default(), |_: Boot<Idle>| Idle);
///     simulation.run_until_quiet(std::time::Duration::from_secs(5))?;
///     Ok(simulation.report())
/// });
/// println!("{summary}");
/// summary.expect_no_violation();
/// ```
pub fn explore(
    seeds: impl IntoIterator<Item = u64>,
    scenario: impl Fn(Setup) -> Result<Report, Box<Violation>>,
) -> Summary {
    let mut summary = Summary::default();
    for seed in seeds {
        let setup = Setup::from(seed);
        let outcome = run(&scenario, setup);
        summary.seeds += 1;
        summary.add(outcome.report());
        if outcome.failure().is_none() {
            continue;
        }
        summary.violations += 1;
        if summary.failures.len() < MOST_FAILURES {
            let trace = TraceConfig { contents: true, ..setup.trace };
            let again = run(&scenario, Setup { trace, ..setup });
            let text = again.text().or(outcome.text()).unwrap_or_default();
            let repeats = outcome.failure() == again.failure();
            summary.failures.push(Failure { seed, text, repeats });
        }
    }
    summary
}

/// The seeds from 0 to `count` - 1, or what the environment says instead: `SEED=n` is one seed,
/// `CASES=n` another count.
///
/// # Panics
///
/// When one of these variables is not a number.
#[must_use]
pub fn seeds(count: u64) -> Range<u64> {
    if let Some(seed) = variable("SEED") {
        return seed..seed.saturating_add(1);
    }
    0..variable("CASES").unwrap_or(count)
}

/// How many failures a [`Summary`] describes; one fault of a protocol fails many seeds.
pub const MOST_FAILURES: usize = 8;

impl Summary {
    /// Panics with the first failure, if there is one.
    ///
    /// # Panics
    ///
    /// When a seed has failed.
    #[track_caller]
    pub fn expect_no_violation(&self) {
        if let Some(failure) = self.failures.first() {
            panic!("{failure}\n{self}");
        }
    }

    fn add(&mut self, report: Option<&Report>) {
        let Some(report) = report else { return };
        self.simulated += report.simulated;
        self.events += report.events;
        self.faults += report.faults;
        self.checks += report.checks;
    }
}

/// One line: `seeds N, hours H, faults F, violations V`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.simulated.as_secs_f64() / 3600.0;
        let Self { seeds, faults, violations, .. } = self;
        write!(f, "seeds {seeds}, hours {hours:.2}, faults {faults}, violations {violations}")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text)?;
        if self.repeats {
            return Ok(());
        }
        write!(
            f,
            "\nthe replay of seed {} did not end in the same: something is not simulated",
            self.seed
        )
    }
}

/// How one run ended.
enum Outcome {
    Passed(Report),
    Failed(Box<Violation>),
    /// Outside of the simulation's own calls, so there is no report.
    Panicked(u64, String),
}

impl Outcome {
    fn report(&self) -> Option<&Report> {
        match self {
            Self::Passed(report) => Some(report),
            Self::Failed(violation) => Some(&violation.report),
            Self::Panicked(..) => None,
        }
    }

    /// What has to be the same in a replay: all but the trace.
    fn failure(&self) -> Option<(&str, &str, Option<u64>)> {
        match self {
            Self::Passed(_) => None,
            Self::Failed(violation) => {
                Some((&violation.invariant, &violation.what, Some(violation.report.fingerprint)))
            }
            Self::Panicked(_, text) => Some(("does not panic", text, None)),
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Passed(_) => None,
            Self::Failed(violation) => Some(violation.to_string()),
            Self::Panicked(seed, text) => {
                Some(format!("the scenario panicked: {text}\nreplay with SEED={seed}"))
            }
        }
    }
}

fn run(scenario: &impl Fn(Setup) -> Result<Report, Box<Violation>>, setup: Setup) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| scenario(setup))) {
        Ok(Ok(report)) => Outcome::Passed(report),
        Ok(Err(violation)) => Outcome::Failed(violation),
        Err(panic) => Outcome::Panicked(setup.seed, panic_message(panic.as_ref())),
    }
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{value}`")))
}
