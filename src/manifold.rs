//! The manifolds that variables live on, seen by the solvers through tangent vectors.

use nalgebra::{Matrix3, Rotation3, Vector3};

/// Where one copy of a variable lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manifold {
    /// ℝⁿ.
    Euclidean(usize),
    /// Rotations as row-major 3×3 matrices; tangent vectors are rotations in the body's own frame.
    So3,
}

impl Manifold {
    /// Numbers stored for one copy.
    pub fn ambient(self) -> usize {
        match self {
            Self::Euclidean(n) => n,
            Self::So3 => 9,
        }
    }

    /// Degrees of freedom of one copy.
    pub fn tangent(self) -> usize {
        match self {
            Self::Euclidean(n) => n,
            Self::So3 => 3,
        }
    }

    /// out = x moved by the tangent vector; for rotations R exp(v).
    pub fn retract(self, x: &[f64], v: &[f64], out: &mut [f64]) {
        match self {
            Self::Euclidean(_) => {
                for ((out, x), v) in out.iter_mut().zip(x).zip(v) {
                    *out = x + v;
                }
            }
            Self::So3 => {
                let step = Rotation3::new(Vector3::from_column_slice(v));
                let moved = Matrix3::from_row_slice(x) * step.matrix();
                write_rows(&orthonormal(&moved), out);
            }
        }
    }

    /// The gradient in tangent coordinates at x, from the gradient in stored numbers.
    pub fn pull_back(self, x: &[f64], ambient: &[f64], out: &mut [f64]) {
        match self {
            Self::Euclidean(_) => out.copy_from_slice(ambient),
            Self::So3 => {
                let rt_g =
                    Matrix3::from_row_slice(x).transpose() * Matrix3::from_row_slice(ambient);
                out[0] = rt_g[(2, 1)] - rt_g[(1, 2)];
                out[1] = rt_g[(0, 2)] - rt_g[(2, 0)];
                out[2] = rt_g[(1, 0)] - rt_g[(0, 1)];
            }
        }
    }

    /// Carries a tangent vector along the step that [`Manifold::retract`] took.
    ///
    /// In the body's frame the velocity of t ↦ R exp(t v) is v all along, so vectors keep their
    /// coordinates; flat spaces do so anyway.
    pub fn transport(self, _from: &[f64], _to: &[f64], _v: &mut [f64]) {}
}

/// Removes the drift of many products by one Newton step towards the orthogonal group.
fn orthonormal(m: &Matrix3<f64>) -> Matrix3<f64> {
    m * (Matrix3::identity() * 1.5 - (m.transpose() * m) * 0.5)
}

pub(crate) fn write_rows(m: &Matrix3<f64>, out: &mut [f64]) {
    for i in 0..3 {
        for k in 0..3 {
            out[3 * i + k] = m[(i, k)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pulled_back_gradient_of_so3_is_the_derivative_along_retractions() {
        let x = {
            let mut x = [0.0; 9];
            write_rows(
                Rotation3::new(Vector3::new(0.3, -1.1, 0.7)).matrix(),
                &mut x,
            );
            x
        };
        let weights: Vec<f64> = (0..9).map(|i| (i as f64 * 0.7).sin()).collect();
        let cost = |v: [f64; 3]| {
            let mut moved = [0.0; 9];
            Manifold::So3.retract(&x, &v, &mut moved);
            moved.iter().zip(&weights).map(|(m, w)| m * w).sum::<f64>()
        };
        let mut gradient = [0.0; 3];
        Manifold::So3.pull_back(&x, &weights, &mut gradient);
        for i in 0..3 {
            let mut v = [0.0; 3];
            v[i] = 1e-6;
            let up = cost(v);
            v[i] = -1e-6;
            let slope = (up - cost(v)) / 2e-6;
            assert!(
                (slope - gradient[i]).abs() < 1e-8,
                "{slope} {}",
                gradient[i]
            );
        }
    }
}
