//! `fitrun compare SPEC` and `fitrun compare RUN…`: one page of all that a spec varies, or of finished runs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args;
use fitrun::{CompareOptions, CompareProgress, Comparison, FailIf, compare, compare_runs};

use super::progress::Bar;
use super::{Common, interrupt};

#[derive(Args)]
pub(super) struct CompareArgs {
    /// A spec with `[compare]`, or the folders of finished runs, the first of which is the baseline
    #[arg(value_name = "SPEC|RUN", required = true)]
    what: Vec<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// The comparison's folder; runs/NAME-compare by default
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Fit everything again, also what an earlier call has fitted
    #[arg(long)]
    fresh: bool,
    /// Exit with 1 where this holds: `worse` (a method is shown to be worse than the baseline), or such as
    /// "mpjpe > 12" or "gmm: held_out_mpjpe > 12" (the mean)
    #[arg(long, value_name = "CONDITION")]
    fail_if: Vec<String>,
    /// Print compare.json to stdout instead of the table
    #[arg(long)]
    json: bool,
    /// Print no progress
    #[arg(long)]
    quiet: bool,
}

pub(super) fn main(args: &CompareArgs) -> ExitCode {
    let conditions = args.fail_if.iter().map(|text| FailIf::parse(text));
    let conditions: Vec<FailIf> = match conditions.collect() {
        Ok(conditions) => conditions,
        Err(mistake) => {
            eprintln!("error: {mistake}");
            return ExitCode::from(2);
        }
    };
    match compared(args) {
        Ok(found) => show(args, &found, &conditions),
        Err(error) => args.common.fail(&error),
    }
}

fn compared(args: &CompareArgs) -> Result<Comparison, fitrun::Error> {
    let options = CompareOptions {
        run: args.common.options(),
        out: args.out.clone(),
        fresh: args.fresh,
    };
    let of_runs = args.what.len() > 1 || args.what[0].is_dir();
    if of_runs && (args.fresh || !args.common.sets.is_empty()) {
        let mistakes = vec!["`--set` and `--fresh` are for specs, not for finished runs".into()];
        return Err(fitrun::Error::Compare { mistakes });
    }
    let [spec] = &args.what[..] else {
        return compare_runs(&args.what, &options);
    };
    if spec.is_dir() {
        return compare_runs(&args.what, &options);
    }
    let interrupted = interrupt::flag();
    let mut bar = Bar::new();
    let found = compare(spec, &options, &mut |event| {
        if !args.quiet {
            match event {
                CompareProgress::Case(k, all, name) => {
                    bar.clear();
                    bar = Bar::new();
                    eprintln!("{}/{all} {name}", k + 1);
                }
                CompareProgress::Fit(event) => bar.show(&event),
            }
        }
        !interrupted.load(Ordering::SeqCst)
    });
    bar.clear();
    found
}

fn show(args: &CompareArgs, found: &Comparison, conditions: &[FailIf]) -> ExitCode {
    match args.json {
        true => println!("{}", found.to_json_text()),
        false => print!("{}", found.to_text()),
    }
    let mut code = ExitCode::SUCCESS;
    for condition in conditions {
        match condition.holds(found) {
            Ok(None) => {}
            Ok(Some(why)) => {
                eprintln!("failed: {why}");
                code = ExitCode::from(1);
            }
            Err(mistake) => {
                eprintln!("error: {mistake}");
                return ExitCode::from(2);
            }
        }
    }
    eprintln!("page: {}", found.dir.join("report.html").display());
    code
}
