//! What programs write beside plain numbers: points at exactly zero for what they did not see,
//! confidences in percent, mirrored worlds.

use ndarray::s;

use super::Reader;
use crate::data::Observations;
use crate::diagnostic::{Diagnostic, Origin};
use crate::spec::Dimension;

impl Reader<'_> {
    /// Takes points at exactly zero as missing, with a word unless the spec says so itself.
    pub(super) fn drop_zeros(&mut self, observations: &mut Observations) {
        let given = self.view.text("zeros");
        if given.as_ref().is_some_and(|z| z.value == "points") {
            return;
        }
        let at = zeros(observations);
        let Some((first, ..)) = at.first() else {
            return;
        };
        let frame = observations.frame_numbers[*first];
        for &(f, v, p) in &at {
            observations.confidence[[f, v, p]] = 0.0;
        }
        if given.is_some_and(|z| z.origin != Origin::Default) {
            return;
        }
        let place = match observations.dimension {
            Dimension::PIXEL => "(0, 0)",
            _ => "(0, 0, 0)",
        };
        let message = format!(
            "`{}`: {} points lie exactly at {place} (the first in frame {frame}); they are taken as missing",
            self.view.path(),
            at.len()
        );
        let diagnostic = Diagnostic::warning("F0515", message, &self.origin);
        self.diagnostics.push(diagnostic.hint(
            "`zeros = \"points\"` where they were seen there, `zeros = \"missing\"` to hear no more of it",
        ));
    }

    /// A confidence is a share of 1.
    pub(super) fn limit_confidences(&mut self, observations: &mut Observations) {
        self.warn_confidences(observations.confidence.iter().copied());
        observations.confidence.mapv_inplace(|c| c.min(1.0));
    }

    /// Confidences that are none, which count as 1.
    pub(super) fn warn_confidences(&mut self, confidences: impl Iterator<Item = f64>) {
        let most = confidences.filter(|c| c.is_finite()).fold(0.0, f64::max);
        // Sums of heat maps overshoot a little.
        if most <= 1.1 {
            return;
        }
        let reach = match most < 1e6 {
            true => format!("{most:.1}"),
            false => format!("{most:.0e}"),
        };
        let message = format!(
            "`{}`: confidences reach {reach}; those above 1 count as 1",
            self.view.path()
        );
        let hint = match most <= 100.0 {
            true => {
                "are they in percent? divide them by 100; weights belong into `weights` of the term"
            }
            false => "divide them by their largest; weights belong into `weights` of the term",
        };
        let diagnostic = Diagnostic::warning("F0524", message, &self.origin);
        self.diagnostics.push(diagnostic.hint(hint));
    }

    /// Turns the sign of an axis of a left-handed world.
    pub(super) fn mirror(&mut self, observations: &mut Observations) {
        let Some(axis) = self.view.text("mirror") else {
            return;
        };
        if observations.dimension != Dimension::LENGTH {
            let message = format!("`{}.mirror` is for points in space", self.view.path());
            self.fail("F0302", message, &axis.origin);
            return;
        }
        let axis = ["x", "y", "z"].iter().position(|n| *n == axis.value);
        if let Some(axis) = axis {
            let mut column = observations.values.slice_mut(s![.., .., .., axis]);
            column.mapv_inplace(|x| -x);
        }
    }
}

/// Frame, view and point of what lies exactly at zero, but for a single point that always does and so
/// is the origin of the others.
fn zeros(observations: &Observations) -> Vec<(usize, usize, usize)> {
    let is_zero = |f: usize, v: usize, p: usize| {
        let point = observations.values.slice(s![f, v, p, ..]);
        observations.confidence[[f, v, p]] > 0.0 && point.iter().all(|x| *x == 0.0)
    };
    let (frames, views, points, _) = observations.values.dim();
    // What is never seen is no origin either.
    let lies_still = |p: &usize| {
        let of_point = observations.values.slice(s![.., .., *p, ..]);
        let mut seen = of_point.iter().filter(|x| x.is_finite()).peekable();
        seen.peek().is_some() && seen.all(|x| *x == 0.0)
    };
    let in_space = observations.dimension == Dimension::LENGTH;
    // A single point may well start at the origin.
    if in_space && points < 2 {
        return Vec::new();
    }
    let still: Vec<usize> = (0..points).filter(lies_still).collect();
    let origin = match still[..] {
        [one] if in_space => Some(one),
        _ => None,
    };
    let alone = |f: usize, v: usize, p: usize| {
        let mut others = (0..points).filter(|&q| q != p);
        let unseen = |q: usize| {
            let point = observations.values.slice(s![f, v, q, ..]);
            observations.confidence[[f, v, q]] <= 0.0 || point.iter().any(|x| !x.is_finite())
        };
        others.all(|q| is_zero(f, v, q) || unseen(q))
    };
    let mut found = Vec::new();
    for f in 0..frames {
        for v in 0..views {
            let missing = |p: &usize| is_zero(f, v, *p) && (origin != Some(*p) || alone(f, v, *p));
            found.extend((0..points).filter(missing).map(|p| (f, v, p)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Array4};

    use super::*;

    fn observed(values: Array4<f64>, dimension: Dimension) -> Observations {
        let (frames, views, points, _) = values.dim();
        Observations {
            labels: (0..points).map(|p| p.to_string()).collect(),
            views: vec![String::new(); views],
            confidence: Array3::ones((frames, views, points)),
            values,
            dimension,
            rate: None,
            frame_numbers: (0..frames as u64).collect(),
        }
    }

    #[test]
    fn a_point_at_zero_is_missing_unless_the_others_are_about_it() {
        let pixel = |f: usize, p: usize| if (f + p).is_multiple_of(2) { 0.0 } else { 5.0 };
        let pixels = Array4::from_shape_fn((2, 1, 2, 2), |(f, _, p, _)| pixel(f, p));
        let found = zeros(&observed(pixels, Dimension::PIXEL));
        assert_eq!(found, [(0, 0, 0), (1, 0, 1)]);
        // About the first point; the third is missing in frame 1, and all of frame 2.
        // Nobody sees the fourth.
        let place = |(f, _, p, _)| {
            if p == 3 {
                f64::NAN
            } else if p == 0 || (f, p) == (1, 2) || f == 2 {
                0.0
            } else {
                1.0
            }
        };
        let points = Array4::from_shape_fn((3, 1, 4, 3), place);
        let found = zeros(&observed(points, Dimension::LENGTH));
        assert_eq!(found, [(1, 0, 2), (2, 0, 0), (2, 0, 1), (2, 0, 2)]);
    }

    #[test]
    fn a_single_point_may_start_at_the_origin() {
        let all = Array4::zeros((2, 1, 1, 3));
        assert!(zeros(&observed(all, Dimension::LENGTH)).is_empty());
    }
}
