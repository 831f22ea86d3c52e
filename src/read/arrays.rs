//! Arrays with named axes to observations.

use nalgebra::Vector3;
use ndarray::{Array3, Array4, ArrayD, Axis, IxDyn, s};

use super::{Reader, Up};
use crate::data::{Dataset, Observations};
use crate::diagnostic::{Diagnostic, Sourced, list};
use crate::io::FileError;
use crate::io::npz::{ArrayKind, Member, Npz};
use crate::keypoints;
use crate::spec::{Dimension, looks_like_quantity, parse_quantity, parse_unit, units_of};

/// Names of axes by what they run over.
const POINT_AXES: [&str; 5] = ["joint", "keypoint", "marker", "point", "vertex"];
const VIEW_AXES: [&str; 2] = ["camera", "view"];
const COMPONENT_AXES: [(&str, usize, bool); 6] = [
    ("xyz", 3, false),
    ("xyzc", 4, true),
    ("xy", 2, false),
    ("xyc", 3, true),
    ("uv", 2, false),
    ("uvc", 3, true),
];

/// An array brought into the order (frames, views, points, components).
struct Ordered {
    values: Array4<f64>,
    point_axis: Option<String>,
    has_confidence: bool,
}

impl Reader<'_> {
    pub(super) fn npz(&mut self, npz: &Npz) -> Result<Option<(Dataset, Up)>, FileError> {
        let Some((axes, name)) = self.choose_array(npz) else {
            return Ok(None);
        };
        let array = npz.floats(&name)?;
        let Some(ordered) = self.order(&name, array, &axes) else {
            return Ok(None);
        };
        let (_, views, points, _) = ordered.values.dim();
        let Some(labels) = self.labels(npz, &ordered, points)? else {
            return Ok(None);
        };
        let views = match self.names(npz, "views", views)? {
            Some(names) => names,
            None if views == 1 => vec![String::new()],
            None => {
                let message = format!("`{}` has a camera axis without names", self.view.path());
                self.diagnostics.push(
                    Diagnostic::error("F0403", message, &self.origin)
                        .hint("add `views = …`, an array's name or a list"),
                );
                return Ok(None);
            }
        };
        let rate = rate_of(npz)?;
        let mut observations = self.observations(ordered, labels, views, rate);
        self.apply_masks(npz, &mut observations)?;
        self.sequence = self.sequence(npz, &observations.frame_numbers)?;
        Ok(self.finish(observations))
    }

    /// The recordings of frames, from the array that the spec names, or one called `sequence`.
    pub(super) fn sequence(
        &mut self,
        npz: &Npz,
        frames: &[u64],
    ) -> Result<Option<Vec<u64>>, FileError> {
        const USUAL: &str = "sequence";
        let given = self.view.text(USUAL);
        let name = given.as_ref().map_or(USUAL, |t| t.value);
        let of_frames = |m: &&Member| m.shape.len() == 1 && m.kind == ArrayKind::Integer;
        let fits = npz.members().iter().filter(of_frames);
        let fits: Vec<&str> = fits.map(|m| m.name.as_str()).collect();
        let end = frames.last().map_or(0, |last| *last as usize + 1);
        let found = match fits.contains(&name) {
            true => Some(npz.integers(name)?),
            false => None,
        };
        match (found.filter(|all| all.len() >= end), given) {
            (Some(all), _) => Ok(Some(
                frames.iter().map(|f| all[[*f as usize]] as u64).collect(),
            )),
            (None, None) => Ok(None),
            (None, Some(text)) => {
                let message = format!(
                    "`{}.sequence`: `{name}` is no array of a whole number for each frame",
                    self.view.path()
                );
                let diagnostic = Diagnostic::error("F0402", message, &text.origin);
                self.diagnostics.push(diagnostic.nearest(name, fits));
                Ok(None)
            }
        }
    }

    /// The array that the spec names, or the only one that `axes` fit.
    fn choose_array(&mut self, npz: &Npz) -> Option<(Vec<String>, String)> {
        let Some(axes) = self.view.texts("axes") else {
            if self.view.node("axes").is_some() {
                return None;
            }
            let message = format!(
                "`{}` does not name the `axes` of its array",
                self.view.path()
            );
            self.diagnostics.push(
                Diagnostic::error("F0202", message, &self.origin)
                    .hint("such as `axes = [\"frame\", \"joint\", \"xyz\"]`"),
            );
            return None;
        };
        let axes: Vec<String> = axes.iter().map(|a| a.value.to_string()).collect();
        if let Some(name) = self.view.text("array") {
            if npz.has(name.value) {
                return Some((axes, name.value.into()));
            }
            let message = format!("`{}` has no array `{}`", npz.path().display(), name.value);
            let names = npz.members().iter().map(|m| m.name.as_str());
            let diagnostic = Diagnostic::error("F0402", message, &name.origin);
            self.diagnostics.push(diagnostic.nearest(name.value, names));
            return None;
        }
        let numeric = npz.members().iter().filter(|m| {
            m.shape.len() == axes.len() && matches!(m.kind, ArrayKind::Float | ArrayKind::Integer)
        });
        let candidates: Vec<&str> = numeric.map(|m| m.name.as_str()).collect();
        match candidates.as_slice() {
            [one] => Some((axes, one.to_string())),
            several => {
                let message = format!(
                    "`{}`: {} arrays have {} axes",
                    self.view.path(),
                    if several.is_empty() { "no" } else { "several" },
                    axes.len()
                );
                let names: Vec<&str> = match several.is_empty() {
                    true => npz.members().iter().map(|m| m.name.as_str()).collect(),
                    false => several.to_vec(),
                };
                let hint = format!("name one with `array = …`: {}", list(&names));
                let origin = self.view.origin_of("axes", &self.origin);
                self.diagnostics
                    .push(Diagnostic::error("F0402", message, &origin).hint(hint));
                None
            }
        }
    }

    fn order(&mut self, name: &str, array: ArrayD<f64>, axes: &[String]) -> Option<Ordered> {
        let origin = self.view.origin_of("axes", &self.origin);
        if array.ndim() != axes.len() {
            let message = format!(
                "`axes` names {} axes, but the array `{name}` has the shape {:?}",
                axes.len(),
                array.shape()
            );
            self.fail("F0301", message, &origin);
            return None;
        }
        let mut places: [Option<usize>; 4] = [None; 4];
        let mut component = None;
        for (at, axis) in axes.iter().enumerate() {
            let known = COMPONENT_AXES.iter().find(|c| c.0 == axis);
            let role = match axis.as_str() {
                "frame" => 0,
                a if VIEW_AXES.contains(&a) => 1,
                a if POINT_AXES.contains(&a) => 2,
                _ if known.is_some() => 3,
                _ => {
                    let message = format!("unknown axis `{axis}`");
                    let names = ["frame"].into_iter().chain(VIEW_AXES).chain(POINT_AXES);
                    let names = names.chain(COMPONENT_AXES.iter().map(|c| c.0));
                    let diagnostic = Diagnostic::error("F0301", message, &origin);
                    self.diagnostics.push(diagnostic.nearest(axis, names));
                    return None;
                }
            };
            if let Some(first) = places[role].replace(at) {
                let message = format!(
                    "the axes `{}` and `{axis}` are the same one twice: of frames, views, points and \
                     components",
                    axes[first]
                );
                self.fail("F0301", message, &origin);
                return None;
            }
            component = component.or(known);
        }
        let Some(component) = component else {
            let message = format!("`{}.axes` has no axis of components", self.view.path());
            let hint = "such as `xyz` for points in space, `uv` for pixels";
            self.diagnostics
                .push(Diagnostic::error("F0301", message, &origin).hint(hint));
            return None;
        };
        let length = array.shape()[places[3]?];
        if length != component.1 {
            let message = format!(
                "the axis `{}` should have {} components, but `{name}` has the shape {:?}",
                component.0,
                component.1,
                array.shape()
            );
            let others = COMPONENT_AXES.iter().filter(|c| c.1 == length);
            let fitting: Vec<&str> = others.map(|c| c.0).collect();
            let mut diagnostic = Diagnostic::error("F0301", message, &origin);
            if !fitting.is_empty() {
                diagnostic = diagnostic.hint(format!("with {length}: {}", list(&fitting)));
            }
            self.diagnostics.push(diagnostic);
            return None;
        }
        Some(Ordered {
            point_axis: places[2].map(|at| axes[at].clone()),
            has_confidence: component.2,
            values: reorder(array, places)?,
        })
    }

    /// Labels from `names`, `keypoints`, or the count where that says it.
    fn labels(
        &mut self,
        npz: &Npz,
        ordered: &Ordered,
        points: usize,
    ) -> Result<Option<Vec<String>>, FileError> {
        let from_convention = match self.convention_labels() {
            None => return Ok(None),
            Some(labels) => labels,
        };
        let labels = match (self.names(npz, "names", points)?, from_convention) {
            (Some(names), _) => names,
            (None, Some(labels)) => labels,
            (None, None) if ordered.point_axis.as_deref() == Some("vertex") => {
                (0..points).map(|v| format!("v{v}")).collect()
            }
            (None, None) if ordered.point_axis.is_none() => vec!["point".into()],
            (None, None) => match points {
                22 | 52 | 55 => keypoints::labels("SMPL_22").unwrap_or_default(),
                24 => keypoints::labels("SMPL_24").unwrap_or_default(),
                _ => {
                    let message =
                        format!("`{}` has {points} points without labels", self.view.path());
                    let diagnostic = Diagnostic::error("F0403", message, &self.origin);
                    self.diagnostics.push(diagnostic.hint(
                        "add `names = …` (an array's name or a list) or `keypoints = …` (a convention)",
                    ));
                    return Ok(None);
                }
            },
        };
        let given = self.view.node("names").is_some();
        if labels.len() > points || (given && labels.len() != points) {
            let message = format!(
                "`{}` has {points} points, but {} labels",
                self.view.path(),
                labels.len()
            );
            self.fail("F0301", message, &self.origin.clone());
            return Ok(None);
        }
        Ok(Some(labels))
    }

    /// A list of names, or the text array that one name stands for.
    fn names(
        &mut self,
        npz: &Npz,
        key: &str,
        count: usize,
    ) -> Result<Option<Vec<String>>, FileError> {
        let Some(texts) = self.view.texts(key) else {
            return Ok(None);
        };
        let is_array = || {
            let mut members = npz.members().iter().filter(|m| m.kind == ArrayKind::Text);
            members.any(|m| m.name == texts[0].value)
        };
        if texts.len() == 1 && (count != 1 || is_array()) {
            let known = self.holds(npz, &texts[0], &[ArrayKind::Text]);
            return match known {
                true => npz.strings(texts[0].value).map(Some),
                // Whatever is said of such labels would be said of the mistake once more.
                false => Ok(Some((0..count).map(|k| format!("point{k}")).collect())),
            };
        }
        Ok(Some(texts.iter().map(|t| t.value.to_string()).collect()))
    }

    /// Whether a file has an array of a kind; a mistake where it has not.
    fn holds(&mut self, npz: &Npz, name: &Sourced<&str>, kinds: &[ArrayKind]) -> bool {
        let fits = npz.members().iter().filter(|m| kinds.contains(&m.kind));
        let names: Vec<&str> = fits.map(|m| m.name.as_str()).collect();
        if npz.has(name.value) {
            return true;
        }
        let message = format!("`{}` has no array `{}`", npz.path().display(), name.value);
        let diagnostic = Diagnostic::error("F0402", message, &name.origin);
        let diagnostic = diagnostic.nearest(name.value, names.iter().copied());
        self.diagnostics.push(match names.as_slice() {
            [] => diagnostic,
            names => diagnostic.hint(format!("of this kind it has {}", list(names))),
        });
        false
    }

    fn observations(
        &mut self,
        ordered: Ordered,
        labels: Vec<String>,
        views: Vec<String>,
        rate: Option<f64>,
    ) -> Observations {
        let range = self.frame_range();
        let all = ordered.values.dim().0;
        let first = (range.start as usize).min(all);
        let end = usize::try_from(range.end).unwrap_or(all).clamp(first, all);
        let rows = ordered.values.slice(s![first..end, .., ..labels.len(), ..]);
        let components = rows.dim().3 - usize::from(ordered.has_confidence);
        let values = rows.slice(s![.., .., .., ..components]).to_owned();
        let (frames, view_count, points, _) = values.dim();
        let confidence = match ordered.has_confidence {
            true => rows.slice(s![.., .., .., components]).to_owned(),
            false => Array3::ones((frames, view_count, points)),
        };
        Observations {
            labels,
            views,
            values,
            confidence,
            dimension: match components {
                2 => Dimension::PIXEL,
                _ => Dimension::LENGTH,
            },
            rate: self.rate(rate),
            frame_numbers: (first as u64..end as u64).collect(),
        }
    }

    /// Masks and confidences that lie beside the array; both broadcast to (frames, points).
    fn apply_masks(&mut self, npz: &Npz, observations: &mut Observations) -> Result<(), FileError> {
        let mut masks: Vec<(String, ArrayD<f64>)> = Vec::new();
        for text in self.view.texts("valid").unwrap_or_default() {
            if !self.holds(npz, &text, &[ArrayKind::Bool]) {
                continue;
            }
            let mask = npz.bools(text.value)?.mapv(|b| f64::from(u8::from(b)));
            masks.push((text.value.into(), mask));
        }
        if let Some(text) = self.view.text("confidence") {
            masks.push((text.value.into(), npz.floats(text.value)?));
        }
        let first = *observations.frame_numbers.first().unwrap_or(&0) as usize;
        for (name, mask) in masks {
            if let Err(shape) = apply_mask(&mask, first, &mut observations.confidence) {
                let (frames, _, points) = observations.confidence.dim();
                let message = format!("`{name}` has the shape {shape:?}, which does not broadcast");
                let hint = format!("[{points}], [{frames}] or [{frames}, {points}] would");
                let origin = self.view.origin_of("valid", &self.origin);
                self.diagnostics
                    .push(Diagnostic::error("F0301", message, &origin).hint(hint));
            }
        }
        Ok(())
    }

    /// Converts to SI units and to y up, and masks what is missing.
    pub(super) fn finish(&mut self, observations: Observations) -> Option<(Dataset, Up)> {
        let factor = self.unit(observations.dimension).unwrap_or(1.0);
        let up = self.up(Up::Y);
        self.settle(observations, factor, up)
    }

    /// As [`Reader::finish`], where factor and axis are known; gives the labels their new names.
    pub(super) fn settle(
        &mut self,
        mut observations: Observations,
        factor: f64,
        up: Up,
    ) -> Option<(Dataset, Up)> {
        if observations.frames() == 0 {
            self.no_frame_left();
            return None;
        }
        observations.labels = self.named_anew(observations.labels)?;
        self.metres = factor;
        observations.values.mapv_inplace(|x| x * factor);
        self.limit_confidences(&mut observations);
        self.drop_zeros(&mut observations);
        self.mirror(&mut observations);
        if observations.dimension == Dimension::LENGTH && up != Up::Y {
            let turn = up.upright();
            for mut point in observations.values.lanes_mut(Axis(3)) {
                let turned = turn * Vector3::new(point[0], point[1], point[2]);
                point
                    .iter_mut()
                    .zip(turned.iter())
                    .for_each(|(p, t)| *p = *t);
            }
        }
        observations.mask_missing();
        Some((Dataset::Points(observations), up))
    }

    pub(super) fn unit(&mut self, dimension: Dimension) -> Option<f64> {
        let Some(unit) = self.view.text("unit") else {
            return Some(1.0);
        };
        let parsed = match looks_like_quantity(unit.value) {
            true => parse_quantity(unit.value).map(|q| (q.value, q.dimension)),
            false => parse_unit(unit.value),
        };
        match parsed {
            Ok((factor, found)) if found == dimension => Some(factor),
            Ok((_, found)) => {
                let message = format!(
                    "`{}.unit` is `{}`, which measures {found}, but the data are in {dimension}",
                    self.view.path(),
                    unit.value
                );
                let hint = format!("permitted: {}", list(&units_of(dimension)));
                self.diagnostics
                    .push(Diagnostic::error("F0302", message, &unit.origin).hint(hint));
                None
            }
            Err(reason) => {
                let message = format!("`{}.unit`: {reason}", self.view.path());
                let hint = format!("permitted: {}", list(&units_of(dimension)));
                self.diagnostics
                    .push(Diagnostic::error("F0302", message, &unit.origin).hint(hint));
                None
            }
        }
    }
}

