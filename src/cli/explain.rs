//! `fitrun explain`: every resolved value with its origin.

use std::process::ExitCode;

use clap::Args;

use super::SpecArgs;

#[derive(Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Print only what is under this path, such as `terms.data`
    path: Option<String>,
}

pub(super) fn main(args: &ExplainArgs) -> ExitCode {
    match fitrun::check(&args.spec.spec, &args.spec.common.options()) {
        Ok(checked) => {
            args.spec
                .common
                .print(&checked.diagnostics, checked.sources());
            let mut rows: Vec<[String; 3]> = checked
                .spec
                .leaves()
                .into_iter()
                .map(|(path, leaf)| [path, leaf.value, checked.sources().describe(&leaf.origin)])
                .collect();
            rows.extend(checked.problem.explain());
            print(rows, args.path.as_deref().unwrap_or(""))
        }
        Err(error) => args.spec.common.fail(&error),
    }
}

fn print(rows: Vec<[String; 3]>, under: &str) -> ExitCode {
    let inside = |path: &str| match path.strip_prefix(under) {
        Some(rest) => under.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']),
        None => false,
    };
    let chosen: Vec<[String; 3]> = rows.into_iter().filter(|r| inside(&r[0])).collect();
    if chosen.is_empty() {
        eprintln!("error: the spec has nothing under `{under}`");
        return ExitCode::from(2);
    }
    let width = |column: usize, most: usize| {
        let widths = chosen.iter().map(|r| r[column].chars().count());
        widths.max().unwrap_or(0).min(most)
    };
    let (first, second) = (width(0, 40), width(1, 60));
    for [path, value, origin] in chosen {
        println!("{path:first$}  {value:second$}  # {origin}");
    }
    ExitCode::SUCCESS
}
