//! `fitrun interpolate PRIOR`: ways from one pose to another, as numbers, pictures and an animation.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use fitrun::generate::{
    self, Way, movements, read_codes, read_poses, write_animation, write_poses, write_sheet,
};
use fitrun::ndarray::{Array2, Axis, s};
use fitrun::{BodyModel, Prior};

use super::prior_use::{PriorArgs, Trouble, exit, written};

#[derive(Args)]
pub(super) struct InterpolateArgs {
    #[command(flatten)]
    common: PriorArgs,
    /// The pose at the start: FILE or FILE:ROW, an .npz with `pose_body` or AMASS's `poses`; of a
    /// GAN, which has no encoder, an .npz with codes `z`
    #[arg(long, value_name = "FILE:ROW", requires = "to")]
    from: Option<String>,
    /// The pose at the end
    #[arg(long, value_name = "FILE:ROW", requires = "from")]
    to: Option<String>,
    /// Without poses: how many pairs of random samples
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pairs: u32,
    /// Poses of a way, both ends included
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(2..=1000))]
    steps: u32,
    /// How codes go from one to the other; `own` is the great circle on the sphere, else a straight line
    #[arg(long, value_enum, default_value = "own")]
    way: WayArg,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder of interpolation.npz, .png and .glb
    #[arg(long, value_name = "DIR", default_value = "runs/interpolate")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum WayArg {
    Own,
    Linear,
    /// Directions along the great circle, lengths linearly (slerp)
    GreatCircle,
}

pub(super) fn main(args: &InterpolateArgs) -> ExitCode {
    exit(run(args))
}

fn run(args: &InterpolateArgs) -> Result<(), Trouble> {
    let common = &args.common;
    let (prior, body) = (common.load()?.prior, common.body()?);
    let (from, to) = ends(args, &prior)?;
    let steps = args.steps as usize;
    let way = match args.way {
        WayArg::Own => Way::Own,
        WayArg::Linear => Way::Linear,
        WayArg::GreatCircle => Way::GreatCircle,
    };
    let ways = generate::interpolate(&prior, from.view(), to.view(), steps, way)?;
    let files = ["npz", "png", "glb"].map(|e| format!("interpolation.{e}"));
    common.folder(&args.out, &files.each_ref().map(String::as_str))?;
    let [npz, png, animation] = files.map(|f| args.out.join(f));
    let flat = |a: &fitrun::ndarray::Array3<f64>| {
        let shape = (a.len_of(Axis(0)) * steps, a.len_of(Axis(2)));
        let values = a.iter().copied().collect();
        Array2::from_shape_vec(shape, values).map_err(|e| e.to_string())
    };
    let (poses, codes) = (flat(&ways.poses)?, flat(&ways.codes)?);
    written(write_poses(&npz, &body, poses.view(), codes.view()))?;
    written(write_sheet(&png, &body, poses.view(), steps, 200))?;
    let seconds = 2.0 / (steps - 1) as f64;
    written(write_animation(&animation, &body, poses.view(), seconds))?;
    for pair in 0..ways.poses.len_of(Axis(0)) {
        println!(
            "{}",
            smoothness(
                &body,
                pair,
                &ways.poses.index_axis(Axis(0), pair).to_owned()
            )
        );
    }
    common.say(&format!("results in {}", args.out.display()));
    Ok(())
}

/// The longest and the shortest step of a way, in mean vertex distance.
fn smoothness(body: &BodyModel, pair: usize, poses: &Array2<f64>) -> String {
    let steps = movements(body, poses.view());
    let (least, most) = steps
        .iter()
        .fold((f64::INFINITY, 0.0), |(l, m): (f64, f64), s| {
            (l.min(*s), m.max(*s))
        });
    format!(
        "pair {pair}: steps {least:.1} to {most:.1} mm, ratio {:.2}",
        most / least
    )
}

/// Codes at both ends, (pairs, latent).
fn ends(args: &InterpolateArgs, prior: &Prior) -> Result<(Array2<f64>, Array2<f64>), Trouble> {
    if let (Some(from), Some(to)) = (&args.from, &args.to) {
        return Ok((encoded(from, prior)?, encoded(to, prior)?));
    }
    let pairs = args.pairs as usize;
    let codes = generate::sample(prior, 2 * pairs, args.seed)?.codes;
    let half = |first: usize| codes.slice(s![first..; 2, ..]).to_owned();
    Ok((half(0), half(1)))
}

/// One row of a file as a code: of a pose, or where the prior has no encoder, of codes.
fn encoded(text: &str, prior: &Prior) -> Result<Array2<f64>, Trouble> {
    let (file, row) = match text.rsplit_once(':') {
        Some((file, row)) if row.parse::<usize>().is_ok() => (file, row.parse().unwrap_or(0)),
        _ => (text, 0),
    };
    let encoder = prior.encode(&[]).is_some();
    let rows = match encoder {
        true => read_poses(file.as_ref())?,
        false => read_codes(file.as_ref(), prior.latent_dim())?,
    };
    if row >= rows.nrows() {
        let count = rows.nrows();
        return Err(format!("`{file}` has {count} rows, so there is no row {row}").into());
    }
    let found = rows.slice(s![row..row + 1, ..]);
    if found.iter().any(|x| !x.is_finite()) {
        return Err(format!("row {row} of `{file}` is not finite").into());
    }
    match encoder {
        true => Ok(generate::encode(prior, found)?),
        false => Ok(found.to_owned()),
    }
}
