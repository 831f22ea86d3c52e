//! `fitrun report RUN` and `fitrun view RUN`: the page of a run.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fitrun::report_run;

#[derive(Args)]
pub(super) struct ReportArgs {
    /// The folder of a finished run, or of a comparison
    #[arg(value_name = "RUN")]
    run: PathBuf,
}

pub(super) fn main(args: &ReportArgs) -> ExitCode {
    match report_run(&args.run) {
        Ok(path) => {
            println!("{}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// A page that is there already is opened as it is.
pub(super) fn view(args: &ReportArgs) -> ExitCode {
    let page = args.run.join("report.html");
    let page = match page.is_file() {
        true => Ok(page),
        false => report_run(&args.run),
    };
    let page = match page {
        Ok(page) => page,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(error.exit_code());
        }
    };
    match open::that_detached(&page) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "error: no browser could be started ({error}); the page is {}",
                page.display()
            );
            ExitCode::from(4)
        }
    }
}
