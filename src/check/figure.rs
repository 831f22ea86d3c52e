//! What the points of a term look like as a body: its size, which way it stands, left and right.

use nalgebra::{Matrix3, Vector2, Vector3};
use ndarray::s;

use super::Checker;
use super::plausible::length_text;
use super::sources::Source;
use crate::body::figure::{Figure, Frame};
use crate::camera::Camera;
use crate::camera::triangulate::{spread, triangulate_robust};
use crate::data::{Observations, median};
use crate::diagnostic::{self, Diagnostic, list};
use crate::keypoints;
use crate::keypoints::combine::Part;
use crate::read::Up;
use crate::rotation::axis_angle;
use crate::spec::{Dimension, likely_unit};

/// Frames that are looked at, evenly spread.
const FRAMES: usize = 200;

/// Pixels by which views may disagree about a point that is looked at here.
const DISAGREEMENT: f64 = 40.0;

/// The sine of the angle from which on rays say where they meet.
const SIDEWAYS: f64 = 0.25;

/// Points that say little of a body.
const FEW: usize = 6;

/// Joints of SMPL that tell front from back, and how near a point is to stand for one, metres.
const LEGS_AND_NECK: [usize; 9] = [1, 2, 4, 5, 7, 8, 10, 11, 12];
const BESIDE: f64 = 0.1;

/// How far two data sets may see the one person apart, metres and radians.
const APART: f64 = 0.4;
const TURNED: f64 = 0.9;

/// The same of points that both name alike, metres.
const ALIKE: f64 = 0.1;

/// What a data set sees of the person in space, and how the body at rest lies on it.
pub(super) struct Placed {
    labels: Vec<String>,
    frames: Vec<Frame>,
    stances: Vec<Option<(Matrix3<f64>, Vector3<f64>)>>,
}

/// What a term observes, and the names to speak of it.
pub(super) struct Seen<'a> {
    pub term: &'a str,
    pub target: &'a str,
    pub source: &'a Source,
    pub convention: Option<&'a str>,
    pub observed: &'a Observations,
    pub cameras: Option<&'a [Camera]>,
}

impl Seen<'_> {
    /// The data set whose world it is: the cameras', or its own.
    fn world(&self) -> &str {
        match self.source {
            Source::Project { cameras, .. } => &cameras.value,
            _ => self.target,
        }
    }
}

