//! A differentiable-optimization language: a TOML spec says what to fit, fitrun fits it.
//!
//! The objective is `E = Σ_terms weight · Σ_i conf_i^p · ρ(‖r_i‖² / sigma²)`, which is −2 log likelihood
//! where sigmas are standard deviations. A run goes one way: spec → inputs → problem → stages → report.
//!
//! ```no_run
//! use std::path::Path;
//!
//! let outcome = fitrun::run(Path::new("walk.toml"), &Default::default(), &mut |_| true)?;
//! println!("E = {}, written to {}", outcome.fit.cost(), outcome.dir.display());
//! # Ok::<(), fitrun::Error>(())
//! ```

mod body;
mod camera;
mod check;
mod compare;
mod compile;
mod convert;
mod convert_motion;
mod data;
mod diagnostic;
mod error;
mod evaluate;
mod expr;
mod fit;
pub mod generate;
mod gradcheck;
mod graph;
mod inspect;
mod io;
mod ir;
mod keypoints;
mod manifold;
mod measure;
mod memory;
mod normal;
mod objective;
pub mod own;
mod place_cameras;
mod precondition;
mod prior;
mod random;
mod read;
mod report;
mod robust;
mod rotation;
mod run;
mod solve;
mod spec;
mod statistics;
mod term;
pub mod train;

pub use body::markers::Layout as MarkerLayout;
pub use body::{BodyModel, Transforms};
pub use camera::{Camera, CameraPart, Distortion};
pub use compare::{
    Cell, CompareOptions, CompareProgress, CompareRun, Comparison, Difference, Element, FailIf,
    Finding, MeasureTable, Verdict, compare, compare_runs, report_run,
};
pub use convert::{ConvertOptions, Converted, convert};
pub use convert_motion::{
    ConvertMotionOptions, ConvertedMotion, Correspondence, Distances, convert_motion,
};
pub use diagnostic::{Diagnostic, Diagnostics, Origin, Severity, Sourced, Sources, ranges};
pub use error::Error;
pub use evaluate::{
    Contestant, Estimate, EvaluateError, EvaluateSettings, Judgement, MEASURES, Measure, Row,
    evaluate,
};
/// The functions of expressions: name, arguments, and what each is.
pub use expr::FUNCTIONS;
pub use fit::{
    Checkpoint, Deviations, Fit, FitProgress, Influence, StageOutcome, StagePlan, Status, fit,
    fit_from, plan,
};
pub use gradcheck::{GradientRow, gradcheck};
pub use inspect::{Inspection, TOPICS, inspect, list};
pub use io::{FileError, NpzWriter, read_array};
pub use ir::{Problem, Values};
pub use keypoints::{conventions, keypoints_of, labels};
pub use manifold::Manifold;
pub use memory::Memory;
pub use normal::{Chain, Dense, Lane, Linked, Links, Normal};
pub use objective::{Block, Evaluation, Layout, Objective, Want};
pub use place_cameras::{
    PlaceCamerasOptions, PlacedCamera, PlacedCameras, Vertical, place_cameras,
};
pub use precondition::Preconditioner;
pub use prior::{Latent, Learned, LearnedKind, Mixture, Prior};
pub use read::ReadOnce;
pub use report::measures::Measured;
pub use report::metrics::{PointErrors, Summary, point_errors};
pub use report::{Parameter, Record, parameters, peak_memory_mb};
pub use run::{Checked, Outcome, RunOptions, check, check_text, run};
pub use solve::{
    MethodKind, Progress, Single, Solution, SolveSettings, Termination, TraceRow, minimize,
    minimize_with,
};
pub use spec::{Dimension, Spec};
pub use spec::{keys, schema};
pub use train::{Ending, TrainOptions, TrainProgress, Trained, train_prior};

pub use {nalgebra, ndarray};
