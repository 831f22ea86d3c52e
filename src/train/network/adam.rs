//! Adam (Kingma & Ba 2015) with an L2 penalty in the gradient, as PyTorch's.

use rayon::prelude::*;

use super::parameters::{Parameter, fill, tensor};
use super::{Forward, Parameters};
use crate::graph::Real;
use crate::io::tensors::{Tensor, Tensors};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AdamSettings {
    pub rate: f64,
    /// Decay rates of the moments.
    pub betas: [f64; 2],
    pub epsilon: f64,
    /// Added times the parameter to its gradient.
    pub weight_decay: f64,
}

impl Default for AdamSettings {
    fn default() -> Self {
        Self {
            rate: 1e-3,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// The moments of some [`Parameters`].
pub(crate) struct Adam<E> {
    pub settings: AdamSettings,
    pub steps: u64,
    moments: Vec<[Vec<E>; 2]>,
}

impl<E: Real> Adam<E> {
    pub fn new(settings: AdamSettings, parameters: &Parameters<E>) -> Self {
        let zeros = |entry: &Parameter<E>| vec![E::zero(); entry.value.numbers().len()];
        let moments = |entry| [zeros(entry), zeros(entry)];
        Self {
            settings,
            steps: 0,
            moments: parameters.entries().iter().map(moments).collect(),
        }
    }

    /// Moves the parameters against the gradient of the pass's costs.
    pub fn step(&mut self, parameters: &mut Parameters<E>, pass: Forward<E>) {
        self.steps += 1;
        let update = Update::new(&self.settings, self.steps);
        let moments = &mut self.moments;
        pass.backward_into(parameters.batches_mut(), |index, numbers, gradient| {
            update.apply(numbers, gradient, &mut moments[index]);
        });
    }

    /// Adds the moments as `prefix.name.first` and `.second`, and `prefix.steps`.
    pub fn save(&self, prefix: &str, parameters: &Parameters<E>, to: &mut Tensors) {
        let steps = Tensor::double(&[1], vec![self.steps as f64]);
        to.insert(format!("{prefix}.steps"), steps);
        for (entry, [first, second]) in parameters.entries().iter().zip(&self.moments) {
            let name = format!("{prefix}.{}", entry.name);
            to.insert(format!("{name}.first"), tensor(&entry.shape, first));
            to.insert(format!("{name}.second"), tensor(&entry.shape, second));
        }
    }

    pub fn restore(
        &mut self,
        prefix: &str,
        parameters: &Parameters<E>,
        from: &Tensors,
    ) -> Result<(), String> {
        self.steps = from.get(&format!("{prefix}.steps"), &[1])?.data[0] as u64;
        for (entry, [first, second]) in parameters.entries().iter().zip(&mut self.moments) {
            let name = format!("{prefix}.{}", entry.name);
            fill(first, from.get(&format!("{name}.first"), &entry.shape)?);
            fill(second, from.get(&format!("{name}.second"), &entry.shape)?);
        }
        Ok(())
    }
}

/// One step's constants: p −= rate·m / (√v·correction + ε).
struct Update<E> {
    rate: E,
    betas: [E; 2],
    epsilon: E,
    weight_decay: E,
    correction: E,
}

/// Long enough that a thread is worth its start.
const CHUNK: usize = 1 << 15;

impl<E: Real> Update<E> {
    fn new(settings: &AdamSettings, steps: u64) -> Self {
        let [first, second] = settings.betas.map(|b| 1.0 - b.powf(steps as f64));
        Self {
            rate: E::of(settings.rate / first),
            betas: settings.betas.map(E::of),
            epsilon: E::of(settings.epsilon),
            weight_decay: E::of(settings.weight_decay),
            correction: E::of(1.0 / second.sqrt()),
        }
    }

    fn apply(&self, numbers: &mut [E], gradient: &[E], [first, second]: &mut [Vec<E>; 2]) {
        let moments = first
            .par_chunks_mut(CHUNK)
            .zip(second.par_chunks_mut(CHUNK));
        let numbers = numbers
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK));
        numbers
            .zip(moments)
            .for_each(|((p, g), (m, v))| self.sweep(p, g, m, v));
    }

    fn sweep(&self, numbers: &mut [E], gradient: &[E], first: &mut [E], second: &mut [E]) {
        let [b1, b2] = self.betas;
        let (a1, a2) = (E::one() - b1, E::one() - b2);
        let moments = first.iter_mut().zip(second.iter_mut());
        for ((p, g), (m, v)) in numbers.iter_mut().zip(gradient).zip(moments) {
            let g = *g + self.weight_decay * *p;
            *m = b1 * *m + a1 * g;
            *v = b2 * *v + a2 * g * g;
            let root = num_traits::Float::sqrt(*v);
            *p -= self.rate * *m / (root * self.correction + self.epsilon);
        }
    }
}