impl Checker<'_> {
    /// Warns of what no person looks like.
    pub(super) fn warn_figure(&mut self, seen: &Seen<'_>) {
        let Some(figure) = self.figure(seen) else {
            self.warn_span(seen.target, seen.observed);
            return self.warn_in_image(seen);
        };
        let bones = self.warn_bones(seen, &figure);
        let sized = self.warn_scale(seen, &figure);
        if !bones && !sized {
            self.warn_standing(seen, &figure);
            self.warn_sides(seen, &figure);
            self.warn_apart(seen, &figure);
        }
    }

    /// Two data sets of one person that are in different worlds.
    fn warn_apart(&mut self, seen: &Seen<'_>, figure: &Figure) {
        let step = seen.observed.frames().div_ceil(FRAMES).max(1);
        let own = Placed {
            labels: figure.labels.clone(),
            frames: figure.frames.clone(),
            stances: figure.stances(),
        };
        let others = self.placed.iter().filter(|(name, _)| name != seen.target);
        let apart = others.filter_map(|(name, other)| {
            let (far, turned, limit) = other.apart(&own, 0)?;
            let far = Some(far).filter(|far| *far > limit);
            let later = far.and_then(|far| other.later(&own, far));
            Some((name.clone(), far, turned, later.filter(|_| step == 1)))
        });
        let apart: Vec<(String, Option<f64>, f64, Option<isize>)> = apart.collect();
        if self.placed.iter().all(|(name, _)| name != seen.target) {
            self.placed.push((seen.target.into(), own));
        }
        for (name, far, turned, later) in apart {
            let how = match (turned > TURNED && later.is_none(), far) {
                (true, _) => format!("turned by {:.0}° against", turned.to_degrees()),
                (_, Some(far)) => format!("{} from", length_text(far)),
                _ => continue,
            };
            let message = format!(
                "the person of `{}` is {how} where `{name}` sees it: are they in one world?",
                seen.target
            );
            let hint = match later {
                Some(by) => format!(
                    "they agree where `{}` begins {} frame{} later, by its `frames`",
                    if by > 0 { seen.target } else { &name },
                    by.abs(),
                    if by.abs() == 1 { "" } else { "s" },
                ),
                None => "give both the same `up`, `unit` and origin".into(),
            };
            self.warn_of_data("F0522", seen.target, message, hint);
        }
    }

    /// The body at rest and in the frames, where enough of it is known in space.
    fn figure(&self, seen: &Seen<'_>) -> Option<Figure> {
        let observed = seen.observed;
        if observed.labels.len() < FEW {
            return None;
        }
        let labels = observed.labels.iter();
        let model = labels.map(|l| self.at_rest(seen.source, seen.convention, l));
        let model: Vec<Vector3<f64>> = model.collect::<Option<_>>()?;
        let joints = self.joints_of(seen);
        let step = observed.frames().div_ceil(FRAMES).max(1);
        let frames = (0..observed.frames()).step_by(step);
        let frames: Vec<Frame> = match seen.cameras {
            None if observed.dimension == Dimension::LENGTH => {
                frames.map(|f| in_space(observed, f)).collect()
            }
            Some(cameras) if cameras.len() > 1 => {
                frames.map(|f| triangulated(observed, cameras, f)).collect()
            }
            _ => return None,
        };
        Some(Figure {
            labels: observed.labels.clone(),
            bones: self.bones(&joints),
            joints: self.roles(&joints, &model),
            model,
            frames,
        })
    }

    /// Where a label's point is on the body at rest.
    pub(super) fn at_rest(
        &self,
        source: &Source,
        convention: Option<&str>,
        label: &str,
    ) -> Option<Vector3<f64>> {
        let body = self.inputs.body.as_ref()?;
        let place = |(part, weight): (Part, f64)| {
            let point = match part {
                Part::Joint(j) => Vector3::from_fn(|k, _| body.joints[[j, k]]),
                Part::Vertex(v) => Vector3::from_fn(|k, _| body.template[[v, k]]),
            };
            point * weight
        };
        match source {
            Source::Body { .. } => {
                let recipe = self.recipe(source, convention, label)?;
                Some(recipe.into_iter().map(place).sum())
            }
            Source::Surface { name, .. } => {
                let set = self.marker_set(name)?;
                set.at_rest(body, set.marker(label)?)
            }
            Source::Project { of, .. } => self.at_rest(of, convention, label),
            Source::Variable(_) | Source::Own(_) => None,
        }
    }

    /// For each label the joint that it is.
    fn joints_of(&self, seen: &Seen<'_>) -> Vec<Option<usize>> {
        let mut source = seen.source;
        while let Source::Project { of, .. } = source {
            source = of;
        }
        let joint = |label: &String| match self.recipe(source, seen.convention, label)?[..] {
            [(Part::Joint(joint), _)] => Some(joint),
            _ => None,
        };
        seen.observed.labels.iter().map(joint).collect()
    }

    /// Joints with the labels beside them in place of joints of the legs and the neck that have none.
    fn roles(&self, joints: &[Option<usize>], model: &[Vector3<f64>]) -> Vec<Option<usize>> {
        let mut roles = joints.to_vec();
        let Some(body) = &self.inputs.body else {
            return roles;
        };
        for joint in LEGS_AND_NECK {
            let place = Vector3::from_fn(|k, _| body.joints[[joint, k]]);
            let off = |l: &usize| (model[*l] - place).norm();
            let free = (0..model.len()).filter(|l| roles[*l].is_none() && off(l) < BESIDE);
            let nearest = free.min_by(|a, b| off(a).total_cmp(&off(b)));
            if let (false, Some(label)) = (roles.contains(&Some(joint)), nearest) {
                roles[label] = Some(joint);
            }
        }
        roles
    }

    /// Pairs of labels that are joints with a bone between them, or several in a row.
    fn bones(&self, joints: &[Option<usize>]) -> Vec<(usize, usize)> {
        let Some(body) = &self.inputs.body else {
            return Vec::new();
        };
        let parent = |joint: usize| {
            let mut at = joint;
            while at > 0 {
                at = body.parents[at];
                if let Some(label) = joints.iter().position(|j| *j == Some(at)) {
                    return Some(label);
                }
            }
            None
        };
        let bone = |(label, joint): (usize, &Option<usize>)| Some((label, parent((*joint)?)?));
        joints.iter().enumerate().filter_map(bone).collect()
    }

    fn warn_bones(&mut self, seen: &Seen<'_>, figure: &Figure) -> bool {
        let wrong = figure.wrong_bones();
        let many = figure.bones.len() > 7 && 3 * wrong.len() > figure.bones.len();
        if many {
            let (child, parent) = wrong[0];
            let message = format!(
                "`{}`: these are no body's points in this order: {} of {} bones have a wrong length, \
                 such as from `{}` to `{}`",
                seen.target,
                wrong.len(),
                figure.bones.len(),
                figure.labels[parent],
                figure.labels[child],
            );
            let hint = "give the labels in the file's order by `names` (an array's name or a list), \
                        or their convention by `keypoints`";
            self.warn_of_data("F0516", seen.target, message, hint.into());
        }
        many
    }

    fn warn_scale(&mut self, seen: &Seen<'_>, figure: &Figure) -> bool {
        let Some(scale) = figure.scale().filter(|s| !(0.3..2.5).contains(s)) else {
            return false;
        };
        let tall = length_text(1.7 * scale);
        let world = seen.world().to_string();
        let metres = self.inputs.get(&world).map_or(1.0, |d| d.metres);
        let by = match world == seen.target {
            true => String::new(),
            false => format!("by the cameras of `{world}` "),
        };
        let message = format!("{by}the person of `{}` is {tall} tall", seen.target);
        let unit = likely_unit(1.7 * scale / metres);
        let hint = match unit {
            Some(unit) => format!("write `unit = \"{unit}\"` in `data.{world}`"),
            None => format!(
                "what is a unit of its numbers? About {0:.3} m, such as the side of a board's square, would \
                 make a person of it: `unit = \"{0:.3} m\"` in `data.{world}`",
                metres / scale
            ),
        };
        match world == seen.target && unit.is_some() {
            true => self.say_height(1.7 * scale, &world, message, hint),
            false => self.warn_of_data("F0505", &world, message, hint),
        }
        true
    }

    fn warn_standing(&mut self, seen: &Seen<'_>, figure: &Figure) {
        let Some(up) = figure.up() else {
            return;
        };
        let Some(given) = self.inputs.get(seen.world()).map(|d| d.up) else {
            return;
        };
        // Which of the file's axes the person's own up is near.
        let in_file =
            |other: &Up| (given.upright() * other.upright().transpose() * Vector3::y()).dot(&up);
        let best = Up::ALL
            .into_iter()
            .max_by(|a, b| in_file(a).total_cmp(&in_file(b)));
        if let Some(best) = best.filter(|b| in_file(b) > 0.7 && up.y < 0.6) {
            self.warn_up(seen, up.y, best, "");
        }
    }

    /// `height`: of the person's own up in our world, 1 where it stands.
    fn warn_up(&mut self, seen: &Seen<'_>, height: f64, best: Up, or: &str) {
        let how = match height < -0.6 {
            true => "stands head down",
            false => "lies",
        };
        let message = format!("the person of `{}` {how} most of the time", seen.target);
        let conventions = match self.other_conventions(seen) {
            names if names.is_empty() => String::new(),
            names => format!("; or the keypoints are those of {}", list(&names)),
        };
        let hint = format!(
            "if not, another axis points up: `up = \"{}\"` in `data.{}`{or}{conventions}",
            best.name(),
            seen.world()
        );
        self.warn_of_data("F0507", seen.world(), message, hint);
    }

    /// A lone camera: which way the person stands in its image, by points high and low on a body.
    fn warn_in_image(&mut self, seen: &Seen<'_>) {
        let Some([camera]) = seen.cameras else {
            return;
        };
        let Some(given) = self.inputs.get(seen.world()).map(|c| c.up) else {
            return;
        };
        let labels = seen.observed.labels.iter();
        let heights = labels.map(|l| Some(self.at_rest(seen.source, seen.convention, l)?.y));
        let Some(heights) = heights.collect::<Option<Vec<f64>>>() else {
            return;
        };
        let stands = |up: Up| {
            let world = given.upright() * up.upright().transpose() * Vector3::y();
            let in_image = (camera.rotation * world).xy();
            // Seen from above or below, an image says nothing of it.
            (in_image.norm() > 0.5).then(|| upright_in_image(seen.observed, &heights, in_image))?
        };
        let own = stands(given);
        let best = Up::ALL.into_iter().filter_map(|up| Some((up, stands(up)?)));
        let best = best.max_by(|a, b| a.1.total_cmp(&b.1));
        let (Some(own), Some((best, how))) = (own, best) else {
            return;
        };
        if own > 0.3 || how < 0.7 {
            return;
        }
        let or = "; or the camera looks along −z, as in OpenGL: `extrinsics = \"opengl\"`; or the image was \
                  flipped or turned";
        self.warn_up(seen, own, best, or);
    }

    /// Left and right exchanged in a few frames that do not follow each other closely enough to mend them.
    fn warn_mirrored_frames(&mut self, seen: &Seen<'_>, figure: &Figure) {
        let step = seen.observed.frames().div_ceil(FRAMES).max(1);
        let frames = figure.mirrored_frames().into_iter();
        let frames: Vec<u64> = frames.map(|f| self.frame_number(f * step)).collect();
        if frames.is_empty() {
            return;
        }
        let message = format!(
            "`{}` looks like a mirror image in {}: are left and right exchanged there?",
            seen.term,
            diagnostic::frames(&frames)
        );
        let origin = self.origin_of_term(seen.term);
        let hint = "correct the labels in these frames, or leave them out by `valid`";
        self.diagnostics
            .push(Diagnostic::warning("F0509", message, &origin).hint(hint));
    }

    /// Conventions with as many keypoints as the one that the data are read by.
    fn other_conventions(&self, seen: &Seen<'_>) -> Vec<&'static str> {
        let own = seen.convention.unwrap_or_default();
        let Some(labels) = keypoints::labels(own) else {
            return Vec::new();
        };
        let as_many = |name: &str| keypoints::labels(name).is_some_and(|l| l.len() == labels.len());
        let all = keypoints::conventions().into_iter();
        all.filter(|name| *name != own && as_many(name)).collect()
    }

    fn warn_sides(&mut self, seen: &Seen<'_>, figure: &Figure) {
        // Of joints, feet and knees tell front from back.
        let faces_back = figure.faces_back().filter(|_| !figure.bones.is_empty());
        let pairs = figure.exchanged();
        let mirrored = faces_back.unwrap_or(figure.is_mirrored(&pairs));
        if !mirrored && (pairs.is_empty() || figure.is_mirrored(&pairs)) {
            return self.warn_mirrored_frames(seen, figure);
        }
        let names: Vec<String> = pairs
            .iter()
            .map(|(l, r)| format!("`{l}` and `{r}`"))
            .collect();
        let message = match mirrored {
            true => format!(
                "`{}` looks like a mirror image: left and right are exchanged, or front and back",
                seen.term
            ),
            false => format!(
                "`{}`: left and right look exchanged: {}",
                seen.term,
                names.join(", ")
            ),
        };
        let hint = match (mirrored, seen.cameras) {
            (true, None) => format!(
                "is the world of `{0}` left-handed? `mirror = \"x\"` in `data.{0}` turns it; or correct \
                 the labels, such as by `map`",
                seen.target
            ),
            _ => match self.other_conventions(seen) {
                names if names.is_empty() => {
                    "correct the labels, such as by `map` of the data".into()
                }
                names => format!(
                    "as many keypoints have {}: is it that convention? Else correct the labels by `map`",
                    list(&names)
                ),
            },
        };
        let origin = self.origin_of_term(seen.term);
        self.diagnostics
            .push(Diagnostic::warning("F0509", message, &origin).hint(hint));
    }
}

