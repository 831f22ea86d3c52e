//! Which way is up in a file, and how its axes are turned to ours.

use nalgebra::Matrix3;

/// The direction that points up: an axis, or against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Up {
    X,
    Y,
    Z,
    MinusX,
    MinusY,
    MinusZ,
}

impl Up {
    /// All directions as a spec and a file write them.
    pub(crate) const NAMES: [&'static str; 6] = ["x", "y", "z", "-x", "-y", "-z"];

    const ALL: [Self; 6] = [
        Self::X,
        Self::Y,
        Self::Z,
        Self::MinusX,
        Self::MinusY,
        Self::MinusZ,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        let at = Self::NAMES.iter().position(|n| *n == name)?;
        Some(Self::ALL[at])
    }

    #[cfg(test)]
    fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The rotation that takes a file's axes to ours, y up; about one axis, by a half turn at most.
    pub(crate) fn upright(self) -> Matrix3<f64> {
        match self {
            Self::X => Matrix3::new(0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0),
            Self::Y => Matrix3::identity(),
            Self::Z => Matrix3::new(1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0),
            Self::MinusX => Matrix3::new(0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0),
            Self::MinusY => Matrix3::new(1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0),
            Self::MinusZ => Matrix3::new(1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Vector3;

    use super::*;

    #[test]
    fn every_direction_is_turned_up_without_a_mirror() {
        for (at, up) in Up::ALL.into_iter().enumerate() {
            let mut axis = Vector3::zeros();
            axis[at % 3] = if at < 3 { 1.0 } else { -1.0 };
            assert_eq!(up.upright() * axis, Vector3::y(), "{up:?}");
            assert_eq!(up.upright().determinant(), 1.0);
            assert_eq!(Up::named(up.name()), Some(up));
        }
    }
}
