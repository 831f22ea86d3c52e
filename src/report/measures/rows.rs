//! What is left of the rows of tables, in their own unit: of those that were fitted, and of those held out.
//! Not in units of sigma, which may be what is compared.

use super::Measured;
use crate::compile::forward;
use crate::fit::Fit;
use crate::ir::{Problem, Residual, Term};
use crate::spec::Dimension;

pub(super) fn of(problem: &Problem, fit: &Fit) -> Vec<Measured> {
    let terms: Vec<&Term> = over_rows(problem);
    let all = terms.iter().filter_map(|term| {
        let name = named("residual", term, terms.len());
        measure(problem, fit, term, name, |_| true)
    });
    all.collect()
}

/// The rows that count in the revealed problem, and not in the fitted one.
pub(super) fn held_out(problem: &Problem, revealed: &Problem, fit: &Fit) -> Vec<Measured> {
    let terms = over_rows(revealed);
    let all = terms.iter().filter_map(|term| {
        let mut same = over_rows(problem).into_iter();
        let fitted = same.find(|t| t.name == term.name)?;
        let Residual::Rows { weights, .. } = &fitted.residual else {
            return None;
        };
        let name = named("held_out_residual", term, terms.len());
        measure(revealed, fit, term, name, |row| weights[row] == 0.0)
    });
    all.collect()
}

fn named(what: &str, term: &Term, terms: usize) -> String {
    match terms {
        1 => what.into(),
        _ => format!("{}.{what}", term.name),
    }
}

fn over_rows(problem: &Problem) -> Vec<&Term> {
    let rows = |t: &&Term| matches!(t.residual, Residual::Rows { .. });
    problem.final_terms().filter(rows).collect()
}

/// The root mean square of each row's components.
fn measure(
    problem: &Problem,
    fit: &Fit,
    term: &Term,
    name: String,
    wanted: impl Fn(usize) -> bool,
) -> Option<Measured> {
    let Residual::Rows { weights, .. } = &term.residual else {
        return None;
    };
    let counts = |r: &usize| weights[*r] > 0.0 && wanted(*r);
    let rows: Vec<usize> = (0..weights.len()).filter(counts).collect();
    let found = forward(problem, term.node, &fit.values, &rows);
    let dims = problem.nodes[term.node.0].dims;
    let mut values = vec![f64::NAN; weights.len()];
    for (row, residual) in rows.iter().zip(found.chunks_exact(dims)) {
        let squares: f64 = residual.iter().map(|x| x * x).sum();
        values[*row] = (squares / dims as f64).sqrt();
    }
    Some(Measured {
        name,
        unit: match problem.nodes[term.node.0].dimension {
            Dimension::NONE => String::new(),
            dimension => dimension.to_string(),
        },
        axis: "row".into(),
        values,
    })
}
