//! The command line.

use gatewire_simulations::Mutant;
use gatewire_simulations::scenario::{SCENARIOS, Scenario, named};

/// What the program was asked for.
pub(crate) struct Options {
    pub(crate) scenario: &'static Scenario,
    pub(crate) seeds: Option<Seeds>,
    /// The first seed.
    pub(crate) from: u64,
    /// Of how many routers the large clusters are.
    pub(crate) scale: Vec<u32>,
    pub(crate) mutant: Option<Mutant>,
    /// Seeds are run until one is violated, at most so many.
    pub(crate) until_caught: Option<u64>,
}

/// Which seeds are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seeds {
    Count(u64),
    /// As many as there is time for, in seconds.
    During(u64),
    /// One, with a long trace.
    One(u64),
}

pub(crate) const USAGE: &str = "\
usage: cargo xtask sim [OPTIONS]

  --seconds N        run seeds for N seconds; without any option for 10
  --seeds N          run N seeds
  --from K           begin with seed K, not with 0
  --seed K           run one seed, and show a long trace if it fails
  --scenario NAME    this one, not any
  --scale N,N..      clusters of N routers, with their figures
  --mutant NAME      break a rule of the protocol
  --until-caught N   run seeds until one fails, and fail if none of N does
  --mutants          alone: break the protocol rule by rule; each has to be caught

The last line is `seeds N, hours H, faults F, violations V`.";

impl Options {
    /// Reads the arguments.
    ///
    /// # Errors
    ///
    /// A sentence that says which one cannot be understood.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            scenario: &SCENARIOS[0],
            seeds: None,
            from: 0,
            scale: Vec::new(),
            mutant: None,
            until_caught: None,
        };
        let mut rest = arguments.iter();
        while let Some(option) = rest.next() {
            let value = || rest.clone().next().ok_or(format!("`{option}` needs a value"));
            let number = || number(value()?);
            match option.as_str() {
                "--seconds" => options.seeds = Some(Seeds::During(number()?)),
                "--seeds" => options.seeds = Some(Seeds::Count(number()?)),
                "--seed" => options.seeds = Some(Seeds::One(number()?)),
                "--from" => options.from = number()?,
                "--until-caught" => options.until_caught = Some(number()?),
                "--scenario" => options.scenario = scenario(value()?)?,
                "--mutant" => options.mutant = Some(mutant(value()?)?),
                "--scale" => options.scale = sizes(value()?)?,
                _ => return Err(format!("there is no option `{option}`")),
            }
            rest.next();
        }
        if options.seeds.is_none() && options.scale.is_empty() {
            options.seeds = Some(Seeds::During(SECONDS));
        }
        Ok(options)
    }
}

fn number(text: &String) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

fn sizes(text: &String) -> Result<Vec<u32>, String> {
    let sizes = text.split(',').map(|size| size.parse().ok().filter(|size| *size >= 10));
    sizes.collect::<Option<_>>().ok_or(format!("`{text}` is no list of numbers from 10 on"))
}

fn scenario(text: &String) -> Result<&'static Scenario, String> {
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    named(text).ok_or(format!("there is no scenario `{text}`; there are {}", names.join(", ")))
}

fn mutant(text: &String) -> Result<Mutant, String> {
    let names: Vec<_> = Mutant::ALL.iter().map(|(name, _)| *name).collect();
    Mutant::named(text)
        .ok_or(format!("there is no mutant `{text}`; there are {}", names.join(", ")))
}

/// Enough for all scenarios many times over.
const SECONDS: u64 = 10;
