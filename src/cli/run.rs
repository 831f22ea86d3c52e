//! `fitrun SPEC`: check, solve, write, and say how it went.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args;
use fitrun::{Outcome, RunOptions, StageOutcome, Status, Summary, ranges};

use super::progress::Bar;
use super::{Common, MessageFormat, interrupt};

#[derive(Args)]
pub(super) struct RunArgs {
    /// The fitting spec, a TOML file
    spec: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// The run's folder, instead of the spec's `output.dir`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an existing run instead of taking the next number
    #[arg(long)]
    force: bool,
    /// Go on from where the last run of this spec was interrupted
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
    /// Print run.json to stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: &RunArgs) -> ExitCode {
    let Some(spec) = &args.spec else {
        eprintln!("error: which spec? `fitrun SPEC` runs one, `fitrun --help` says more");
        return ExitCode::from(2);
    };
    let options = RunOptions {
        out: args.out.clone(),
        force: args.force,
        resume: args.resume,
        ..args.common.options()
    };
    let interrupted = interrupt::flag();
    let mut bar = Bar::new();
    let result = fitrun::run(spec, &options, &mut |event| {
        if !args.quiet {
            bar.show(&event);
        }
        !interrupted.load(Ordering::SeqCst)
    });
    bar.clear();
    match result {
        Ok(outcome) => {
            if !args.quiet {
                let diagnostics = &outcome.checked.diagnostics;
                args.common.print(diagnostics, outcome.checked.sources());
                if args.common.message_format == MessageFormat::Text {
                    for remark in &outcome.remarks {
                        eprintln!("warning: {remark}");
                    }
                    summarise(&outcome);
                }
            }
            if args.json {
                print!("{}", outcome.record.to_text());
            }
            exit_code(&outcome)
        }
        Err(error) => args.common.fail(&error),
    }
}

fn exit_code(outcome: &Outcome) -> ExitCode {
    let any = |status| outcome.fit.status.contains(&status);
    if any(Status::Interrupted) {
        return ExitCode::from(130);
    }
    ExitCode::from(u8::from(any(Status::Stalled) || any(Status::Invalid)))
}

fn summarise(outcome: &Outcome) {
    let frames = outcome.fit.status.len();
    let parts: Vec<String> = Status::ALL
        .iter()
        .filter_map(|status| {
            let count = outcome.fit.status.iter().filter(|s| *s == status).count();
            (count > 0).then(|| format!("{count} {}", status.name()))
        })
        .collect();
    let problem = &outcome.checked.problem;
    let plural = if frames == 1 { "" } else { "s" };
    match problem.sets.is_empty() || problem.batch.is_some() {
        true => eprintln!("{frames} {}{plural}: {}", problem.axis(), parts.join(", ")),
        false => eprintln!("{}", outcome.fit.status[0].name()),
    }
    for errors in &outcome.errors {
        if let Some(s) = Summary::of(&errors.all()) {
            let unit = errors.unit;
            eprintln!(
                "{}: mean {:.1} {unit}, median {:.1} {unit}, 95 % below {:.1} {unit}",
                errors.term, s.mean, s.median, s.p95
            );
        }
    }
    show_parameters(outcome);
    let unsolved: Vec<String> = [
        Status::NoData,
        Status::Unsolved,
        Status::Stalled,
        Status::Invalid,
    ]
    .iter()
    .flat_map(|status| listed(outcome, *status))
    .collect();
    unsolved.iter().for_each(|line| eprintln!("{line}"));
    match outcome.fit.cost() {
        cost if cost.is_nan() => eprintln!("nothing was solved, so there is no cost"),
        cost => eprintln!("E = {cost:.6e}"),
    }
    outcome.fit.stages.iter().for_each(show_starts);
    eprintln!("results in {}", outcome.dir.display());
}

