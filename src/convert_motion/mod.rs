//! `fitrun convert-motion`: a motion of one body on another, point of the skin by point of the skin.

mod correspond;
mod distances;
mod follow;
mod identity;
mod skin;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

pub use distances::Distances;

use crate::body::BodyModel;
use crate::data::{Dataset, Motion};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin, Sources};
use crate::error::Error;
use crate::fit::{FitProgress, Status};
use crate::io::FileError;
use crate::report::write_motion;
use crate::spec::{Overrides, Value};
use skin::{Posed, Samples};

/// What a body follows of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Correspondence {
    /// Points of its skin.
    #[default]
    Skin,
    /// The joints that both have, wherever each has them; the skin follows.
    Joints,
}

/// Which bodies, and where to.
#[derive(Clone, Debug)]
pub struct ConvertMotionOptions {
    /// The body that the motion is of, as `body.model` names it; the built-in one where nothing is said.
    pub from: Option<String>,
    /// The body that takes it on.
    pub to: String,
    pub by: Correspondence,
    pub out: PathBuf,
    /// Replace a file that is already there.
    pub force: bool,
    /// Convert the result back, and compare that with the motion.
    pub round_trip: bool,
}

/// What became of a motion, and how far off it is.
#[derive(Clone, Debug, Serialize)]
pub struct ConvertedMotion {
    pub frames: usize,
    /// Frames that the motion knows nothing of, which are NaN.
    pub unknown: Vec<u64>,
    /// Frames that did not end at a minimum.
    pub unsettled: Vec<u64>,
    /// From reading the files to the last frame, s.
    pub seconds: f64,
    /// Between points of the two skins that were not fitted, each beside where the shapes have it at rest.
    pub skin: Distances,
    /// Between the joints that both bodies have, which each has at its own place.
    pub joints: Distances,
    /// Between the two skins at rest, in the same pose and as nearly the same shape as the body can take.
    pub shape: Distances,
    /// Between the joints of the motion and of what comes back from the other body.
    pub round_trip: Option<Distances>,
    /// The shape of the body that the motion is converted to.
    pub betas: Vec<f64>,
    #[serde(skip)]
    pub diagnostics: Diagnostics,
    #[serde(skip)]
    pub sources: Sources,
}

