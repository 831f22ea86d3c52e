//! What the fit plot shows: the column of a table that a model is held against, and the model.

use std::path::Path;
use std::sync::Arc;

use super::file_part;
use super::plot::fit::{FitSeries, Group};
use super::plots::failed;
use crate::compile::forward;
use crate::fit::Fit;
use crate::io::FileError;
use crate::ir::{Curve, Node, NodeId, NodeKind, Per, Problem, Residual, Term, batch};
use crate::spec::Dimension;

/// Elements of a batch that are drawn, evenly spread.
const SHOWN: usize = 6;
/// Places at which a model is drawn between its rows.
const PLACES: usize = 201;

/// One plot for each term that is a model less a column.
pub(super) fn write(dir: &Path, problem: &Problem, fit: &Fit) -> Result<(), FileError> {
    let terms: Vec<(&Term, &Curve)> = problem
        .final_terms()
        .filter_map(|t| Some((t, problem.curves.iter().find(|c| c.node == t.node)?)))
        .collect();
    for (term, curve) in &terms {
        let Residual::Rows { known, .. } = &term.residual else {
            continue;
        };
        let rows: Vec<usize> = (0..known.len()).filter(|r| known[*r]).collect();
        let series = Gathered {
            problem,
            fit,
            curve,
        }
        .series(&rows);
        let plot = super::plot::fit::plot(&series).map_err(|e| failed(dir, &e))?;
        let stem = match terms.len() {
            1 => "fit".to_string(),
            _ => format!("fit_{}", file_part(&term.name)),
        };
        plot.write(dir, &stem).map_err(|e| failed(dir, &e))?;
    }
    Ok(())
}

struct Gathered<'a> {
    problem: &'a Problem,
    fit: &'a Fit,
    curve: &'a Curve,
}

impl Gathered<'_> {
    fn series(&self, rows: &[usize]) -> FitSeries {
        let observed = self.column(self.curve.observed);
        let residuals = forward(self.problem, self.curve.node, &self.fit.values, rows);
        let model = |(row, r): (&usize, &f64)| observed[*row] + self.curve.sign * r;
        let predicted: Vec<f64> = rows.iter().zip(&residuals).map(model).collect();
        let along = self.curve.along.map(|node| self.column(node));
        let groups = self.elements(rows).into_iter().map(|element| {
            let own: Vec<usize> = (0..rows.len())
                .filter(|i| element.is_none_or(|e| self.element(rows[*i]) == Some(e)))
                .collect();
            let x = |i: &usize| along.map_or(predicted[*i], |x| x[rows[*i]]);
            let point = |i: &usize| [x(i), observed[rows[*i]], predicted[*i]];
            let points: Vec<[f64; 3]> = own.iter().map(point).collect();
            Group {
                name: element.map_or(String::new(), |e| {
                    format!("{} {}", self.problem.axis(), self.problem.frame_numbers[e])
                }),
                line: self.line(&points, element),
                points,
            }
        });
        let title = |node: NodeId| {
            let node = &self.problem.nodes[node.0];
            match node.dimension {
                Dimension::NONE => node.name.clone(),
                dimension => format!("{} ({dimension})", node.name),
            }
        };
        FitSeries {
            groups: groups.collect(),
            x_title: match self.curve.along {
                Some(node) => title(node),
                None => format!("{} by the model", title(self.curve.observed)),
            },
            y_title: title(self.curve.observed),
        }
    }

    fn column(&self, node: NodeId) -> &[f64] {
        match &self.problem.nodes[node.0].kind {
            NodeKind::Column { values, .. } => values,
            _ => &[],
        }
    }

    /// The element of a batch that a row is about.
    fn element(&self, row: usize) -> Option<usize> {
        let (nodes, variables) = (&self.problem.nodes, &self.problem.variables);
        let set = self.problem.batch?;
        Some(batch::reads(nodes, variables, self.curve.node, set)?.element(row))
    }

    /// The elements that are drawn, or one group of all rows.
    fn elements(&self, rows: &[usize]) -> Vec<Option<usize>> {
        let mut all: Vec<usize> = rows.iter().filter_map(|r| self.element(*r)).collect();
        all.sort_unstable();
        all.dedup();
        if all.is_empty() {
            return vec![None];
        }
        let count = all.len().min(SHOWN);
        (0..count)
            .map(|i| Some(all[i * all.len() / count]))
            .collect()
    }

    /// The model between the rows; through the rows where it reads more than their place.
    fn line(&self, points: &[[f64; 3]], element: Option<usize>) -> Vec<[f64; 2]> {
        let xs = || points.iter().map(|p| p[0]).filter(|x| x.is_finite());
        let (low, high) = (
            xs().fold(f64::INFINITY, f64::min),
            xs().fold(f64::NEG_INFINITY, f64::max),
        );
        let Some(along) = self.curve.along else {
            return vec![[low, low], [high, high]];
        };
        let place = |i: usize| low + (high - low) * i as f64 / (PLACES - 1) as f64;
        let places: Vec<f64> = (0..PLACES).map(place).collect();
        let Some(problem) = self.at_places(along, &places, element) else {
            let mut line: Vec<[f64; 2]> = points.iter().map(|p| [p[0], p[2]]).collect();
            line.sort_by(|a, b| a[0].total_cmp(&b[0]));
            return line;
        };
        let rows: Vec<usize> = (0..PLACES).collect();
        let model = forward(&problem, self.curve.node, &self.fit.values, &rows);
        let pairs = places.into_iter().zip(model);
        pairs.map(|(x, r)| [x, self.curve.sign * r]).collect()
    }

    /// The problem with rows at other places, and zero for what was observed there.
    fn at_places(&self, along: NodeId, places: &[f64], element: Option<usize>) -> Option<Problem> {
        let mut problem = self.problem.clone();
        let mut open = vec![self.curve.node];
        while let Some(id) = open.pop() {
            let Node { kind, per, .. } = &mut problem.nodes[id.0];
            open.extend(kind.inputs());
            match kind {
                NodeKind::Column { values, .. } if id == along => {
                    *values = Arc::new(places.to_vec())
                }
                NodeKind::Column { values, .. } if id == self.curve.observed => {
                    *values = Arc::new(vec![0.0; places.len()]);
                }
                NodeKind::Column { .. } => return None,
                NodeKind::Taken { rows, .. } => {
                    *rows = Arc::new(vec![element? as u32; places.len()]);
                }
                NodeKind::Variable(_) if *per != Per::Subject => return None,
                _ => {}
            }
        }
        Some(problem)
    }
}
