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
    /// Print an array of `path`, `value` and `origin` as JSON
    #[arg(long)]
    json: bool,
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
            let under = args.path.as_deref().unwrap_or("");
            let rows = rows.into_iter().filter(|r| is_inside(&r[0], under));
            let rows: Vec<[String; 3]> = rows.collect();
            if rows.is_empty() {
                eprintln!("error: the spec has nothing under `{under}`");
                return ExitCode::from(2);
            }
            match args.json {
                true => print_json(&rows),
                false => print(&rows),
            }
            ExitCode::SUCCESS
        }
        Err(error) => args.spec.common.fail(&error),
    }
}

fn is_inside(path: &str, under: &str) -> bool {
    let rest = path.strip_prefix(under);
    rest.is_some_and(|rest| under.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

fn print(rows: &[[String; 3]]) {
    let width = |column: usize, most: usize| {
        let widths = rows.iter().map(|r| r[column].chars().count());
        widths.max().unwrap_or(0).min(most)
    };
    let (first, second) = (width(0, 40), width(1, 60));
    for [path, value, origin] in rows {
        println!("{path:first$}  {value:second$}  # {origin}");
    }
}

fn print_json(rows: &[[String; 3]]) {
    let row = |[path, value, origin]: &[String; 3]| serde_json::json!({ "path": path, "value": value, "origin": origin });
    let rows: serde_json::Value = rows.iter().map(row).collect();
    println!("{rows:#}");
}