/// What an array says of the rate; one that is damaged is an error, one of texts says nothing.
fn rate_of(npz: &Npz) -> Result<Option<f64>, FileError> {
    let numeric = |name: &&str| {
        let kind = npz.member(name).map(|member| member.kind);
        matches!(kind, Ok(ArrayKind::Float | ArrayKind::Integer))
    };
    let names = ["rate", "fps", "mocap_framerate", "mocap_frame_rate"];
    match names.into_iter().find(numeric) {
        Some(name) => Ok(npz.floats(name)?.first().copied()),
        None => Ok(None),
    }
}

/// Permutes the axes to frame, view, point, component; a missing one has length 1.
fn reorder(array: ArrayD<f64>, places: [Option<usize>; 4]) -> Option<Array4<f64>> {
    let order: Vec<usize> = places.iter().flatten().copied().collect();
    let mut ordered = array.permuted_axes(IxDyn(&order));
    for (role, place) in places.iter().enumerate() {
        if place.is_none() {
            ordered = ordered.insert_axis(Axis(role));
        }
    }
    ordered.into_dimensionality().ok()
}

/// Multiplies confidences by a mask over points, frames, or both.
fn apply_mask(
    mask: &ArrayD<f64>,
    first_frame: usize,
    confidence: &mut Array3<f64>,
) -> Result<(), Vec<usize>> {
    let (frames, _, points) = confidence.dim();
    let shape = mask.shape().to_vec();
    // As many frames as points: the mask could mean either.
    if shape == [points] && points == first_frame + frames && frames > 1 {
        return Err(shape);
    }
    for ((f, _, p), c) in confidence.indexed_iter_mut() {
        let value = match shape.as_slice() {
            [n] if *n == points => mask[[p]],
            [n] if *n >= first_frame + frames => mask[[first_frame + f]],
            [n, m] if *n >= first_frame + frames && *m == points => mask[[first_frame + f, p]],
            _ => return Err(shape),
        };
        *c *= value;
    }
    Ok(())
}
