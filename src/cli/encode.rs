//! `fitrun encode PRIOR FILE OUT`: codes of poses.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fitrun::generate::{self, read_poses, write_codes};

use super::prior_use::{PriorArgs, Trouble, exit, written};

#[derive(Args)]
pub(super) struct EncodeArgs {
    #[command(flatten)]
    common: PriorArgs,
    /// An .npz with `pose_body` (rows, 63) or AMASS's `poses`
    file: PathBuf,
    /// The .npz that gets `z` (rows, latent_dim); rows with NaN stay NaN
    out: PathBuf,
}

pub(super) fn main(args: &EncodeArgs) -> ExitCode {
    exit(run(args))
}

fn run(args: &EncodeArgs) -> Result<(), Trouble> {
    let common = &args.common;
    let prior = common.load()?.prior;
    let poses = read_poses(&args.file)?;
    common.free(&args.out)?;
    let codes = generate::encode(&prior, poses.view())?;
    written(write_codes(&args.out, codes.view()))?;
    let rows = codes.rows().into_iter();
    let lost = rows.filter(|r| r.iter().any(|x| x.is_nan())).count();
    if lost > 0 {
        common.say(&format!(
            "warning: {lost} rows hold NaN, and so do their codes"
        ));
    }
    common.say(&format!(
        "{} codes in {}",
        codes.nrows(),
        args.out.display()
    ));
    Ok(())
}
