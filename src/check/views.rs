//! Whether the cameras of a term agree on what they see, before anything is solved.

use ndarray::s;

use super::Checker;
use super::figure::Seen;
use super::odd_cameras::{BETTER, FAR_BETTER, Views, names_in_order, of_one, sightings};
use super::sources::Source;
use crate::body::markers::sides::other_side;
use crate::camera::trial::{CLEARLY, Cause, disagreement, most_agree, stands_out, try_causes};
use crate::camera::{Camera, sides};
use crate::data::Observations;
use crate::diagnostic::{self, list};

/// The share of an image's diagonal by which good cameras and detectors may disagree.
const AGREE: f64 = 0.02;

/// The share of that from which on causes are tried.
const DOUBTFUL: f64 = 0.2;

/// Pixels that no person is as small as.
const NORMALISED: f64 = 2.0;

/// No camera's frames later than they are.
const AS_IT_IS: (usize, isize) = (0, 0);

impl Checker<'_> {
    /// Warns of cameras that contradict each other; false where they do.
    pub(super) fn views_agree(&mut self, seen: &Seen<'_>) -> bool {
        let (
            Some(cameras),
            Source::Project {
                cameras: of, free, ..
            },
        ) = (seen.cameras, seen.source)
        else {
            return true;
        };
        self.warn_outside(seen, cameras);
        self.warn_apart_in_time(seen);
        let views = Views {
            of: &of.value,
            seen,
            cameras,
            sightings: sightings(seen.observed, AS_IT_IS),
            limit: limit(cameras),
        };
        if cameras.len() < 2 || !free.is_empty() || views.sightings.len() < 3 {
            return true;
        }
        let error = disagreement(cameras, &views.sightings);
        if error > DOUBTFUL * views.limit && self.warn_disagreement(&views, error) {
            return false;
        }
        self.warn_odd_cameras(&views);
        error <= views.limit
    }

    fn warn_disagreement(&mut self, views: &Views<'_>, error: f64) -> bool {
        let Views {
            of,
            seen,
            cameras,
            limit,
            ..
        } = *views;
        let up = self.inputs.get(of).map(|c| c.up.upright().transpose());
        let tried = try_causes(
            cameras,
            &views.sightings,
            &up.unwrap_or_default(),
            (error, limit),
        );
        let explains = |(_, e): &&(Cause, f64)| match error > CLEARLY * limit {
            true if *e < BETTER * limit => *e < BETTER * error,
            _ => *e < limit && *e < FAR_BETTER * error,
        };
        let explained: Vec<&(Cause, f64)> = tried.iter().filter(explains).collect();
        let apart = match error.is_finite() {
            true => format!("they miss each other's points by {error:.0} px"),
            false => "most points lie behind a camera".into(),
        };
        let message = format!(
            "the cameras of `{of}` do not agree on `{}`: {apart}",
            seen.target
        );
        // Good cameras may see points badly; only what explains far more is said of them.
        let good = error <= limit || most_agree(cameras, &views.sightings, limit);
        if explained.is_empty() && good {
            return false;
        }
        let hint = match explained[..] {
            [(cause, without), ..] => {
                let other = explained.get(1).map_or(String::new(), |(cause, _)| {
                    format!(". As much explains: {}", said(cause, of, seen, cameras))
                });
                format!(
                    "{}; then {without:.1} px are left{other}",
                    said(cause, of, seen, cameras)
                )
            }
            [] => match views.odd_one() {
                Some((odd, _)) => {
                    let error = stands_out(cameras, &views.sightings, odd, limit);
                    let why = of_one(views, odd, error);
                    format!("without `{}` the others agree: {why}", cameras[odd].name)
                }
                None => "nothing usual explains it: are these the cameras, in the world and the images of \
                         these keypoints?"
                    .into(),
            },
        };
        self.warn_of_data("F0517", of, message, hint);
        true
    }

    /// Exchanges left and right back where views of a frame contradict the others.
    pub(super) fn mend_sides(
        &mut self,
        source: &Source,
        (target, convention): (&str, Option<&str>),
        observed: &mut Observations,
        cameras: Option<&[Camera]>,
    ) {
        let root = self.spec.root();
        let data = root.table("data").and_then(|t| t.table(target));
        if data.and_then(|t| t.text("sides")) == Some("given") {
            return;
        }
        let (Some(cameras), Source::Project { free, .. }) = (cameras, source) else {
            return;
        };
        if cameras.len() < 2 || !free.is_empty() {
            return;
        }
        let limbs = self.limbs(source, convention, &observed.labels);
        let mut mended = observed.clone();
        let (found, undecided) = sides::mend(&mut mended, cameras, &limbs);
        // Cameras that agree on nothing say nothing of sides.
        if disagreement(cameras, &sightings(&mended, AS_IT_IS)) > limit(cameras) {
            return;
        }
        self.warn_undecided(target, &undecided);
        if found.is_empty() {
            return;
        }
        *observed = mended;
        let message = format!(
            "left and right of `{target}` were exchanged in some views, by what the others see: {}; \
             they are exchanged back",
            self.by_camera(&found, cameras).join(", ")
        );
        let hint = "`sides = \"given\"` leaves the labels as they are";
        self.warn_of_data("F0520", target, message, hint.into());
    }

    /// Frames in which half of the views have left and right the other way round than the rest.
    fn warn_undecided(&mut self, target: &str, frames: &[usize]) {
        let frames: Vec<u64> = frames.iter().map(|f| self.frame_number(*f)).collect();
        if frames.is_empty() {
            return;
        }
        let message = format!(
            "the views of `{target}` contradict each other about left and right in {}, and nothing \
             says which are right",
            diagnostic::frames(&frames)
        );
        let hint = "correct the labels, or leave views out by `valid` or confidences of 0";
        self.warn_of_data("F0520", target, message, hint.into());
    }

    /// Pairs of labels, left and right: those of arms and head, and those of legs.
    fn limbs(
        &self,
        source: &Source,
        convention: Option<&str>,
        labels: &[String],
    ) -> Vec<Vec<(usize, usize)>> {
        let (mut upper, mut lower) = (Vec::new(), Vec::new());
        let Some(body) = &self.inputs.body else {
            return Vec::new();
        };
        for (left, label) in labels.iter().enumerate() {
            let other = other_side(label).and_then(|o| labels.iter().position(|l| *l == o));
            let place = |p: usize| self.at_rest(source, convention, &labels[p]);
            let Some((right, a, b)) = other.and_then(|r| Some((r, place(left)?, place(r)?))) else {
                continue;
            };
            if a.x > b.x {
                match a.y > body.joints[[0, 1]] + 0.1 {
                    true => upper.push((left, right)),
                    false => lower.push((left, right)),
                }
            }
        }
        vec![upper, lower]
    }

    /// Frames by camera, in ranges.
    fn by_camera(&self, found: &[(usize, usize)], cameras: &[Camera]) -> Vec<String> {
        let of_camera = |(v, camera): (usize, &Camera)| {
            let frames = found.iter().filter(|(_, view)| *view == v);
            let frames: Vec<u64> = frames.map(|(f, _)| self.frame_number(*f)).collect();
            let text = diagnostic::frames(&frames);
            (!frames.is_empty()).then(|| format!("`{}` in {text}", camera.name))
        };
        cameras.iter().enumerate().filter_map(of_camera).collect()
    }

    /// A view that sees the person in other frames than the others, as files numbered from elsewhere do.
    fn warn_apart_in_time(&mut self, seen: &Seen<'_>) {
        let confidence = &seen.observed.confidence;
        let (frames, views, _) = confidence.dim();
        let sees = |f: usize, v: usize| confidence.slice(s![f, v, ..]).iter().any(|c| *c > 0.0);
        for v in 0..views {
            let own: Vec<usize> = (0..frames).filter(|f| sees(*f, v)).collect();
            let others = |f: &&usize| (0..views).any(|other| other != v && sees(**f, other));
            let shared = own.iter().filter(others).count();
            if views < 2 || own.len() < 2 || 5 * shared > own.len() {
                continue;
            }
            let numbers: Vec<u64> = own.iter().map(|f| self.frame_number(*f)).collect();
            let message = format!(
                "view `{}` of `{}` sees the person in {}, in which hardly any other view does",
                seen.observed.views[v],
                seen.target,
                diagnostic::frames(&numbers)
            );
            let hint = "are its frames numbered from elsewhere? Number those of all views alike";
            self.warn_of_data("F0506", seen.target, message, hint.into());
        }
    }

    /// Keypoints that lie outside of their images.
    fn warn_outside(&mut self, seen: &Seen<'_>, cameras: &[Camera]) {
        let (mut outside, mut all, mut reach) = (0, 0, [0.0_f64; 2]);
        let observed = seen.observed;
        for ((f, v, p), confidence) in observed.confidence.indexed_iter() {
            if *confidence <= 0.0 {
                continue;
            }
            let x = observed.values.slice(s![f, v, p, ..]);
            let beyond = (0..2).any(|k| x[k] < 0.0 || x[k] > cameras[v].size[k]);
            all += 1;
            outside += usize::from(beyond);
            reach = [reach[0].max(x[0]), reach[1].max(x[1])];
        }
        if all > 0 && reach[0].max(reach[1]) < NORMALISED {
            let message = format!("the keypoints of `{}` all lie within 2 px", seen.target);
            let hint = "are they in units of the images' width and height? multiply them";
            return self.warn_of_data("F0518", seen.target, message, hint.into());
        }
        // Detectors guess a little beyond the border.
        if 5 * outside <= all {
            return;
        }
        let [width, height] = cameras[0].size;
        let message = format!(
            "{outside} of {all} keypoints of `{}` lie outside of images of {width} × {height} px: they \
             reach ({:.0}, {:.0})",
            seen.target, reach[0], reach[1]
        );
        let hint = "are they of larger images than the calibration? `images = [width, height]` of the \
                    cameras takes it to theirs";
        self.warn_of_data("F0518", seen.target, message, hint.into());
    }
}