/// Fits a body to the skin of another that moves, and writes its motion in AMASS's arrays.
///
/// The two shapes are brought to each other once, at rest; points of the one skin keep to their places on the
/// other, and every frame is fitted alone by what they do.
///
/// # Errors
/// All that is wrong with the motion and the bodies; no motion is written then.
pub fn convert_motion(
    motion: &Path,
    options: &ConvertMotionOptions,
    report: &mut dyn FnMut(FitProgress<'_>) -> bool,
) -> Result<ConvertedMotion, Error> {
    let begun = Instant::now();
    options.check_out()?;
    let motion = std::path::absolute(motion).unwrap_or(motion.into());
    let source = Source::read(&motion, options)?;
    let samples = Samples::of(&source.body, &source.motion.betas);
    let identity = identity::find(&source, &samples, options)?;
    let seen = samples.posed(&source.body, &source.motion);
    let followed = follow::follow(
        (&source, &motion),
        (&samples, &seen),
        &identity,
        options,
        report,
    )?;
    let (problem, fit) = (&followed.checked.problem, &followed.fit);
    let model = followed.checked.inputs.body.as_ref();
    let of = |is: fn(Status) -> bool| -> Vec<u64> {
        let frames = (0..problem.frames).filter(|f| is(fit.status[*f]));
        frames.map(|f| problem.frame_numbers[f]).collect()
    };
    let unknown = of(|s| s == Status::NoData);
    let unsettled = of(|s| !matches!(s, Status::NoData | Status::Converged));
    let (skin, joints) = distances::of_motion(&source, (&samples, &seen), &identity, &followed);
    write_motion(&options.out, problem, fit, model)?;
    let round_trip = match options.round_trip {
        true => Some(there_and_back(&source, &seen, options, report)?),
        false => None,
    };
    Ok(ConvertedMotion {
        round_trip,
        frames: problem.frames,
        unknown,
        unsettled,
        seconds: begun.elapsed().as_secs_f64(),
        skin,
        joints,
        shape: identity.apart,
        betas: identity.betas,
        diagnostics: source.diagnostics,
        sources: source.sources,
    })
}

/// How far the joints are from where they were once the result is converted back.
fn there_and_back(
    source: &Source,
    seen: &[Posed],
    options: &ConvertMotionOptions,
    report: &mut dyn FnMut(FitProgress<'_>) -> bool,
) -> Result<Distances, Error> {
    let back = ConvertMotionOptions {
        from: Some(options.to.clone()),
        to: options.from().to_string(),
        ..options.clone()
    };
    let returned = Source::read(&options.out, &back)?;
    let samples = Samples::of(&returned.body, &returned.motion.betas);
    let identity = identity::find(&returned, &samples, &back)?;
    let of_other = samples.posed(&returned.body, &returned.motion);
    let of_other = (&samples, &of_other[..]);
    let followed = follow::follow(
        (&returned, &options.out),
        of_other,
        &identity,
        &back,
        report,
    )?;
    Ok(distances::of_joints(
        source,
        seen,
        (&identity.betas, &followed),
    ))
}

/// The motion and the body that it is of.
struct Source {
    body: BodyModel,
    motion: Motion,
    diagnostics: Diagnostics,
    sources: Sources,
}

impl Source {
    fn read(motion: &Path, options: &ConvertMotionOptions) -> Result<Self, Error> {
        let text = format!(
            "fitrun = 1\nbody.model = {}\n[data.motion]\nfile = {}\nformat = \"amass\"\n",
            quoted(&located(options.from())),
            quoted(&motion.display().to_string()),
        );
        let mut diagnostics = Diagnostics::default();
        let place = Path::new("convert-motion");
        let layers = Overrides::default();
        let spec = crate::spec::parse(place, &text, &layers, Vec::new(), &mut diagnostics);
        let nothing = (&Default::default(), &Default::default());
        let inputs = crate::read::read(&spec, nothing, &mut diagnostics);
        let found = inputs.data.into_iter().find_map(|d| match d.dataset {
            Dataset::Motion(motion) => Some(motion),
            _ => None,
        });
        if let (Some(body), Some(motion)) = (&inputs.body, &found) {
            check_body(body, motion, options, &mut diagnostics);
        }
        match (inputs.body, found) {
            (Some(body), Some(motion)) if !diagnostics.has_errors() => Ok(Self {
                body,
                motion,
                diagnostics,
                sources: spec.sources,
            }),
            _ => Err(Error::Rejected {
                diagnostics: diagnostics.into(),
                sources: spec.sources.into(),
            }),
        }
    }
}

/// A motion of fitrun says whose it is.
fn check_body(
    body: &BodyModel,
    motion: &Motion,
    options: &ConvertMotionOptions,
    diagnostics: &mut Diagnostics,
) {
    let (Some(says), own) = (&motion.body, body.short_name()) else {
        return;
    };
    if *says == own {
        return;
    }
    let message = format!("the motion says that it is of the body `{says}`, not of `{own}`");
    let origin = Origin::Default;
    diagnostics.push(match options.from {
        None => Diagnostic::error("F0523", message, &origin)
            .hint("`--from` takes the file of that body"),
        Some(_) => Diagnostic::warning("F0523", message, &origin)
            .hint("if that is another name of the same body, all is well"),
    });
}

impl ConvertMotionOptions {
    fn from(&self) -> &str {
        self.from.as_deref().unwrap_or("builtin")
    }

    /// Whether a motion may be written there.
    fn check_out(&self) -> Result<(), Error> {
        let npz = |e: &std::ffi::OsStr| e.eq_ignore_ascii_case("npz");
        let found = self.out.canonicalize().ok();
        let mut bodies = self.from.iter().chain([&self.to]);
        let is_out =
            |body: &String| found.is_some() && Path::new(body).canonicalize().ok() == found;
        let message = match () {
            () if !self.out.extension().is_some_and(npz) => "a motion is written as `.npz`",
            () if bodies.any(is_out) => "this is the body, which a motion would overwrite",
            () if !self.force && self.out.symlink_metadata().is_ok() => {
                "the file exists; `--force` replaces it"
            }
            () => return Ok(()),
        };
        Err(FileError::new(&self.out, message).into())
    }
}

/// A body's file wherever the text that names it seems to stand.
fn located(body: &str) -> String {
    match body {
        "builtin" => body.into(),
        path => std::path::absolute(path).map_or(path.into(), |p| p.display().to_string()),
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    Value::Text(text.into()).to_toml()
}

/// Numbers as TOML writes them.
fn listed(numbers: &[f64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:?}")).collect();
    format!("[{}]", numbers.join(", "))
}