/// How many starts agree says whether there may be something lower still.
fn show_starts(stage: &StageOutcome) {
    let Some((lowest, next)) = stage.agreeing_starts() else {
        return;
    };
    let mut said = format!("{} starts: the lowest E from {lowest}", stage.starts.len());
    if let Some(next) = next {
        said += &format!(", the next is {next:.6e}");
    }
    let numberless = stage.starts.iter().filter(|e| !e.is_finite()).count();
    if numberless > 0 {
        said += &format!("; no number from {numberless}");
    }
    eprintln!("{said}");
}

/// Deviations beyond so many times a value say that the data leave it open.
const OPEN: f64 = 1e6;
/// Numbers of a problem over tables that are shown.
const PARAMETERS: usize = 24;

/// The numbers that a problem over tables has found, with their standard deviations.
fn show_parameters(outcome: &Outcome) {
    let found = fitrun::parameters(&outcome.checked.problem, &outcome.fit);
    let width = |of: fn(&fitrun::Parameter) -> usize| found.iter().map(of).max().unwrap_or(0);
    let name = width(|p| p.name.chars().count());
    let deviations = outcome.fit.deviations.as_ref();
    let by_curvature = deviations.is_some_and(|d| d.residual.is_nan());
    for parameter in found.iter().take(PARAMETERS) {
        let digits = digits(parameter.value, parameter.deviation);
        let deviation = match parameter.deviation {
            _ if parameter.at_bound => " (at its bound)".into(),
            Some(d) if d <= OPEN * parameter.value.abs().max(1.0) => {
                format!(" ± {}", number(d, digits))
            }
            Some(d) if d.is_nan() && by_curvature => " (E does not curve here)".into(),
            Some(_) => " (left open by the data)".into(),
            None => String::new(),
        };
        let value = number(parameter.value, digits);
        let unit = match parameter.unit.as_str() {
            "" => String::new(),
            unit => format!(" {unit}"),
        };
        eprintln!("{:name$} = {value}{deviation}{unit}", parameter.name);
    }
    if found.len() > PARAMETERS {
        eprintln!("and {} more in params.npz", found.len() - PARAMETERS);
    }
    if let Some(deviations) = deviations.filter(|d| d.degrees_of_freedom > 0) {
        let of = match deviations.scaled {
            true => "residuals spread by",
            false => "residuals spread by, in units of sigma,",
        };
        eprintln!(
            "{of} {:.4e} ({} degrees of freedom)",
            deviations.residual, deviations.degrees_of_freedom
        );
    }
}

/// Decimals that show three digits of the deviation, or seven of the value; none in powers of ten.
fn digits(value: f64, deviation: Option<f64>) -> Option<usize> {
    let least = deviation.filter(|d| *d > 0.0 && d.is_finite());
    // Two digits of the value, too, also where it may be far off.
    let of_deviation = |d: f64| {
        let of_value = (value.abs().log10() - 1.0).max(d.log10() - 5.0);
        of_value.min(d.log10() - 2.0)
    };
    let lowest = least.map_or(value.abs().log10() - 6.0, of_deviation);
    let size = value.abs().max(least.unwrap_or(0.0));
    let plain = (1e-4..1e7).contains(&size) || size == 0.0;
    (plain && lowest.is_finite()).then(|| (-lowest.floor()).clamp(0.0, 12.0) as usize)
}

fn number(x: f64, digits: Option<usize>) -> String {
    match digits {
        Some(digits) => format!("{x:.digits$}"),
        None => format!("{x:.6e}"),
    }
}

/// The frames of one status as ranges of numbers, the first few.
fn listed(outcome: &Outcome, status: Status) -> Option<String> {
    let numbers = &outcome.checked.problem.frame_numbers;
    let all = (0..numbers.len()).filter(|&f| outcome.fit.status[f] == status);
    let of_status: Vec<u64> = all.map(|f| numbers[f]).collect();
    let (axis, frames) = (outcome.checked.problem.axis(), ranges(&of_status));
    (!of_status.is_empty()).then(|| format!("{}: {axis}s {frames}", status.name()))
}
