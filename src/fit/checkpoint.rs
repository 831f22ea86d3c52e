//! Where an interrupted fit stood, as a file that a later run goes on from.

use std::path::Path;

use super::Status;
use crate::io::FileError;
use crate::io::npz::{Npz, NpzWriter};
use crate::ir::{Problem, Values};

/// Values and status of every frame, and how far the stage had come.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The stage to go on with.
    pub stage: usize,
    /// (frames): whether that stage has solved the frame.
    pub done: Vec<bool>,
    /// (frames): whether any stage had it.
    pub touched: Vec<bool>,
    pub status: Vec<Status>,
    pub values: Values,
}

impl Checkpoint {
    pub const FILE: &'static str = "resume.npz";

    /// `identity` says which spec and inputs it belongs to.
    pub(crate) fn write(
        &self,
        path: &Path,
        problem: &Problem,
        identity: &str,
    ) -> Result<(), FileError> {
        let mut file = NpzWriter::create(path);
        let frames = problem.frames;
        file.strings("identity", &[], &[identity])?;
        file.integers("stage", &[], &[self.stage as i32])?;
        file.bools("done", &[frames], &self.done)?;
        file.bools("touched", &[frames], &self.touched)?;
        let status: Vec<&str> = self.status.iter().map(|s| s.name()).collect();
        file.strings("status", &[frames], &status)?;
        for (variable, copies) in problem.variables.iter().zip(self.values.copies()) {
            let name = format!("values.{}", variable.name);
            file.floats64(&name, &[copies.len()], copies)?;
        }
        file.finish()
    }

    /// Refuses the checkpoint of another spec or of other inputs.
    pub(crate) fn read(path: &Path, problem: &Problem, identity: &str) -> Result<Self, FileError> {
        let npz = Npz::open(path)?;
        if npz.strings("identity")?.first().map(String::as_str) != Some(identity) {
            let message = "was left by another spec, or its input files have changed since";
            return Err(FileError::new(path, message));
        }
        let damaged = || npz.error("is damaged: its arrays do not fit the spec");
        let names = npz.strings("status")?;
        let known = |name: &String| Status::ALL.into_iter().find(|s| s.name() == name);
        let status: Vec<Status> = names.iter().filter_map(known).collect();
        let bools = |name: &str| Ok::<_, FileError>(npz.bools(name)?.iter().copied().collect());
        let (done, touched): (Vec<bool>, Vec<bool>) = (bools("done")?, bools("touched")?);
        let stage = npz.integers("stage")?.first().copied().unwrap_or(-1);
        let stage = usize::try_from(stage).map_err(|_| damaged())?;
        let lengths = [status.len(), done.len(), touched.len()];
        if lengths != [problem.frames; 3] || stage >= problem.stages.len() {
            return Err(damaged());
        }
        let copies = problem.variables.iter().map(|variable| {
            let array = npz.floats(&format!("values.{}", variable.name))?;
            Ok(array.iter().copied().collect())
        });
        let copies: Vec<Vec<f64>> = copies.collect::<Result<_, FileError>>()?;
        Ok(Self {
            stage,
            done,
            touched,
            status,
            values: Values::of_copies(problem, copies).ok_or_else(damaged)?,
        })
    }
}
