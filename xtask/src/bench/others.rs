//! How much else the machine does: what is measured beside other work is mostly about that work.

use std::fs;
use std::time::Duration;

/// Which part of the machine's time others use now, 0 to 1; `None` where Linux does not tell it. Takes a
/// second.
pub(super) fn busy() -> Option<f64> {
    let before = Time::read()?;
    std::thread::sleep(Duration::from_secs(1));
    Time::read()?.busy_since(&before)
}

/// A sentence for whoever measures on a machine that is not idle.
pub(super) fn warning(busy: f64) -> Option<String> {
    (busy > QUIET).then(|| {
        format!(
            "warning: {:.0} % of this machine is busy with other work: latencies will mostly show \
             that work, and rates are lower; ratios within a round still say something",
            busy * 100.0
        )
    })
}

/// What all cores did since the start of the machine, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Time {
    idle: u64,
    all: u64,
}

impl Time {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// From Linux's line `cpu user nice system idle iowait irq softirq steal ..`.
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Option<Vec<u64>> =
            line.split_whitespace().take(8).map(|ticks| ticks.parse().ok()).collect();
        let ticks = ticks?;
        Some(Self { idle: ticks.get(3)? + ticks.get(4)?, all: ticks.iter().sum() })
    }

    #[expect(clippy::cast_precision_loss, reason = "a second has a few hundred ticks")]
    fn busy_since(&self, before: &Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        let idle = self.idle.saturating_sub(before.idle).min(all);
        Some(1.0 - idle as f64 / all as f64)
    }
}

/// An idle virtual machine with a shell or two stays well below.
const QUIET: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_idle_is_busy() {
        let before = Time::parse("cpu  10 0 10 100 0 0 0 0 0 0\ncpu0 1\n").expect("it is complete");
        let after = Time::parse("cpu  25 0 20 165 10 0 0 0 0 0\n").expect("it is complete");
        assert_eq!(after, Time { idle: 175, all: 220 });
        assert_eq!(after.busy_since(&before), Some(0.25));
        assert_eq!(before.busy_since(&before), None);
        assert_eq!(Time::parse("intr 1"), None);
    }

    #[test]
    fn a_busy_machine_is_told_so() {
        assert_eq!(warning(0.02), None);
        assert!(warning(0.5).is_some_and(|text| text.contains("50 %")));
    }
}
