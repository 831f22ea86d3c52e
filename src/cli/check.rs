//! `fitrun check`: every mistake at once.

use std::process::ExitCode;

use super::SpecArgs;

/// A number of things.
fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

pub(super) fn main(args: &SpecArgs) -> ExitCode {
    match fitrun::check(&args.spec, &args.common.options()) {
        Ok(checked) => {
            args.common.print(&checked.diagnostics, checked.sources());
            let problem = &checked.problem;
            let sets = problem.sets.iter();
            let over = match problem.sets.is_empty() {
                true => count(problem.frames, "frame"),
                false => {
                    let sizes = sets.map(|s| format!("{} {}", s.ids.len(), s.name));
                    sizes.collect::<Vec<_>>().join(", ")
                }
            };
            eprintln!(
                "`{}` is in order: {over}; {}, {}",
                args.spec.display(),
                count(problem.terms.len(), "term"),
                count(problem.stages.len(), "stage")
            );
            ExitCode::SUCCESS
        }
        Err(error) => args.common.fail(&error),
    }
}
