//! Robustifiers ρ(s) of the squared, whitened residual s = ‖r‖²/sigma², all with ρ(s) ≈ s at 0.

use num_traits::Float;

use crate::graph::Number;

/// Which function; `c` is the scale divided by sigma.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Robustifier {
    None,
    Huber,
    Cauchy,
    GemanMcclure,
    Welsch,
    Tukey,
    L1,
    /// Barron 2019, "A General and Adaptive Robust Loss Function", eq. 8, times 2c².
    Barron {
        alpha: f64,
    },
}

/// Whether ρ acts on a residual's norm or on each of its coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Norm,
    Coordinate,
}

impl Robustifier {
    pub const NAMES: &[&str] = &[
        "none",
        "huber",
        "cauchy",
        "geman_mcclure",
        "welsch",
        "tukey",
        "l1",
        "barron",
    ];

    pub(crate) fn from_name(name: &str, alpha: f64) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "huber" => Self::Huber,
            "cauchy" => Self::Cauchy,
            "geman_mcclure" => Self::GemanMcclure,
            "welsch" => Self::Welsch,
            "tukey" => Self::Tukey,
            "l1" => Self::L1,
            "barron" => Self::Barron { alpha },
            _ => return None,
        })
    }

    /// ρ(s) and dρ/ds, where `c2` is c².
    #[inline(always)]
    pub(crate) fn rho<T: Number>(self, s: T, c2: T) -> (T, T) {
        T::apart(
            #[inline(always)]
            || {
                let (one, two) = (T::one(), T::of(2.0));
                match self {
                    Self::None => (s, one),
                    Self::Huber => {
                        let (c, root) = (c2.root(), s.root());
                        let beyond = (two * c * root - c2, c / root);
                        (c2.less(s, beyond.0, s), c2.less(s, beyond.1, one))
                    }
                    Self::Cauchy => (c2 * (s / c2).map(|x| x.ln_1p()), one / (one + s / c2)),
                    Self::GemanMcclure => {
                        let d = one / (one + s / c2);
                        (s * d, d * d)
                    }
                    Self::Welsch => {
                        let x = -s / c2;
                        (-c2 * x.map(|x| x.exp_m1()), x.map(|x| x.exp()))
                    }
                    Self::Tukey => {
                        let u = one - s / c2;
                        // What is NaN stays so.
                        let u = u.less(T::zero(), T::zero(), u);
                        (c2 / T::of(3.0) * (one - u * u * u), u * u)
                    }
                    Self::L1 => {
                        let root = (one + s / c2).root();
                        (two * s / (root + one), one / root)
                    }
                    Self::Barron { alpha } => barron(alpha, s, c2),
                }
            },
        )
    }
}

/// The limits at alpha = 2, 0 and −∞ are their own formulas.
#[inline(always)]
fn barron<T: Number>(alpha: f64, s: T, c2: T) -> (T, T) {
    let (one, two) = (T::one(), T::of(2.0));
    if (alpha - 2.0).abs() < 1e-6 {
        return (s, one);
    }
    if alpha.abs() < 1e-6 {
        let x = s / (two * c2);
        return (two * c2 * x.map(|x| x.ln_1p()), one / (one + x));
    }
    if alpha == f64::NEG_INFINITY {
        let x = -s / (two * c2);
        return (-two * c2 * x.map(|x| x.exp_m1()), x.map(|x| x.exp()));
    }
    let width = T::of((alpha - 2.0).abs());
    let power = alpha / 2.0;
    // Also with few digits, where alpha is far below zero.
    let base = (s / c2 / width).map(|x| x.ln_1p());
    let growth = base.map(|x| (T::Scalar::of(power) * x).exp_m1());
    let slope = base.map(|x| (T::Scalar::of(power - 1.0) * x).exp());
    (two * c2 * width / T::of(alpha) * growth, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Robustifier> {
        let named = Robustifier::NAMES
            .iter()
            .map(|n| Robustifier::from_name(n, 1.2).unwrap());
        let alphas = [-2.0, 0.0, 0.5, 2.0, f64::NEG_INFINITY];
        named.chain(alphas.map(|alpha| Robustifier::Barron { alpha }))
    }

    #[test]
    fn every_robustifier_is_the_identity_near_zero_and_has_its_own_derivative() {
        for robust in all() {
            let (value, slope): (f64, f64) = robust.rho(1e-9, 2.25);
            assert!((value - 1e-9).abs() < 1e-15, "{robust:?}: {value}");
            assert!((slope - 1.0).abs() < 1e-8, "{robust:?}: {slope}");
            for s in [1e-3_f64, 0.4, 2.0, 2.3, 7.0, 300.0] {
                let h = 1e-6 * s;
                let up: f64 = robust.rho(s + h, 2.25).0;
                let difference = (up - robust.rho(s - h, 2.25).0) / (2.0 * h);
                let slope: f64 = robust.rho(s, 2.25).1;
                assert!(
                    (difference - slope).abs() < 1e-6,
                    "{robust:?} at {s}: {difference} {slope}"
                );
            }
        }
    }

    #[test]
    fn values_at_s_4_and_c_1_are_those_of_the_formulas() {
        let value = |name| Robustifier::from_name(name, 1.0).unwrap().rho(4.0, 1.0).0;
        let expected = [
            ("huber", 3.0),
            ("cauchy", 5f64.ln()),
            ("geman_mcclure", 0.8),
            ("welsch", 1.0 - (-4f64).exp()),
            ("tukey", 1.0 / 3.0),
            ("l1", 2.0 * (5f64.sqrt() - 1.0)),
            ("barron", 2.0 * (5f64.sqrt() - 1.0)),
        ];
        for (name, expected) in expected {
            assert!((value(name) - expected).abs() < 1e-12, "{name}");
        }
    }
}