impl Placed {
    /// How far, and how much turned, another data set sees the person, frame by frame so many later; and how
    /// far it may be. Points that both have under one name say it best.
    fn apart(&self, other: &Self, later: isize) -> Option<(f64, f64, f64)> {
        let frames = || {
            let pairs = (0..self.frames.len()).map(|f| Some((f, f.checked_add_signed(later)?)));
            pairs.flatten().filter(|(_, g)| *g < other.frames.len())
        };
        let stances = || frames().filter_map(|(f, g)| Some((self.stances[f]?, other.stances[g]?)));
        let turned = stances().map(|((a, _), (b, _))| axis_angle(&(a.transpose() * b)).norm());
        let turned = median(turned)?;
        let place = |label: &String| other.labels.iter().position(|l| l == label);
        let common = self.labels.iter().enumerate();
        let common: Vec<(usize, usize)> =
            common.filter_map(|(a, l)| Some((a, place(l)?))).collect();
        if common.len() < FEW {
            let far = stances().map(|((_, a), (_, b))| (a - b).norm());
            return Some((median(far)?, turned, APART));
        }
        let of_frame = |(f, g): (usize, usize)| {
            let points = common.iter();
            points
                .filter_map(move |&(a, b)| Some((self.frames[f][a]? - other.frames[g][b]?).norm()))
        };
        Some((median(frames().flat_map(of_frame))?, turned, ALIKE))
    }

