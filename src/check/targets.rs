//! What a term is given: observations of one person in one unit, with a weight for each point.

use std::sync::Arc;

use super::Checker;
use super::sources::Source;
use super::whitening::Form;
use crate::body::pose_joints;
use crate::camera::Camera;
use crate::camera::people::{Wanted, associate};
use crate::data::{Dataset, Observations, People};
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::spec::{Dimension, Spec, View};

/// Ratio of weights beyond which the smaller has no say.
const DROWNING: f64 = 1e6;

impl Checker<'_> {
    /// What a target alone says of a residual; checks the names of `weights` on the way.
    pub(super) fn form_of(&mut self, view: &View<'_>, target: &Sourced<&str>) -> Option<Form> {
        let Some(input) = self.inputs.get(target.value) else {
            self.unknown_data(target);
            return None;
        };
        let smpl = || crate::keypoints::labels("SMPL_22").unwrap_or_default();
        let (dimension, k, labels) = match &input.dataset {
            Dataset::Points(o) => (o.dimension, o.values.dim().3, o.labels.clone()),
            Dataset::People(people) => (Dimension::PIXEL, 2, people.labels.clone()),
            Dataset::Motion(_) => (Dimension::LENGTH, 3, smpl()),
            Dataset::Cameras(_) | Dataset::Table(_) => return None,
        };
        self.check_weight_names(view, &labels);
        Some(Form {
            dimension,
            k,
            height: None,
        })
    }

    /// What a data set says as points: detections get one person, motions pose this body.
    pub(super) fn observations(
        &mut self,
        spec: &Spec,
        name: &Sourced<&str>,
        source: &Source,
    ) -> Option<Arc<Observations>> {
        let input = self.inputs.get(name.value)?;
        let cameras = match (&input.dataset, source) {
            (Dataset::People(_), Source::Project { cameras, .. }) => Some(cameras.value.clone()),
            _ => None,
        };
        let key = (name.value.to_string(), cameras);
        if let Some((_, known)) = self.associated.iter().find(|(k, _)| *k == key) {
            return Some(Arc::clone(known));
        }
        let found = match &input.dataset {
            Dataset::Points(observations) => observations.clone(),
            Dataset::People(people) => {
                let Source::Project { cameras, .. } = source else {
                    let message = format!(
                        "`{}` are pixels, so the source should be a projection",
                        name.value
                    );
                    let hint = "declare a source with `kind = \"project\"`";
                    self.diagnostics
                        .push(Diagnostic::error("F0302", message, &name.origin).hint(hint));
                    return None;
                };
                let cameras = self.joined_cameras(cameras, &people.views, &name.origin)?;
                let path = format!("data.{}", name.value);
                let root = spec.root();
                let view = View::new(root.table("data")?.table(name.value)?, &path);
                self.chosen_person(&view, people, &cameras)?
            }
            Dataset::Motion(_) if !self.spec.has_body => {
                let message = format!("`{}` is a motion, which needs a body", name.value);
                self.diagnostics.push(
                    Diagnostic::error("F0202", message, &name.origin)
                        .hint("`[body]` alone is the built-in one"),
                );
                return None;
            }
            Dataset::Motion(motion) => pose_joints(self.inputs.body.as_ref()?, motion),
            Dataset::Cameras(_) | Dataset::Table(_) => {
                let what = match &input.dataset {
                    Dataset::Table(_) => "a table",
                    _ => "cameras",
                };
                let message = format!("`{}` holds {what}, not keypoints", name.value);
                self.diagnostics
                    .push(Diagnostic::error("F0304", message, &name.origin));
                return None;
            }
        };
        let mut found = found;
        self.drop_doubtful(spec, name.value, &mut found);
        self.experiment(spec, name.value, &mut found);
        let found = Arc::new(found);
        self.associated.push((key, Arc::clone(&found)));
        Some(found)
    }

    /// One person of those that were detected: by place in the files, or followed through the frames.
    fn chosen_person(
        &mut self,
        view: &View<'_>,
        people: &People,
        cameras: &[Camera],
    ) -> Option<Observations> {
        let number = |key: &str| {
            view.integer(key)
                .and_then(|i| usize::try_from(i.value).ok())
        };
        let (place, rank) = (number("person"), number("follow"));
        let wanted = match place {
            Some(place) => Wanted::Place(place),
            None => Wanted::Followed(rank.unwrap_or(0)),
        };
        let found = associate(people, cameras, wanted);
        let origin = view.origin_of("follow", &Origin::Default);
        if let Some(rank) = rank
            && rank > 0
            && rank >= found.followed.len()
            && place.is_none()
        {
            let message = format!("`{}.follow`: there is no person {rank}", view.path());
            let hint = self.followed_text(&found.followed);
            self.diagnostics
                .push(Diagnostic::error("F0402", message, &origin).hint(hint));
            return None;
        }
        let often = found.followed.iter().filter(|f| f.len() > 1).count();
        if often > 1 && origin == Origin::Default && place.is_none() {
            let message = format!(
                "`{}` sees several people; the one who is seen most is followed",
                view.path()
            );
            let hint = format!(
                "{}; `follow = 1` takes the next",
                self.followed_text(&found.followed)
            );
            let name = super::terms::own_name(view.path());
            self.warn_of_data("F0519", name, message, hint);
        }
        Some(found.observations)
    }

    /// Who was followed in which frames.
    fn followed_text(&self, followed: &[Vec<usize>]) -> String {
        const SHOWN: usize = 4;
        let one = |(rank, frames): (usize, &Vec<usize>)| {
            let (first, last) = (frames.first()?, frames.last()?);
            let (first, last) = (self.frame_number(*first), self.frame_number(*last));
            let count = frames.len();
            Some(format!(
                "person {rank} in {count} frames from {first} to {last}"
            ))
        };
        let texts: Vec<String> = followed.iter().enumerate().filter_map(one).collect();
        match texts.len() {
            0 => "nobody is followed: every view sees one person".into(),
            n if n > SHOWN => format!("{}; {} more", texts[..SHOWN].join(", "), n - SHOWN),
            _ => texts.join(", "),
        }
    }

    /// Points seen with less than `min_confidence` are not observed.
    fn drop_doubtful(&self, spec: &Spec, name: &str, observations: &mut Observations) {
        let root = spec.root();
        let data = root.table("data").and_then(|t| t.table(name));
        let least = data.and_then(|t| View::new(t, "data").number("min_confidence"));
        let least = least.map_or(0.0, |n| n.value);
        observations
            .confidence
            .mapv_inplace(|c| if c < least { 0.0 } else { c });
        observations.mask_missing();
    }

    fn check_weight_names(&mut self, view: &View<'_>, labels: &[String]) {
        let Some(table) = view.table("weights") else {
            return;
        };
        for (label, node) in &table.entries {
            let weight = View::new(table, "weights").number(label);
            if weight.is_some_and(|w| !(w.value >= 0.0 && w.value.is_finite())) {
                let message = format!("`{}.weights.{label}` should not be below zero", view.path());
                self.diagnostics
                    .push(Diagnostic::error("F0205", message, &node.origin));
            }
            if label != "default" && !labels.contains(label) {
                let message = format!(
                    "`{}.weights`: no keypoint `{label}` is observed",
                    view.path()
                );
                let names = labels.iter().map(String::as_str).chain(["default"]);
                let diagnostic = Diagnostic::error("F0403", message, &node.key);
                self.diagnostics.push(diagnostic.nearest(label, names));
            }
        }
    }

    /// Weights so large that nothing else counts in the digits that there are.
    fn warn_drowned(&mut self, view: &View<'_>, by_label: &[f64]) {
        let used = || by_label.iter().copied().filter(|w| *w > 0.0);
        let (least, most) = (
            used().fold(f64::INFINITY, f64::min),
            used().fold(0.0, f64::max),
        );
        if most < DROWNING * least {
            return;
        }
        let message = format!(
            "`{}.weights` reach from {least:.0e} to {most:.0e}: the least count for nothing beside the largest",
            view.path()
        );
        let origin = view.origin_of("weights", &Origin::Default);
        let hint = "ratios up to a thousand say all that data can";
        self.diagnostics
            .push(Diagnostic::warning("F0525", message, &origin).hint(hint));
    }

    /// confidence^p times the keypoint's weight; with `reduce = "mean"` over Σ conf^p of the frame.
    pub(super) fn point_weights(&mut self, view: &View<'_>, observed: &Observations) -> Vec<f64> {
        let power = view.integer("conf_power").map_or(1, |p| p.value);
        if !(1..=2).contains(&power) {
            let message = format!("`{}.conf_power` should be 1 or 2", view.path());
            let origin = view.origin_of("conf_power", &Origin::Default);
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &origin));
        }
        let table = view.table("weights");
        let weights = table.map(|t| View::new(t, "weights"));
        let weight = |label: &str| {
            let weights = weights?;
            let own = weights.number(label).or_else(|| weights.number("default"));
            own.map(|n| n.value)
        };
        let by_label: Vec<f64> = observed
            .labels
            .iter()
            .map(|l| weight(l).unwrap_or(1.0))
            .collect();
        self.warn_drowned(view, &by_label);
        let mean = view.text("reduce").is_some_and(|r| r.value == "mean");
        let mut result = Vec::with_capacity(observed.confidence.len());
        for frame in observed.confidence.outer_iter() {
            let raised = frame.mapv(|c| c.powi(power as i32));
            let total = raised.sum();
            let share = if mean && total > 0.0 {
                1.0 / total
            } else {
                1.0
            };
            for ((_, p), c) in raised.indexed_iter() {
                result.push(c * share * by_label[p]);
            }
        }
        result
    }
}