/// Pixels by which good cameras and detectors may disagree.
fn limit(cameras: &[Camera]) -> f64 {
    AGREE
        * cameras
            .iter()
            .map(Camera::diagonal)
            .fold(f64::INFINITY, f64::min)
}

/// What a cause is called, and the line to write.
fn said(cause: &Cause, of: &str, seen: &Seen<'_>, cameras: &[Camera]) -> String {
    let line = |what: &str, line: &str| format!("{what}: write `{line}` in `data.{of}`");
    let sized = |factor: f64| {
        let [width, height] = cameras[0].size.map(|s| (s * factor).round());
        line(
            &format!("the images are {factor:.2} times as large as the calibration's"),
            &format!("images = [{width}, {height}]"),
        )
    };
    match cause {
        Cause::CameraToWorld => line(
            "these are poses of the cameras, camera to world",
            "extrinsics = \"camera-to-world\"",
        ),
        Cause::Position => line(
            "the translations are the cameras' places in the world",
            "extrinsics = \"position\"",
        ),
        Cause::Transposed => "the rotations are transposed: turn them over in the file".into(),
        Cause::OpenGl => line(
            "the cameras look along −z, y up, as in OpenGL",
            "extrinsics = \"opengl\"",
        ),
        Cause::OpenGlToWorld => line(
            "these are poses of cameras that look along −z, y up, as in OpenGL and Blender",
            "extrinsics = \"opengl-to-world\"",
        ),
        Cause::Pytorch3d => line(
            "the cameras have x to the left and y up, as in PyTorch3D",
            "extrinsics = \"pytorch3d\"",
        ),
        Cause::Signs(signs) => {
            let axes = ["x", "y", "z"].iter().zip(signs).filter(|(_, s)| **s < 0.0);
            let axes: Vec<&str> = axes.map(|(a, _)| *a).collect();
            format!(
                "the translations have the wrong sign along {}: mend the file",
                list(&axes)
            )
        }
        Cause::ImageScale(factor) => sized(*factor),
        Cause::Pixels { scale, shift } => format!(
            "the pixels of `{}` are ({:.2} u {:+.0}, {:.2} v {:+.0}) of the calibration's (u, v), as if the images \
             were cropped, padded or stretched since, or the principal points are wrong: take the pixels back, or \
             calibrate such images",
            seen.target, scale[0], shift[0], scale[1], shift[1]
        ),
        Cause::Focal(factor) => format!(
            "the focal lengths of `{of}` should be {factor:.2} times as long: were the images taken with another \
             zoom, or cropped, since the calibration?"
        ),
        Cause::Normalized => format!(
            "the keypoints of `{}` are in units of the images' width and height: multiply them",
            seen.target
        ),
        Cause::Flipped(axis) => format!(
            "the keypoints of `{}` count {} from the wrong border: the images were flipped",
            seen.target,
            ["x", "y"][*axis]
        ),
        Cause::RowsFirst => format!(
            "the keypoints of `{}` have rows before columns: exchange x and y",
            seen.target
        ),
        Cause::Turned(quarters) => format!(
            "the images of `{}` were turned by {}° to the right after the calibration: turn the keypoints back",
            seen.target,
            90 * u32::from(*quarters)
        ),
        Cause::Order(order) => format!(
            "the views of `{}` are in another order: `views = [{}]`",
            seen.target,
            names_in_order(cameras, order)
        ),
    }
}
