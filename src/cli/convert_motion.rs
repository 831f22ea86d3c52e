//! `fitrun convert-motion`: a motion of one body on another.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};
use fitrun::{ConvertMotionOptions, ConvertedMotion, Correspondence, Distances, ranges};

use super::progress::Bar;
use super::{Common, MessageFormat, interrupt};

#[derive(Args)]
pub(super) struct ConvertMotionArgs {
    /// The motion: an `.npz` of AMASS, or the `params.npz` of a run
    motion: PathBuf,
    /// The file to write; the motion's name and the body's, beside the motion, by default
    out: Option<PathBuf>,
    /// The body that takes the motion on: `builtin`, or a file that `body.model` takes
    #[arg(long, value_name = "BODY")]
    to: String,
    /// The body that the motion is of; the built-in one by default
    #[arg(long, value_name = "BODY")]
    from: Option<String>,
    /// What the body follows: points of the other's skin, or its joints
    #[arg(long, value_enum, default_value_t = Follow::Skin)]
    by: Follow,
    /// Convert the result back, too, and say how far the joints are from where they were
    #[arg(long)]
    round_trip: bool,
    /// Replace a file that is already there
    #[arg(long)]
    force: bool,
    /// Print the figures to stdout as JSON instead of the table
    #[arg(long)]
    json: bool,
    /// Print no progress
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Follow {
    Skin,
    Joints,
}

pub(super) fn main(args: &ConvertMotionArgs) -> ExitCode {
    let options = ConvertMotionOptions {
        from: args.from.clone(),
        to: args.to.clone(),
        by: match args.by {
            Follow::Skin => Correspondence::Skin,
            Follow::Joints => Correspondence::Joints,
        },
        out: args.out.clone().unwrap_or_else(|| args.beside()),
        force: args.force,
        round_trip: args.round_trip,
    };
    let common = Common {
        sets: Vec::new(),
        message_format: MessageFormat::Text,
    };
    let interrupted = interrupt::flag();
    let mut bar = Bar::new();
    let found = fitrun::convert_motion(&args.motion, &options, &mut |event| {
        if !args.quiet {
            bar.show(&event);
        }
        !interrupted.load(Ordering::SeqCst)
    });
    bar.clear();
    match found {
        Ok(found) => {
            common.print(&found.diagnostics, &found.sources);
            match args.json {
                true => println!("{}", serde_json::json!(found)),
                false => show(&found),
            }
            for (frames, what) in [
                (&found.unknown, "not known, and NaN in the file"),
                (&found.unsettled, "at no minimum, so less sure"),
            ] {
                if !frames.is_empty() {
                    eprintln!("warning: {what}: frames {}", ranges(frames));
                }
            }
            eprintln!("written to {}", options.out.display());
            ExitCode::from(u8::from(!found.unsettled.is_empty()))
        }
        Err(error) => common.fail(&error),
    }
}

impl ConvertMotionArgs {
    fn beside(&self) -> PathBuf {
        let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_os_string();
        let mut name = stem(&self.motion);
        name.push("_");
        name.push(stem(&PathBuf::from(&self.to)));
        name.push(".npz");
        self.motion.with_file_name(name)
    }
}

fn show(found: &ConvertedMotion) {
    let rate = found.frames as f64 / found.seconds;
    println!(
        "{} frames in {:.1} s, {rate:.0} a second",
        found.frames, found.seconds
    );
    println!(
        "{:<26}{:>8}{:>8}{:>8}{:>9}",
        "mm", "mean", "median", "95 %", "largest"
    );
    row("skin, beside the shapes'", &found.skin);
    row("joints, each at its own", &found.joints);
    row("shapes, at rest", &found.shape);
    if let Some(returned) = &found.round_trip {
        row("joints, there and back", returned);
    }
}

fn row(name: &str, d: &Distances) {
    let frame = d.frame.map_or(String::new(), |f| format!(", frame {f}"));
    println!(
        "{name:<26}{:>8.1}{:>8.1}{:>8.1}{:>9.1}  {}{frame}",
        d.mean, d.median, d.p95, d.largest, d.at
    );
}
