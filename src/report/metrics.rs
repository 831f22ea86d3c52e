//! What is measured and never optimised: distances between predicted and observed points.

use nalgebra::{Matrix3, Vector3};
use ndarray::{Array3, Array4};

use crate::compile::forward;
use crate::fit::Fit;
use crate::ir::{NodeKind, Problem, Residual, Term};
use crate::spec::Dimension;

/// Errors of one term's points, in millimetres or pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct PointErrors {
    pub term: String,
    /// What the error is called: `mpjpe`, `marker` or `reprojection`.
    pub metric: &'static str,
    /// `mm` or `px`.
    pub unit: &'static str,
    pub labels: Vec<String>,
    /// For each label the errors of all frames and views in which it was observed.
    pub by_label: Vec<Vec<f64>>,
    /// After Procrustes alignment of each frame; empty for pixels.
    pub aligned: Vec<f64>,
    /// (frames): the mean of a frame's aligned errors; NaN where there are none.
    pub aligned_by_frame: Vec<f64>,
    /// Names of the views; one empty name where the points are in space.
    pub views: Vec<String>,
    /// (frames, views, points); NaN where not observed or not solved.
    pub by_frame: Array3<f64>,
    /// (frames, views, points, 2 or 3), pixels or metres, y up; NaN where not solved.
    pub predicted: Array4<f64>,
}

impl PointErrors {
    pub fn all(&self) -> Vec<f64> {
        self.by_label.iter().flatten().copied().collect()
    }

    /// The errors in some frames.
    pub(crate) fn in_frames(&self, wanted: impl Fn(usize) -> bool) -> Vec<f64> {
        let frames = self.by_frame.outer_iter().enumerate();
        let chosen = frames.filter(|(f, _)| wanted(*f)).flat_map(|(_, row)| {
            let seen = row.iter().copied().filter(|e| e.is_finite());
            seen.collect::<Vec<f64>>()
        });
        chosen.collect()
    }

    /// (frames, points): the mean over the views that see a point; NaN where none does.
    pub(crate) fn over_views(&self) -> ndarray::Array2<f64> {
        let (frames, _, points) = self.by_frame.dim();
        ndarray::Array2::from_shape_fn((frames, points), |(f, p)| {
            let column = self.by_frame.slice(ndarray::s![f, .., p]);
            let seen = column.iter().filter(|e| e.is_finite());
            let (sum, count) = seen.fold((0.0, 0.0), |(sum, count), e| (sum + e, count + 1.0));
            // 0/0 where no view sees the point.
            sum / count
        })
    }
}

/// Mean, median and 95th percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub mean: f64,
    pub median: f64,
    pub p95: f64,
}

impl Summary {
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let quantile = |q: f64| {
            let at = q * last as f64;
            let (below, above) = (sorted[at as usize], sorted[(at.ceil()) as usize]);
            below + (above - below) * at.fract()
        };
        Some(Self {
            mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
            median: quantile(0.5),
            p95: quantile(0.95),
        })
    }
}

/// The errors of every term that compares points with observations, over the frames solved.
pub fn point_errors(problem: &Problem, fit: &Fit) -> Vec<PointErrors> {
    let terms = problem.final_terms();
    terms.filter_map(|t| errors_of(problem, fit, t)).collect()
}

