//! `fitrun place-cameras`: where cameras stand, from a person whom they see.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fitrun::{PlaceCamerasOptions, PlacedCameras};

use super::{Common, MessageFormat};

#[derive(Args)]
pub(super) struct PlaceCamerasArgs {
    /// A spec with the detections and the lenses of two or more cameras
    spec: PathBuf,
    /// The file to write, a calibration as Pose2Sim has it, z up
    #[arg(long, default_value = "cameras.toml")]
    out: PathBuf,
    /// The person's height in metres, from which the scale comes; that of the body by default
    #[arg(long, value_name = "METRES")]
    height: Option<f64>,
    /// Replace a file that is already there
    #[arg(long)]
    force: bool,
    /// Print the figures to stdout as JSON instead of the table
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: &PlaceCamerasArgs) -> ExitCode {
    let common = Common {
        sets: Vec::new(),
        message_format: MessageFormat::Text,
    };
    if let Some(height) = args.height.filter(|h| !(0.5..2.6).contains(h)) {
        eprintln!("error: nobody is {height} m tall; `--height` is in metres, such as 1.78");
        return ExitCode::from(2);
    }
    let options = PlaceCamerasOptions {
        height: args.height,
        out: args.out.clone(),
        force: args.force,
    };
    match fitrun::place_cameras(&args.spec, &options) {
        Ok(found) => {
            common.print(&found.diagnostics, &found.sources);
            match args.json {
                true => println!("{}", serde_json::json!(found)),
                false => show(&found),
            }
            remark(&found);
            eprintln!("written to {}", args.out.display());
            ExitCode::SUCCESS
        }
        Err(error) => common.fail(&error),
    }
}

fn show(found: &PlacedCameras) {
    println!("{} points in {} frames", found.points, found.frames);
    let name = found.cameras.iter().map(|c| c.name.len()).max();
    let width = name.unwrap_or(0).max(6);
    println!(
        "{:width$}  {:>24}  {:>9}  {:>7}",
        "camera", "x, y (up), z in m", "median px", "points"
    );
    for c in &found.cameras {
        let [x, y, z] = c.position;
        println!(
            "{:width$}  {x:>8.3}{y:>8.3}{z:>8.3}  {:>9.1}  {:>7}",
            c.name, c.median_px, c.points
        );
    }
}

fn remark(found: &PlacedCameras) {
    let height = found.height;
    if !found.height_is_said {
        eprintln!(
            "warning: the scale is that of a person of {height:.2} m, which may be 5 % off; `--height` says it better"
        );
    }
    let (by, differ) = (found.vertical.by, found.vertical.others_differ);
    eprintln!("vertical by the person's {by}");
    if by == "stance" {
        eprintln!(
            "warning: neither feet nor balance show the vertical: it may be tens of degrees off"
        );
    } else if differ > SURE {
        eprintln!(
            "warning: floor, balance and stance of the person, as far as they say the vertical, differ by up to \
             {differ:.0}°: it may be several degrees off"
        );
    }
    if found.odd > ODD {
        eprintln!(
            "warning: distances between the points are not those of a person, by {:.0} % and more for half of them: \
             is `keypoints` the convention of these data?",
            100.0 * found.odd
        );
    }
}

/// Degrees within which several ways to the vertical confirm each other.
const SURE: f64 = 4.0;
/// The share by which a person's proportions differ from the body's.
const ODD: f64 = 0.2;
