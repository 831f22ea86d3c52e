//! `fitrun schema`: the language for editors.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use fitrun::schema;

#[derive(Args)]
pub(super) struct SchemaArgs {
    /// Specs of fits, or of trainings
    #[arg(default_value = "fit")]
    language: Language,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    Fit,
    Train,
}

pub(super) fn main(args: &SchemaArgs) -> ExitCode {
    let schema = match args.language {
        Language::Fit => schema::of_fits(),
        Language::Train => schema::of_trainings(),
    };
    println!("{schema:#}");
    ExitCode::SUCCESS
}
