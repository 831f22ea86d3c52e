//! The one public error: why a run left no results.

use std::path::PathBuf;

use crate::diagnostic::{Diagnostics, Sources};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the spec `{}`: {reason}", path.display())]
    Spec { path: PathBuf, reason: String },
    /// The mistakes of a spec and its data, all at once.
    #[error("{}", diagnostics.render(sources))]
    Rejected {
        diagnostics: Box<Diagnostics>,
        sources: Box<Sources>,
    },
    /// There is no interrupted run of this spec to go on from.
    #[error("cannot resume: {message}")]
    Resume { message: String },
    /// Numbers stopped being finite before anything was learned, or nothing can be trained on.
    #[error("cannot train: {message}")]
    Training { message: String },
    /// Runs that cannot be compared, all reasons at once.
    #[error("{}", mistakes.join("\nerror: "))]
    Compare { mistakes: Vec<String> },
    /// Stopped by the user; what was done lies here, and the same call goes on from there.
    #[error("interrupted; what was fitted is kept in `{}`, and the same command goes on from there", dir.display())]
    Interrupted { dir: PathBuf },
    /// Stopped by the user before there was anything to keep.
    #[error("interrupted; nothing was written")]
    Stopped,
    /// The results could not be written.
    #[error("cannot write the results: {message}")]
    Output { message: String },
}

impl Error {
    /// The exit code of the command line.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Spec { .. }
            | Self::Rejected { .. }
            | Self::Resume { .. }
            | Self::Compare { .. } => 2,
            Self::Interrupted { .. } | Self::Stopped => 130,
            Self::Training { .. } => 1,
            Self::Output { .. } => 4,
        }
    }
}
