//! Runs side by side, element by element: means with intervals, paired differences, tests.

use std::path::PathBuf;

use super::cases::Question;
use super::gather::tables;
use super::pace::pace;
use super::warnings::{self, warnings};
use super::{CompareRun, Comparison, tune, verdict};
use crate::error::Error;
use crate::statistics::{Estimate, holm};

/// A measure of all methods, on the elements that all of them have.
#[derive(Clone, Debug)]
pub struct MeasureTable {
    pub name: String,
    pub unit: String,
    pub axis: String,
    /// The data that are compared on; one, without a name, where they are not varied.
    pub data: Vec<String>,
    /// Which data, recording and element each is that all methods have.
    pub elements: Vec<Element>,
    /// (methods) of (elements), the mean over seeds; none where a method does not have the measure.
    pub values: Vec<Option<Vec<f64>>>,
    /// (data): levels of one source are the same frames, such as with more and less noise.
    pub(super) sources: Vec<usize>,
    /// (methods): elements that others have, and this one has not.
    pub(super) missing: Vec<usize>,
    /// (methods): over all data.
    pub whole: Vec<Option<Cell>>,
    /// (data) of (methods), where there are several.
    pub parts: Vec<Vec<Option<Cell>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Element {
    /// A place in `MeasureTable::data`.
    pub data: usize,
    pub recording: String,
    pub name: String,
}

/// What a method measured.
#[derive(Clone, Debug)]
pub struct Cell {
    pub mean: Estimate,
    pub median: f64,
    pub p95: f64,
    /// Elements that others have, and this method has not.
    pub missing: usize,
    /// Of all but the baseline.
    pub difference: Option<Difference>,
}

/// A method less the baseline, in pairs.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    pub mean: Estimate,
    /// Recordings, or stretches of them, that know nothing of each other.
    pub clusters: usize,
    /// Of the sign-flip test over clusters.
    pub p: f64,
    /// The same with Holm's correction: of the measure of the verdict over its methods, of all others over all
    /// of them.
    pub adjusted: f64,
    /// The share of elements that are better than the baseline's, percent; ties count half.
    pub wins: f64,
}

impl Difference {
    /// Whether chance is an unlikely reason.
    pub fn shown(&self) -> bool {
        self.adjusted < 0.05
    }
}

pub(super) fn judged(
    question: Question,
    runs: Vec<CompareRun>,
    dir: PathBuf,
) -> Result<Comparison, Error> {
    let measure = question.measure.as_deref();
    let (runs, tuned) = tune::tuned(runs, measure)?;
    let methods = question.methods;
    let place = |name: &String| methods.iter().position(|m| m == name);
    let baseline = question.baseline.as_ref().and_then(place).unwrap_or(0);
    let mut measures = tables(&runs, &methods);
    let primary = verdict::primary(&measures, measure)?;
    for table in &mut measures {
        table.judge(baseline);
    }
    adjust(&mut measures, primary);
    let findings = verdict::findings(&measures, primary, &methods, baseline, &runs);
    let mut warnings = warnings(&runs, &methods, primary.map(|p| &measures[p]));
    warnings.extend(tuned);
    let fits_say = warnings::of_fits(&runs);
    let pace = pace(&runs, &methods);
    Ok(Comparison {
        name: question.name,
        methods,
        baseline,
        runs,
        measures,
        primary,
        findings,
        warnings,
        fits_say,
        pace,
        command: question.command,
        dir,
    })
}

/// Accounts for the number of comparisons: the verdict's over its methods, all others together.
fn adjust(measures: &mut [MeasureTable], primary: Option<usize>) {
    let mut verdict = Vec::new();
    let mut others = Vec::new();
    for (k, table) in measures.iter_mut().enumerate() {
        let first = table
            .whole
            .iter()
            .flatten()
            .filter(|c| c.difference.is_some());
        let first = first.count();
        for (place, difference) in table.differences().enumerate() {
            match Some(k) == primary && place < first {
                true => verdict.push(difference),
                false => others.push(difference),
            }
        }
    }
    for group in [verdict, others] {
        let p: Vec<f64> = group.iter().map(|d| d.p).collect();
        for (difference, adjusted) in group.into_iter().zip(holm(&p)) {
            difference.adjusted = adjusted;
        }
    }
}
