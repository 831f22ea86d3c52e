//! Cameras that contradict the others, which agree.

use nalgebra::Vector2;
use ndarray::s;

use super::Checker;
use super::figure::Seen;
use crate::camera::Camera;
use crate::camera::trial::{Sighting, disagreement, exchanged, most_agree, stands_out};
use crate::data::{Observations, median};
use crate::diagnostic::list;

/// Points that are looked at, evenly spread: as many as of few cameras, of many as many pixels.
const POINTS: usize = 500;
const PIXELS: usize = 4000;

/// How much better it has to be without a fault to speak of it: far, or by half where much is wrong.
pub(super) const FAR_BETTER: f64 = 0.25;
pub(super) const BETTER: f64 = 0.5;

/// Cameras of which some may be off without that the rest look off.
const MANY: usize = 5;

/// Frames by which a camera's may begin earlier or later than the others'.
const LATE: isize = 30;

/// What the cameras of a term see.
pub(super) struct Views<'a> {
    /// The data set of the cameras.
    pub of: &'a str,
    pub seen: &'a Seen<'a>,
    pub cameras: &'a [Camera],
    pub sightings: Vec<Sighting>,
    /// Pixels by which good cameras and detectors may disagree.
    pub limit: f64,
}

impl Views<'_> {
    /// The camera without which the others agree, and their disagreement then.
    pub fn odd_one(&self) -> Option<(usize, f64)> {
        if self.cameras.len() < 3 {
            return None;
        }
        let left = |odd: usize| (odd, disagreement(self.cameras, &self.others(odd)));
        let mut all: Vec<(usize, f64)> = (0..self.cameras.len()).map(left).collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (best, second) = (all[0], all[1]);
        // Outliers are of all cameras: then no others agree in most points. Any two of three do, a little.
        let alone = match self.cameras.len() {
            3 => best.1 < BETTER * second.1,
            _ => most_agree(self.cameras, &self.others(best.0), self.limit),
        };
        (best.1 < self.limit && alone).then_some(best)
    }

    /// What all cameras but one see.
    fn others(&self, odd: usize) -> Vec<Sighting> {
        let others = |s: &Sighting| s.iter().filter(|(c, ..)| *c != odd).copied().collect();
        let sightings = self.sightings.iter().map(others);
        sightings.filter(|s: &Sighting| s.len() > 1).collect()
    }

    /// Cameras that are off, with their errors in pixels, where most agree.
    fn odd_ones(&self) -> Vec<(usize, f64)> {
        let count = self.cameras.len();
        let error = |c: usize| stands_out(self.cameras, &self.sightings, c, self.limit);
        let errors: Vec<(usize, f64)> = (0..count).map(|c| (c, error(c))).collect();
        let usual = median(errors.iter().map(|e| e.1)).unwrap_or(0.0);
        let mut far = errors;
        far.retain(|(_, e)| *e > self.limit);
        if count >= MANY {
            far.retain(|(_, e)| usual < FAR_BETTER * e);
            return far;
        }
        // One that is off makes those beside it look off, too.
        let odd = self.odd_one();
        far.retain(|(c, e)| odd.is_some_and(|(odd, rest)| odd == *c && rest < FAR_BETTER * e));
        far
    }

    /// By how much a camera's frame numbers are higher than those of the others, where that is all that is
    /// wrong with it.
    fn late(&self, camera: usize, error: f64) -> Option<isize> {
        let with = |late: isize| {
            let sightings = sightings(self.seen.observed, (camera, late));
            (
                late,
                stands_out(self.cameras, &sightings, camera, self.limit),
            )
        };
        let tried = (-LATE..=LATE).filter(|late| *late != 0).map(with);
        let best = tried
            .filter(|t| t.1.is_finite())
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let explains = |(_, left): &(isize, f64)| *left < FAR_BETTER * error && *left < self.limit;
        best.filter(explains).map(|(late, _)| late)
    }

    /// The order of the views with which none of these cameras is off.
    fn reordered(&self, far: &[(usize, f64)]) -> Option<Vec<usize>> {
        let order = exchanged(self.cameras, &self.sightings, self.limit)?;
        let placed: Vec<Camera> = order.iter().map(|c| self.cameras[*c].clone()).collect();
        let good = |(c, _): &(usize, f64)| {
            stands_out(&placed, &self.sightings, *c, self.limit) < self.limit
        };
        far.iter().all(good).then_some(order)
    }
}

