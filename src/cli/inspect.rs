//! `fitrun inspect`: what a data file is and what is in it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

#[derive(Args)]
pub(super) struct InspectArgs {
    /// A data file, a body model, a prior's weights, or a folder of OpenPose's files or of snapshots
    file: PathBuf,
}

pub(super) fn main(args: &InspectArgs) -> ExitCode {
    match fitrun::inspect(&args.file) {
        Ok(inspection) => {
            print!("{inspection}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(hint) = &error.hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(2)
        }
    }
}
