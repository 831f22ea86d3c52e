//! Where an axis puts its ticks and how it writes their numbers.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// An axis in drawing coordinates: its extent, its labelled ticks and its unlabelled grid lines.
#[derive(Clone)]
pub(super) struct Axis {
    pub range: Range<f64>,
    pub ticks: Vec<(f64, String)>,
    pub minor: Vec<f64>,
}

impl Axis {
    /// A linear axis over `range` with at most about `count` ticks.
    pub(super) fn linear(range: Range<f64>, count: usize) -> Self {
        let range = widened(range, 0.5);
        Self {
            ticks: linear_ticks(&range, count),
            minor: Vec::new(),
            range,
        }
    }

    /// A linear axis over whole numbers.
    pub(super) fn counts(range: Range<f64>, count: usize) -> Self {
        let mut axis = Self::linear(range, count);
        axis.ticks.retain(|(x, _)| x.fract() == 0.0);
        axis.ticks
            .iter_mut()
            .for_each(|(x, label)| *label = format!("{x}"));
        axis
    }

    /// An axis whose drawing coordinate is log₁₀; `range` is in decades.
    pub(super) fn decades(range: Range<f64>) -> Self {
        let range = widened(range, 0.3);
        let span = range.end - range.start;
        if span < 1.3 {
            let values = 10f64.powf(range.start)..10f64.powf(range.end);
            let ticks = linear_ticks(&values, 7)
                .into_iter()
                .filter(|(x, _)| *x > 0.0);
            return Self {
                ticks: ticks.map(|(x, label)| (x.log10(), label)).collect(),
                minor: Vec::new(),
                range,
            };
        }
        let every = (span / 7.0).ceil() as i32;
        let inside = range.start.ceil() as i32..=range.end.floor() as i32;
        let ticks = inside.clone().filter(|d| d.rem_euclid(every) == 0);
        Self {
            ticks: ticks.map(|d| (d as f64, power_of_ten(d))).collect(),
            minor: minor_decades(&range, every),
            range,
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (low, high): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        low + (f64::from(high - low) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match hint.weight().allow_light_points() {
            true => self.minor.clone(),
            false => self.ticks.iter().map(|(place, _)| *place).collect(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, place: &f64) -> String {
        let tick = self.ticks.iter().find(|(x, _)| x == place);
        tick.map_or_else(String::new, |(_, label)| label.clone())
    }
}

/// Three significant digits, with a power of ten where plain digits would be long.
pub(super) fn short(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 {
            "0".to_string()
        } else {
            "–".to_string()
        };
    }
    let scientific = format!("{x:.2e}");
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes an integer exponent");
    if (-3..5).contains(&exponent) {
        return minus(trimmed(&format!("{x:.*}", (2 - exponent).max(0) as usize)));
    }
    minus(&format!("{}×{}", trimmed(mantissa), power_of_ten(exponent)))
}

fn power_of_ten(exponent: i32) -> String {
    let raised = |c| match c {
        '-' => '⁻',
        digit => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize - '0' as usize],
    };
    format!(
        "10{}",
        exponent.to_string().chars().map(raised).collect::<String>()
    )
}

fn trimmed(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

fn minus(number: &str) -> String {
    number.replace('-', "−")
}

fn widened(range: Range<f64>, by: f64) -> Range<f64> {
    if range.end > range.start {
        range
    } else {
        range.start - by..range.start + by
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear_ticks(range: &Range<f64>, count: usize) -> Vec<(f64, String)> {
    let rough = (range.end - range.start) / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = power
        * [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|m| m * power >= rough * 0.999)
            .unwrap_or(10.0);
    let first = (range.start / step - 1e-9).ceil() as i64;
    let last = (range.end / step + 1e-9).floor() as i64;
    let label = |x: f64| {
        if x.abs() < step * 1e-6 {
            "0".to_string()
        } else {
            tick_label(x, step)
        }
    };
    (first..=last)
        .map(|i| i as f64 * step)
        .map(|x| (x, label(x)))
        .collect()
}

/// As many decimals as the step needs, so that the labels of one axis match.
fn tick_label(x: f64, step: f64) -> String {
    let decimals = (-step.log10() - 1e-9).ceil().max(0.0) as usize;
    if x.abs() >= 1e5 || decimals > 4 {
        short(x)
    } else {
        minus(&format!("{x:.decimals$}"))
    }
}

fn minor_decades(range: &Range<f64>, every: i32) -> Vec<f64> {
    let decades = range.start.floor() as i32..=range.end.ceil() as i32;
    let within: &[f64] = if every == 1 {
        &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    } else {
        &[1.0]
    };
    let lines = decades.flat_map(|d| within.iter().map(move |m| d as f64 + m.log10()));
    lines.filter(|x| range.contains(x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let written = [0.0, 1.0, 12.345, 0.00123, 98765.0, 1.5e-7, 2e9, -3.5].map(short);
        assert_eq!(
            written,
            [
                "0",
                "1",
                "12.3",
                "0.00123",
                "98765",
                "1.5×10⁻⁷",
                "2×10⁹",
                "−3.5"
            ]
        );
    }

    #[test]
    fn a_linear_axis_counts_in_ones_twos_and_fives() {
        let labels: Vec<String> = Axis::linear(0.0..1.1, 6)
            .ticks
            .into_iter()
            .map(|(_, label)| label)
            .collect();
        assert_eq!(labels, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    }

    #[test]
    fn a_long_log_axis_skips_decades_and_a_short_one_writes_values() {
        let labels = |range| {
            Axis::decades(range)
                .ticks
                .into_iter()
                .map(|(_, label)| label)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            labels(-6.0..8.0),
            ["10⁻⁶", "10⁻⁴", "10⁻²", "10⁰", "10²", "10⁴", "10⁶", "10⁸"]
        );
        assert_eq!(labels(0.0..0.7), ["1", "2", "3", "4", "5"]);
    }
}
