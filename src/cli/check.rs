//! `fitrun check`: every mistake at once.

use std::process::ExitCode;

use clap::Args;
use fitrun::{Checked, Error};
use serde_json::json;

use super::SpecArgs;

#[derive(Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Print what was found as one JSON object to stdout, mistakes included
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: &CheckArgs) -> ExitCode {
    let (spec, common) = (&args.spec.spec, &args.spec.common);
    match (fitrun::check(spec, &common.options()), args.json) {
        (Ok(checked), true) => {
            let problem = &checked.problem;
            let sets = problem.sets.iter().map(|s| (s.name.clone(), s.ids.len()));
            let said = json!({
                "ok": true,
                "frames": problem.frames,
                "sets": sets.collect::<std::collections::BTreeMap<_, _>>(),
                "terms": problem.terms.iter().map(|t| &t.name).collect::<Vec<_>>(),
                "stages": problem.stages.iter().map(|s| &s.name).collect::<Vec<_>>(),
                "diagnostics": checked.diagnostics.to_json(checked.sources()),
            });
            println!("{said:#}");
            ExitCode::SUCCESS
        }
        (Err(error), true) => {
            let found = match &error {
                Error::Rejected {
                    diagnostics,
                    sources,
                } => diagnostics.to_json(sources),
                other => json!([{
                    "severity": "error", "code": null, "message": other.to_string(),
                    "place": "", "span": null, "label": null, "hints": [],
                }]),
            };
            println!("{:#}", json!({ "ok": false, "diagnostics": found }));
            ExitCode::from(error.exit_code())
        }
        (Ok(checked), false) => {
            common.print(&checked.diagnostics, checked.sources());
            eprintln!("`{}` is in order: {}", spec.display(), size(&checked));
            ExitCode::SUCCESS
        }
        (Err(error), false) => common.fail(&error),
    }
}

fn size(checked: &Checked) -> String {
    let problem = &checked.problem;
    let over = match problem.sets.is_empty() {
        true => count(problem.frames, "frame"),
        false => {
            let sizes = problem.sets.iter();
            let sizes = sizes.map(|s| format!("{} {}", s.ids.len(), s.name));
            sizes.collect::<Vec<_>>().join(", ")
        }
    };
    format!(
        "{over}; {}, {}",
        count(problem.terms.len(), "term"),
        count(problem.stages.len(), "stage")
    )
}

/// A number of things.
fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
