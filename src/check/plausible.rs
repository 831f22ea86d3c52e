//! Warnings about data that no person and no room can have.

use super::Checker;
use crate::camera::CameraPart;
use crate::data::{Dataset, Observations, median_span};
use crate::diagnostic::{Diagnostic, Origin};
use crate::ir::{NodeId, NodeKind, Term};
use crate::spec::{Dimension, likely_unit};

/// Points of a frame that leave a body's place and heading open.
const HARDLY: usize = 3;

/// Heights beyond which only a unit explains a person, m: dolls and statues are within.
const POSSIBLE: std::ops::RangeInclusive<f64> = 0.15..=15.0;

/// Metres from the origin beyond which no camera of a laboratory stands.
const FAR: f64 = 100.0;

impl Checker<'_> {
    /// A person is neither 5 m nor 25 cm tall; one in millimetres that were taken for metres is. For
    /// points that are not known on a body.
    pub(super) fn warn_span(&mut self, name: &str, observed: &Observations) {
        let span = median_span(&observed.values).filter(|_| observed.values.dim().2 > 5);
        let Some(span) = span.filter(|s| !(0.25..5.0).contains(s)) else {
            return;
        };
        if observed.dimension != Dimension::LENGTH || !self.spec.has_body {
            return;
        }
        let metres = self.inputs.get(name).map_or(1.0, |d| d.metres);
        let size = length_text(span);
        let message = format!("the points of `{name}` span {size} in a frame");
        match likely_unit(span / metres) {
            Some(likely) => {
                let hint = format!("a person of {size}? write `unit = \"{likely}\"`");
                self.say_height(span, name, message, hint);
            }
            None => {
                let hint = "no usual unit makes a person of them; are they one person's points?";
                self.warn_of_data("F0505", name, message, hint.into());
            }
        }
    }

    /// Cameras whose translations are in millimetres.
    pub(super) fn warn_far_cameras(&mut self) {
        for input in &self.inputs.data {
            let Dataset::Cameras(cameras) = &input.dataset else {
                continue;
            };
            let mut distances: Vec<f64> = cameras.iter().map(|c| c.centre().norm()).collect();
            distances.sort_by(f64::total_cmp);
            // The size of the person says it better.
            let said = |d: &Diagnostic| d.code == "F0505" && d.origin == input.origin;
            if self.diagnostics.list.iter().any(said) {
                continue;
            }
            let Some(middle) = distances.get(distances.len() / 2).filter(|d| **d > FAR) else {
                continue;
            };
            let message = format!(
                "the cameras of `{}` stand {} from the origin",
                input.name,
                length_text(*middle)
            );
            let hint = "are their translations in millimetres? write `unit = \"mm\"`";
            self.diagnostics
                .push(Diagnostic::warning("F0505", message, &input.origin).hint(hint));
        }
    }

    /// Frames that see something, but too little to say where the body is.
    pub(super) fn warn_hardly_seen(&mut self, terms: &[Term]) {
        if !self.spec.has_body || terms.iter().any(|t| t.couples()) {
            return;
        }
        let mut seen = vec![0; self.frames];
        for term in terms {
            let Some(targets) = term.residual.targets() else {
                continue;
            };
            let of_frame = targets.weights.len() / self.frames.max(1);
            for (count, row) in seen.iter_mut().zip(targets.weights.chunks(of_frame.max(1))) {
                *count += row.iter().filter(|w| **w > 0.0).count();
            }
        }
        let hardly: Vec<usize> = (0..self.frames)
            .filter(|&f| (1..HARDLY).contains(&seen[f]))
            .collect();
        let Some(first) = hardly.first() else {
            return;
        };
        let message = format!(
            "{} frames see fewer than {HARDLY} points (the first is frame {})",
            hardly.len(),
            self.frame_number(*first)
        );
        let hint =
            "their poses are the prior's; a `difference` term takes them from their neighbours";
        let diagnostic = Diagnostic::warning("F0511", message, &Origin::Default);
        self.diagnostics.push(diagnostic.hint(hint));
    }

    /// One view trades focal length for distance.
    pub(super) fn warn_lone_focal(&mut self, terms: &[Term]) {
        let held = |node: NodeId| terms.iter().any(|t| t.node == node);
        let lone = self.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Project { cameras, free, .. } if cameras.len() == 1 => {
                let focal = free.iter().find(|f| f.part == CameraPart::Focal)?;
                (!held(focal.node)).then(|| (node.name.clone(), cameras[0].name.clone()))
            }
            _ => None,
        });
        for (source, camera) in lone.collect::<Vec<_>>() {
            let message = format!(
                "`{source}` frees the focal length of `{camera}`, the only camera that sees anything"
            );
            let hint = "one view trades it for distance: hold it by an `l2` term about `init`";
            let diagnostic = Diagnostic::warning("F0512", message, &Origin::Default);
            self.diagnostics.push(diagnostic.hint(hint));
        }
    }

    pub(super) fn warn_of_data(
        &mut self,
        code: &'static str,
        name: &str,
        message: String,
        hint: String,
    ) {
        let diagnostic = Diagnostic::warning(code, message, &self.origin_of_data(name));
        self.diagnostics.push(diagnostic.hint(hint));
    }

    /// A person of this height, by what is said of a data set's unit: far from all people it is a mistake.
    pub(super) fn say_height(&mut self, metres: f64, name: &str, message: String, hint: String) {
        let origin = self.origin_of_data(name);
        let diagnostic = match POSSIBLE.contains(&metres) {
            true => Diagnostic::warning("F0505", message, &origin),
            false => Diagnostic::error("F0505", message, &origin),
        };
        self.diagnostics.push(diagnostic.hint(hint));
    }

    fn origin_of_data(&self, name: &str) -> Origin {
        let root = self.spec.root();
        let node = root.table("data").and_then(|t| t.get(name));
        node.map_or(Origin::Default, |n| n.key.clone())
    }
}

/// A length in metres as people say it: `1.7 km`, `170 m`, `1.7 mm`.
pub(super) fn length_text(metres: f64) -> String {
    match metres {
        m if m >= 1000.0 => format!("{:.1} km", m / 1000.0),
        m if m >= 1.0 => format!("{m:.0} m"),
        m if m >= 0.01 => format!("{:.0} cm", m * 100.0),
        m => format!("{:.1} mm", m * 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_in_a_fitting_unit() {
        let said = [1712.0, 170.4, 0.017, 0.0017].map(length_text);
        assert_eq!(said, ["1.7 km", "170 m", "2 cm", "1.7 mm"]);
    }
}
