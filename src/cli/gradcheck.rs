//! `fitrun gradcheck`: a table of every term's gradient against finite differences.

use std::process::ExitCode;

use super::SpecArgs;

/// Largest error that counts as agreement.
const TOLERANCE: f64 = 1e-6;

pub(super) fn main(args: &SpecArgs) -> ExitCode {
    let checked = match fitrun::check(&args.spec, &args.common.options()) {
        Ok(checked) => checked,
        Err(error) => return args.common.fail(&error),
    };
    args.common.print(&checked.diagnostics, checked.sources());
    let rows = fitrun::gradcheck(&checked.problem);
    println!(
        "{:20}  {:>9}  {:>9}  worst entry",
        "term", "error", "gradient"
    );
    let mut good = true;
    for row in &rows {
        let agrees = row.error <= TOLERANCE;
        good &= agrees;
        println!(
            "{:20}  {:9.2e}  {:9.2e}  {}{}",
            row.term,
            row.error,
            row.largest,
            row.worst,
            match (agrees, row.largest == 0.0) {
                (false, _) => "  DIFFERS",
                (true, true) => "  the gradient is zero here, so this says nothing",
                (true, false) => "",
            }
        );
    }
    match good {
        true => ExitCode::SUCCESS,
        false => {
            eprintln!(
                "error: a gradient differs by more than {TOLERANCE:e}; this is a fault of fitrun, or a kink of the term"
            );
            ExitCode::from(3)
        }
    }
}
