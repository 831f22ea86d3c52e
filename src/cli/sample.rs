//! `fitrun sample PRIOR`: poses that a prior makes up, as numbers and as a contact sheet.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fitrun::generate::{self, write_animation, write_poses, write_sheet};

use super::prior_use::{PriorArgs, Trouble, exit, written};

#[derive(Args)]
pub(super) struct SampleArgs {
    #[command(flatten)]
    common: PriorArgs,
    /// How many poses
    #[arg(short = 'n', long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder of samples.npz and samples.png
    #[arg(long, value_name = "DIR", default_value = "runs/sample")]
    out: PathBuf,
    /// Write samples.glb too, a pose each second
    #[arg(long)]
    glb: bool,
}

/// Poses that a contact sheet shows.
const SHOWN: usize = 48;

pub(super) fn main(args: &SampleArgs) -> ExitCode {
    exit(run(args))
}

fn run(args: &SampleArgs) -> Result<(), Trouble> {
    let common = &args.common;
    let (prior, body) = (common.load()?.prior, common.body()?);
    let made = generate::sample(&prior, args.count as usize, args.seed)?;
    common.folder(&args.out, &["samples.npz", "samples.png", "samples.glb"])?;
    let path = |name: &str| args.out.join(name);
    let (poses, codes) = (made.poses.view(), made.codes.view());
    written(write_poses(&path("samples.npz"), &body, poses, codes))?;
    let shown = poses.nrows().min(SHOWN);
    let first = poses.slice(fitrun::ndarray::s![..shown, ..]);
    written(write_sheet(&path("samples.png"), &body, first, 6, 300))?;
    if args.glb {
        written(write_animation(&path("samples.glb"), &body, poses, 1.0))?;
    }
    common.say(&format!(
        "{} poses of `{}` in {}",
        poses.nrows(),
        common.prior,
        args.out.display()
    ));
    Ok(())
}