fn errors_of(problem: &Problem, fit: &Fit, term: &Term) -> Option<PointErrors> {
    let Residual::Points(targets) = &term.residual else {
        return None;
    };
    let (factor, unit) = match targets.observations.dimension {
        Dimension::LENGTH => (1000.0, "mm"),
        Dimension::PIXEL => (1.0, "px"),
        _ => return None,
    };
    let frames: Vec<usize> = (0..problem.frames).filter(|&f| fit.solved[f]).collect();
    let predicted = forward(problem, term.node, &fit.values, &frames);
    let (_, views, points, k) = targets.observations.values.dim();
    let shape = (problem.frames, views, points);
    let mut errors = PointErrors {
        term: term.name.clone(),
        metric: match (unit, &problem.nodes[term.node.0].kind) {
            ("px", _) => "reprojection",
            (_, NodeKind::Markers { .. }) => "marker",
            _ => "mpjpe",
        },
        unit,
        labels: targets.labels.clone(),
        by_label: vec![Vec::new(); points],
        aligned: Vec::new(),
        aligned_by_frame: vec![f64::NAN; problem.frames],
        views: targets.observations.views.clone(),
        by_frame: Array3::from_elem(shape, f64::NAN),
        predicted: Array4::from_elem((shape.0, views, points, k), f64::NAN),
    };
    for (row, &f) in predicted
        .chunks_exact((views * points * k).max(1))
        .zip(&frames)
    {
        let mut pairs = Vec::new();
        for v in 0..views {
            for p in 0..points {
                let at = (v * points + p) * k;
                for c in 0..k {
                    errors.predicted[[f, v, p, c]] = row[at + c];
                }
                if targets.observations.confidence[[f, v, p]] <= 0.0 {
                    continue;
                }
                let observed = targets.observations.values.slice(ndarray::s![f, v, p, ..]);
                let squares = observed.iter().zip(&row[at..at + k]);
                let squared: f64 = squares.map(|(o, x)| (o - x).powi(2)).sum();
                errors.by_label[p].push(factor * squared.sqrt());
                errors.by_frame[[f, v, p]] = factor * squared.sqrt();
                if k == 3 {
                    pairs.push((
                        Vector3::from_column_slice(&row[at..at + 3]),
                        Vector3::new(observed[0], observed[1], observed[2]),
                    ));
                }
            }
        }
        let aligned = procrustes(&pairs);
        // 0/0 where there are none.
        errors.aligned_by_frame[f] = factor * aligned.iter().sum::<f64>() / aligned.len() as f64;
        errors.aligned.extend(aligned.iter().map(|e| factor * e));
    }
    Some(errors)
}

/// Distances after the similarity transform that brings the first points nearest to the second.
pub(crate) fn procrustes(pairs: &[(Vector3<f64>, Vector3<f64>)]) -> Vec<f64> {
    let n = pairs.len() as f64;
    if pairs.len() < 3 {
        return Vec::new();
    }
    let from = pairs.iter().map(|p| p.0).sum::<Vector3<f64>>() / n;
    let to = pairs.iter().map(|p| p.1).sum::<Vector3<f64>>() / n;
    let covariance: Matrix3<f64> = pairs
        .iter()
        .map(|(a, b)| (b - to) * (a - from).transpose())
        .sum();
    let variance: f64 = pairs.iter().map(|(a, _)| (a - from).norm_squared()).sum();
    let svd = covariance.svd(true, true);
    let (Some(u), Some(vt)) = (svd.u, svd.v_t) else {
        return Vec::new();
    };
    let mut signs = Vector3::repeat(1.0);
    signs[svd.singular_values.imin()] = (u * vt).determinant().signum();
    let turn = u * Matrix3::from_diagonal(&signs) * vt;
    let scale = svd.singular_values.dot(&signs) / variance;
    let distance =
        |(a, b): &(Vector3<f64>, Vector3<f64>)| (turn * (a - from) * scale + to - b).norm();
    pairs.iter().map(distance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procrustes_removes_rotation_translation_and_scale() {
        let points = [
            [0.0, 0.0, 0.0],
            [1.0, 0.2, 0.0],
            [0.3, 1.0, 0.5],
            [0.1, 0.4, 1.0],
        ];
        let turn = nalgebra::Rotation3::new(Vector3::new(0.4, -1.0, 2.0));
        let pairs = points.map(|p| {
            let p = Vector3::from(p);
            (p, turn * p * 1.7 + Vector3::new(3.0, 1.0, -2.0))
        });
        assert!(procrustes(&pairs).iter().all(|e| *e < 1e-12));
    }

    #[test]
    fn the_mean_over_views_leaves_out_the_views_that_do_not_see_a_point() {
        let nan = f64::NAN;
        let errors = PointErrors {
            term: "reproj".into(),
            metric: "mpjpe",
            unit: "px",
            labels: vec!["nose".into(), "neck".into()],
            by_label: vec![],
            aligned: vec![],
            aligned_by_frame: vec![],
            views: vec!["a".into(), "b".into()],
            by_frame: ndarray::arr3(&[[[1.0, nan], [3.0, nan]], [[nan, 2.0], [5.0, 4.0]]]),
            predicted: Array4::zeros((2, 2, 2, 2)),
        };
        let means = errors.over_views();
        assert_eq!(means.column(0).to_vec(), [2.0, 5.0]);
        assert!(means[[0, 1]].is_nan() && means[[1, 1]] == 3.0);
    }

    #[test]
    fn a_summary_interpolates_its_quantiles() {
        let summary = Summary::of(&[4.0, 1.0, 2.0, 3.0, f64::NAN]).unwrap();
        assert_eq!((summary.mean, summary.median), (2.5, 2.5));
        assert!((summary.p95 - 3.85).abs() < 1e-12);
    }
}
