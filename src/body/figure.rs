//! Labelled points in space held against a body at rest.

use nalgebra::{Matrix3, Vector3};

use super::markers::sides::{lay_body, swapped, swapped_frames};
use crate::data::median;

/// The points of a frame; nothing where one is not seen.
pub(crate) type Frame = Vec<Option<Vector3<f64>>>;

/// Labels with their points on the body at rest, and in some frames.
pub(crate) struct Figure {
    pub labels: Vec<String>,
    pub model: Vec<Vector3<f64>>,
    /// Pairs of labels, child and parent, whose distance is a bone's length or that of several.
    pub bones: Vec<(usize, usize)>,
    /// For each label the joint of SMPL that it is.
    pub joints: Vec<Option<usize>>,
    pub frames: Vec<Frame>,
}

/// Distances on the body at rest that say something of its size, metres.
const TELLING: std::ops::Range<f64> = 0.1..0.7;

/// How far a toe or a knee has to be before or behind to count, metres.
const CLEARLY: f64 = 0.03;

/// How far back toes and knees of a frame that is a mirror image lie on average, metres.
const FAR_BACK: f64 = 0.1;

/// Which share of the frames decides how a body stands.
const MOST: f64 = 0.9;

impl Figure {
    /// How many times as large as the body at rest the figure is: the median over pairs of points.
    pub fn scale(&self) -> Option<f64> {
        let mut ratios = Vec::new();
        for (a, b) in self.pairs() {
            let rest = (self.model[a] - self.model[b]).norm();
            let of_pair = self.distances(a, b).map(|d| d / rest);
            ratios.extend(of_pair);
        }
        // Few points say little.
        median(ratios).filter(|_| self.labels.len() > 5)
    }

    /// By how much distances differ from that scale, as a share of them: the median over pairs of points.
    pub fn oddness(&self) -> Option<f64> {
        let scale = self.scale()?;
        let off = self.pairs().into_iter().filter_map(|(a, b)| {
            let rest = (self.model[a] - self.model[b]).norm();
            Some((median(self.distances(a, b))? / (rest * scale) - 1.0).abs())
        });
        median(off)
    }

