//! Data sets at another rate, taken to the frames of the one that sets them.

use nalgebra::{Rotation3, Vector3};
use ndarray::s;

use super::Inputs;
use crate::data::{Dataset, Motion, Observations, People};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::rotation::axis_angle;
use crate::spec::{Spec, View};

/// The frames that everything is taken to.
struct Axis {
    numbers: Vec<u64>,
    rate: f64,
}

/// Where a moment falls among the frames of a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// Before the first, after the last, or in a gap.
    Nowhere,
    At(usize),
    /// After a frame by a share of the way to the next.
    Between(usize, f64),
}

/// Takes the data sets that say so to the frames of the first one that does not.
pub(super) fn resample(spec: &Spec, inputs: &mut Inputs, diagnostics: &mut Diagnostics) {
    let root = spec.root();
    let data = root.named("data");
    let says = |name: &str| {
        let mut named = data.iter();
        named.any(|(n, table, _)| *n == name && table.get("resample").is_some())
    };
    let mut others = inputs.data.iter().filter(|d| !says(&d.name));
    let axis = others.find_map(|d| Some((d.name.clone(), times(&d.dataset)?)));
    for (name, table, _) in &data {
        let path = format!("data.{name}");
        let view = View::new(table, &path);
        let Some(how) = view.text("resample") else {
            continue;
        };
        let Some(input) = inputs.data.iter_mut().find(|d| d.name == *name) else {
            continue;
        };
        if let Err((code, message, hint)) = resampled(&path, &axis, how.value, &mut input.dataset) {
            let diagnostic = Diagnostic::error(code, message, &how.origin);
            diagnostics.push(diagnostic.hint(hint));
        }
    }
}

