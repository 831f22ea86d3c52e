//! Where the codes of a learned prior live, how they are drawn, and the way between two of them.

use crate::random::SplitMix64;

/// The distribution of latent codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latent {
    /// Standard normal.
    Normal,
    /// Uniform on the unit sphere.
    Sphere,
    /// Uniform in [−1, 1] along each axis.
    Cube,
}

impl Latent {
    /// Draws one code.
    pub(crate) fn draw(self, dims: usize, random: &mut SplitMix64) -> Vec<f64> {
        match self {
            Self::Normal => (0..dims).map(|_| random.normal()).collect(),
            Self::Cube => (0..dims).map(|_| 2.0 * random.uniform() - 1.0).collect(),
            Self::Sphere => {
                let code = Self::Normal.draw(dims, random);
                let length = norm(&code);
                code.iter().map(|x| x / length).collect()
            }
        }
    }

    /// Moves a code to the nearest one that there is.
    pub(crate) fn project(self, code: &mut [f64]) {
        match self {
            Self::Normal => {}
            Self::Cube => code.iter_mut().for_each(|x| *x = x.clamp(-1.0, 1.0)),
            Self::Sphere => {
                let length = norm(code).max(1e-12);
                code.iter_mut().for_each(|x| *x /= length);
            }
        }
    }

    /// The code at `t` in 0–1 on the way from a to b: a straight line, or on the sphere the great
    /// circle at constant speed (Shoemake 1985).
    pub(crate) fn between(self, a: &[f64], b: &[f64], t: f64) -> Vec<f64> {
        let mix = |p: f64, q: f64| a.iter().zip(b).map(|(a, b)| p * a + q * b).collect();
        if self != Self::Sphere {
            return mix(1.0 - t, t);
        }
        let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        let apart: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        let angle = (0.5 * apart.sqrt()).atan2((0.5 * (1.0 + dot)).max(0.0).sqrt()) * 2.0;
        if angle < 1e-9 {
            return a.to_vec();
        }
        if angle.sin() < 1e-9 {
            // Opposite codes are joined by every great circle; this one goes by their least axis.
            let across = perpendicular(a);
            let turn = t * angle;
            let pairs = a.iter().zip(&across);
            return pairs
                .map(|(a, p)| turn.cos() * a + turn.sin() * p)
                .collect();
        }
        mix(
            ((1.0 - t) * angle).sin() / angle.sin(),
            (t * angle).sin() / angle.sin(),
        )
    }
}

/// A unit vector at a right angle to a unit vector of at least two numbers.
fn perpendicular(a: &[f64]) -> Vec<f64> {
    let least = (0..a.len()).min_by(|i, j| a[*i].abs().total_cmp(&a[*j].abs()));
    let least = least.unwrap_or(0);
    let unit = |k: usize| if k == least { 1.0 } else { 0.0 };
    let across: Vec<f64> = (0..a.len()).map(|k| unit(k) - a[least] * a[k]).collect();
    let length = norm(&across);
    across.iter().map(|x| x / length).collect()
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_on_the_sphere_stays_on_it_at_constant_speed() {
        let mut random = SplitMix64(5);
        let (a, b) = (
            Latent::Sphere.draw(32, &mut random),
            Latent::Sphere.draw(32, &mut random),
        );
        let way: Vec<Vec<f64>> = (0..=8)
            .map(|i| Latent::Sphere.between(&a, &b, f64::from(i) / 8.0))
            .collect();
        let step = |i: usize| {
            let pairs = way[i].iter().zip(&way[i + 1]);
            pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
        };
        assert!(way.iter().all(|z| (norm(z) - 1.0).abs() < 1e-12));
        assert!((1..8).all(|i| (step(i) - step(0)).abs() < 1e-12));
        assert!(step(0) > 0.01);
    }

    #[test]
    fn opposite_codes_are_joined_by_a_half_circle() {
        let a = Latent::Sphere.draw(8, &mut SplitMix64(1));
        let b: Vec<f64> = a.iter().map(|x| -x).collect();
        for t in [0.0, 0.3, 0.5, 1.0] {
            let z = Latent::Sphere.between(&a, &b, t);
            assert!((norm(&z) - 1.0).abs() < 1e-9);
        }
        let end = Latent::Sphere.between(&a, &b, 1.0);
        assert!(end.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-9));
    }
}
