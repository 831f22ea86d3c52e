//! `fitrun evaluate PRIOR… --on FILE`: all measures of all priors, one table and plots.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use fitrun::generate::read_poses;
use fitrun::{BodyModel, Contestant, EvaluateError, EvaluateSettings, Judgement, evaluate};
use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt;

#[derive(Args)]
pub(super) struct EvaluateArgs {
    /// Priors: a kind with built-in weights, or kind=FILE: none gmm vposer=weights.safetensors
    #[arg(value_name = "PRIOR", required = true)]
    priors: Vec<String>,
    /// Held-out poses: an .npz with `pose_body`, or a motion of AMASS
    #[arg(long, value_name = "FILE")]
    on: PathBuf,
    /// Poses that the priors were trained on, for their recall
    #[arg(long, value_name = "FILE")]
    train: Option<PathBuf>,
    /// Poses that each prior makes up
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
    /// Real poses that are used, at most
    #[arg(long, value_name = "N")]
    poses: Option<usize>,
    /// Poses that are fitted from 2D and reconstructed
    #[arg(long, value_name = "N")]
    problems: Option<usize>,
    /// A look at everything in seconds: few poses, wide intervals
    #[arg(long)]
    quick: bool,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The body, an .npz in SMPL's format, instead of the built-in one
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The folder of the results
    #[arg(long, value_name = "DIR", default_value = "runs/evaluate")]
    out: PathBuf,
    /// Replace an earlier evaluation instead of taking the next number
    #[arg(long)]
    force: bool,
}

pub(super) fn main(args: &EvaluateArgs) -> ExitCode {
    match judged(args) {
        Ok((judgement, dir)) => {
            print!("{}", judgement.to_text());
            for row in judgement.rows.iter().filter(|r| r.pairs > 0) {
                let pruned = 100.0 * (1.0 - row.exact as f64 / row.pairs as f64);
                eprintln!(
                    "{}: {:.3} % of {} pairs pruned, {:.1} s; {:.1} s in all",
                    row.prior, pruned, row.pairs, row.nearest_seconds, row.seconds
                );
            }
            eprintln!("results in {}", dir.display());
            ExitCode::SUCCESS
        }
        Err(errors) => {
            for error in &errors {
                eprintln!("error: {error}");
            }
            match errors[..] {
                [EvaluateError::Stopped] => ExitCode::from(130),
                _ => ExitCode::from(2),
            }
        }
    }
}

fn judged(args: &EvaluateArgs) -> Result<(Judgement, PathBuf), Vec<EvaluateError>> {
    let mut mistakes = Vec::new();
    let parsed = args.priors.iter().map(|p| Contestant::parse(p));
    let contestants: Vec<Contestant> = parsed
        .filter_map(|c| c.map_err(|e| mistakes.push(e)).ok())
        .collect();
    let body = match &args.body {
        Some(file) => BodyModel::from_file(file, None),
        None => BodyModel::builtin(None),
    };
    let body = body.map_err(|e| mistakes.push(e.into())).ok();
    for file in std::iter::once(&args.on).chain(&args.train) {
        if let Err(error) = read_poses(file) {
            mistakes.push(error.into());
        }
    }
    let (Some(body), true) = (body, mistakes.is_empty()) else {
        return Err(mistakes);
    };
    let usual = match args.quick {
        true => EvaluateSettings::quick(),
        false => EvaluateSettings::default(),
    };
    let settings = EvaluateSettings {
        samples: args.samples.unwrap_or(usual.samples).max(2),
        poses: args.poses.unwrap_or(usual.poses).max(2),
        problems: args.problems.unwrap_or(usual.problems).max(1),
        seed: args.seed,
        ..usual
    };
    let interrupted = interrupt::flag();
    let bar = ProgressBar::new(0).with_style(style());
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut report = |what: &str, done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        bar.set_message(what.to_string());
        !interrupted.load(Ordering::SeqCst)
    };
    let train = args.train.as_deref();
    let found = evaluate(&contestants, &args.on, train, &body, &settings, &mut report);
    bar.finish_and_clear();
    let judgement = found.map_err(|e| vec![e])?;
    let dir = judgement.write(&args.out, args.force);
    Ok((judgement, dir.map_err(|e| vec![e])?))
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_bar} {pos}/{len}, {elapsed}, {eta} left  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