    /// Bones, or where these are not known all pairs of points near each other.
    fn pairs(&self) -> Vec<(usize, usize)> {
        if self.bones.len() > 5 {
            return self.bones.clone();
        }
        let all = (0..self.model.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        let near =
            |&(a, b): &(usize, usize)| TELLING.contains(&(self.model[a] - self.model[b]).norm());
        all.filter(near).collect()
    }

    fn distances(&self, a: usize, b: usize) -> impl Iterator<Item = f64> {
        let frames = self.frames.iter();
        frames.filter_map(move |f| Some((f[a]? - f[b]?).norm()))
    }

    /// Bones, child and parent, that are not half to twice as long as the others say.
    pub fn wrong_bones(&self) -> Vec<(usize, usize)> {
        let ratio = |&(child, parent): &(usize, usize)| {
            let rest = (self.model[child] - self.model[parent]).norm();
            let seen = median(self.distances(child, parent))?;
            (rest > TELLING.start).then_some(((child, parent), seen / rest))
        };
        let ratios: Vec<_> = self.bones.iter().filter_map(ratio).collect();
        let Some(usual) = median(ratios.iter().map(|r| r.1)) else {
            return Vec::new();
        };
        let wrong = |(_, ratio): &&((usize, usize), f64)| !(0.5..2.0).contains(&(ratio / usual));
        ratios.iter().filter(wrong).map(|r| r.0).collect()
    }

    /// For each frame how the body at rest is turned and where it is then.
    pub fn stances(&self) -> Vec<Option<(Matrix3<f64>, Vector3<f64>)>> {
        let frames = self.frames.iter();
        frames.map(|f| lay_body(&self.model, f)).collect()
    }

    /// The direction from foot to head in most of the frames; nothing where it differs.
    pub fn up(&self) -> Option<Vector3<f64>> {
        let ups: Vec<Vector3<f64>> = self
            .frames
            .iter()
            .filter_map(|frame| Some(lay_body(&self.model, frame)?.0 * Vector3::y()))
            .collect();
        let mean = ups.iter().sum::<Vector3<f64>>().try_normalize(1e-9)?;
        let near = ups.iter().filter(|up| up.dot(&mean) > 0.7).count();
        (near as f64 >= MOST * ups.len() as f64).then_some(mean)
    }

    /// Pairs of labels, left and right, that look exchanged.
    pub fn exchanged(&self) -> Vec<(String, String)> {
        swapped(&self.labels, &self.model, &self.frames)
    }

    /// Whether toes point and knees bend to the back of the side that left and right make the front, as in
    /// a mirror; nothing where no frame shows it.
    pub fn faces_back(&self) -> Option<bool> {
        let (mut back, mut all) = (0, 0);
        for frame in &self.frames {
            for along in [4, 5].into_iter().flat_map(|knee| self.ahead(frame, knee)) {
                all += 1;
                back += usize::from(along < 0.0);
            }
        }
        (all > 0).then_some(4 * back > 3 * all)
    }

    /// Frames, by their place among those of the figure, in which all that shows it points to the back; of
    /// markers those that fit better with left and right exchanged.
    pub fn mirrored_frames(&self) -> Vec<usize> {
        if self.bones.is_empty() {
            return swapped_frames(&self.labels, &self.model, &self.frames);
        }
        let backwards = |f: &usize| {
            let both = [4, 5]
                .into_iter()
                .flat_map(|knee| self.ahead(&self.frames[*f], knee));
            let shown: Vec<f64> = both.collect();
            let sum: f64 = shown.iter().sum();
            let back = shown.iter().all(|x| *x < 0.0) && sum < -FAR_BACK * shown.len() as f64;
            shown.len() > 2 && back && self.has_whole_legs(*f)
        };
        (0..self.frames.len()).filter(backwards).collect()
    }

    /// Whether thighs and shanks of a frame are about as long as the body's, as outliers are not.
    fn has_whole_legs(&self, frame: usize) -> bool {
        let scale = self.scale().unwrap_or(1.0);
        let label = |joint: usize| self.joints.iter().position(|j| *j == Some(joint));
        let whole = |(from, to): (usize, usize)| {
            let (a, b) = (label(from)?, label(to)?);
            let seen = (self.frames[frame][a]? - self.frames[frame][b]?).norm();
            let rest = scale * (self.model[a] - self.model[b]).norm();
            Some((0.75..1.3).contains(&(seen / rest)))
        };
        [(1, 4), (4, 7), (2, 5), (5, 8)]
            .into_iter()
            .all(|bone| whole(bone) == Some(true))
    }

    /// How far the toe lies before the ankle and the knee before the straight leg, of those that do clearly.
    fn ahead(&self, frame: &Frame, knee: usize) -> Vec<f64> {
        let at = |joint: usize| frame[self.joints.iter().position(|j| *j == Some(joint))?];
        let side =
            || Some((at(1)? - at(2)?).cross(&(at(12).or(at(15))? - (at(1)? + at(2)?) / 2.0)));
        let Some(front) = side().and_then(|f| f.try_normalize(1e-6)) else {
            return Vec::new();
        };
        let toe = || Some((at(knee + 6)? - at(knee + 3)?).dot(&front));
        let bent = || Some((at(knee)? - (at(knee - 3)? + at(knee + 3)?) / 2.0).dot(&front));
        let both = [toe(), bent()].into_iter().flatten();
        both.filter(|x| x.abs() > CLEARLY).collect()
    }

    /// Whether pairs that are exchanged are most of those that there are, as in a mirror.
    pub fn is_mirrored(&self, pairs: &[(String, String)]) -> bool {
        let sided = self.model.iter().filter(|m| m.x.abs() > 0.02).count();
        3 * pairs.len() > sided
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Rotation3;

    use super::*;
    use crate::body::{BodyModel, SMPL_JOINTS};

    /// A body that walks on with bent knees, turned and as large as wished.
    fn figure(change: impl Fn(Vector3<f64>) -> Vector3<f64>) -> Figure {
        let body = BodyModel::builtin(None).unwrap();
        let rest = body.rest_joints(&[]);
        let model: Vec<Vector3<f64>> = rest[..22].to_vec();
        let mut pose = vec![0.0; 63];
        for hip in [0, 1] {
            pose[3 * hip] = -0.5;
            pose[3 * (hip + 3)] = 0.9;
        }
        let frame = |f: usize| {
            let turn = Rotation3::new(Vector3::y() * (0.1 * f as f64));
            let at = Vector3::new(0.0, 0.0, 0.1 * f as f64);
            let posed = body.transforms(&rest, turn.matrix(), &pose, &at);
            let points = posed[..22].iter().map(|(_, x)| Some(change(*x)));
            points.collect::<Frame>()
        };
        Figure {
            labels: SMPL_JOINTS[..22].iter().map(|l| l.to_string()).collect(),
            model,
            bones: (1..22).map(|j| (j, body.parents[j])).collect(),
            joints: (0..22).map(Some).collect(),
            frames: (0..12).map(frame).collect(),
        }
    }

    #[test]
    fn a_person_as_it_should_be_gives_no_reason_to_speak() {
        let figure = figure(|x| x);
        assert!((figure.scale().unwrap() - 1.0).abs() < 1e-9);
        assert!(figure.up().unwrap().y > 0.95);
        assert!(figure.wrong_bones().is_empty() && figure.exchanged().is_empty());
    }

    #[test]
    fn size_up_and_mirrors_are_seen() {
        assert!((figure(|x| x * 8.3).scale().unwrap() - 8.3).abs() < 1e-6);
        let down = figure(|x| Vector3::new(x.x, -x.y, -x.z));
        assert!(down.up().unwrap().y < -0.95);
        let mirrored = figure(|x| Vector3::new(-x.x, x.y, x.z));
        let pairs = mirrored.exchanged();
        assert!(mirrored.is_mirrored(&pairs), "{pairs:?}");
        let faces_back = |x: &Figure| x.faces_back().unwrap();
        assert!(faces_back(&mirrored) && !faces_back(&figure(|x| x)));
    }

    #[test]
    fn joints_in_another_order_have_wrong_bones() {
        let mut figure = figure(|x| x);
        for frame in &mut figure.frames {
            frame.reverse();
        }
        assert!(3 * figure.wrong_bones().len() > figure.bones.len());
    }
}
