//! `fitrun new TEMPLATE`: a commented spec that runs, with the data that it fits.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

/// A shipped spec and the files that it reads.
struct Template {
    name: &'static str,
    help: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

macro_rules! files {
    ($($name:literal),+) => {
        &[$(($name, include_bytes!(concat!("../../specs/fit/", $name)))),+]
    };
}

/// Of each the first file is the spec.
const TEMPLATES: &[Template] = &[
    Template {
        name: "body-joints",
        help: "a body from joints in space",
        files: files!["joints.toml", "walk.npz"],
    },
    Template {
        name: "body-markers",
        help: "a body from optical markers on its skin",
        files: files!["markers.toml", "walk.npz"],
    },
    Template {
        name: "body-multiview",
        help: "a body from 2D keypoints of several cameras",
        files: files!["cameras.toml", "calibration.toml", "walk.npz"],
    },
    Template {
        name: "curve",
        help: "a curve through measured points, with standard deviations",
        files: files!["curve.toml", "curve.csv"],
    },
    Template {
        name: "curves",
        help: "many curves at once, each on its own",
        files: files!["decays.toml", "decays.csv"],
    },
    Template {
        name: "bundle",
        help: "a bundle adjustment",
        files: files![
            "bundle.toml",
            "bundle.csv",
            "bundle_cameras.csv",
            "bundle_points.csv"
        ],
    },
    Template {
        name: "pose-graph",
        help: "a pose graph in the plane",
        files: files!["graph.toml", "graph.g2o"],
    },
    Template {
        name: "calibration",
        help: "a camera from views of a chessboard",
        files: files!["chessboard.toml", "chessboard.csv"],
    },
    Template {
        name: "hand-eye",
        help: "a camera on a robot's hand",
        files: files!["hand_eye.toml", "hand_eye.csv"],
    },
];

#[derive(Args)]
pub(super) struct NewArgs {
    /// What to begin with
    template: Choice,
    /// The folder that gets the files; the template's name by default
    folder: Option<PathBuf>,
}

/// One of the templates.
#[derive(Clone, Copy)]
struct Choice(&'static Template);

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Choice; TEMPLATES.len()] = {
            let mut all = [Choice(&TEMPLATES[0]); TEMPLATES.len()];
            let mut i = 0;
            while i < TEMPLATES.len() {
                all[i] = Choice(&TEMPLATES[i]);
                i += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name).help(self.0.help))
    }
}

pub(super) fn main(args: &NewArgs) -> ExitCode {
    let template = args.template.0;
    let folder = args.folder.clone().unwrap_or_else(|| template.name.into());
    match write(template, &folder) {
        Ok(()) => {
            let spec = folder.join(template.files[0].0);
            eprintln!("try `fitrun {}`, then put your own data in", spec.display());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(4)
        }
    }
}

/// Writes all files, or none where one of the names is taken.
fn write(template: &Template, folder: &Path) -> Result<(), String> {
    let places = || template.files.iter().map(|(name, _)| folder.join(name));
    if let Some(taken) = places().find(|p| p.symlink_metadata().is_ok()) {
        return Err(format!(
            "`{}` exists already; name another folder: `fitrun new {} FOLDER`",
            taken.display(),
            template.name
        ));
    }
    let failed =
        |path: &Path, e: std::io::Error| format!("`{}` cannot be written: {e}", path.display());
    std::fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
    for (path, (_, bytes)) in places().zip(template.files) {
        std::fs::write(&path, bytes).map_err(|e| failed(&path, e))?;
    }
    Ok(())
}
