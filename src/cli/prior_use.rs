//! What the commands that use a prior share: arguments, the body, folders, errors.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use fitrun::{BodyModel, Contestant, EvaluateError, FileError};

#[derive(Args)]
pub(super) struct PriorArgs {
    /// The prior: a kind with built-in weights (gmm, vposer, vposer-gmm, gan-s, gan-u, gan-n), or kind=FILE
    pub prior: String,
    /// The body that is shown, an .npz or .pkl in SMPL's format, instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// Replace files of an earlier run
    #[arg(long)]
    pub force: bool,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
}

/// Why a command came to nothing.
pub(super) enum Trouble {
    /// Something that the user gave is wrong.
    Input(String, Option<String>),
    /// The result could not be written.
    Output(FileError),
}

impl From<FileError> for Trouble {
    fn from(error: FileError) -> Self {
        Self::Input(error.to_string(), error.hint)
    }
}

impl From<EvaluateError> for Trouble {
    fn from(error: EvaluateError) -> Self {
        Self::Input(error.to_string(), None)
    }
}

impl From<String> for Trouble {
    fn from(message: String) -> Self {
        Self::Input(message, None)
    }
}

impl PriorArgs {
    /// The prior; `none` makes nothing.
    pub fn load(&self) -> Result<Contestant, Trouble> {
        let found = Contestant::parse(&self.prior)?;
        match found.kind == "none" {
            true => Err("nothing can be made of the prior `none`; name another"
                .to_string()
                .into()),
            false => Ok(found),
        }
    }

    pub fn body(&self) -> Result<BodyModel, Trouble> {
        Ok(match &self.body {
            Some(file) => BodyModel::from_file(file, None)?,
            None => BodyModel::builtin(None)?,
        })
    }

    /// A place to write to, unless something is there.
    pub fn free(&self, path: &Path) -> Result<(), Trouble> {
        match path.exists() && !self.force {
            true => Err(Trouble::Input(
                format!("`{}` exists", path.display()),
                Some("name another place, or add `--force` to replace it".into()),
            )),
            false => Ok(()),
        }
    }

    /// A folder for these files, none of which is replaced unless that was asked for.
    pub fn folder(&self, dir: &Path, files: &[&str]) -> Result<(), Trouble> {
        for file in files {
            self.free(&dir.join(file))?;
        }
        let failed = |error| Trouble::Output(FileError::writing(dir, &error));
        std::fs::create_dir_all(dir).map_err(failed)
    }

    pub fn say(&self, line: &str) {
        if !self.quiet {
            eprintln!("{line}");
        }
    }
}

pub(super) fn written(result: Result<(), FileError>) -> Result<(), Trouble> {
    result.map_err(Trouble::Output)
}

pub(super) fn exit(result: Result<(), Trouble>) -> ExitCode {
    let (message, hint, code) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Trouble::Input(message, hint)) => (message, hint, 2),
        Err(Trouble::Output(error)) => (error.to_string(), error.hint, 4),
    };
    eprintln!("error: {message}");
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(code)
}
