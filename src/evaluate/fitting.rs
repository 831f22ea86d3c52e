//! Real poses found again from noisy keypoints of one camera, with each prior and with none.

use std::path::Path;

use nalgebra::{Rotation3, Vector2, Vector3};

use super::scratch::Scratch;
use super::{Contestant, EvaluateError};
use crate::fit::Fit;
use crate::io::{FileError, NpzWriter};
use crate::ir::Problem;
use crate::measure::surface::Surface;
use crate::prior::Prior;
use crate::random::SplitMix64;
use crate::report::metrics::procrustes;
use crate::run::{RunOptions, check};

/// Joints of SMPL that are detected: 0 to 21.
const JOINTS: usize = 22;

/// Standard deviation of a detection, pixels; the body stands about 400 px tall.
const NOISE: f64 = 4.0;

/// Ankles, knees, wrists, head, pelvis.
const FEW: [usize; 8] = [0, 4, 5, 7, 8, 15, 20, 21];

const HIDDEN: f64 = 0.3;

/// Focal length and image, pixels; where the pelvis is before the camera, metres.
const FOCAL: f64 = 1000.0;
const CENTRE: f64 = 500.0;
const DEPTH: f64 = 4.25;

/// Which joints are detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    All,
    Occluded,
    Few,
}

/// The same problems for every prior.
pub(super) struct Problems {
    folder: Scratch,
    /// For each pose the true joints, metres.
    truth: Vec<Vec<Vector3<f64>>>,
}

/// Of each problem the mean error over all joints, and after Procrustes alignment, mm.
pub(super) struct Errors {
    pub plain: Vec<f64>,
    pub aligned: Vec<f64>,
}

impl Problems {
    pub fn new(
        surface: &Surface,
        poses: &[Vec<f64>],
        setting: Setting,
        seed: u64,
    ) -> Result<Self, EvaluateError> {
        let folder = Scratch::new()?;
        let mut random = SplitMix64(seed);
        let (mut truth, mut points) = (Vec::new(), Vec::new());
        for pose in poses {
            let heading = std::f64::consts::TAU * random.uniform();
            let turn = Rotation3::from_axis_angle(&Vector3::y_axis(), heading);
            let posed = surface.transforms(&Prior::None.rotations(pose));
            let joints: Vec<Vector3<f64>> =
                posed.iter().take(JOINTS).map(|(_, at)| turn * at).collect();
            for (j, at) in joints.iter().enumerate() {
                let noise = Vector2::new(random.normal(), random.normal()) * NOISE;
                let pixel = project(at) + noise;
                let hidden = random.uniform() < HIDDEN;
                let seen = match setting {
                    Setting::All => true,
                    Setting::Occluded => !hidden,
                    Setting::Few => FEW.contains(&j),
                };
                points.extend([pixel.x, pixel.y, f64::from(u8::from(seen))]);
            }
            truth.push(joints);
        }
        let mut writer = NpzWriter::create(folder.0.join("points.npz"));
        writer.floats64("points", &[poses.len(), JOINTS, 3], &points)?;
        writer.finish()?;
        let camera = format!(
            "[{{\"name\": \"camera\", \"size\": [1000, 1000], \"focal\": [{FOCAL}, {FOCAL}], \
             \"principal\": [{CENTRE}, {CENTRE}], \"distortion\": [], \
             \"rotation\": [[1, 0, 0], [0, -1, 0], [0, 0, -1]], \"translation\": [0, 0, {DEPTH}]}}]"
        );
        let path = folder.0.join("camera.json");
        crate::io::atomic::write(path, camera.as_bytes())?;
        Ok(Self { folder, truth })
    }

