//! Observations: what a fit is given, in SI units and pixels, y up.

use ndarray::{Array3, Array4};

use crate::camera::Camera;
use crate::spec::Dimension;

/// One data set as it was read.
#[derive(Clone, Debug)]
pub enum Dataset {
    Points(Observations),
    People(People),
    Cameras(Vec<Camera>),
    Motion(Motion),
    Table(Table),
}

/// Rows of numbers by name.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub rows: usize,
    pub columns: Vec<Column>,
    /// The set whose elements its rows are; the data set's own name where it names none.
    pub index: Option<String>,
    /// What the file calls the elements; their places where it says nothing.
    pub ids: Vec<i64>,
    /// Rows whose elements the file holds still.
    pub held: Vec<usize>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
}

#[derive(Clone, Debug)]
pub enum ColumnKind {
    /// (rows, shape), in SI units and pixels; what is missing is NaN.
    Numbers {
        shape: Vec<usize>,
        dimension: Dimension,
        values: Vec<f64>,
    },
    /// For each row an element of a set, by its id.
    Reference { set: String, ids: Vec<i64> },
}

/// Keypoints in space or in images.
#[derive(Clone, Debug)]
pub struct Observations {
    pub labels: Vec<String>,
    /// Names of the views; one empty name where the points are in space.
    pub views: Vec<String>,
    /// (frames, views, points, components); not observed is NaN.
    pub values: Array4<f64>,
    /// (frames, views, points); 0 is not observed.
    pub confidence: Array3<f64>,
    /// Metres or pixels.
    pub dimension: Dimension,
    /// Frames per second, where known.
    pub rate: Option<f64>,
    /// What the source calls each frame.
    pub frame_numbers: Vec<u64>,
}

impl Observations {
    pub fn frames(&self) -> usize {
        self.values.dim().0
    }

    /// Whether anything of a frame is observed.
    pub fn observed(&self, frame: usize) -> bool {
        let rows = self.confidence.index_axis(ndarray::Axis(0), frame);
        rows.iter().any(|c| *c > 0.0)
    }

    /// What is not a finite number is not observed, and what is not observed has no value.
    pub(crate) fn mask_missing(&mut self) {
        for ((f, v, p), confidence) in self.confidence.indexed_iter_mut() {
            let mut point = self.values.slice_mut(ndarray::s![f, v, p, ..]);
            let finite = point.iter().all(|x| x.is_finite()) && confidence.is_finite();
            if !finite || *confidence <= 0.0 {
                *confidence = 0.0;
                point.fill(f64::NAN);
            }
        }
    }
}

/// The middle one of the numbers that are no NaN; of an even count the upper.
pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = numbers.into_iter().filter(|x| !x.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// For each axis the median over observed frames of the extent of a frame's points along it.
fn median_extents(values: &Array4<f64>) -> Option<Vec<f64>> {
    let along = |c: usize| {
        let of_frame = values.outer_iter().map(|frame| {
            let column = frame.slice(ndarray::s![.., .., c]);
            let finite = column.iter().filter(|x| x.is_finite());
            let none = (f64::INFINITY, f64::NEG_INFINITY);
            let (low, high) = finite.fold(none, |(l, h), x| (l.min(*x), h.max(*x)));
            high - low
        });
        median(of_frame.filter(|e| e.is_finite()))
    };
    (0..values.dim().3).map(along).collect()
}

/// The largest of the median extents.
pub(crate) fn median_span(values: &Array4<f64>) -> Option<f64> {
    median_extents(values)?.into_iter().reduce(f64::max)
}

/// Detections before anybody has said who is who: any number of people in each view of each frame.
#[derive(Clone, Debug)]
pub struct People {
    pub labels: Vec<String>,
    pub views: Vec<String>,
    /// For each frame and view the people, each (points) of x, y, confidence.
    pub people: Vec<Vec<Vec<Vec<[f64; 3]>>>>,
    pub rate: Option<f64>,
    pub frame_numbers: Vec<u64>,
}

/// A motion capture in the model's own parameters.
#[derive(Clone, Debug)]
pub struct Motion {
    /// (frames, 63), axis-angle.
    pub pose_body: Vec<Vec<f64>>,
    /// (frames, 3), axis-angle, y up.
    pub root_orient: Vec<[f64; 3]>,
    /// (frames, 3), metres, y up.
    pub trans: Vec<[f64; 3]>,
    pub betas: Vec<f64>,
    pub gender: Option<String>,
    /// The body that the shape is of, where fitrun wrote the file.
    pub body: Option<String>,
    pub rate: Option<f64>,
    pub frame_numbers: Vec<u64>,
    /// Turns the file's axes into ours.
    pub upright: nalgebra::Matrix3<f64>,
}
