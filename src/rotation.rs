//! Rotation matrices: their axis-angle vectors, and the nearest one.

use nalgebra::{Matrix3, Rotation3, UnitQuaternion, Vector3};

/// The axis-angle vector of a rotation matrix, ‖w‖ ≤ π, to full precision also near 0 and near half turns.
///
/// It goes by way of the quaternion: what is off the matrix's diagonal vanishes at half turns, and
/// `Rotation3::scaled_axis` divides by it.
pub(crate) fn axis_angle(rotation: &Matrix3<f64>) -> Vector3<f64> {
    let rotation = Rotation3::from_matrix_unchecked(*rotation);
    UnitQuaternion::from_rotation_matrix(&rotation).scaled_axis()
}

/// The rotation nearest to a matrix that was written with few digits.
pub(crate) fn nearest(matrix: &Matrix3<f64>) -> Matrix3<f64> {
    let svd = matrix.svd(true, true);
    match (svd.u, svd.v_t) {
        (Some(u), Some(v_t)) => u * v_t,
        _ => *matrix,
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::random::SplitMix64;

    fn axes() -> impl Iterator<Item = Vector3<f64>> {
        let signs = || [-1.0, 0.0, 1.0].into_iter();
        let grid = signs().flat_map(move |x| {
            signs().flat_map(move |y| signs().map(move |z| Vector3::new(x, y, z)))
        });
        let mut random = SplitMix64(7);
        let drawn = std::iter::repeat_with(move || Vector3::from_fn(|_, _| random.normal()));
        grid.filter(|a| a.norm() > 0.0).chain(drawn.take(1000))
    }

    #[test]
    fn every_angle_about_every_axis_comes_back() {
        let quarters = [0.0, 0.5, 1.0, 1.5, 2.0].map(|q| q * PI / 2.0);
        let near = [1e-12, 1e-8, 1e-4, PI - 1e-4, PI - 1e-8, PI - 1e-12];
        for axis in axes() {
            for angle in quarters.into_iter().chain(near) {
                let rotation = *Rotation3::new(axis.normalize() * angle).matrix();
                let w = axis_angle(&rotation);
                let back = *Rotation3::new(w).matrix();
                assert!((back - rotation).norm() < 1e-14, "{angle} about {axis}");
                assert!((w.norm() - angle).abs() < 1e-14, "{angle} about {axis}");
            }
        }
    }

    #[test]
    fn half_turns_of_whole_numbers_are_not_lost() {
        for axis in 0..3 {
            let turn =
                Matrix3::from_diagonal(&Vector3::from_fn(
                    |i, _| {
                        if i == axis { 1.0 } else { -1.0 }
                    },
                ));
            let w = axis_angle(&turn);
            assert!((w[axis].abs() - PI).abs() < 1e-15 && (w.norm() - PI).abs() < 1e-15);
        }
    }
}
