//! `residuals.csv`: what is left of every row of a table.

use std::fmt::Write as _;
use std::path::Path;

use super::table::quoted;
use crate::compile::forward;
use crate::fit::Fit;
use crate::io::{FileError, atomic};
use crate::ir::{Problem, Residual};

/// Writes term, row, component, residual, the same in units of sigma, and the row's leverage where it is
/// known; false where no term has rows.
pub(super) fn write(path: &Path, problem: &Problem, fit: &Fit) -> Result<bool, FileError> {
    let mut text = String::from("term,row,component,residual,in_sigma,leverage\n");
    let mut any = false;
    for term in problem.final_terms() {
        let Residual::Rows { weights, .. } = &term.residual else {
            continue;
        };
        any = true;
        let rows: Vec<usize> = (0..weights.len()).filter(|r| weights[*r] > 0.0).collect();
        let values = forward(problem, term.node, &fit.values, &rows);
        let influence = fit.deviations.as_ref().and_then(|d| d.influence.as_ref());
        let mut of_terms = influence.iter().flat_map(|i| &i.leverage);
        let leverage = of_terms.find(|(name, _)| *name == term.name);
        let dims = problem.nodes[term.node.0].dims;
        for (row, of_row) in rows.iter().zip(values.chunks_exact(dims)) {
            let sigmas = term.whitening.sigma.iter().cycle();
            for (c, (x, sigma)) in of_row.iter().zip(sigmas).enumerate() {
                let name = quoted(&term.name);
                let of_row =
                    leverage.map_or(String::new(), |(_, all)| format!("{:.6e}", all[*row]));
                let _ = writeln!(text, "{name},{row},{c},{x:.12e},{:.6e},{of_row}", x / sigma);
            }
        }
    }
    if any {
        atomic::write(path, text.as_bytes())?;
    }
    Ok(any)
}
