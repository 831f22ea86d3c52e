//! `convergence.csv`: every recorded iteration of every stage.

use std::path::Path;

use crate::fit::Fit;
use crate::io::{FileError, atomic};
use crate::ir::Problem;

/// Names of the terms of all stages, in order of their first appearance.
pub(super) fn term_names(fit: &Fit) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in fit.stages.iter().flat_map(|s| &s.term_names) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

pub(super) fn write(path: &Path, problem: &Problem, fit: &Fit) -> Result<(), FileError> {
    let names = term_names(fit);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [
        problem.axis(),
        "stage",
        "iteration",
        "evaluations",
        "seconds",
        "cost",
    ];
    let columns = head.into_iter().map(String::from);
    let terms = names.iter().map(|n| format!("term:{n}"));
    let tail = ["gradient".to_string(), "step".to_string()];
    let fail = |e: csv::Error| FileError::new(path, format!("cannot be written: {e}"));
    writer
        .write_record(columns.chain(terms).chain(tail))
        .map_err(fail)?;
    for stage in &fit.stages {
        for row in &stage.solution.trace {
            let frame = match stage.joint {
                true => "all".into(),
                false => problem.frame_numbers[stage.frames[row.problem]].to_string(),
            };
            let term = |name: &String| {
                let column = stage.term_names.iter().position(|n| n == name);
                column.map_or(String::new(), |c| format!("{:.9e}", row.terms[c]))
            };
            let mut record = vec![
                frame,
                stage.name.clone(),
                row.iteration.to_string(),
                row.evaluations.to_string(),
                format!("{:.6}", row.seconds),
                format!("{:.9e}", row.cost),
            ];
            record.extend(names.iter().map(term));
            record.push(format!("{:.6e}", row.gradient));
            record.push(format!("{:.6e}", row.step));
            writer.write_record(&record).map_err(fail)?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|e| FileError::new(path, format!("cannot be written: {e}")))?;
    atomic::write(path, &bytes)
}