impl Checker<'_> {
    /// Warns of cameras that are off where the others agree.
    pub(super) fn warn_odd_cameras(&mut self, views: &Views<'_>) {
        let far = views.odd_ones();
        let (message, hint) = match far[..] {
            [] => return,
            [(camera, error)] => (alone(views, camera, error), of_one(views, camera, error)),
            _ => (several(views, &far), of_several(views, &far)),
        };
        self.warn_of_data("F0517", views.of, message, hint);
    }
}

fn alone(views: &Views<'_>, camera: usize, error: f64) -> String {
    let (name, of) = (&views.cameras[camera].name, views.of);
    match error.is_finite() {
        true => format!(
            "camera `{name}` of `{of}` alone sees its points {error:.0} px from where the others say they are"
        ),
        false => format!("by what the others see the person is behind camera `{name}` of `{of}`"),
    }
}

/// What may be wrong with one camera that is off by so many pixels.
pub(super) fn of_one(views: &Views<'_>, camera: usize, error: f64) -> String {
    match views.late(camera, error) {
        Some(late) => format!(
            "its frame numbers are {} {} than those of the others at the same time: number them alike",
            late.abs(),
            if late > 0 { "higher" } else { "lower" },
        ),
        None => "it is calibrated otherwise, its images have another size, its frames begin at another time, or \
                 the view that is joined to it is that of another camera"
            .into(),
    }
}

fn several(views: &Views<'_>, far: &[(usize, f64)]) -> String {
    let names = far.iter().map(|(c, _)| views.cameras[*c].name.as_str());
    let least = far.iter().map(|e| e.1).fold(f64::INFINITY, f64::min);
    format!(
        "cameras {} of `{}` see their points {least:.0} px or more from where the others say they are",
        list(&names.collect::<Vec<_>>()),
        views.of
    )
}

fn of_several(views: &Views<'_>, far: &[(usize, f64)]) -> String {
    match views.reordered(far) {
        Some(order) => format!(
            "their views are exchanged: `views = [{}]`",
            names_in_order(views.cameras, &order)
        ),
        None => "they are calibrated otherwise, their images have another size, or their frames begin at another \
                 time"
            .into(),
    }
}

/// Names of cameras as `views` takes them.
pub(super) fn names_in_order(cameras: &[Camera], order: &[usize]) -> String {
    let names = order.iter().map(|&c| format!("\"{}\"", cameras[c].name));
    names.collect::<Vec<_>>().join(", ")
}

/// Some of the points that two cameras or more see, with the frames of one camera so many later.
pub(super) fn sightings(observed: &Observations, (camera, late): (usize, isize)) -> Vec<Sighting> {
    let (frames, views, points, _) = observed.values.dim();
    let most = POINTS.min(PIXELS / views.max(1)).max(POINTS / 5);
    let step = (frames * points).div_ceil(most).max(1);
    // Not always the same points of a frame.
    let step = if points % step == 0 || step % points == 0 {
        step + 1
    } else {
        step
    };
    let sighting = |at: usize| {
        let (f, p) = (at / points, at % points);
        let view = |v: usize| {
            let f = match v == camera {
                true => f.checked_add_signed(late).filter(|f| *f < frames)?,
                false => f,
            };
            let x = observed.values.slice(s![f, v, p, ..]);
            let weight = observed.confidence[[f, v, p]];
            (weight > 0.0).then(|| (v, Vector2::new(x[0], x[1]), weight))
        };
        (0..views).filter_map(view).collect::<Sighting>()
    };
    let all = (0..frames * points).step_by(step).map(sighting);
    all.filter(|s| s.len() > 1).collect()
}
