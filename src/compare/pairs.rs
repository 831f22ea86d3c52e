//! What a method measured, and how it differs from the baseline in pairs.

use std::collections::HashMap;

use super::judge::{Cell, Difference, Element, MeasureTable};
use crate::statistics::{Estimate, clusters, sign_flip};

impl Cell {
    pub(super) fn of(values: &[f64], elements: &[&Element], missing: usize) -> Option<Self> {
        let clusters = clusters(&recordings(elements), values);
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |q: f64| sorted[(q * (sorted.len() - 1) as f64).round() as usize];
        Some(Self {
            mean: Estimate::mean_of_clusters(values, &clusters, 0)?,
            median: at(0.5),
            p95: at(0.95),
            missing,
            difference: None,
        })
    }
}

/// A number for each recording of each data.
fn recordings(elements: &[&Element]) -> Vec<usize> {
    let mut known: HashMap<(usize, &str), usize> = HashMap::new();
    let mut of = Vec::with_capacity(elements.len());
    for element in elements {
        let next = known.len();
        let key = (element.data, element.recording.as_str());
        of.push(*known.entry(key).or_insert(next));
    }
    of
}

impl MeasureTable {
    /// What people call it, such as `held-out MPJPE`.
    pub fn called(&self) -> String {
        let name = self.name.replace("held_out_", "held-out ");
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

    /// Fills in the differences to the baseline, and the cells of each data.
    pub(super) fn judge(&mut self, baseline: usize) {
        let everything: Vec<usize> = (0..self.elements.len()).collect();
        for m in 0..self.values.len() {
            let difference = self.difference(m, baseline, &everything);
            if let Some(cell) = &mut self.whole[m] {
                cell.difference = difference;
            }
        }
        if self.data.len() < 2 {
            return;
        }
        for d in 0..self.data.len() {
            let of_data = |e: &usize| self.elements[*e].data == d;
            let chosen: Vec<usize> = everything.iter().copied().filter(of_data).collect();
            let part = (0..self.values.len()).map(|m| self.part(m, baseline, &chosen));
            let part = part.collect();
            self.parts.push(part);
        }
    }

    fn part(&self, m: usize, baseline: usize, chosen: &[usize]) -> Option<Cell> {
        let values = self.values[m].as_ref()?;
        let values: Vec<f64> = chosen.iter().map(|e| values[*e]).collect();
        let elements: Vec<&Element> = chosen.iter().map(|e| &self.elements[*e]).collect();
        let mut cell = Cell::of(&values, &elements, 0).filter(|_| !values.is_empty())?;
        cell.difference = self.difference(m, baseline, chosen);
        Some(cell)
    }

    fn difference(&self, m: usize, baseline: usize, chosen: &[usize]) -> Option<Difference> {
        let (of, base) = (self.values[m].as_ref()?, self.values[baseline].as_ref()?);
        if m == baseline || chosen.is_empty() {
            return None;
        }
        let apart: Vec<f64> = chosen.iter().map(|e| of[*e] - base[*e]).collect();
        let elements: Vec<&Element> = chosen.iter().map(|e| &self.elements[*e]).collect();
        let clusters = clusters(&recordings(&elements), &apart);
        let tie = |x: f64, e: usize| x.abs() <= 1e-9 * base[e].abs();
        let won = apart.iter().zip(chosen).map(|(x, e)| match *x {
            x if tie(x, *e) => 0.5,
            x if x < 0.0 => 1.0,
            _ => 0.0,
        });
        let p = sign_flip(&apart, &clusters, 0);
        Some(Difference {
            mean: Estimate::mean_of_clusters(&apart, &clusters, 0)?,
            p,
            adjusted: p,
            wins: 100.0 * won.sum::<f64>() / apart.len() as f64,
        })
    }

    pub(super) fn differences(&mut self) -> impl Iterator<Item = &mut Difference> {
        let cells = self.whole.iter_mut().chain(self.parts.iter_mut().flatten());
        cells.flatten().filter_map(|c| c.difference.as_mut())
    }
}
