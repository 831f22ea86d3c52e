//! Priors side by side: what they know of real poses, and what they make up.

mod decode_time;
mod fitting;
mod interpolation;
mod likelihood;
mod measures;
mod nearest;
mod poses;
mod reconstruction;
mod row;
mod scratch;
mod table;

use std::path::{Path, PathBuf};

pub use crate::statistics::Estimate;
pub use measures::{MEASURES, Measure};
pub use row::Row;

use crate::body::BodyModel;
use crate::io::FileError;
use crate::io::atomic::AtomicDir;
use crate::io::poses::POSE;
use crate::prior::{LearnedKind, Prior};
use crate::report::plot::intervals;

/// What is compared, and how much of it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct EvaluateSettings {
    /// Real poses that are looked at, at most.
    pub poses: usize,
    /// Poses that each prior makes up.
    pub samples: usize,
    /// Interpolations.
    pub pairs: usize,
    /// Poses that are fitted from 2D in each setting, and reconstructed.
    pub problems: usize,
    pub seed: u64,
}

impl Default for EvaluateSettings {
    fn default() -> Self {
        Self {
            poses: 2000,
            samples: 10_000,
            pairs: 500,
            problems: 100,
            seed: 0,
        }
    }
}

impl EvaluateSettings {
    /// Enough to see that everything works, in seconds.
    pub fn quick() -> Self {
        Self {
            poses: 100,
            samples: 400,
            pairs: 30,
            problems: 8,
            seed: 0,
        }
    }
}

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    #[error("{0}")]
    Prior(String),
    #[error("{0}")]
    File(#[from] FileError),
    #[error("cannot draw the plots: {0}")]
    Plot(String),
    #[error("stopped")]
    Stopped,
}

/// A prior by the name of its column.
#[derive(Clone, Debug)]
pub struct Contestant {
    pub name: String,
    pub kind: String,
    pub file: Option<PathBuf>,
    pub prior: Prior,
}

/// The table.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub rows: Vec<Row>,
    pub on: PathBuf,
    pub train: Option<PathBuf>,
    pub body: String,
    pub settings: EvaluateSettings,
}

impl Contestant {
    /// From `kind`, for the weights that fitrun ships, or `kind=file`.
    pub fn parse(text: &str) -> Result<Self, EvaluateError> {
        let (kind, file) = match text.split_once('=') {
            Some((kind, file)) => (kind, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let learned = LearnedKind::NAMES.iter().map(|(name, _)| *name);
        let kinds: Vec<&str> = ["none", "gmm"].into_iter().chain(learned).collect();
        if !kinds.contains(&kind) {
            let message = format!(
                "there is no prior `{kind}`; permitted: {}",
                kinds.join(", ")
            );
            return Err(EvaluateError::Prior(message));
        }
        let prior = match &file {
            Some(_) if kind == "none" => {
                return Err(EvaluateError::Prior(
                    "`none` has no weights, so no file".into(),
                ));
            }
            Some(file) => Prior::from_file(kind, file)?,
            None => Prior::builtin(kind).map_err(EvaluateError::Prior)?,
        };
        if let Prior::Mixture(mixture) = &prior
            && mixture.dims != POSE
        {
            let message = format!(
                "`{text}`: the mixture is over {} numbers, but `pose_body` has 63",
                mixture.dims
            );
            return Err(EvaluateError::Prior(message));
        }
        Ok(Self {
            name: text.into(),
            kind: kind.into(),
            file,
            prior,
        })
    }
}

/// Measures every prior on the poses of a file; `report` hears what is done as (what, done, all) and
/// returns false to stop.
pub fn evaluate(
    priors: &[Contestant],
    on: &Path,
    train: Option<&Path>,
    body: &BodyModel,
    settings: &EvaluateSettings,
    report: &mut dyn FnMut(&str, usize, usize) -> bool,
) -> Result<Judgement, EvaluateError> {
    let real = poses::some(&poses::read(on)?, settings.poses, settings.seed);
    let seen = train.map(poses::read).transpose()?;
    let seen = seen.map(|all| poses::some(&all, settings.poses, settings.seed));
    let rows = row::rows(priors, real, seen, body, settings, report)?;
    Ok(Judgement {
        rows,
        on: on.into(),
        train: train.map(Path::to_path_buf),
        body: body.name.clone(),
        settings: settings.clone(),
    })
}

impl Judgement {
    /// Writes the table as `evaluate.json`, `.csv` and `.md`, and a plot for each measure.
    pub fn write(&self, dir: &Path, force: bool) -> Result<PathBuf, EvaluateError> {
        let taken = dir.symlink_metadata().is_ok();
        if force && taken && !dir.join("evaluate.json").is_file() {
            let message = "`--force` replaces earlier evaluations, and this is none: it holds no \
                           `evaluate.json`";
            return Err(FileError::new(dir, message).into());
        }
        let folder = AtomicDir::create(dir)?;
        let write = |name: &str, text: String| {
            crate::io::atomic::write(folder.path().join(name), text.as_bytes())
        };
        write("evaluate.json", self.to_json())?;
        write("evaluate.csv", self.to_csv())?;
        write("evaluate.md", self.to_markdown())?;
        for measure in MEASURES {
            let marks: Vec<intervals::Mark> = self.marks(measure.key);
            if !marks.is_empty() {
                let svg = intervals::draw(measure.title, measure.unit, &marks)
                    .map_err(|e| EvaluateError::Plot(e.to_string()))?;
                write(&format!("{}.svg", measure.key), svg)?;
            }
        }
        let rows = self.rows.iter().enumerate();
        let curves: Vec<intervals::Curve<'_>> = rows
            .filter(|(_, r)| !r.curve.is_empty())
            .map(|(k, r)| (k, r.prior.as_str(), r.curve.as_slice()))
            .collect();
        if !curves.is_empty() {
            let svg = intervals::curves("step of the interpolation", "mean movement, mm", &curves)
                .map_err(|e| EvaluateError::Plot(e.to_string()))?;
            write("interpolation_curve.svg", svg)?;
        }
        Ok(match force {
            true => folder.replace()?,
            false => folder.commit()?,
        })
    }

    fn marks(&self, key: &str) -> Vec<intervals::Mark> {
        let rows = self.rows.iter().enumerate();
        let found = rows.filter_map(|(k, r)| Some((k, r, r.of(key)?)));
        found
            .map(|(k, r, e)| intervals::Mark {
                colour: k,
                name: r.prior.clone(),
                value: e.value,
                low: e.low,
                high: e.high,
            })
            .collect()
    }
}
