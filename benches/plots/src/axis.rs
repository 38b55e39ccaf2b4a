//! From values to places: a linear axis from zero, or a logarithmic one where the values differ much.

/// An axis over a range of values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

/// Above this ratio of two values the smaller one's bar is too short to be compared.
const LOG_ABOVE: f64 = 20.0;

impl Axis {
    /// An axis that shows all `values`; `None` without a positive one.
    pub(crate) fn over(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let positive = values.filter(|value| *value > 0.0 && value.is_finite());
        let most = positive.clone().reduce(f64::max)?;
        let least = positive.reduce(f64::min)?;
        if most / least <= LOG_ABOVE {
            return Some(Self { low: 0.0, high: most, log: false });
        }
        // The least value has a bar too: it begins well above the axis' end.
        let low = 10_f64.powf((least / 1.5).log10().floor());
        Some(Self { low, high: most, log: true })
    }

    pub(crate) fn is_log(&self) -> bool {
        self.log
    }

    /// The place of `value`, 0 to 1.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let place = if self.log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            value / self.high
        };
        place.clamp(0.0, 1.0)
    }

    /// The values at which there is a line, with their labels.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let mut ticks = Vec::new();
        if self.log {
            let mut value = self.low;
            while value <= self.high * 1.0001 {
                ticks.push(value);
                value *= 10.0;
            }
        } else {
            let step = nice_step(self.high);
            let mut count = 0.0;
            while count * step <= self.high * 1.0001 {
                ticks.push(count * step);
                count += 1.0;
            }
        }
        ticks.into_iter().map(|value| (value, short(value))).collect()
    }
}

/// 1, 2 or 5 times a power of ten, so that there are three to six steps.
fn nice_step(high: f64) -> f64 {
    let power = 10_f64.powf((high / 3.0).log10().floor());
    let steps = [5.0, 2.0, 1.0].map(|factor| factor * power);
    steps.into_iter().find(|step| high / step >= 3.0).unwrap_or(power)
}

/// A round number: `0`, `0.5`, `200`, `10k`, `2M`.
fn short(value: f64) -> String {
    let (value, unit) = scaled(value);
    let digits = format!("{value:.3}");
    format!("{}{unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// A measured number with three digits that count.
pub(crate) fn precise(value: f64) -> String {
    let (value, unit) = scaled(value);
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}{unit}"),
        size if size >= 10.0 => format!("{value:.1}{unit}"),
        _ => format!("{value:.2}{unit}"),
    }
}

fn scaled(value: f64) -> (f64, &'static str) {
    match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 999_500.0 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        let axis = Axis::over(values.iter().copied()).expect("there are values");
        axis.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn values_of_one_size_have_a_linear_axis_from_zero() {
        let axis = Axis::over([10.0, 40.0].into_iter()).expect("there are values");
        assert!(!axis.is_log());
        assert_eq!((axis.place(0.0), axis.place(10.0), axis.place(40.0)), (0.0, 0.25, 1.0));
        assert_eq!(labels(&[10.0, 40.0]), ["0", "10", "20", "30", "40"]);
        assert_eq!(labels(&[21e6, 58e6]), ["0", "10M", "20M", "30M", "40M", "50M"]);
        assert_eq!(labels(&[1.1]), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    }

    #[test]
    fn values_far_apart_have_a_logarithmic_axis() {
        let axis = Axis::over([19.0, 4500.0].into_iter()).expect("there are values");
        assert!(axis.is_log());
        assert!(axis.place(19.0) > 0.1, "{}", axis.place(19.0));
        assert_eq!(axis.place(4500.0), 1.0);
        assert_eq!(labels(&[19.0, 4500.0]), ["10", "100", "1000"]);
    }

    #[test]
    fn nothing_has_no_axis() {
        assert_eq!(Axis::over([0.0, -1.0].into_iter()), None);
    }

    #[test]
    fn measured_numbers_have_three_digits_that_count() {
        let shown = [0.95, 29.14, 1979.0, 241_900.0, 50.06e6].map(precise);
        assert_eq!(shown, ["0.95", "29.1", "1979", "242k", "50.1M"]);
    }
}
