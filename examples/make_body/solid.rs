//! The solids that a figure is put together from, each with its own distance-like value.

use nalgebra::Rotation3;

use crate::joints::V3;
use crate::loft::Loft;

pub enum Shape {
    Loft(Loft),
    Cone {
        ends: [V3; 2],
        radii: [f64; 2],
    },
    Ellipsoid {
        centre: V3,
        radii: V3,
        turn: Rotation3<f64>,
    },
}

impl Shape {
    pub fn bounds(&self) -> (V3, V3) {
        match self {
            Shape::Loft(loft) => loft.bounds(),
            Shape::Cone {
                ends: [a, b],
                radii,
            } => {
                let r = V3::repeat(radii[0].max(radii[1]));
                (a.inf(b) - r, a.sup(b) + r)
            }
            Shape::Ellipsoid { centre, radii, .. } => {
                let r = V3::repeat(radii.max());
                (centre - r, centre + r)
            }
        }
    }

    pub fn value(&self, p: &V3) -> f64 {
        match self {
            Shape::Loft(loft) => loft.value(p),
            Shape::Cone {
                ends: [a, b],
                radii,
            } => {
                let along = ((p - a).dot(&(b - a)) / (b - a).norm_squared()).clamp(0.0, 1.0);
                (p - a.lerp(b, along)).norm() - (radii[0] + along * (radii[1] - radii[0]))
            }
            Shape::Ellipsoid {
                centre,
                radii,
                turn,
            } => superellipsoid(&turn.inverse_transform_vector(&(p - centre)), radii, 2.0),
        }
    }
}

pub fn cone(a: [f64; 3], ra: f64, b: [f64; 3], rb: f64) -> Shape {
    Shape::Cone {
        ends: [a.into(), b.into()],
        radii: [ra, rb],
    }
}

pub fn ellipsoid(centre: [f64; 3], radii: [f64; 3]) -> Shape {
    turned(centre, radii, [0.0; 3])
}

/// An ellipsoid turned by roll, pitch, yaw about x, y, z (rad).
pub fn turned(centre: [f64; 3], radii: [f64; 3], [x, y, z]: [f64; 3]) -> Shape {
    let turn = Rotation3::from_euler_angles(x, y, z);
    Shape::Ellipsoid {
        centre: centre.into(),
        radii: radii.into(),
        turn,
    }
}

/// First-order distance to Σ|qᵢ/rᵢ|ⁿ = 1 (Taubin 1991): (ρ − 1) / |∇ρ|.
pub fn superellipsoid(q: &V3, radii: &V3, n: f64) -> f64 {
    let scaled = q.component_div(radii).abs().map(|s| s.max(1e-9));
    let rho = scaled.map(|s| s.powf(n)).sum().powf(1.0 / n);
    let slope = scaled.map(|s| (s / rho).powf(n - 1.0)).component_div(radii);
    (rho - 1.0) / slope.norm()
}
