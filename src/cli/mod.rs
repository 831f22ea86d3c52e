//! Arguments and subcommands; talk goes to stderr, data to stdout.

mod check;
mod compare;
mod convert;
mod convert_motion;
mod decode;
mod encode;
mod evaluate;
mod explain;
mod gradcheck;
mod inspect;
mod interpolate;
mod interrupt;
mod list;
mod new;
mod place_cameras;
mod plan;
mod prior_use;
mod progress;
mod report;
mod run;
mod sample;
mod schema;
mod train;
mod training_progress;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fitrun::{Diagnostics, Error, RunOptions, Sources};

/// Fit bodies, cameras and curves from a TOML spec.
///
/// `fitrun SPEC` checks the spec, solves it and writes results and plots into its run folder.
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Report every mistake of a spec and its data at once; nothing is solved
    Check(check::CheckArgs),
    /// Fit all that a spec's `[compare]` varies, or take finished runs: one page that says which is better
    Compare(compare::CompareArgs),
    /// Write the page of a finished run: report.html in its folder
    Report(report::ReportArgs),
    /// Open the page of a run or a comparison in the browser
    View(report::ReportArgs),
    /// Measure pose priors side by side: one table and plots
    Evaluate(evaluate::EvaluateArgs),
    /// Print every resolved value with the file and line that it came from
    Explain(explain::ExplainArgs),
    /// Say what a fit will take: unknowns, structure, work, time and memory of each stage
    Plan(SpecArgs),
    /// Compare every term's gradient with finite differences in f64
    Gradcheck(SpecArgs),
    /// Print what a data file is and what is in it, with the lines that a spec needs for it
    Inspect(inspect::InspectArgs),
    /// List what can be named in a spec: presets, layouts, conventions, landmarks, priors, terms, functions
    List(list::ListArgs),
    /// Begin with a commented spec that runs, and its data
    New(new::NewArgs),
    /// Print the language as a JSON Schema, by which editors complete and check specs
    Schema(schema::SchemaArgs),
    /// Write others' weights as safetensors, and others' body models as `.npz`
    Convert(convert::ConvertArgs),
    /// Put a motion of one body on another, and say how far off it is
    ConvertMotion(convert_motion::ConvertMotionArgs),
    /// Find where cameras stand from a person whom they see, and write the calibration
    PlaceCameras(place_cameras::PlaceCamerasArgs),
    /// Train a prior from its spec: VPoser, GAN-S, GAN-U, GAN-N or a Gaussian mixture
    Train(train::TrainArgs),
    /// Make up poses with a prior: numbers and a contact sheet
    Sample(sample::SampleArgs),
    /// Go from pose to pose through a prior's codes: numbers, pictures, an animation
    Interpolate(interpolate::InterpolateArgs),
    /// Write the codes of poses
    Encode(encode::EncodeArgs),
    /// Write the poses of codes
    Decode(decode::DecodeArgs),
}

#[derive(Args)]
struct SpecArgs {
    /// The fitting spec, a TOML file
    spec: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    /// Override a value of the spec: --set terms.data.sigma="5 mm"
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// How mistakes and warnings are printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    message_format: MessageFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MessageFormat {
    Text,
    Json,
}

impl Common {
    fn options(&self) -> RunOptions {
        RunOptions {
            sets: self.sets.clone(),
            ..RunOptions::default()
        }
    }

    fn print(&self, diagnostics: &Diagnostics, sources: &Sources) {
        match self.message_format {
            MessageFormat::Text => eprint!("{}", diagnostics.render(sources)),
            MessageFormat::Json => eprint!("{}", diagnostics.to_json_lines(sources)),
        }
    }

    fn fail(&self, error: &Error) -> ExitCode {
        match error {
            Error::Rejected {
                diagnostics,
                sources,
            } => {
                self.print(diagnostics, sources);
                if self.message_format == MessageFormat::Text {
                    let list = &diagnostics.list;
                    let errors = list.len() - diagnostics.warnings().count();
                    let plural = if errors == 1 { "" } else { "s" };
                    eprintln!("{errors} mistake{plural}");
                }
            }
            other => eprintln!("error: {other}"),
        }
        ExitCode::from(error.exit_code())
    }
}

pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match (cli.command, cli.run) {
        (Some(Command::Check(args)), _) => check::main(&args),
        (Some(Command::Compare(args)), _) => compare::main(&args),
        (Some(Command::Report(args)), _) => report::main(&args),
        (Some(Command::View(args)), _) => report::view(&args),
        (Some(Command::Evaluate(args)), _) => evaluate::main(&args),
        (Some(Command::Explain(args)), _) => explain::main(&args),
        (Some(Command::Plan(args)), _) => plan::main(&args),
        (Some(Command::Gradcheck(args)), _) => gradcheck::main(&args),
        (Some(Command::Inspect(args)), _) => inspect::main(&args),
        (Some(Command::List(args)), _) => list::main(&args),
        (Some(Command::New(args)), _) => new::main(&args),
        (Some(Command::Schema(args)), _) => schema::main(&args),
        (Some(Command::Convert(args)), _) => convert::main(&args),
        (Some(Command::ConvertMotion(args)), _) => convert_motion::main(&args),
        (Some(Command::PlaceCameras(args)), _) => place_cameras::main(&args),
        (Some(Command::Train(args)), _) => train::main(&args),
        (Some(Command::Sample(args)), _) => sample::main(&args),
        (Some(Command::Interpolate(args)), _) => interpolate::main(&args),
        (Some(Command::Encode(args)), _) => encode::main(&args),
        (Some(Command::Decode(args)), _) => decode::main(&args),
        (None, args) => run::main(&args),
    }
}
