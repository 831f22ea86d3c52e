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
/// Points that are drawn at most, evenly spread.
const POINTS: usize = 3000;
/// Places at which a model is drawn between its rows.
const PLACES: usize = 201;

/// One plot for each term that is a model less a column.
pub(super) fn write(dir: &Path, problem: &Problem, fit: &Fit) -> Result<(), FileError> {
    let terms: Vec<(&Term, &Curve)> = problem
        .final_terms()
        .filter_map(|t| Some((t, problem.curves.iter().find(|c| c.node == t.node)?)))
        .collect();
    let mut stems: Vec<String> = Vec::new();
    for (term, curve) in &terms {
        let Residual::Rows { weights, .. } = &term.residual else {
            continue;
        };
        let rows: Vec<usize> = (0..weights.len()).filter(|r| weights[*r] > 0.0).collect();
        let (nodes, variables) = (&problem.nodes, &problem.variables);
        let reads = |set| batch::reads(nodes, variables, curve.node, set);
        let gathered = Gathered {
            problem,
            fit,
            curve,
            reads: problem.batch.and_then(reads),
        };
        let series = gathered.series(rows);
        let plot = super::plot::fit::plot(&series).map_err(|e| failed(dir, &e))?;
        let stem = match terms.len() {
            1 => "fit".to_string(),
            _ => format!("fit_{}", file_part(&term.name)),
        };
        let same = stems.iter().filter(|s| **s == stem).count();
        stems.push(stem.clone());
        let stem = match same {
            0 => stem,
            n => format!("{stem}_{}", n + 1),
        };
        plot.write(dir, &stem).map_err(|e| failed(dir, &e))?;
    }
    Ok(())
}

struct Gathered<'a> {
    problem: &'a Problem,
    fit: &'a Fit,
    curve: &'a Curve,
    /// Which element of a batch each row is about.
    reads: Option<batch::Reads>,
}

impl Gathered<'_> {
    fn series(&self, rows: Vec<usize>) -> FitSeries {
        let observed = self.column(self.curve.observed);
        let along = self.curve.along.map(|node| self.column(node));
        let groups = self.groups(rows).into_iter().map(|(element, rows)| {
            let residuals = forward(self.problem, self.curve.node, &self.fit.values, &rows);
            let point = |(row, r): (&usize, &f64)| {
                let predicted = observed[*row] + self.curve.sign * r;
                [
                    along.map_or(predicted, |x| x[*row]),
                    observed[*row],
                    predicted,
                ]
            };
            let points: Vec<[f64; 3]> = rows.iter().zip(&residuals).map(point).collect();
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

    /// The rows that are drawn: of some elements of a batch that were solved, or all in one group.
    fn groups(&self, rows: Vec<usize>) -> Vec<(Option<usize>, Vec<usize>)> {
        let Some(reads) = &self.reads else {
            return vec![(None, thinned(&rows, POINTS))];
        };
        let pairs = rows.iter().map(|row| (reads.element(*row), *row));
        let mut pairs: Vec<(usize, usize)> = pairs.filter(|p| self.fit.solved[p.0]).collect();
        pairs.sort_unstable();
        let all: Vec<&[(usize, usize)]> = pairs.chunk_by(|a, b| a.0 == b.0).collect();
        let group = |of_one: &&[(usize, usize)]| {
            let rows: Vec<usize> = of_one.iter().map(|p| p.1).collect();
            (Some(of_one[0].0), thinned(&rows, POINTS / SHOWN))
        };
        thinned(&all, SHOWN).iter().map(group).collect()
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

/// At most so many of all, evenly spread.
fn thinned<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    let count = all.len().min(most);
    (0..count)
        .map(|i| all[i * all.len() / count].clone())
        .collect()
}
