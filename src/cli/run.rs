//! `fitrun SPEC`: check, solve, write, and say how it went.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args;
use fitrun::{Outcome, RunOptions, Status, Summary};

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
    let plural = if frames == 1 { "" } else { "s" };
    eprintln!("{frames} frame{plural}: {}", parts.join(", "));
    for errors in &outcome.errors {
        if let Some(s) = Summary::of(&errors.all()) {
            let unit = errors.unit;
            eprintln!(
                "{}: mean {:.1} {unit}, median {:.1} {unit}, 95 % below {:.1} {unit}",
                errors.term, s.mean, s.median, s.p95
            );
        }
    }
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
    eprintln!("E = {:.6e}", outcome.fit.cost());
    eprintln!("results in {}", outcome.dir.display());
}

/// The frames of one status as ranges of numbers, the first few.
fn listed(outcome: &Outcome, status: Status) -> Option<String> {
    const SHOWN: usize = 12;
    let numbers = &outcome.checked.problem.frame_numbers;
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for f in (0..numbers.len()).filter(|&f| outcome.fit.status[f] == status) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == numbers[f] => *last += 1,
            _ => ranges.push((numbers[f], numbers[f])),
        }
    }
    let text = |(first, last): &(u64, u64)| match first == last {
        true => first.to_string(),
        false => format!("{first}–{last}"),
    };
    let shown: Vec<String> = ranges.iter().take(SHOWN).map(text).collect();
    let more = if ranges.len() > SHOWN { ", …" } else { "" };
    let frames = shown.join(", ");
    (!ranges.is_empty()).then(|| format!("{}: frames {frames}{more}", status.name()))
}
