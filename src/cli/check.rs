//! `fitrun check`: every mistake at once.

use std::process::ExitCode;

use super::SpecArgs;

pub(super) fn main(args: &SpecArgs) -> ExitCode {
    match fitrun::check(&args.spec, &args.common.options()) {
        Ok(checked) => {
            args.common.print(&checked.diagnostics, checked.sources());
            let problem = &checked.problem;
            eprintln!(
                "`{}` is in order: {} frames, {} terms, {} stages",
                args.spec.display(),
                problem.frames,
                problem.terms.len(),
                problem.stages.len()
            );
            ExitCode::SUCCESS
        }
        Err(error) => args.common.fail(&error),
    }
}
