//! What a method measured, and how it differs from the baseline in pairs.

use std::collections::HashMap;

use super::judge::{Cell, Difference, MeasureTable};
use crate::report::measures::HELD_OUT;
use crate::statistics::{Estimate, clusters, sign_flip};

/// Fewer clusters than this have no interval: resampling them says nothing.
const FEW: usize = 5;

/// One of several levels of the same recording, such as more and less noise, is no evidence of its own: a
/// sample has the mean of an element over them, and its recording.
struct Sample {
    values: Vec<f64>,
    recordings: Vec<usize>,
}

impl Sample {
    fn clusters(&self) -> Vec<usize> {
        clusters(&self.recordings, &self.values)
    }

    fn mean(&self) -> Option<Estimate> {
        let clusters = self.clusters();
        let mut estimate = Estimate::mean_of_clusters(&self.values, &clusters, 0)?;
        if different(clusters) < FEW && self.values.len() > 1 {
            (estimate.low, estimate.high) = (f64::NAN, f64::NAN);
        }
        Some(estimate)
    }
}

fn different(mut clusters: Vec<usize>) -> usize {
    clusters.sort_unstable();
    clusters.dedup();
    clusters.len()
}

impl Cell {
    fn of(sample: &Sample, missing: usize) -> Option<Self> {
        let mut sorted = sample.values.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |q: f64| sorted[(q * (sorted.len() - 1) as f64).round() as usize];
        Some(Self {
            mean: sample.mean()?,
            median: at(0.5),
            p95: at(0.95),
            missing,
            difference: None,
        })
    }
}

impl MeasureTable {
    /// What people call it, such as `held-out MPJPE`.
    pub fn called(&self) -> String {
        let name = self.name.replace(HELD_OUT, "held-out ");
        let name = name
            .replace("pa_mpjpe", "PA-MPJPE")
            .replace("mpjpe", "MPJPE");
        name.replace('_', " ")
    }

    /// The same with its unit.
    pub fn title(&self) -> String {
        let name = self.called();
        match self.unit.as_str() {
            "" => name,
            unit => format!("{name}, {unit}"),
        }
    }

    /// Fills in the cells of all data together and of each, with the differences to the baseline.
    pub(super) fn judge(&mut self, baseline: usize) {
        let methods = self.values.len();
        let everything: Vec<usize> = (0..self.elements.len()).collect();
        let whole = (0..methods).map(|m| self.cell((m, baseline), &everything, self.missing[m]));
        self.whole = whole.collect();
        if self.data.len() < 2 {
            return;
        }
        for d in 0..self.data.len() {
            let of_data = |e: &usize| self.elements[*e].data == d;
            let chosen: Vec<usize> = everything.iter().copied().filter(of_data).collect();
            let part = (0..methods).map(|m| self.cell((m, baseline), &chosen, 0));
            self.parts.push(part.collect());
        }
    }

    fn cell(
        &self,
        (m, baseline): (usize, usize),
        chosen: &[usize],
        missing: usize,
    ) -> Option<Cell> {
        let values = self.values[m].as_ref()?;
        let sample = self.sample(chosen, |e| values[e]);
        let mut cell = Cell::of(&sample, missing).filter(|_| !chosen.is_empty())?;
        let base = self.values[baseline].as_ref().filter(|_| m != baseline);
        cell.difference = base.and_then(|base| self.difference(values, base, chosen));
        Some(cell)
    }

    fn sample(&self, chosen: &[usize], value: impl Fn(usize) -> f64) -> Sample {
        let mut units: HashMap<(usize, &str, &str), usize> = HashMap::new();
        let mut recordings: HashMap<(usize, &str), usize> = HashMap::new();
        let (mut sums, mut of): (Vec<(f64, f64)>, Vec<usize>) = (Vec::new(), Vec::new());
        for &e in chosen {
            let element = &self.elements[e];
            // Rows of a table have no order, and no recording.
            let recording = match self.axis.as_str() {
                "frame" => element.recording.as_str(),
                _ => element.name.as_str(),
            };
            let recording = (self.sources[element.data], recording);
            let next = units.len();
            let unit = *units
                .entry((recording.0, recording.1, &element.name))
                .or_insert(next);
            if unit == next {
                sums.push((0.0, 0.0));
                let known = recordings.len();
                of.push(*recordings.entry(recording).or_insert(known));
            }
            sums[unit] = (sums[unit].0 + value(e), sums[unit].1 + 1.0);
        }
        Sample {
            values: sums.into_iter().map(|(sum, n)| sum / n).collect(),
            recordings: of,
        }
    }

    fn difference(&self, of: &[f64], base: &[f64], chosen: &[usize]) -> Option<Difference> {
        let apart = self.sample(chosen, |e| of[e] - base[e]);
        let size = self.sample(chosen, |e| base[e].abs());
        let pairs = apart.values.iter().zip(&size.values);
        let won = pairs.map(|(x, size)| match *x {
            x if x.abs() <= TIE * size => 0.5,
            x if x < 0.0 => 1.0,
            _ => 0.0,
        });
        let won: f64 = won.sum();
        let clusters = apart.clusters();
        let p = sign_flip(&apart.values, &clusters, 0);
        Some(Difference {
            mean: apart.mean()?,
            clusters: different(clusters),
            p,
            adjusted: p,
            wins: 100.0 * won / apart.values.len() as f64,
        })
    }

    pub(super) fn differences(&mut self) -> impl Iterator<Item = &mut Difference> {
        let cells = self.whole.iter_mut().chain(self.parts.iter_mut().flatten());
        cells.flatten().filter_map(|c| c.difference.as_mut())
    }
}

/// Numbers so near each other are the same to any solver's tolerance.
const TIE: f64 = 1e-6;
