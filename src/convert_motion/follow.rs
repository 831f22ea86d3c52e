//! Every frame fitted to what the points of the other skin do.

use std::path::Path;

use nalgebra::Vector3;

use super::identity::{Identity, LAYOUT, known, label};
use super::skin::{Points, Posed, Samples};
use super::{ConvertMotionOptions, Correspondence, Source, listed, located, quoted};
use crate::body::{BODY_JOINTS, SMPL_JOINTS};
use crate::error::Error;
use crate::fit::{Fit, FitProgress, Status, fit};
use crate::io::Arrays;
use crate::own::Registry;
use crate::run::{Checked, RunOptions, check_text};

pub(super) struct Followed {
    pub checked: Checked,
    pub fit: Fit,
}

pub(super) fn follow(
    (source, motion): (&Source, &Path),
    (samples, seen): (&Samples, &[Posed]),
    identity: &Identity,
    options: &ConvertMotionOptions,
    report: &mut dyn FnMut(FitProgress<'_>) -> bool,
) -> Result<Followed, Error> {
    let text = format!(
        r#"fitrun = 1
body.model = {}
prior.kind = "none"
solve = {{ method = "lm", precision = "{}" }}
[data.motion]
file = {}
format = "amass"
{}# What is left open stays as it was.
[terms.near]
kind = "l2"
of = "pose_body"
about = "motion.pose_body"
sigma = "0.5 rad"
[vars]
root_orient.init = "motion.root_orient"
trans.init = "motion.trans"
pose_body.init = "motion.pose_body"
betas.init = {}
[[stages]]
name = "pose"
free = ["root_orient", "trans", "pose"]
"#,
        quoted(&located(&options.to)),
        precision(seen),
        quoted(&located(&motion.display().to_string())),
        terms(options.by, source.motion.rate),
        listed(&identity.betas),
    );
    let registry = match options.by {
        Correspondence::Skin => of_skin(samples, identity, seen),
        Correspondence::Joints => of_joints(seen),
    };
    let options = RunOptions {
        once: identity.once.clone(),
        ..registry.into()
    };
    let checked = check_text(Path::new("convert-motion"), &text, &options)?;
    let fit = fit(&checked.problem, report);
    match fit.status.contains(&Status::Interrupted) {
        true => Err(Error::Stopped),
        false => Ok(Followed { checked, fit }),
    }
}

/// Metres from which on it is f64.
const FAR: f64 = 20.0;

/// Far from the origin, f32 does not tell a millimetre any more.
fn precision(seen: &[Posed]) -> &'static str {
    let joints = seen.iter().flatten().flat_map(|(_, joints)| joints);
    let most = joints.fold(0.0, |most: f64, x| most.max(x.amax()));
    if most > FAR { "f64" } else { "f32" }
}

/// What holds the body to the other one.
fn terms(by: Correspondence, rate: Option<f64>) -> String {
    let rate = rate.map_or(String::new(), |rate| format!("rate = \"{rate:?} Hz\""));
    let (axis, source) = match by {
        Correspondence::Joints => ("joint", String::new()),
        Correspondence::Skin => (
            "marker",
            format!("[sources.seen]\nkind = \"surface\"\nlayout = \"{LAYOUT}\"\n"),
        ),
    };
    let from = if by == Correspondence::Skin {
        "seen"
    } else {
        "joints"
    };
    format!(
        r#"{source}[data.seen]
array = "at"
axes = ["frame", "{axis}", "xyz"]
names = "names"
{rate}
[terms.seen]
source = "{from}"
target = "seen"
sigma = "5 mm"
"#
    )
}

fn of_skin(samples: &Samples, identity: &Identity, seen: &[Posed]) -> Registry {
    let fitted = samples.fitted();
    let places: Vec<usize> = known(&identity.places[..fitted]).collect();
    let labels: Vec<String> = places.iter().map(|i| label(*i)).collect();
    let points = |(points, _): &Points| places.iter().map(|i| points[*i]).collect();
    Registry::default()
        .data("seen", arrays(&labels, seen, points))
        .layout(identity.layout(fitted))
}

fn of_joints(seen: &[Posed]) -> Registry {
    let names = &SMPL_JOINTS[..=BODY_JOINTS];
    Registry::default().data("seen", arrays(names, seen, |(_, joints)| joints.clone()))
}

/// Points by frame; NaN where the motion knows nothing.
fn arrays<S: AsRef<str>>(
    names: &[S],
    seen: &[Posed],
    of: impl Fn(&Points) -> Vec<Vector3<f64>>,
) -> Arrays {
    let nothing = vec![Vector3::repeat(f64::NAN); names.len()];
    let of_frame = |posed: &Posed| posed.as_ref().map_or(nothing.clone(), &of);
    let points = seen.iter().flat_map(of_frame);
    let numbers: Vec<f64> = points.flat_map(<[f64; 3]>::from).collect();
    let shape = [seen.len(), names.len(), 3];
    Arrays::default()
        .numbers("at", &shape, &numbers)
        .texts("names", names)
}