/// Code, message and hint of what is wrong.
type Wrong = (&'static str, String, String);

/// Numbers and rate of frames.
type Times = (Vec<u64>, Option<f64>);

fn resampled(
    path: &str,
    axis: &Option<(String, Times)>,
    how: &str,
    dataset: &mut Dataset,
) -> Result<(), Wrong> {
    let wrong = |code, message: String, hint: &str| Err((code, message, hint.to_string()));
    let Some((own, own_rate)) = times(dataset) else {
        let message = format!("`{path}` has no frames to resample");
        return wrong("F0306", message, "leave `resample` out");
    };
    let Some((other, (numbers, rate))) = axis else {
        let message = "every data set is resampled, so that none says which frames there are";
        let hint = "leave `resample` out where the frames are those to be solved";
        return wrong("F0306", message.into(), hint);
    };
    let (Some(own_rate), Some(rate)) = (own_rate, *rate) else {
        let missing = match own_rate {
            None => path.to_string(),
            Some(_) => format!("data.{other}"),
        };
        let message = format!("`{path}.resample` needs the rate of `{missing}`");
        let hint = format!("add `rate = \"30 Hz\"` to `{missing}`");
        return wrong("F0307", message, &hint);
    };
    if how == "linear" && matches!(dataset, Dataset::People(_)) {
        let message = format!("`{path}`: detections of several people have no value between");
        let hint = "`resample = \"nearest\"` takes the nearest frame";
        return wrong("F0306", message, hint);
    }
    let axis = Axis {
        numbers: numbers.clone(),
        rate,
    };
    let moments = axis.moments(&own, own_rate, how == "linear");
    if moments.iter().all(|m| *m == Moment::Nowhere) {
        let message = format!("`{path}` and `data.{other}` have no moment in common");
        let hint = "frame n is at n / rate in both; `frames` chooses";
        return wrong("F0301", message, hint);
    }
    match dataset {
        Dataset::Points(points) => *points = axis.points(points, &moments),
        Dataset::People(people) => *people = axis.people(people, &moments),
        Dataset::Motion(motion) => match axis.motion(motion, &moments) {
            Some(resampled) => *motion = resampled,
            None => {
                let message =
                    format!("the motion `{path}` does not last as long as `data.{other}`");
                let hint = format!("choose fewer frames: `frames` of `data.{other}`");
                return wrong("F0301", message, &hint);
            }
        },
        Dataset::Cameras(_) | Dataset::Table(_) => {}
    }
    Ok(())
}

/// Numbers and rate of the frames of a data set that has some.
fn times(dataset: &Dataset) -> Option<Times> {
    match dataset {
        Dataset::Points(o) => Some((o.frame_numbers.clone(), o.rate)),
        Dataset::People(p) => Some((p.frame_numbers.clone(), p.rate)),
        Dataset::Motion(m) => Some((m.frame_numbers.clone(), m.rate)),
        Dataset::Cameras(_) | Dataset::Table(_) => None,
    }
}

impl Axis {
    /// Where each frame falls among others; frame n is at n / rate.
    fn moments(&self, own: &[u64], own_rate: f64, between: bool) -> Vec<Moment> {
        let moment = |number: &u64| {
            let place = *number as f64 * own_rate / self.rate;
            let after = own.partition_point(|n| *n as f64 <= place);
            let before = after.checked_sub(1);
            let share = before.map(|b| place - own[b] as f64);
            match (before, share) {
                (Some(b), Some(share)) if share < 1e-6 => Moment::At(b),
                (Some(b), Some(share)) if between => match own.get(after) {
                    Some(next) if *next == own[b] + 1 => Moment::Between(b, share),
                    _ => Moment::Nowhere,
                },
                (Some(b), Some(share)) if share <= 0.5 => Moment::At(b),
                _ => match own.get(after) {
                    Some(next) if *next as f64 - place <= 0.5 => Moment::At(after),
                    _ => Moment::Nowhere,
                },
            }
        };
        self.numbers.iter().map(moment).collect()
    }

    /// A point between two frames is seen where it is in both, as well as in the worse of them.
    fn points(&self, of: &Observations, moments: &[Moment]) -> Observations {
        let (_, views, points, k) = of.values.dim();
        let frames = moments.len();
        let mut values = ndarray::Array4::from_elem((frames, views, points, k), f64::NAN);
        let mut confidence = ndarray::Array3::zeros((frames, views, points));
        for (f, moment) in moments.iter().enumerate() {
            let (first, share) = match *moment {
                Moment::Nowhere => continue,
                Moment::At(first) => (first, 0.0),
                Moment::Between(first, share) => (first, share),
            };
            let next = if share > 0.0 { first + 1 } else { first };
            let blend = |a: f64, b: f64| a + share * (b - a);
            let (a, b) = (s![first, .., .., ..], s![next, .., .., ..]);
            let mut to = values.slice_mut(s![f, .., .., ..]);
            ndarray::Zip::from(&mut to)
                .and(of.values.slice(a))
                .and(of.values.slice(b))
                .for_each(|to, a, b| *to = blend(*a, *b));
            let (a, b) = (s![first, .., ..], s![next, .., ..]);
            let mut to = confidence.slice_mut(s![f, .., ..]);
            ndarray::Zip::from(&mut to)
                .and(of.confidence.slice(a))
                .and(of.confidence.slice(b))
                .for_each(|to, a, b| *to = f64::min(*a, *b));
        }
        let mut resampled = Observations {
            labels: of.labels.clone(),
            views: of.views.clone(),
            values,
            confidence,
            dimension: of.dimension,
            rate: Some(self.rate),
            frame_numbers: self.numbers.clone(),
        };
        resampled.mask_missing();
        resampled
    }

    fn people(&self, of: &People, moments: &[Moment]) -> People {
        let nobody = || vec![Vec::new(); of.views.len()];
        let seen = |moment: &Moment| match moment {
            Moment::At(f) => of.people[*f].clone(),
            _ => nobody(),
        };
        People {
            people: moments.iter().map(seen).collect(),
            rate: Some(self.rate),
            frame_numbers: self.numbers.clone(),
            ..of.clone()
        }
    }

    /// Rotations go the shortest way; `None` where it has no pose for a frame.
    fn motion(&self, of: &Motion, moments: &[Moment]) -> Option<Motion> {
        let places = moments.iter().map(|moment| match *moment {
            Moment::Nowhere => None,
            Moment::At(first) => Some((first, first, 0.0)),
            Moment::Between(first, share) => Some((first, first + 1, share)),
        });
        let places: Vec<(usize, usize, f64)> = places.collect::<Option<_>>()?;
        let pose = |&(a, b, share): &(usize, usize, f64)| {
            let joints = of.pose_body[a].chunks(3).zip(of.pose_body[b].chunks(3));
            joints.flat_map(|(a, b)| turned(a, b, share)).collect()
        };
        let root = |&(a, b, share): &(usize, usize, f64)| {
            turned(&of.root_orient[a], &of.root_orient[b], share)
        };
        let trans = |&(a, b, share): &(usize, usize, f64)| {
            let (a, b) = (of.trans[a], of.trans[b]);
            std::array::from_fn(|c| a[c] + share * (b[c] - a[c]))
        };
        Some(Motion {
            pose_body: places.iter().map(pose).collect(),
            root_orient: places.iter().map(root).collect(),
            trans: places.iter().map(trans).collect(),
            rate: Some(self.rate),
            frame_numbers: self.numbers.clone(),
            ..of.clone()
        })
    }
}

/// A share of the way from one axis-angle vector to another.
fn turned(a: &[f64], b: &[f64], share: f64) -> [f64; 3] {
    if share == 0.0 {
        return [a[0], a[1], a[2]];
    }
    let rotation = |v: &[f64]| Rotation3::new(Vector3::from_column_slice(v));
    let (a, b) = (rotation(a), rotation(b));
    let way = axis_angle((a.inverse() * b).matrix());
    axis_angle((a * Rotation3::new(way * share)).matrix()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(numbers: std::ops::Range<u64>, rate: f64) -> Axis {
        Axis {
            numbers: numbers.collect(),
            rate,
        }
    }

    #[test]
    fn moments_fall_on_frames_between_them_or_nowhere() {
        use Moment::{At, Between, Nowhere};
        let own: Vec<u64> = vec![0, 1, 2, 5];
        let found = axis(0..6, 100.0).moments(&own, 50.0, true);
        assert_eq!(
            found,
            [
                At(0),
                Between(0, 0.5),
                At(1),
                Between(1, 0.5),
                At(2),
                Nowhere
            ]
        );
        let found = axis(0..3, 25.0).moments(&own, 50.0, true);
        assert_eq!(found, [At(0), At(2), Nowhere]);
        let found = axis(0..6, 30.0).moments(&own, 50.0, false);
        assert_eq!(found, [At(0), At(2), Nowhere, At(3), Nowhere, Nowhere]);
    }

    #[test]
    fn half_of_the_way_between_two_turns_is_the_turn_between() {
        let half = turned(&[0.0, 0.2, 0.0], &[0.0, 1.0, 0.0], 0.5);
        assert!((half[1] - 0.6).abs() < 1e-12 && half[0].abs() < 1e-12);
        // The shortest way from 170° to −170° goes by 180°.
        let (a, b) = (170_f64.to_radians(), -170_f64.to_radians());
        let half = turned(&[a, 0.0, 0.0], &[b, 0.0, 0.0], 0.5);
        assert!((half[0].abs() - std::f64::consts::PI).abs() < 1e-9);
    }
}
