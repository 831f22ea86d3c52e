//! `fitrun decode PRIOR FILE OUT`: poses of codes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fitrun::generate::{self, read_codes, write_poses};

use super::prior_use::{PriorArgs, Trouble, exit, written};

#[derive(Args)]
pub(super) struct DecodeArgs {
    #[command(flatten)]
    common: PriorArgs,
    /// An .npz with `z` (rows, latent_dim)
    file: PathBuf,
    /// The .npz that gets `pose_body` (rows, 63) and AMASS's arrays; rows with NaN stay NaN
    out: PathBuf,
}

pub(super) fn main(args: &DecodeArgs) -> ExitCode {
    exit(run(args))
}

fn run(args: &DecodeArgs) -> Result<(), Trouble> {
    let common = &args.common;
    let (prior, body) = (common.load()?.prior, common.body()?);
    let codes = read_codes(&args.file, prior.latent_dim())?;
    common.free(&args.out)?;
    let poses = generate::decode(&prior, codes.view())?;
    written(write_poses(&args.out, &body, poses.view(), codes.view()))?;
    let rows = codes.rows().into_iter();
    let lost = rows.filter(|r| r.iter().any(|x| x.is_nan())).count();
    if lost > 0 {
        common.say(&format!(
            "warning: {lost} rows hold NaN, and so do their poses"
        ));
    }
    common.say(&format!(
        "{} poses in {}",
        poses.nrows(),
        args.out.display()
    ));
    Ok(())
}