    /// By how many frames the other is later, where that explains how far they are apart.
    fn later(&self, other: &Self, far: f64) -> Option<isize> {
        let half = (self.frames.len() / 2).min(FRAMES / 2) as isize;
        let tried = (-half..=half).filter_map(|by| {
            let (far, _, limit) = self.apart(other, by)?;
            Some((by, far, limit))
        });
        let (by, least, limit) = tried.min_by(|a, b| a.1.total_cmp(&b.1))?;
        (by != 0 && least < 0.4 * far && least < 0.5 * limit).then_some(by)
    }
}

/// The correlation of heights on a body and along a direction of the image: the median of the frames.
fn upright_in_image(observed: &Observations, heights: &[f64], up: Vector2<f64>) -> Option<f64> {
    let mut found = Vec::new();
    for frame in 0..observed.frames() {
        let seen = (0..heights.len()).filter(|p| observed.confidence[[frame, 0, *p]] > 0.0);
        let pairs: Vec<(f64, f64)> = seen
            .map(|p| {
                let x = observed.values.slice(s![frame, 0usize, p, ..]);
                (heights[p], Vector2::new(x[0], x[1]).dot(&up))
            })
            .collect();
        found.extend(correlation(&pairs).filter(|_| pairs.len() > 5));
    }
    median(found)
}

fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let (a, b) = pairs
        .iter()
        .fold((0.0, 0.0), |s, p| (s.0 + p.0 / n, s.1 + p.1 / n));
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>();
    let both = sum(&|p| (p.0 - a) * (p.1 - b));
    let own = sum(&|p| (p.0 - a).powi(2)) * sum(&|p| (p.1 - b).powi(2));
    (own > 0.0).then(|| both / own.sqrt())
}

fn in_space(observed: &Observations, frame: usize) -> Frame {
    let point = |p: usize| {
        let x = observed.values.slice(s![frame, 0usize, p, ..]);
        let seen = observed.confidence[[frame, 0, p]] > 0.0;
        seen.then(|| Vector3::new(x[0], x[1], x[2]))
    };
    (0..observed.labels.len()).map(point).collect()
}

fn triangulated(observed: &Observations, cameras: &[Camera], frame: usize) -> Frame {
    let point = |p: usize| {
        let view = |(v, camera)| {
            let x = observed.values.slice(s![frame, v, p, ..]);
            let weight = observed.confidence[[frame, v, p]];
            (weight > 0.0).then(|| (camera, Vector2::new(x[0], x[1]), weight))
        };
        let seen: Vec<_> = cameras.iter().enumerate().filter_map(view).collect();
        let point = triangulate_robust(&seen, DISAGREEMENT)?;
        // Cameras side by side or opposite each other do not see how far away it is.
        (spread(&seen) > SIDEWAYS).then_some(point)
    };
    (0..observed.labels.len()).map(point).collect()
}
