//! An encoder beside the generator: VPoser v1's, from poses to codes, so that every pose has one.

use super::{POSE, SLOPE};
use crate::graph::Real;
use crate::io::tensors::{Tensor, Tensors};
use crate::prior::Latent;
use crate::random::SplitMix64;
use crate::train::GanSettings;
use crate::train::network::{Batch, BatchNorm, Forward, Linear, Parameters};

/// Standard deviation, rad, that a number of the pose is taken to have at least: feet and collars of
/// motion capture hardly turn about some axes.
const LEAST_DEVIATION: f64 = 0.05;
/// What the layout has between the first layers; it changes nothing here.
const IDLE: &str = "bodyprior_enc_bn2";
/// Added to a variance where the layout is read.
const EPSILON: f64 = 1e-5;

pub(super) struct Encoder<E: Real> {
    prefix: String,
    latent: Latent,
    hidden: usize,
    /// Of the training's poses, once and for all.
    norm: BatchNorm<E>,
    layers: [Linear; 3],
}

impl<E: Real> Encoder<E> {
    /// Adds its parameters, named as published after `prefix`; `poses` (rows, 63) give the scale of
    /// what it reads.
    pub fn new(
        (settings, prefix): (&GanSettings, &str),
        parameters: &mut Parameters<E>,
        poses: &[f32],
        random: &mut SplitMix64,
    ) -> Self {
        let (hidden, latent) = (settings.hidden, settings.latent_dim);
        let named = |name: &str| format!("{prefix}bodyprior_enc_{name}");
        let mut norm = BatchNorm::new(parameters, &named("bn1"), POSE, LEAST_DEVIATION.powi(2));
        let poses: Vec<E> = poses.iter().map(|x| E::of((*x).into())).collect();
        norm.start_from(&poses);
        let mut linear = |name: &str, dims: [usize; 2], slope: f64| {
            Linear::new(parameters, &named(name), dims, slope, random)
        };
        Self {
            layers: [
                linear("fc1", [POSE, hidden], SLOPE),
                linear("fc2", [hidden, hidden], SLOPE),
                linear("mu", [hidden, latent], 1.0),
            ],
            prefix: prefix.into(),
            latent: settings.latent,
            hidden,
            norm,
        }
    }

    /// Codes (rows, latent_dim) of poses (rows, 63), where the latent has them.
    pub fn codes(&self, p: &Parameters<E>, pass: &mut Forward<E>, poses: Vec<E>) -> Batch<E> {
        let rows = poses.len() / POSE;
        let x = pass.leaf(poses, rows, false);
        let x = pass.leaf(self.norm.evaluate(p, &x), rows, false);
        let layers = self.layers.iter();
        let free = layers.fold(x, |x, layer| layer.forward(p, pass, &x));
        match self.latent {
            Latent::Normal => free,
            Latent::Sphere => on_sphere(pass, &free),
            Latent::Cube => in_cube(pass, &free),
        }
    }

    /// What is no parameter: the scale of the poses, and a step of the layout that does nothing.
    pub fn save(&self, to: &mut Tensors) {
        self.norm.save(to);
        let mut add = |part: &str, x: f64| {
            let name = format!("{}{IDLE}.{part}", self.prefix);
            to.insert(name, Tensor::double(&[self.hidden], vec![x; self.hidden]));
        };
        add("weight", 1.0);
        add("bias", 0.0);
        add("running_mean", 0.0);
        add("running_var", 1.0 - EPSILON);
    }

    pub fn restore(&mut self, from: &Tensors) -> Result<(), String> {
        self.norm.restore(from)
    }
}

/// Rows of length 1.
fn on_sphere<E: Real>(pass: &mut Forward<E>, free: &Batch<E>) -> Batch<E> {
    let dims = free.numbers().len() / free.rows().max(1);
    let length = |row: &[E]| E::of(square(row).wide().sqrt().max(1e-12));
    let rows = free.numbers().chunks_exact(dims);
    let unit = rows.flat_map(|row| row.iter().map(move |x| *x / length(row)));
    pass.join(&[free], unit.collect(), free.rows(), move |whole| {
        let [Some(to)] = whole.gradients.try_into().unwrap_or([None]) else {
            return;
        };
        let parts = to
            .chunks_exact_mut(dims)
            .zip(whole.inputs[0].chunks_exact(dims));
        let given = whole
            .out
            .chunks_exact(dims)
            .zip(whole.out_gradient.chunks_exact(dims));
        for ((to, x), (unit, g)) in parts.zip(given) {
            let along = unit
                .iter()
                .zip(g)
                .fold(E::zero(), |sum, (u, g)| sum + *u * *g);
            let length = length(x);
            for ((to, u), g) in to.iter_mut().zip(unit).zip(g) {
                *to += (*g - along * *u) / length;
            }
        }
    })
}

/// Numbers in −1…1; one beyond is pulled back, but never pushed farther.
fn in_cube<E: Real>(pass: &mut Forward<E>, free: &Batch<E>) -> Batch<E> {
    let inside = |x: &E| E::of(x.wide().clamp(-1.0, 1.0));
    let out = free.numbers().iter().map(inside).collect();
    pass.join(&[free], out, free.rows(), move |whole| {
        let [Some(to)] = whole.gradients.try_into().unwrap_or([None]) else {
            return;
        };
        for ((to, x), g) in to.iter_mut().zip(whole.inputs[0]).zip(&*whole.out_gradient) {
            let (x, g) = (x.wide(), g.wide());
            if x.abs() <= 1.0 || x * g > 0.0 {
                *to += E::of(g);
            }
        }
    })
}

fn square<E: Real>(x: &[E]) -> E {
    x.iter().fold(E::zero(), |sum, x| sum + *x * *x)
}
