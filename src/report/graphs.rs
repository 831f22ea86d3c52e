//! What the graph plot shows: places that rows tie together, where they began and where they ended.

use std::path::Path;

use nalgebra::{Matrix3, SymmetricEigen, Vector3};

use super::file_part;
use super::plot::graph::GraphSeries;
use super::plots::failed;
use crate::fit::Fit;
use crate::io::FileError;
use crate::ir::{Graph, Per, Problem, Values, graphs};
use crate::spec::Dimension;

/// One plot for each variable that is places tied by rows.
pub(super) fn write(dir: &Path, problem: &Problem, fit: &Fit) -> Result<(), FileError> {
    let all = graphs(&problem.nodes, &problem.variables);
    let start = Values::initial(problem);
    for graph in &all {
        let series = series(problem, graph, [&start, &fit.values]);
        let plot = super::plot::graph::plot(&series).map_err(|e| failed(dir, &e))?;
        let stem = match all.len() {
            1 => "graph".to_string(),
            _ => format!(
                "graph_{}",
                file_part(&problem.variables[graph.variable.0].name)
            ),
        };
        plot.write(dir, &stem).map_err(|e| failed(dir, &e))?;
    }
    Ok(())
}

fn series(problem: &Problem, graph: &Graph, [start, end]: [&Values; 2]) -> GraphSeries {
    let variable = &problem.variables[graph.variable.0];
    let dims = variable.manifold.ambient();
    let name = &variable.name;
    let (axes, titles) = match dims {
        2 => (
            [vec![1.0, 0.0], vec![0.0, 1.0]],
            [format!("{name}.x"), format!("{name}.y")],
        ),
        _ => (
            widest(end.all(graph.variable)),
            ["widest", "second widest"].map(|which| format!("{name}, {which} direction")),
        ),
    };
    let flat = |values: &Values| {
        let along = |row: &[f64], axis: &[f64]| row.iter().zip(axis).map(|(x, a)| x * a).sum();
        let rows = values.all(graph.variable).chunks_exact(dims);
        rows.map(|row| [along(row, &axes[0]), along(row, &axes[1])])
            .collect()
    };
    GraphSeries {
        ids: match variable.per {
            Per::Row(set) => problem.sets[set.0].ids.clone(),
            _ => Vec::new(),
        },
        start: flat(start),
        end: flat(end),
        edges: graph.edges.clone(),
        titles: titles.map(|title| match variable.dimension {
            Dimension::NONE => title,
            dimension => format!("{title} ({dimension})"),
        }),
    }
}

/// The two directions in which places in space lie furthest apart, each with its largest number positive.
fn widest(places: &[f64]) -> [Vec<f64>; 2] {
    let finite = |p: &[f64]| p.iter().all(|x| x.is_finite());
    let rows = places.chunks_exact(3).filter(|p| finite(p));
    let rows: Vec<Vector3<f64>> = rows.map(Vector3::from_column_slice).collect();
    let mean = rows.iter().sum::<Vector3<f64>>() / rows.len().max(1) as f64;
    let apart = rows.iter().map(|p| (p - mean) * (p - mean).transpose());
    let eigen = SymmetricEigen::new(apart.sum::<Matrix3<f64>>());
    let mut order = [0, 1, 2];
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    [order[0], order[1]].map(|i| {
        let axis = eigen.eigenvectors.column(i);
        let sign = axis[axis.iamax()].signum();
        axis.iter().map(|x| sign * x).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_seen_along_the_direction_in_which_they_lie_closest() {
        let places = [0.0, 0.0, 0.0, 9.0, 0.1, 0.0, 9.0, -0.1, 4.0, 0.0, 0.0, 4.0];
        let [first, second] = widest(&places);
        assert!(first[0] > 0.9 && second[2] > 0.9, "{first:?} {second:?}");
        assert!(widest(&[f64::NAN; 6])[0].iter().all(|x| x.is_finite()));
    }
}
