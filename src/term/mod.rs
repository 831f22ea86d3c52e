//! Loss terms: weight · Σ conf · ρ(‖residual‖² / sigma²), as blocks of residuals with their weights.

pub(crate) mod bending;
pub(crate) mod contact;
pub(crate) mod difference;
pub(crate) mod ground;
pub(crate) mod joint_limits;
pub(crate) mod residuals;
pub(crate) mod symmetry;
mod whitener;

pub(crate) use whitener::Whitener;

use crate::robust::{On, Robustifier};

/// How a residual becomes a cost, in numbers of the spec.
#[derive(Clone, Debug, PartialEq)]
pub struct Whitening {
    /// One for each component of a residual; SI units and pixels.
    pub sigma: Vec<f64>,
    pub robust: Robustifier,
    /// Where the robustifier starts to act, in the residual's unit.
    pub scale: f64,
    pub on: On,
    pub weight: f64,
    /// Whether what it is said to be is no residual, but the energy itself.
    pub is_energy: bool,
}

impl Whitening {
    /// The cost of one residual of confidence 1, without the term's weight.
    pub(crate) fn rho(&self, residual: &[f64]) -> f64 {
        let whitener = Whitener::<f64>::new(self);
        let mut weights = vec![0.0; residual.len()];
        whitener.weigh(residual, 1.0, &mut weights)
    }
}