    /// Fits all problems with a prior, on a body of known shape.
    pub fn solve(
        &self,
        contestant: &Contestant,
        body: &str,
        surface: &Surface,
    ) -> Result<Errors, EvaluateError> {
        let text = text(contestant, body)?;
        let (problem, fit) = solved(&self.folder.0, &text, contestant)?;
        let mut errors = Errors {
            plain: Vec::new(),
            aligned: Vec::new(),
        };
        for (f, truth) in self.truth.iter().enumerate() {
            let value = |name: &str| fit.variable(&problem, name, f);
            let found = value("root_orient").zip(value(contestant.prior.variable()));
            let found = found.map(|(root, code)| {
                let turn = nalgebra::Matrix3::from_row_slice(root);
                let posed = surface.transforms(&contestant.prior.rotations(code));
                let at = posed.iter().take(JOINTS).map(|(_, at)| turn * at);
                at.collect::<Vec<_>>()
            });
            let pairs: Vec<_> = found
                .into_iter()
                .flatten()
                .zip(truth.iter().copied())
                .collect();
            let mean = |d: Vec<f64>| 1000.0 * d.iter().sum::<f64>() / d.len() as f64;
            errors
                .plain
                .push(mean(pairs.iter().map(|(a, b)| (a - b).norm()).collect()));
            errors.aligned.push(mean(procrustes(&pairs)));
        }
        Ok(errors)
    }
}

/// A camera on the z axis that looks back along it; y of the image points down.
fn project(at: &Vector3<f64>) -> Vector2<f64> {
    let depth = DEPTH - at.z;
    Vector2::new(at.x, -at.y) * (FOCAL / depth) + Vector2::repeat(CENTRE)
}

fn text(contestant: &Contestant, body: &str) -> Result<String, EvaluateError> {
    let labels: Vec<String> = crate::body::SMPL_JOINTS[..JOINTS]
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    let labels = labels.join(", ");
    Ok(format!(
        "{}[data.points]\nfile = \"points.npz\"\narray = \"points\"\n\
         axes = [\"frame\", \"joint\", \"uvc\"]\nnames = [{labels}]\nviews = [\"camera\"]\n\
         [data.cameras]\nfile = \"camera.json\"\nup = \"y\"\n\
         [sources.pixels]\nkind = \"project\"\nof = \"joints\"\ncameras = \"cameras\"\n\
         [terms.reproj]\nsource = \"pixels\"\ntarget = \"points\"\nsigma = \"{NOISE} px\"\n\
         [[stages]]\nname = \"place\"\nfree = [\"root_orient\", \"trans\"]\n\
         [[stages]]\nname = \"pose\"\nfree = [\"root_orient\", \"trans\", \"pose\"]\n",
        heading(contestant, body)?
    ))
}

/// The body and the prior of a problem.
pub(super) fn heading(contestant: &Contestant, body: &str) -> Result<String, EvaluateError> {
    let absolute = |path: &std::path::Path| {
        std::path::absolute(path).map_err(|e| FileError::reading(path, &e))
    };
    let quoted = |path: &std::path::Path| format!("'{}'", path.display());
    let file = match &contestant.file {
        Some(file) => format!("file = {}\n", quoted(&absolute(file)?)),
        None => String::new(),
    };
    let model = match body {
        "builtin" => "\"builtin\"".into(),
        other => quoted(&absolute(std::path::Path::new(other))?),
    };
    let kind = &contestant.kind;
    Ok(format!(
        "fitrun = 1\n[body]\nmodel = {model}\n[prior]\nkind = \"{kind}\"\n{file}"
    ))
}

/// Checks and solves a spec whose files lie in the folder.
pub(super) fn solved(
    folder: &Path,
    text: &str,
    contestant: &Contestant,
) -> Result<(Problem, Fit), EvaluateError> {
    let spec = folder.join("spec.toml");
    crate::io::atomic::write(&spec, text.as_bytes())?;
    let failed = |e: crate::error::Error| {
        EvaluateError::Prior(format!("`{}` cannot be fitted: {e}", contestant.name))
    };
    let checked = check(&spec, &RunOptions::default()).map_err(failed)?;
    let fit = crate::fit::fit(&checked.problem, &mut |_| true);
    Ok((checked.problem, fit))
}
