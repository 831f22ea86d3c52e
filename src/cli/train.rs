//! `fitrun train SPEC`: train a prior, and say how it went.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args;
use fitrun::{Ending, TrainOptions, Trained};

use super::training_progress::Bar;
use super::{Common, MessageFormat, interrupt};

#[derive(Args)]
pub(super) struct TrainArgs {
    /// The training's spec, a TOML file
    spec: PathBuf,
    #[command(flatten)]
    common: Common,
    /// The training's folder, instead of the spec's `output.dir`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an earlier training instead of taking the next number
    #[arg(long)]
    force: bool,
    /// Go on from where the last training of this spec was interrupted
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
    /// Print train.json to stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: &TrainArgs) -> ExitCode {
    let options = TrainOptions {
        sets: args.common.sets.clone(),
        out: args.out.clone(),
        force: args.force,
        resume: args.resume,
    };
    let interrupted = interrupt::flag();
    let mut bar = Bar::new();
    let result = fitrun::train_prior(&args.spec, &options, &mut |event| {
        if !args.quiet {
            bar.show(event);
        }
        !interrupted.load(Ordering::SeqCst)
    });
    bar.clear();
    match result {
        Ok(trained) => {
            if !args.quiet {
                let sources = &trained.spec.sources;
                args.common.print(&trained.diagnostics, sources);
                if args.common.message_format == MessageFormat::Text {
                    summarise(&trained);
                }
            }
            if args.json {
                println!("{:#}", trained.record);
            }
            exit_code(trained.ending)
        }
        Err(error) => {
            let code = args.common.fail(&error);
            match interrupted.load(Ordering::SeqCst) {
                true => ExitCode::from(130),
                false => code,
            }
        }
    }
}

fn exit_code(ending: Ending) -> ExitCode {
    match ending {
        Ending::Completed | Ending::EarlyStop | Ending::TimeLimit => ExitCode::SUCCESS,
        Ending::Diverged => ExitCode::from(1),
        Ending::Interrupted => ExitCode::from(130),
    }
}

fn summarise(trained: &Trained) {
    for remark in &trained.remarks {
        eprintln!("warning: {remark}");
    }
    let record = &trained.record;
    let count = |key: &str| record["data"][key].as_u64().unwrap_or(0);
    eprintln!(
        "{} poses to train on, {} to validate on; {} near-duplicates left out",
        count("train"),
        count("val"),
        count("near_duplicates")
    );
    let said = match trained.ending {
        Ending::Completed => "completed",
        Ending::EarlyStop => "stopped early: the validation gained nothing any more",
        Ending::TimeLimit => "stopped at `train.max_time`; `--resume` goes on with a longer one",
        Ending::Interrupted => "interrupted; `--resume` goes on from here",
        Ending::Diverged => "stopped: the losses are not finite any more",
    };
    eprintln!(
        "{said}, after {:.0} s",
        record["seconds"].as_f64().unwrap_or(0.0)
    );
    if let Some(figures) = record["validation"].as_object() {
        for (name, value) in figures {
            eprintln!(
                "validation {name}: {:.5}",
                value.as_f64().unwrap_or(f64::NAN)
            );
        }
    }
    eprintln!("results in {}", trained.dir.display());
}
