//! One camera as a calibration file gives it, checked the same way whatever the format.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::FileError;

/// What a calibration file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Calibration {
    pub cameras: Vec<CameraRecord>,
    /// Cameras that were left out, and why.
    pub left_out: Vec<String>,
    /// The unit of length, where the format or the file makes it plain.
    pub unit: Option<Unit>,
    /// The axis that points up, where the file makes it plain.
    pub up: Option<&'static str>,
    /// What else is to be said of the file: a name and a text.
    pub facts: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unit {
    /// The format has this one.
    Always(&'static str),
    /// The program that wrote the file uses this one.
    Likely(&'static str),
}

/// x_in_camera = R x_in_world + translation, then the matrix gives pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CameraRecord {
    pub name: String,
    /// Width and height in pixels, where the file says them.
    pub size: Option<[f64; 2]>,
    pub matrix: [[f64; 3]; 3],
    /// k1 k2 p1 p2 (k3 …) in OpenCV's order; of a fisheye camera k1 k2 k3 k4.
    pub distortion: Vec<f64>,
    pub rotation: Turn,
    pub translation: [f64; 3],
    pub fisheye: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Turn {
    /// Rodrigues vector, radians.
    Vector([f64; 3]),
    /// Nearly orthonormal.
    Matrix([[f64; 3]; 3]),
}

/// How far a rotation matrix written with few digits may be from orthonormal.
const ORTHONORMAL: f64 = 1e-2;

/// The numbers of a key, with the key as the file spells it.
pub(crate) struct Field {
    pub key: String,
    pub numbers: Vec<f64>,
}

/// The keys of one camera, of which only the counts of numbers are still unknown.
pub(crate) struct Draft {
    pub name: String,
    pub size: Option<Field>,
    pub matrix: Field,
    pub distortion: Field,
    pub rotation: Field,
    pub translation: Field,
    pub fisheye: bool,
}

impl Draft {
    pub fn record(self) -> Result<CameraRecord, String> {
        let wrong = |field: &Field, what: &str| {
            let found = field.numbers.len();
            let what = what.replace("{found}", &found.to_string());
            format!("camera `{}`, `{}`: {what}", self.name, field.key)
        };
        let size = match &self.size {
            None => None,
            Some(field) => match field.numbers[..] {
                [w, h] if w > 0.0 && h > 0.0 => Some([w, h]),
                _ => return Err(wrong(field, "expected a width and a height above 0")),
            },
        };
        let expected =
            "expected a 3×3 matrix [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with fx, fy above 0";
        let matrix = square(&self.matrix.numbers)
            .filter(|m| m[2] == [0.0, 0.0, 1.0] && m[1][0] == 0.0 && m[0][0] > 0.0 && m[1][1] > 0.0)
            .ok_or_else(|| wrong(&self.matrix, expected))?;
        let (counts, text): (&[usize], _) = match self.fisheye {
            true => (&[0, 4], "4 for a fisheye camera, or none"),
            false => (&[0, 4, 5, 8, 12, 14], "4, 5, 8, 12 or 14, or none"),
        };
        if !counts.contains(&self.distortion.numbers.len()) {
            let what = format!("expected {text}, found {{found}} numbers");
            return Err(wrong(&self.distortion, &what));
        }
        let rotation = turn(&self.rotation.numbers).ok_or_else(|| {
            let what = "expected a Rodrigues vector of 3 numbers, or a 3×3 rotation matrix";
            wrong(&self.rotation, what)
        })?;
        let translation = self.translation.numbers[..]
            .try_into()
            .map_err(|_| wrong(&self.translation, "expected 3 numbers, found {found}"))?;
        Ok(CameraRecord {
            size,
            matrix,
            distortion: self.distortion.numbers,
            rotation,
            translation,
            fisheye: self.fisheye,
            name: self.name,
        })
    }
}

/// -R c of a camera at c; R row by row.
pub(super) fn behind(rotation: &[f64], place: &[f64]) -> Vec<f64> {
    let row = |row: &[f64]| -row.iter().zip(place).map(|(r, c)| r * c).sum::<f64>();
    rotation.chunks_exact(3).map(row).collect()
}

fn square(numbers: &[f64]) -> Option<[[f64; 3]; 3]> {
    let m: [f64; 9] = numbers.try_into().ok()?;
    Some([[m[0], m[1], m[2]], [m[3], m[4], m[5]], [m[6], m[7], m[8]]])
}

fn turn(numbers: &[f64]) -> Option<Turn> {
    if let Ok(vector) = numbers.try_into() {
        return Some(Turn::Vector(vector));
    }
    let r = square(numbers)?;
    let dot = |i: usize, j: usize| (0..3).map(|k| r[i][k] * r[j][k]).sum::<f64>();
    let cross =
        |k: usize| r[0][(k + 1) % 3] * r[1][(k + 2) % 3] - r[0][(k + 2) % 3] * r[1][(k + 1) % 3];
    let determinant: f64 = (0..3).map(|k| cross(k) * r[2][k]).sum();
    let unit = |i: usize, j: usize| if i == j { 1.0 } else { 0.0 };
    let orthonormal = (0..9).all(|n| (dot(n / 3, n % 3) - unit(n / 3, n % 3)).abs() < ORTHONORMAL);
    (orthonormal && determinant > 0.0).then_some(Turn::Matrix(r))
}

impl Calibration {
    /// Refuses a file without cameras and one that has a name twice.
    pub(super) fn checked(self, path: &Path, expected: &str) -> Result<Self, FileError> {
        if self.cameras.is_empty() {
            let message = match self.left_out.first() {
                Some(why) => format!("the file holds no camera that can be used; {why}"),
                None => format!("the file holds no camera; expected {expected}"),
            };
            return Err(FileError::new(path, message));
        }
        let mut names = BTreeSet::new();
        match self.cameras.iter().find(|c| !names.insert(c.name.as_str())) {
            None => Ok(self),
            Some(twice) => {
                let message = format!("two cameras have the name `{}`", twice.name);
                Err(FileError::new(path, message))
            }
        }
    }
}
