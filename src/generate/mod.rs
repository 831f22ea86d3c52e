//! What a prior makes: samples, ways between codes, codes of poses and poses of codes.

mod files;
mod show;
#[cfg(test)]
mod tests;

use ndarray::{Array2, Array3, ArrayView2};

use crate::io::poses::POSE;
use crate::prior::{Latent, Prior};

pub use files::{read_codes, read_poses, write_codes, write_poses};
pub use show::{movements, write_animation, write_sheet};

/// Codes (rows, latent) and their poses (rows, 63), axis-angle in rad.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    pub codes: Array2<f64>,
    pub poses: Array2<f64>,
}

/// Codes (pairs, steps, latent) and their poses (pairs, steps, 63), axis-angle in rad.
#[derive(Clone, Debug, PartialEq)]
pub struct Ways {
    pub codes: Array3<f64>,
    pub poses: Array3<f64>,
}

/// The way from one code to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Great circles where codes live on the sphere, straight lines elsewhere.
    Own,
    Linear,
    /// Directions along the great circle, lengths linearly.
    GreatCircle,
}

/// Draws poses from a prior; the same seed gives the same poses everywhere.
pub fn sample(prior: &Prior, count: usize, seed: u64) -> Result<Generated, String> {
    let drawn = prior.sample(count, seed);
    let drawn = drawn.ok_or("nothing can be drawn from the prior `none`; name another")?;
    let codes = array(count, prior.latent_dim(), drawn)?;
    let poses = decode(prior, codes.view())?;
    Ok(Generated { codes, poses })
}

/// Poses of codes, (rows, latent) to (rows, 63); a row that is not finite becomes NaN.
pub fn decode(prior: &Prior, codes: ArrayView2<f64>) -> Result<Array2<f64>, String> {
    let dims = prior.latent_dim();
    expect("codes", codes, dims)?;
    by_row(codes, POSE, |data| Ok(prior.pose_body(data)))
}

/// Codes of poses, (rows, 63) to (rows, latent); a row that is not finite becomes NaN.
pub fn encode(prior: &Prior, poses: ArrayView2<f64>) -> Result<Array2<f64>, String> {
    expect("poses", poses, POSE)?;
    by_row(poses, prior.latent_dim(), |data| {
        let codes = prior.encode(data);
        codes.ok_or_else(|| "this prior has no encoder; name codes `z` instead of poses".into())
    })
}

/// Ways of `steps` codes, ends included, from each row of `from` to the same row of `to`.
pub fn interpolate(
    prior: &Prior,
    from: ArrayView2<f64>,
    to: ArrayView2<f64>,
    steps: usize,
    way: Way,
) -> Result<Ways, String> {
    let dims = prior.latent_dim();
    expect("codes to start from", from, dims)?;
    expect("codes to end at", to, dims)?;
    if from.nrows() != to.nrows() {
        let (starts, ends) = (from.nrows(), to.nrows());
        return Err(format!(
            "{starts} codes to start from, but {ends} to end at"
        ));
    }
    if steps < 2 {
        return Err(format!("a way has at least 2 steps, not {steps}"));
    }
    let mut codes = Vec::new();
    for (a, b) in from.rows().into_iter().zip(to.rows()) {
        let (a, b) = (a.to_vec(), b.to_vec());
        for step in 0..steps {
            let t = step as f64 / (steps - 1) as f64;
            codes.extend(between(prior.latent(), way, &a, &b, t));
        }
    }
    let flat = array(from.nrows() * steps, dims, codes)?;
    let poses = decode(prior, flat.view())?;
    let shaped = |a: Array2<f64>, dims| {
        let shape = (from.nrows(), steps, dims);
        a.into_shape_with_order(shape).map_err(|e| e.to_string())
    };
    Ok(Ways {
        codes: shaped(flat, dims)?,
        poses: shaped(poses, POSE)?,
    })
}

fn between(latent: Latent, way: Way, a: &[f64], b: &[f64], t: f64) -> Vec<f64> {
    let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (p, q) = (length(a), length(b));
    match way {
        Way::Own => latent.between(a, b, t),
        Way::GreatCircle if p > 0.0 && q > 0.0 => {
            let unit = |x: &[f64], by: f64| x.iter().map(|x| x / by).collect::<Vec<f64>>();
            let direction = Latent::Sphere.between(&unit(a, p), &unit(b, q), t);
            let long = (1.0 - t) * p + t * q;
            direction.iter().map(|x| x * long).collect()
        }
        Way::Linear | Way::GreatCircle => Latent::Normal.between(a, b, t),
    }
}

fn expect(what: &str, rows: ArrayView2<f64>, dims: usize) -> Result<(), String> {
    match rows.ncols() == dims {
        true => Ok(()),
        false => Err(format!(
            "the {what} have the shape ({}, {}), expected (rows, {dims})",
            rows.nrows(),
            rows.ncols()
        )),
    }
}

/// Applies a function to the finite rows alone, since a rotation's logarithm can swallow a NaN.
fn by_row(
    rows: ArrayView2<f64>,
    dims: usize,
    apply: impl Fn(&[f64]) -> Result<Vec<f64>, String>,
) -> Result<Array2<f64>, String> {
    let mut out = Array2::from_elem((rows.nrows(), dims), f64::NAN);
    let finite = |i: &usize| rows.row(*i).iter().all(|x| x.is_finite());
    let kept: Vec<usize> = (0..rows.nrows()).filter(finite).collect();
    let given: Vec<f64> = kept.iter().flat_map(|i| rows.row(*i).to_vec()).collect();
    for (i, values) in kept.iter().zip(apply(&given)?.chunks_exact(dims)) {
        for (out, value) in out.row_mut(*i).iter_mut().zip(values) {
            *out = *value;
        }
    }
    Ok(out)
}

fn array(rows: usize, dims: usize, data: Vec<f64>) -> Result<Array2<f64>, String> {
    Array2::from_shape_vec((rows, dims), data).map_err(|e| e.to_string())
}
